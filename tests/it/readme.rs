//! The README's commands, word by word, against a real host: what it says works.

use std::fs;
use std::process::Command;
use tests::{Ended, Installation, Row, artifacts};

/// The lines that a reader types in a section.
fn commands(section: &str) -> Vec<String> {
    let readme = fs::read_to_string(artifacts::root().join("README.md")).unwrap();
    let start = readme.find(&format!("## {section}\n")).expect("the README has the section");
    let text = &readme[start + 3..];
    let text = &text[..text.find("\n## ").unwrap_or(text.len())];
    text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

#[test]
fn the_commands_of_use_it_work_word_by_word_and_leave_nothing() {
    let place = Installation::with_pools().row(Row::image("nfs", "nfs"));
    let host = place.start();
    host.is_well();
    let programs = place.file("bin");
    fs::create_dir(&programs).unwrap();
    let program = programs.join("storage-host");
    std::os::unix::fs::symlink(artifacts::host_binary(), program).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());

    let commands = commands("Use it");
    assert!(commands.len() > 20, "{commands:?}");
    for verb in ["pool add", "volume attach", "snapshot revert", "orphans scan", "pool delete"] {
        let is_there = commands.iter().any(|one| one.contains(verb));
        assert!(is_there, "the README shows {verb:?}: {commands:?}");
    }
    for command in commands {
        let mut shell = Command::new("sh");
        shell.args(["-ec", &command]).current_dir(place.path()).env("PATH", &path);
        let ended = Ended::of(&mut shell);
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
        match command.as_str() {
            "storage-host volume list" => {
                assert!(ended.out.contains("2.00 GiB"), "{ended:?}");
            }
            "storage-host volume attach data web" => {
                assert!(ended.out.contains("protocol=file"), "{ended:?}");
            }
            "storage-host orphans scan" => assert_eq!(ended.out, "(nothing)\n"),
            _ => {}
        }
    }
    assert!(host.list("listVolumes", &[]).is_empty());
    assert_eq!(fs::read_dir(place.file("pools/fast")).unwrap().count(), 0, "its mark went, too");
}
