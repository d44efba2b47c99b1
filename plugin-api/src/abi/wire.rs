//! The wire itself: the root module of a library and the objects that cross.

use super::bytes::FfiBytes;
use super::host_wire::WireLogRecord;
use super::records::{CallHeader, ErrorRecord, OpenOptions};
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBox, ROption, RResult, RSlice};
use abi_stable::{StableAbi, sabi_trait};
use async_ffi::{FfiContext, FfiFuture};

/// The answer of a call. Its error is behind a pointer: answers are moved about, errors are rare.
pub type WireResult<T> = RResult<T, RBox<ErrorRecord>>;

/// A call after its first poll.
#[repr(u8)]
#[derive(StableAbi)]
pub enum Begun<T> {
    /// Nothing was allocated for a future: most answers from memory come in this way.
    Ended(WireResult<T>),
    /// Will wake the one whose context the call began with; dropping it cancels the call.
    Running(FfiFuture<WireResult<T>>),
}

/// A provider, seen from the host.
///
/// A call begins within a poll of its caller, and is polled once there. The header and the store
/// are lent for that time, the body is handed over. Nothing here ever panics.
#[sabi_trait]
pub trait ProviderWire: Send + Sync + 'static {
    /// Calls a method.
    fn call(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<FfiBytes>;

    /// Calls a method that opens a reader.
    fn open_reader(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<ReaderBox>;

    /// Calls a method that opens a writer.
    #[sabi(last_prefix_field)]
    fn open_writer(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<WireWriter>;

    /// Ends the plugin's threads. Added in revision 1: an older plugin leaves its threads running.
    fn shut_down(&self) {}
}

pub type ProviderBox = ProviderWire_TO<RBox<()>>;

/// A piece of an object.
#[repr(C)]
#[derive(StableAbi)]
pub struct WireChunk {
    pub offset: u64,
    /// Of a hole; 0 says that `bytes` are the data.
    pub hole: u64,
    pub bytes: FfiBytes,
}

/// A checkpoint token.
#[repr(C)]
#[derive(StableAbi)]
pub struct WireToken {
    pub offset: u64,
    pub state: FfiBytes,
}

/// What a finished write left; grows by its encoded record.
pub type WireWritten = FfiBytes;

/// A reader.
#[sabi_trait]
pub trait ReaderWire: Send + Sync + 'static {
    #[sabi(last_prefix_field)]
    fn next(&self) -> FfiFuture<WireResult<ROption<WireChunk>>>;
}

pub type ReaderBox = ReaderWire_TO<RBox<()>>;

/// A writer.
#[sabi_trait]
pub trait WriterWire: Send + Sync + 'static {
    fn write(&self, chunk: WireChunk) -> FfiFuture<WireResult<ROption<WireToken>>>;
    fn finish(&self) -> FfiFuture<WireResult<WireWritten>>;
    #[sabi(last_prefix_field)]
    fn abort(&self) -> FfiFuture<WireResult<()>>;
}

pub type WriterBox = WriterWire_TO<RBox<()>>;

/// A writer and where it begins.
#[repr(C)]
#[derive(StableAbi)]
pub struct WireWriter {
    pub offset: u64,
    pub writer: WriterBox,
}

/// The host, seen from a plugin.
#[sabi_trait]
pub trait HostWire: Send + Sync + 'static {
    /// Calls a method of the host's services.
    fn call(&self, method: u32, body: FfiBytes) -> FfiFuture<WireResult<FfiBytes>>;

    /// Logs a message.
    #[sabi(last_prefix_field)]
    fn log(&self, record: WireLogRecord);
}

pub type HostBox = HostWire_TO<RBox<()>>;

/// What a library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRoot_Ref)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Builds the provider. Called once per process.
    #[sabi(last_prefix_field)]
    pub open: extern "C" fn(HostBox, OpenOptions) -> WireResult<ProviderBox>,
    /// How many additions the plugin's side knows. Added in revision 1.
    #[sabi(missing_field(option))]
    pub abi_revision: u32,
}

impl RootModule for PluginRoot_Ref {
    abi_stable::declare_root_module_statics! {PluginRoot_Ref}
    const BASE_NAME: &'static str = "storage_plugin";
    const NAME: &'static str = "storage_plugin";
    // Written by hand: the version of the boundary, not that of the crate.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new(super::ABI_VERSION);
}
