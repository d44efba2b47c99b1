//! What the readers of object files find wrong, before it is known which file it was.
//!
//! The readers see bytes only. The invariant: each kind of fault gets its way out here, in one
//! table, so that no reader has to invent advice.

use std::path::Path;

use object::read;

use super::architecture::Host;
use crate::loader::{
    confine::SIZE_LIMIT,
    metadata::ParseMetadataError,
    refusal::{Refusal, RefusalCode},
};

/// A reason to refuse an object file, still without its name.
#[derive(Debug)]
pub(super) struct Fault {
    code: RefusalCode,
    why: String,
}

impl Fault {
    pub(super) fn new(code: RefusalCode, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }

    /// The file contradicts itself.
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::new(RefusalCode::Malformed, why)
    }

    /// Checks that `what`, `size` bytes at `offset`, lies inside the `file_size` bytes.
    ///
    /// An end that no plugin file could have is damage; one that is merely past the end is a
    /// copy that was not finished.
    pub(super) fn check_inside(
        what: &str,
        (offset, size): (u64, u64),
        file_size: u64,
    ) -> Result<(), Self> {
        match offset.checked_add(size) {
            Some(end) if end <= file_size => Ok(()),
            Some(end) if end <= SIZE_LIMIT => Err(Self::new(
                RefusalCode::Truncated,
                format!("its {what} ends at byte {end}, the file has only {file_size}"),
            )),
            _ => Err(Self::malformed(format!(
                "its {what} of {size} bytes at offset {offset} cannot lie in {file_size} bytes"
            ))),
        }
    }

    pub(super) fn into_refusal(self, path: &Path, host: &Host) -> Refusal {
        let Self { code, why } = self;
        Refusal::new(code, format!("cannot load plugin {path:?}"), why, way_out(code, host))
    }
}

impl From<read::Error> for Fault {
    fn from(error: read::Error) -> Self {
        Self::malformed(format!("it is damaged: {error}"))
    }
}

impl From<ParseMetadataError> for Fault {
    fn from(error: ParseMetadataError) -> Self {
        Self::malformed(error.to_string())
    }
}

fn way_out(code: RefusalCode, host: &Host) -> String {
    let advice = match code {
        RefusalCode::Unreadable => "check the file's permissions and the disk",
        RefusalCode::NotAnObjectFile => {
            "install the compiled library (lib….so, lib….dylib), not its source or an archive"
        }
        RefusalCode::Truncated => {
            "install it again: copy to a temporary name beside it, then rename"
        }
        RefusalCode::WrongArchitecture => {
            return format!("install the library that was built for {host}");
        }
        RefusalCode::NotASharedLibrary => {
            "build the plugin as a library: `crate-type = [\"cdylib\"]` in its Cargo.toml"
        }
        RefusalCode::NoRootSymbol => {
            "check that it is a plugin; one exports it by `export_plugin!` of storage-plugin-api"
        }
        RefusalCode::NoMetadata => {
            "build it with `export_plugin!` of storage-plugin-api, and without removing sections"
        }
        RefusalCode::NewerGlibc => {
            "build the plugin on a system as old as this one, or update this system"
        }
        _ => "build or copy it again, to a temporary name beside it, then rename",
    };
    advice.to_owned()
}
