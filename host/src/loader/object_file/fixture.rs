//! Real shared objects for the tests of the object file readers, built with the C compiler that
//! every machine with a Rust linker has, and ways to spoil them.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Host, ObjectFile, inspect};
use crate::loader::refusal::{Refusal, RefusalCode};

/// The metadata of the libraries built here.
pub(super) const JSON: &str = r#"{"crate":"storage-volume-fixture","version":"1.2.3","abi":"0.1"}"#;

/// Parts of a plugin's source that a test may leave out.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) root: bool,
    /// The size of the metadata section; 0 leaves it out.
    pub(super) metadata: usize,
}

pub(super) const WHOLE: Parts = Parts { root: true, metadata: 512 };

/// A directory with files that a test builds, spoils and inspects.
pub(super) struct Bench(TempDir);

impl Bench {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a plugin in C with `flags` and returns its bytes.
    pub(super) fn compile(&self, parts: Parts, flags: &[&str]) -> Vec<u8> {
        let (source, output) = (self.path("plugin.c"), self.path("libbuilt.so"));
        fs::write(&source, c_source(parts)).unwrap();
        run(Command::new("cc").args(flags).arg("-o").args([&output, &source]));
        fs::read(&output).unwrap()
    }

    /// A library that is a plugin in every respect that can be seen from outside.
    pub(super) fn plugin(&self) -> Vec<u8> {
        self.compile(WHOLE, &["-shared", "-fPIC"])
    }

    /// Inspects `bytes` as the file `libtried.so`.
    pub(super) fn inspect(&self, bytes: &[u8], host: &Host) -> Result<ObjectFile, Refusal> {
        let path = self.path("libtried.so");
        fs::write(&path, bytes).unwrap();
        inspect(&path, host)
    }

    /// Inspects `bytes` and asserts the refusal: its code, the file's name, and texts in it.
    #[track_caller]
    pub(super) fn refused(&self, bytes: &[u8], host: &Host, code: RefusalCode, texts: &[&str]) {
        let path = self.path("libtried.so");
        let refusal = self
            .inspect(bytes, host)
            .and_then(|file| file.check_plugin(&path, host).cloned())
            .unwrap_err();
        let shown = refusal.to_string();
        assert_eq!(refusal.code, code, "{shown}");
        for text in texts.iter().chain(&["libtried.so"]) {
            assert!(shown.contains(text), "no {text:?} in:\n{shown}");
        }
    }
}

#[track_caller]
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The host of the tests, with a glibc that is new enough for whatever `cc` links to.
pub(super) fn host() -> Host {
    Host { glibc: Some((2, 999)), ..Host::this() }
}

fn c_source(parts: Parts) -> String {
    let mut source = String::from("#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n");
    source += "#ifdef RUNNABLE\nconst char interpreter[] __attribute__((section(\".interp\"))) = \"/x\";\n#endif\n";
    if parts.root {
        source += "long _1as_0lib_1header_0root_bmodule_bloader = 1;\n";
    }
    if parts.metadata > 0 {
        let section = if cfg!(target_vendor = "apple") {
            "__DATA,__storage_plugin"
        } else {
            ".storage_plugin"
        };
        source += &format!(
            "__attribute__((used, section(\"{section}\"))) static const char metadata[{}] = \
             \"STORAGE-PLUGIN-METADATA\\0\" {JSON:?};\n",
            parts.metadata
        );
    }
    source
}

/// Replaces the first occurrence of `from` by text of the same length.
#[track_caller]
pub(super) fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
}

/// Numbers that look random and are the same each time: SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Fills `range` of `bytes` with random ones.
    pub(super) fn fill(&mut self, bytes: &mut [u8], range: Range<usize>) {
        bytes[range].fill_with(|| self.next() as u8);
    }
}

/// The path of a library that is inspected where it lies.
#[track_caller]
pub(super) fn inspect_at(path: &Path) -> ObjectFile {
    inspect(path, &host()).unwrap()
}
