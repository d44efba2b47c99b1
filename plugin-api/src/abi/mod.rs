//! The boundary: everything that crosses between a plugin's library and the host.
//!
//! Not for vendors: they implement the traits and call [`export_plugin!`](crate::export_plugin).
//! This is the only module, besides the host's loader, that names `abi_stable`.
//!
//! ```text
//! host                                                         plugin
//! Proxy: the traits ── Transport ─┬─ FfiTransport ── wire ── exported ── Dispatcher ── the traits
//!                                 └─ a socket to a runner process, which holds an FfiTransport
//! ```
//! One `contract` table lists every method once and makes both ends of it. Method calls cross as
//! `(target, method, record bytes)`; the wire below that is small, typed and layout-checked.
//!
//! **Invariant:** no panic crosses. Vendor code runs under `guard` or in a task of the plugin's
//! runtime; the host's services run under `guard` as well.
//!
//! WHEN CHANGING THIS: only append. New methods get new numbers in `contract`; new fields of the
//! root module go behind the last one, as optional; records grow by fields with defaults. Write
//! what you did into `plugin-api/CHANGELOG.md`; `cargo xtask tidy` holds a hash of this folder.

#![allow(
    unsafe_code,
    non_local_definitions,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::mem_forget,
    clippy::missing_errors_doc,
    clippy::multiple_unsafe_ops_per_block,
    reason = "expansions of abi_stable's macros; the module is hidden from vendors"
)]

mod bytes;
mod cell;
mod codec;
mod contract;
mod decoder;
mod dispatch;
mod encoder;
mod exported;
mod ffi_transport;
mod guard;
mod host_wire;
mod manifest;
mod proxy;
mod records;
mod runtime;
mod streams;
mod transport;
mod wire;

pub use bytes::FfiBytes;
pub use cell::CallCell;
pub use codec::{bytes_as_bytes, decode, encode};
pub use contract::{CONFIGURE, REGISTER_DRIVER, Target, method_name};
pub use exported::{export, open, root_module};
pub use ffi_transport::FfiTransport;
pub use host_wire::{LogRecord, Logger};
pub use manifest::Manifest;
pub use proxy::RemoteProvider;
pub use records::{CallHeader, ErrorRecord, OpenOptions};
pub use transport::{
    Answering, BoxFuture, Dispatch, HostDispatcher, HostTransport, RawCall, Transport,
};
pub use wire::{
    HostBox, HostWire, PluginRoot, PluginRoot_Ref, ProviderBox, ProviderWire_TO, WireResult,
};

/// The version of the boundary: `0.BREAKING.0`. Additions do not change it.
pub const ABI_VERSION: &str = "0.1.0";

/// How many additions the boundary has seen since [`ABI_VERSION`].
pub const ABI_REVISION: u32 = 1;

/// The compiler this crate was built with.
pub const RUSTC: &str = env!("STORAGE_PLUGIN_API_RUSTC");

/// The platform this crate was built for.
pub const TARGET: &str = env!("STORAGE_PLUGIN_API_TARGET");

/// The header that every library built with this crate begins with.
pub const fn stable_abi_header() -> stable::AbiHeader {
    stable::AbiHeader::VALUE
}

/// What `export_plugin!` and the loader need of `abi_stable`.
pub mod stable {
    pub use abi_stable::library::{
        __call_root_module_loader, AbiHeader, AbiHeaderRef, CheckTypeLayout, LibHeader,
        LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL, RootModule, RootModuleResult,
    };
    pub use abi_stable::{StableAbi, abi_stability::abi_checking, type_layout::TypeLayout};
}
