//! Opens a library and checks that it speaks our ABI. The only `dlopen` of the host.
//!
//! Everything that could be checked without running code was checked before: opening runs the
//! library's constructors. Libraries are opened `RTLD_NOW` (a missing symbol is a refusal now, not
//! the end of the process at some call later) and `RTLD_LOCAL` (nothing leaks into other
//! libraries), and are never closed: Rust libraries cannot be unloaded safely.

use super::layout;
use super::refusal::{Refusal, RefusalCode};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::path::Path;
use storage_plugin_api::abi::stable::{
    AbiHeaderRef, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL, StableAbi,
    abi_checking,
};
use storage_plugin_api::abi::{ABI_VERSION, PluginRoot_Ref};

/// Opens a library and returns its checked root module.
///
/// # Errors
/// `MissingLibrary`, `UndefinedSymbol`, `LoaderError`, `NoRootSymbol`, `AbiStableVersion`,
/// `AbiVersion`, `LayoutMismatch` or `PanickedWhileLoading`.
pub fn open_library(path: &Path) -> Result<PluginRoot_Ref, Refusal> {
    let header = read_header(path)?;
    let library = header.upgrade().map_err(|error| header_refused(path, &header, &error))?;
    check_version(path, library)?;
    check_layout(path, library)
}

#[expect(unsafe_code, reason = "opening a library is what this file is for")]
fn read_header(path: &Path) -> Result<AbiHeaderRef, Refusal> {
    // SAFETY: the library's constructors run now. It was probed in a child process before, or
    // this is that child; beyond that a library in this process is trusted, as documented.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| open_refused(path, &error))?;
    let name = ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes();
    // SAFETY: the symbol of this name is, by abi_stable's convention, a static `LibHeader`, which
    // begins with an `AbiHeader`; nothing but that header is read before it was checked.
    let header = unsafe { library.get::<AbiHeaderRef>(name) }.map(|symbol| *symbol);
    // Never closed.
    std::mem::forget(library);
    header.map_err(|error| {
        Refusal::new(
            RefusalCode::NoRootSymbol,
            cannot_load(path),
            format!("it exports no plugin: {error}"),
            "build it with storage-plugin-api and call export_plugin! in its lib.rs",
        )
    })
}

fn cannot_load(path: &Path) -> String {
    format!("cannot load plugin {path:?}")
}

/// Sorts what the dynamic loader said.
fn open_refused(path: &Path, error: &libloading::Error) -> Refusal {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        text = source.to_string();
    }
    let (code, way_out) = if text.contains("undefined symbol") {
        (
            RefusalCode::UndefinedSymbol,
            "link the library that defines it into the plugin, or install a version that has it",
        )
    } else if text.contains("cannot open shared object file") || text.contains("not loaded") {
        (
            RefusalCode::MissingLibrary,
            "install the package that holds the library, or link it into the plugin statically",
        )
    } else {
        (RefusalCode::LoaderError, "rebuild the plugin on a machine like this one")
    };
    Refusal::new(code, cannot_load(path), format!("the dynamic loader says: {text}"), way_out)
}

fn header_refused(path: &Path, header: &AbiHeaderRef, error: &LibraryError) -> Refusal {
    let ours = storage_plugin_api::abi::stable_abi_header();
    let why = if header.magic_string == ours.magic_string {
        format!(
            "it was built with abi_stable {}.{}, this host has {}.{}",
            header.abi_major, header.abi_minor, ours.abi_major, ours.abi_minor
        )
    } else {
        format!("its root module has no header of abi_stable: {error}")
    };
    Refusal::new(
        RefusalCode::AbiStableVersion,
        cannot_load(path),
        why,
        "build the plugin against the storage-plugin-api of this host, without an abi_stable of its own",
    )
}

/// Breaking versions must be equal; additions are told apart by the layout check.
fn check_version(path: &Path, library: &LibHeader) -> Result<(), Refusal> {
    let theirs = library.version_strings();
    let breaking = |version: &str| {
        let mut numbers = version.split('.');
        (numbers.next().map(str::to_owned), numbers.next().map(str::to_owned))
    };
    if breaking(theirs.version.as_str()) == breaking(ABI_VERSION) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::AbiVersion,
        cannot_load(path),
        format!("it was built for ABI {theirs}, this host has ABI {ABI_VERSION}"),
        "build the plugin against the storage-plugin-api of this host",
    ))
}

/// Compares the types of both sides, in both directions.
///
/// abi_stable accepts only a library that has at least what the host has, so it refuses an older
/// plugin in a newer host. The reverse holds as well: prefix types carry their real field count
/// at run time, so what an older library lacks is seen to be missing. Either direction will do.
fn check_layout(path: &Path, library: &LibHeader) -> Result<PluginRoot_Ref, Refusal> {
    let forward = match library.init_root_module::<PluginRoot_Ref>() {
        Ok(root) => return Ok(root),
        Err(LibraryError::AbiInstability(error)) => error.to_string(),
        Err(error) => return Err(root_refused(path, &error)),
    };
    let Some(theirs) = library.layout() else {
        return Err(layout_refused(path, "it carries no layout of its types"));
    };
    let ours = <PluginRoot_Ref as StableAbi>::LAYOUT;
    if abi_checking::check_layout_compatibility(theirs, ours).is_err() {
        log::debug!(path:? = path; "layout report of a refused plugin: {forward}");
        return Err(layout_refused(path, &layout::summary(&forward)));
    }
    init_older(path, library)
}

#[expect(unsafe_code, reason = "the layout was checked in the other direction")]
fn init_older(path: &Path, library: &LibHeader) -> Result<PluginRoot_Ref, Refusal> {
    // SAFETY: the types of the host were just found compatible with those of the library, which
    // has a prefix of each: accessors of what it lacks answer `None` or run the host's default.
    unsafe { library.init_root_module_with_unchecked_layout::<PluginRoot_Ref>() }
        .map_err(|error| root_refused(path, &error))
}

fn layout_refused(path: &Path, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::LayoutMismatch,
        cannot_load(path),
        format!("its types differ from this host's: {why}"),
        "build the plugin against the unchanged storage-plugin-api of this host",
    )
}

fn root_refused(path: &Path, error: &LibraryError) -> Refusal {
    let text = error.to_string();
    let text = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Refusal::new(
        RefusalCode::PanickedWhileLoading,
        cannot_load(path),
        format!("its root module failed: {}", text.collect::<Vec<_>>().join(" ")),
        "see the panic's message in the log; tell the plugin's vendor",
    )
}
