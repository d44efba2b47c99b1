//! Inspection of whole ELF files: plugins, and what may lie in their place. Damaged files have
//! their own tests.

use std::{fs, process::Command};

use object::{
    Endianness,
    read::elf::{FileHeader, ProgramHeader},
};

use super::{
    Architecture, Format, Host,
    fixture::{Bench, JSON, Parts, WHOLE, host, inspect_at, replace, run},
    inspect,
};
use crate::loader::{metadata::SIZE_LIMIT, refusal::RefusalCode::*};

const SHARED: &[&str] = &["-shared", "-fPIC"];
/// Offsets in an ELF header.
const CLASS: usize = 4;
const DATA: usize = 5;
const TYPE: usize = 16;
const MACHINE: usize = 18;

#[test]
fn library_in_c_is_read_and_is_a_plugin() {
    let bench = Bench::new();
    let file = bench.inspect(&bench.plugin(), &host()).unwrap();
    assert_eq!((file.format, file.architecture), (Format::Elf, Host::this().architecture));
    assert!(file.exports_root_module);
    if cfg!(target_env = "gnu") {
        assert!(file.needed.contains(&"libc.so.6".to_owned()), "{:?}", file.needed);
        assert!(file.glibc.unwrap() >= (2, 2), "{:?}", file.glibc);
    }
    let metadata = file.check_plugin(&bench.path("libtried.so"), &host()).unwrap();
    assert_eq!(metadata.crate_name, "storage-volume-fixture");
    assert_eq!((metadata.version.as_str(), metadata.abi.as_str()), ("1.2.3", "0.1"));
    let json = serde_json::to_value(&file).unwrap();
    assert_eq!((&json["format"], &json["metadata"]["abi"]), (&"elf".into(), &"0.1".into()));
}

#[test]
fn library_in_rust_is_read_and_is_a_plugin() {
    let bench = Bench::new();
    let (source, output) = (bench.path("plugin.rs"), bench.path("libplugin.so"));
    let text = format!(
        "#[unsafe(no_mangle)] pub static _1as_0lib_1header_0root_bmodule_bloader: usize = 1;\n\
         const TEXT: &str = concat!(\"STORAGE-PLUGIN-METADATA\\0\", {JSON:?}, \"\\0\");\n\
         #[used] #[unsafe(link_section = \".storage_plugin\")]\n\
         static METADATA: [u8; TEXT.len()] = *TEXT.as_bytes().first_chunk().unwrap();\n"
    );
    fs::write(&source, text).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let flags = ["--edition=2024", "--crate-type=cdylib", "-Copt-level=3", "-Cstrip=symbols"];
    run(Command::new(rustc).args(flags).arg("-o").args([&output, &source]));
    let file = inspect_at(&output);
    assert_eq!(file.check_plugin(&output, &host()).unwrap().abi, "0.1");
}

#[test]
fn file_that_is_no_object_file_is_refused() {
    let bench = Bench::new();
    bench.refused(b"", &host(), Truncated, &["is empty", "rename"]);
    for text in ["x", "pub struct NotALibrary;", "!<arch>\nsomething", "\x7fELF"] {
        bench.refused(text.as_bytes(), &host(), NotAnObjectFile, &["install the compiled library"]);
    }
    let refusal = inspect(&bench.path("libgone.so"), &host()).unwrap_err();
    assert_eq!(refusal.code, Unreadable);
    assert!(refusal.what.contains("libgone.so"), "{refusal}");
}

#[test]
fn library_for_another_machine_is_refused() {
    let bench = Bench::new();
    let whole = bench.plugin();
    let here = Host::this().architecture.to_string();
    let (other, number) = if here == "AARCH64" { ("X86_64", 62) } else { ("AARCH64", 183) };
    let mut bytes = whole.clone();
    bytes[MACHINE..MACHINE + 2].copy_from_slice(&u16::to_ne_bytes(number));
    let why = format!("built for {other}, this host is {here}");
    bench.refused(
        &bytes,
        &host(),
        WrongArchitecture,
        &[&why, "install the library that was built"],
    );
    bytes[MACHINE..MACHINE + 2].copy_from_slice(&u16::to_ne_bytes(0x1234));
    bench.refused(&bytes, &host(), WrongArchitecture, &["built for machine 0x1234"]);

    let mut bytes = whole.clone();
    bytes[CLASS] = 3 - bytes[CLASS];
    let bits = [format!("{}-bit", 96 - usize::BITS), format!("this host is {}-bit", usize::BITS)];
    bench.refused(&bytes, &host(), WrongArchitecture, &[&bits[0], &bits[1]]);

    let mut bytes = whole.clone();
    bytes[DATA] = 3 - bytes[DATA];
    bench.refused(&bytes, &host(), WrongArchitecture, &["big-endian", "little-endian"]);

    let apple = Host { format: Format::MachO, architecture: Architecture::Aarch64, ..host() };
    let texts = ["in ELF format, this host loads Mach-O", "built for AARCH64 (Mach-O"];
    bench.refused(&whole, &apple, WrongArchitecture, &texts);
}

#[test]
fn executable_or_object_file_is_refused() {
    let bench = Bench::new();
    for (flags, text) in [
        (&["-pie", "-fPIE"][..], "executable, not a shared library"),
        (&["-no-pie"], "it is an executable"),
        (&["-c"], "not linked"),
    ] {
        let bytes = bench.compile(WHOLE, flags);
        bench.refused(&bytes, &host(), NotASharedLibrary, &[text, "crate-type = [\"cdylib\"]"]);
    }
    let mut core = bench.plugin();
    core[TYPE..TYPE + 2].copy_from_slice(&4_u16.to_ne_bytes());
    bench.refused(&core, &host(), NotASharedLibrary, &["core dump"]);
}

#[test]
fn library_that_can_also_be_run_is_a_library() {
    let bench = Bench::new();
    let bytes = bench.compile(WHOLE, &["-shared", "-fPIC", "-DRUNNABLE"]);
    let segments = object::elf::FileHeader64::<Endianness>::parse(&*bytes);
    if let Ok(header) = segments {
        let endian = header.endian().unwrap();
        let mut segments = header.program_headers(endian, &*bytes).unwrap().iter();
        assert!(segments.any(|segment| segment.p_type(endian) == object::elf::PT_INTERP));
    }
    assert!(bench.inspect(&bytes, &host()).unwrap().exports_root_module);
}

#[test]
fn library_that_is_no_plugin_is_refused() {
    let bench = Bench::new();
    let bytes = bench.compile(Parts { root: false, ..WHOLE }, SHARED);
    let texts = ["does not export _1as_0lib_1header_0root_bmodule_bloader", "export_plugin!"];
    bench.refused(&bytes, &host(), NoRootSymbol, &texts);
    let bytes = bench.compile(Parts { metadata: 0, ..WHOLE }, SHARED);
    bench.refused(&bytes, &host(), NoMetadata, &["built without export_plugin!", "build it with"]);
    let bytes = bench.compile(WHOLE, &["-shared", "-fPIC", "-fvisibility=hidden"]);
    bench.refused(&bytes, &host(), NoRootSymbol, &["does not export"]);
}

#[test]
fn metadata_that_cannot_be_read_is_refused() {
    let bench = Bench::new();
    let bytes = bench.compile(Parts { metadata: SIZE_LIMIT as usize + 1, ..WHOLE }, SHARED);
    bench.refused(&bytes, &host(), Malformed, &["65537 bytes, at most 65536", "build or copy"]);
    let mut bytes = bench.plugin();
    replace(&mut bytes, b"STORAGE-PLUGIN-", b"STORAGE_PLUGIN_");
    bench.refused(&bytes, &host(), Malformed, &["does not hold a metadata record"]);
    let mut bytes = bench.plugin();
    replace(&mut bytes, b"{\"crate\":", b"{\"crape\":");
    bench.refused(&bytes, &host(), Malformed, &["cannot be parsed", "missing field `crate`"]);
}

#[cfg(target_env = "gnu")]
#[test]
fn library_that_needs_a_newer_glibc_is_refused() {
    let bench = Bench::new();
    let old = Host { glibc: Some((2, 1)), ..host() };
    let texts = ["it needs glibc 2.", "this host runs glibc 2.1", "as old as this one"];
    bench.refused(&bench.plugin(), &old, NewerGlibc, &texts);
    let unknown = Host { glibc: None, ..host() };
    bench
        .inspect(&bench.plugin(), &unknown)
        .unwrap()
        .check_plugin(&bench.path("x"), &unknown)
        .unwrap();

    let mut bytes = bench.plugin();
    replace(&mut bytes, b"GLIBC_2.", b"GLIBC_9.");
    bench.refused(&bytes, &Host::this(), NewerGlibc, &["it needs glibc 9."]);
}

#[cfg(target_env = "gnu")]
#[test]
fn weakly_needed_version_of_glibc_does_not_count() {
    let bench = Bench::new();
    let mut bytes = bench.plugin();
    assert!(bench.inspect(&bytes, &host()).unwrap().glibc.is_some());
    let names: Vec<Vec<u8>> = bytes
        .windows(6)
        .enumerate()
        .filter(|(_, text)| text == b"GLIBC_")
        .map(|(at, _)| bytes[at..].iter().copied().take_while(|&byte| byte != 0).collect())
        .collect();
    for name in names {
        // An entry of the table of needed versions: the name's hash, then two bytes of flags.
        let strong = [&object::elf::hash(&name).to_ne_bytes()[..], &0_u16.to_ne_bytes()].concat();
        let weak = [&strong[..4], &2_u16.to_ne_bytes()].concat();
        if bytes.windows(6).any(|window| window == strong) {
            replace(&mut bytes, &strong, &weak);
        }
    }
    assert_eq!(bench.inspect(&bytes, &host()).unwrap().glibc, None);
}
