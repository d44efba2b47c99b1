//! Where the two sides of the plugin boundary are, and unsafe code with them.
//!
//! `abi_stable` is named in so few places that it can be replaced; memory is handled by hand in so
//! few places that they can be read.

use super::Violation;
use super::source::{SourceFile, numbered, words};

/// The modules that know how a library is entered.
const BOUNDARY: [&str; 3] = ["plugin-api/src/abi", "plugin-api/src/export", "host/src/loader"];

/// Memory that two processes share can be mapped only by unsafe code.
const SHARED_MEMORY: &str = "host/src/isolation/shared_memory";

/// imago declares methods of its storage trait `unsafe`; whoever implements it has to write so.
const IMAGE_STORAGE: &str = "host/src/motion/formats/storage";

/// Plugins that are bad on purpose: a real crash takes unsafe code.
const BAD_PLUGINS: &str = "tests/fixtures";

struct Fence {
    words: &'static [&'static str],
    inside: &'static [&'static str],
    way_out: &'static str,
}

const FENCES: [Fence; 2] = [
    Fence {
        words: &["abi_stable", "async_ffi", "libloading"],
        inside: &BOUNDARY,
        way_out: "only plugin_api::abi, plugin_api::export and host::loader name it \
                  (ARCHITECTURE.md, invariants); use the contract's ordinary traits",
    },
    Fence {
        words: &["unsafe"],
        inside: &[BOUNDARY[0], BOUNDARY[1], BOUNDARY[2], SHARED_MEMORY, IMAGE_STORAGE, BAD_PLUGINS],
        way_out: "unsafe code lives in plugin_api::abi, plugin_api::export, host::loader, \
                  host/src/isolation/shared_memory.rs and host/src/motion/formats/storage.rs only \
                  (ARCHITECTURE.md, invariants)",
    },
];

/// Checks the code of every file, comments and strings aside.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for fence in &FENCES {
            if !fence.inside.iter().any(|module| file.is_in(module)) {
                violations.extend(check_file(file, fence));
            }
        }
    }
    violations
}

fn check_file(file: &SourceFile, fence: &Fence) -> impl Iterator<Item = Violation> {
    numbered(&file.code).filter_map(|(line, text)| {
        let word = words(text).find(|word| fence.words.contains(word))?;
        Some(Violation::new(&file.path, line, format!("`{word}` is named here"), fence.way_out))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[SourceFile::new(path, text)]).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn the_boundary_is_the_boundary() {
        let text = "use abi_stable::x;\nunsafe { y() }\nlibloading::open();";
        for path in
            ["plugin-api/src/abi/mod.rs", "plugin-api/src/export.rs", "host/src/loader/open.rs"]
        {
            assert_eq!(lines(path, text), NONE, "{path}");
        }
        assert_eq!(lines("host/src/registry/mod.rs", text), [1, 3, 2]);
        assert_eq!(lines("host/src/isolation/shared_memory.rs", text), [1, 3]);
    }

    #[test]
    fn a_mention_is_no_use() {
        let text = "// abi_stable\n/// `unsafe`\nlet x = \"libloading\";\n#![forbid(unsafe_code)]";
        assert_eq!(lines("host/src/registry/mod.rs", text), NONE);
    }
}
