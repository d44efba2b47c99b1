//! What an object file says about itself, read without running any of it.
//!
//! The dynamic loader trusts what it maps: a library that is cut short or damaged ends the whole
//! process by a signal. So the file's own claims are checked first: is it a shared library for
//! this machine, and does everything that its tables name lie inside it. Undefined symbols,
//! missing libraries and constructors that misbehave are not judged here: the probe finds them.
//!
//! The file is read piece by piece through `object`'s read cache, not mapped: a mapping is unsafe
//! (a file truncated under it raises SIGBUS, the very thing to be kept out), and of a 17 MB
//! library only some tens of KB are looked at: headers, dynamic symbols, and one section.
//!
//! The invariant: whatever the bytes, [`inspect`] returns. It does not panic, and reads a handful
//! of tables, each known to lie inside the file. Start reading at [`inspect`], then `elf`.

mod architecture;
mod elf;
mod fault;
mod glibc;
mod mach_o;

use std::{fs::File, path::Path};

use object::{FileKind, ReadCache, ReadRef, elf::FileHeader32, elf::FileHeader64};
use serde::Serialize;

use self::fault::Fault;
pub use self::{
    architecture::{Architecture, Format, Host},
    glibc::running as running_glibc,
};
use super::{
    metadata::PluginMetadata,
    refusal::{Refusal, RefusalCode},
};

/// The symbol under which `abi_stable` exports a library's root module.
pub const ROOT_SYMBOL: &str = "_1as_0lib_1header_0root_bmodule_bloader";

/// What a shared library for this machine says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ObjectFile {
    /// The kind of file.
    pub format: Format,
    /// The machine it was built for: the host's.
    pub architecture: Architecture,
    /// The libraries it asks the dynamic loader for, in its order.
    pub needed: Vec<String>,
    /// The newest version of glibc that it needs; `None` if it needs none.
    pub glibc: Option<(u32, u32)>,
    /// The plugin's metadata record; `None` if it has no such section.
    pub metadata: Option<PluginMetadata>,
    /// Whether it exports [`ROOT_SYMBOL`].
    pub exports_root_module: bool,
}

impl ObjectFile {
    /// Checks that the library, read from `path`, is a plugin that `host` can run.
    ///
    /// # Errors
    /// `NoRootSymbol`, `NoMetadata` or `NewerGlibc`.
    pub fn check_plugin(&self, path: &Path, host: &Host) -> Result<&PluginMetadata, Refusal> {
        let fault = |code, why: String| Err(Fault::new(code, why).into_refusal(path, host));
        if !self.exports_root_module {
            let why = format!("it is a shared library, but does not export {ROOT_SYMBOL}");
            return fault(RefusalCode::NoRootSymbol, why);
        }
        let Some(metadata) = &self.metadata else {
            let why = "it has no metadata record: it was built without export_plugin!";
            return fault(RefusalCode::NoMetadata, why.to_owned());
        };
        match (self.glibc, host.glibc) {
            (Some(needs), Some(runs)) if needs > runs => {
                let [needs, runs] = [needs, runs].map(|(major, minor)| format!("{major}.{minor}"));
                let why = format!("it needs glibc {needs}, this host runs glibc {runs}");
                fault(RefusalCode::NewerGlibc, why)
            }
            _ => Ok(metadata),
        }
    }
}

/// Reads the file at `path` and checks that it is a whole shared library for `host`.
///
/// Whether it is a plugin is asked next, of the result: [`ObjectFile::check_plugin`].
///
/// # Errors
/// `Unreadable`, `NotAnObjectFile`, `WrongArchitecture`, `NotASharedLibrary`, `Truncated` or
/// `Malformed` (also for a metadata record that cannot be parsed).
pub fn inspect(path: &Path, host: &Host) -> Result<ObjectFile, Refusal> {
    let unreadable =
        |error| Fault::new(RefusalCode::Unreadable, format!("reading failed: {error}"));
    let read = || {
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        read_any(&ReadCache::new(file), size, host)
    };
    read().map_err(|fault: Fault| fault.into_refusal(path, host))
}

fn read_any<'data, R: ReadRef<'data>>(
    data: R,
    size: u64,
    host: &Host,
) -> Result<ObjectFile, Fault> {
    if size == 0 {
        return Err(Fault::new(RefusalCode::Truncated, "the file is empty"));
    }
    let Ok(kind) = FileKind::parse(data) else {
        let why = format!("its {size} bytes are not an object file");
        return Err(Fault::new(RefusalCode::NotAnObjectFile, why));
    };
    let format = match kind {
        FileKind::Elf32 | FileKind::Elf64 => Format::Elf,
        FileKind::MachO32 | FileKind::MachO64 => Format::MachO,
        FileKind::MachOFat32 | FileKind::MachOFat64 => Format::MachO,
        _ => {
            return Err(Fault::new(RefusalCode::NotAnObjectFile, "it is a shared cache of macOS"));
        }
    };
    if format != host.format {
        let why = format!("it is a library in {format} format, this host loads {}", host.format);
        return Err(Fault::new(RefusalCode::WrongArchitecture, why));
    }
    match kind {
        FileKind::Elf32 => elf::read::<FileHeader32<_>, R>(data, size, host),
        FileKind::Elf64 => elf::read::<FileHeader64<_>, R>(data, size, host),
        FileKind::MachO32 | FileKind::MachO64 => mach_o::read(data, size, host),
        FileKind::MachOFat64 => mach_o::read_fat::<object::macho::FatArch64, R>(data, size, host),
        _ => mach_o::read_fat::<object::macho::FatArch32, R>(data, size, host),
    }
}

/// The text at `offset` of a string table, up to its zero byte.
///
/// Tables are read whole and searched in memory: asking the file for each name would cost a
/// system call for every symbol.
fn text_at(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(usize::try_from(offset).ok()?..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(&rest[..end])
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
#[cfg(not(target_os = "macos"))]
mod tests_damage;
#[cfg(test)]
#[cfg(not(target_os = "macos"))]
mod tests_elf;
#[cfg(test)]
mod tests_mach_o;
