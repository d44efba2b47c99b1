//! Existing files that are to become volumes: they keep their names.

use crate::driver::check_size;
use crate::names;
use crate::objects::{Work, description};
use std::os::unix::fs::FileExt;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// What other formats begin with. A guest that were given one of these as a raw disk would see its
/// bookkeeping, and could write a name of any file of the host into it.
const OTHER_FORMATS: [(&[u8], &str); 5] = [
    (b"QFI\xfb", "qcow2"),
    (b"KDMV", "VMDK"),
    (b"# Disk DescriptorFile", "VMDK"),
    (b"vhdxfile", "VHDX"),
    (b"conectix", "VHD"),
];

/// Looks at a file before it is adopted.
pub(crate) fn validate(work: &Work<'_>, of: &ImportRequest) -> Result<ObjectDescription> {
    let directory = &work.opened.directory;
    names::adoptable(&of.path)?;
    let there = work.there(of.path.clone())?;
    let found = there.found;
    let path = directory.path().join(&of.path);
    if found.names > 1 {
        let why = format!("{path:?} has {} names: it is used elsewhere as well", found.names);
        return Err(PluginError::in_use(why));
    }
    check_size(found.size)?;
    let file = directory.open_to_read(&of.path)?;
    let mut head = [0; 32];
    let read = file.read_at(&mut head, 0);
    let read = read.map_err(|error| directory.failed("read", &of.path, error))?;
    if let Some((_, format)) =
        OTHER_FORMATS.iter().find(|(magic, _)| head[..read].starts_with(magic))
    {
        let why =
            format!("{path:?} is a {format} image; convert it first: qemu-img convert -O raw");
        return Err(PluginError::invalid_argument(why));
    }
    Ok(description(&there))
}
