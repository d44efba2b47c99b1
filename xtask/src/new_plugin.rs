//! `cargo xtask new-plugin`: begins a plugin as a copy of the sample, under its own names.
//!
//! The copy is textual: what is called after the sample is renamed, the rest is left as it is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run, works};
use crate::ui;
use crate::workspace::{Kind, Workspace};

const SAMPLE: &str = "plugins/storage/volume/sample";

/// The longest name that `plugins.toml` takes.
const MAX_NAME: usize = 63;

/// What takes the place of the sample's names.
#[derive(Debug)]
struct Names {
    name: String,
    kind: Kind,
    package: String,
    provider: String,
}

/// Copies the sample, makes the copy a member of the workspace and prints its row of plugins.toml.
pub(crate) fn new_plugin(workspace: &Workspace, kind: Kind, name: &str) -> Result<()> {
    let names = Names::new(kind, name)?;
    let member = format!("{}/{name}", kind.folder());
    let destination = workspace.root().join(&member);
    if destination.exists() {
        bail!("{member} is there already");
    }
    let manifest = workspace.root().join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let text = with_member(&text, &member)?;

    copy(&workspace.root().join(SAMPLE), &destination, &names)?;
    fs::write(&manifest, text).with_context(|| format!("cannot write {}", manifest.display()))?;
    // A longer name may break a line elsewhere.
    if works(&mut cargo(workspace, ["fmt", "--version"])) {
        run(&mut cargo(workspace, ["fmt", "-p", &names.package]))?;
    }

    ui::line(format_args!("{member} is a copy of {SAMPLE}, and a member of the workspace."));
    if kind == Kind::Image {
        ui::line("The sample serves volumes: make the provider register an image store's driver.");
    }
    ui::line("Build and stage it with `cargo xtask stage`. Its row in plugins.toml:\n");
    ui::line(names.row());
    Ok(())
}

impl Names {
    fn new(kind: Kind, name: &str) -> Result<Self> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if name.len() > MAX_NAME || !name.split('-').all(is_word) {
            bail!("{name:?} is no name for a plugin: write a few lower-case words, with hyphens");
        }
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        Ok(Self {
            name: name.to_owned(),
            kind,
            package: format!("storage-{kind}-{name}"),
            provider: name.split('-').map(capital).collect(),
        })
    }

    fn apply(&self, text: &str) -> String {
        text.replace("storage-volume-sample", &self.package)
            .replace("storage_volume_sample", &self.package.replace('-', "_"))
            .replace("Sample", &self.provider)
    }

    /// The library needs no line: the host looks for the name that the package gives it.
    fn row(&self) -> String {
        format!("[[plugin]]\nname = \"{}\"\nkind = \"{}\"", self.name, self.kind)
    }
}

fn with_member(manifest: &str, member: &str) -> Result<String> {
    let sample = format!("\"{SAMPLE}\"");
    if !manifest.contains(&sample) {
        bail!("Cargo.toml does not list {sample} among the members of the workspace");
    }
    Ok(manifest.replace(&sample, &format!("{sample}, \"{member}\"")))
}

fn copy(from: &Path, to: &Path, names: &Names) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let from = entry.with_context(|| format!("cannot list {}", from.display()))?.path();
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let to = to.join(names.apply(&name));
        if from.is_dir() {
            copy(&from, &to, names)?;
        } else {
            let text = fs::read_to_string(&from)
                .with_context(|| format!("cannot read {}", from.display()))?;
            fs::write(&to, names.apply(&text))
                .with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_provider_and_types_are_renamed() {
        let names = Names::new(Kind::Image, "tape-robot2").unwrap();
        let text = "name = \"storage-volume-sample\"\nuse storage_volume_sample;\n\
                    struct SampleDriver; // a sample\nconst NAME: &str = \"Sample\";";
        assert_eq!(
            names.apply(text),
            "name = \"storage-image-tape-robot2\"\nuse storage_image_tape_robot2;\n\
             struct TapeRobot2Driver; // a sample\nconst NAME: &str = \"TapeRobot2\";"
        );
    }

    #[test]
    fn a_name_is_lower_case_words() {
        for wrong in ["", "Tape", "tape_robot", "-tape", "tape-", "../tape", "2tape", "t\u{e4}pe"] {
            assert!(Names::new(Kind::Volume, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_row_has_three_lines() {
        let row = Names::new(Kind::Volume, "tape-robot").unwrap().row();
        assert_eq!(row, "[[plugin]]\nname = \"tape-robot\"\nkind = \"volume\"");
    }

    #[test]
    fn the_copy_becomes_a_member_wherever_the_sample_is_one() {
        let manifest = format!("members = [\"{SAMPLE}\"]\ndefault-members = [\"{SAMPLE}\", \"x\"]");
        assert_eq!(with_member(&manifest, "plugins/y").unwrap().matches("plugins/y").count(), 2);
        assert!(with_member("members = []", "plugins/y").is_err());
    }

    #[test]
    fn the_whole_folder_is_copied() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("src")).unwrap();
        fs::write(from.join("src/lib.rs"), "struct Sample;").unwrap();
        copy(&from, &to, &Names::new(Kind::Volume, "tape").unwrap()).unwrap();
        assert_eq!(fs::read_to_string(to.join("src/lib.rs")).unwrap(), "struct Tape;");
    }
}
