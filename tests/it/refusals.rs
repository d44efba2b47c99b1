//! Files that are no plugins: each is refused for what it is, before any of its code could run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use storage_host::loader::RefusalCode::{self, *};
use tests::c_library::CLibraries;
use tests::{Installation, Row};

/// A row, how its file comes about, and how it is refused.
struct Case {
    name: &'static str,
    make: fn(&Path, &CLibraries),
    code: RefusalCode,
    words: &'static [&'static str],
}

const fn case(
    name: &'static str,
    make: fn(&Path, &CLibraries),
    code: RefusalCode,
    words: &'static [&'static str],
) -> Case {
    Case { name, make, code, words }
}

fn good() -> Vec<u8> {
    fs::read(tests::artifacts::library("storage-volume-null")).unwrap()
}

fn truncated(to: &Path, percent: usize) {
    let whole = good();
    fs::write(to, &whole[..whole.len() * percent / 100]).unwrap();
}

/// The good library with some of its bytes replaced.
fn patched(to: &Path, at: usize, bytes: &[u8]) {
    let mut library = good();
    library[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(to, library).unwrap();
}

/// The offset of `e_machine` in the header of an ELF file, and AArch64 there.
const MACHINE: (usize, [u8; 2]) = (18, 183_u16.to_le_bytes());

const CASES: &[Case] = &[
    case("missing", |_, _| {}, Missing, &["there is no such file"]),
    case(
        "text",
        |to, _| fs::write(to, "a text\n".repeat(20)).unwrap(),
        NotAnObjectFile,
        &["not an object file"],
    ),
    case("empty", |to, _| fs::write(to, "").unwrap(), Truncated, &["the file is empty"]),
    case("one-byte", |to, _| fs::write(to, &good()[..1]).unwrap(), NotAnObjectFile, &[]),
    case("header-cut", |to, _| fs::write(to, &good()[..63]).unwrap(), Truncated, &["header"]),
    case(
        "header-only",
        |to, _| fs::write(to, &good()[..64]).unwrap(),
        Truncated,
        &["section table"],
    ),
    case(
        "one-page",
        |to, _| fs::write(to, &good()[..4096]).unwrap(),
        Truncated,
        &["section table"],
    ),
    case("half", |to, _| truncated(to, 50), Truncated, &["section table"]),
    case("almost-all", |to, _| truncated(to, 99), Truncated, &["section table"]),
    case(
        "last-byte",
        |to, _| {
            let whole = good();
            fs::write(to, &whole[..whole.len() - 1]).unwrap();
        },
        Truncated,
        &["section table"],
    ),
    case(
        "garbage",
        |to, _| {
            let mut bytes = good();
            let garbage = (1_u32..).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
            for (byte, garbage) in bytes[64..].iter_mut().zip(garbage) {
                *byte = garbage;
            }
            fs::write(to, bytes).unwrap();
        },
        Malformed,
        &[],
    ),
    case(
        "foreign",
        |to, _| patched(to, MACHINE.0, &MACHINE.1),
        WrongArchitecture,
        &["built for AARCH64"],
    ),
    case("other-width", |to, _| patched(to, 4, &[1]), WrongArchitecture, &["32"]),
    case(
        "executable",
        |to, c| {
            fs::copy(c.executable("fixed", &["-no-pie"]), to).unwrap();
        },
        NotASharedLibrary,
        &["an executable"],
    ),
    case(
        "position-independent",
        |to, c| {
            fs::copy(c.executable("pie", &["-pie", "-fPIE"]), to).unwrap();
        },
        NotASharedLibrary,
        &["position-independent executable"],
    ),
    case(
        "no-plugin",
        |to, c| {
            fs::copy(c.library("plain", "int answer(void) { return 42; }\n", &[]), to).unwrap();
        },
        NoRootSymbol,
        &["does not export _1as_0lib_1header_0root_bmodule_bloader"],
    ),
    case(
        "no-record",
        |to, c| {
            let code = "char _1as_0lib_1header_0root_bmodule_bloader[512] = {1};\n";
            fs::copy(c.library("mute", code, &[]), to).unwrap();
        },
        NoMetadata,
        &["no metadata record"],
    ),
    case(
        "world-writable",
        |to, _| {
            fs::write(to, good()).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o666)).unwrap();
        },
        WorldWritable,
        &["anyone may change the file", "0666"],
    ),
    case("directory", |to, _| fs::create_dir(to).unwrap(), NotAFile, &["not a regular file"]),
    case(
        "way-out",
        |to, c| {
            let outside = c.path().join("outside.so");
            fs::write(&outside, good()).unwrap();
            symlink(outside, to).unwrap();
        },
        OutsideDirectory,
        &["symbolic link that leads to", "outside.so"],
    ),
    case(
        "dangling",
        |to, _| symlink("nowhere.so", to).unwrap(),
        Missing,
        &["a symbolic link to \"nowhere.so\""],
    ),
    case(
        "pinned",
        |to, _| fs::write(to, good()).unwrap(),
        DigestMismatch,
        &["plugins.toml pins 00"],
    ),
];

#[test]
fn a_file_that_is_no_plugin_is_refused_for_what_it_is_and_the_others_serve() {
    let c = CLibraries::new();
    let mut place = Installation::with_null();
    for case in CASES {
        let row = Row::new(case.name);
        let row = if case.code == DigestMismatch { row.key("sha256", "0".repeat(64)) } else { row };
        place = place.row(row);
        (case.make)(&place.library(case.name), &c);
    }
    let host = place.start();
    let listed = host.plugins();
    assert_eq!(listed.len(), CASES.len() + 1);
    for (case, plugin) in CASES.iter().zip(&listed[1..]) {
        assert_eq!(plugin.text("name"), case.name);
        plugin.is_refused(case.code, case.words);
        let file = format!("storage_volume_{}", case.name.replace('-', "_"));
        assert!(plugin.text("reason").contains(&file), "{plugin:?} names its file");
    }
    listed[0].is_ready();
}

#[test]
fn a_directory_that_anyone_may_change_is_not_trusted() {
    let place = Installation::with_null();
    let directory = place.file("plugins/volume");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    let host = place.start();
    host.plugin("null").is_refused(WorldWritable, &["its directory", "0777"]);
    assert!(host.plugin("null").text("wayout").contains("chmod o-w"));
}

#[test]
fn a_library_that_a_foreign_group_may_change_is_not_trusted() {
    let place = Installation::with_null().row(Row::new("sample"));
    let library = place.library("sample");
    fs::copy(tests::artifacts::library("storage-volume-sample"), &library).unwrap();
    fs::set_permissions(&library, fs::Permissions::from_mode(0o775)).unwrap();
    // Of the host's own group, as umask 002 leaves it.
    let host = place.start();
    host.plugin("sample").is_ready();
    host.stop();
    // Only the superuser can give it to any group.
    if chown(&library, None, Some(12_345)).is_ok() {
        let host = place.start();
        host.refuses("sample", GroupWritable, &["group 12345 may change the file", "0775"]);
        assert!(host.plugin("sample").text("wayout").contains("chmod g-w"));
    }
}

#[test]
fn a_library_that_was_mended_is_loaded_at_the_next_start() {
    let place = Installation::with_null().row(Row::new("sample"));
    let library = place.library("sample");
    truncated(&library, 50);
    let host = place.start();
    host.refuses("sample", Truncated, &[]);
    host.stop();

    fs::copy(tests::artifacts::library("storage-volume-sample"), &library).unwrap();
    place.start().plugin("sample").is_ready();
}
