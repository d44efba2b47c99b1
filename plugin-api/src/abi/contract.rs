//! The one table of the contract's methods: number, name, what it takes, what it returns.
//!
//! From it come the host's side (each trait implemented by `Proxy`) and the plugin's side (the
//! `dispatch_…` functions). A method that is missing here does not exist across the boundary.
//!
//! WHEN CHANGING THIS: a number, once given, keeps its meaning for ever. New methods get new
//! numbers; a library that does not know one answers `Unsupported`.

use super::FfiBytes;
use super::codec::{decode, encode, encode_answer};
use super::dispatch::Call;
use super::proxy::{HostProxy, Proxy};
use super::runtime::VendorFuture;
use super::transport::BoxFuture;
use crate::context::{CallContext, StoreContext};
use crate::driver::*;
use crate::error::{PluginError, PluginResult};
use crate::host_listener::{HostPoolAnswer, HostPoolRequest, HypervisorHostListener};
use crate::host_services::{
    CapacityReport, DetailKey, HostServices, ListDetailsRequest, ListHostsRequest, SetDetailRequest,
};
use crate::life_cycle::*;
use crate::provider::DataStoreProviderType;
use crate::stream::{DataReader, OpenedWriter};
use crate::types::*;
use crate::vm_snapshot::{StrategyVerdict, VmSnapshot, VmSnapshotResult, VmSnapshotStrategy};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// The objects of a provider that calls are for. The numbers are part of the boundary.
#[derive(Debug, Clone, Copy)]
pub struct Target;

impl Target {
    pub const PROVIDER: u32 = 0;
    pub const PRIMARY_DRIVER: u32 = 1;
    pub const IMAGE_DRIVER: u32 = 2;
    pub const IMAGE_CACHE_DRIVER: u32 = 3;
    pub const PRIMARY_LIFE_CYCLE: u32 = 11;
    pub const IMAGE_LIFE_CYCLE: u32 = 12;
    pub const IMAGE_CACHE_LIFE_CYCLE: u32 = 13;
    pub const HOST_LISTENER: u32 = 21;
    pub const VM_SNAPSHOT_STRATEGY: u32 = 22;

    /// The driver of a type.
    pub const fn driver_of(provider_type: DataStoreProviderType) -> Option<u32> {
        match provider_type {
            DataStoreProviderType::Primary => Some(Self::PRIMARY_DRIVER),
            DataStoreProviderType::Image => Some(Self::IMAGE_DRIVER),
            DataStoreProviderType::ImageCache => Some(Self::IMAGE_CACHE_DRIVER),
            _ => None,
        }
    }

    /// The life cycle of a type.
    pub const fn life_cycle_of(provider_type: DataStoreProviderType) -> Option<u32> {
        match Self::driver_of(provider_type) {
            Some(driver) => Some(driver + 10),
            None => None,
        }
    }
}

/// Methods of the provider itself; they have no trait of their own on the wire.
pub const MANIFEST: u32 = 1;
pub const CONFIGURE: u32 = 2;
/// The method of the host's services that belongs to configure, and is repeated with it.
pub const REGISTER_DRIVER: u32 = 1;
/// Methods that open streams.
pub const OPEN_READER: u32 = 190;
pub const OPEN_WRITER: u32 = 191;

/// The error of a number that this side does not know.
fn unknown_method(interface: &str, method: u32) -> PluginError {
    PluginError::unsupported(format!(
        "this plugin was built with an older {interface} that has no method {method}"
    ))
}

/// What a method gave, as it is sent back.
fn answered<T: Serialize + 'static>(
    method: &str,
    outcome: PluginResult<T>,
) -> PluginResult<FfiBytes> {
    match outcome {
        Ok(ref answer) => encode_answer(answer),
        Err(error) => Err(error.in_operation(method)),
    }
}

macro_rules! interface {
    (
        $trait:ident, $dispatch:ident, $names:ident, otherwise $otherwise:expr;
        store { $( $sc:literal $sm:ident -> $sr:ty; )* }
        store_with { $( $swc:literal $swm:ident ( $swt:ty ) -> $swr:ty; )* }
        with { $( $wc:literal $wm:ident ( $wt:ty ) -> $wr:ty; )* }
        besides { $( $besides:tt )* }
    ) => {
        // As `async_trait` writes it, but that a request is encoded before the future is made: a
        // future that holds the request is several times as large, and moved.
        impl $trait for Proxy {
            $( fn $sm<'p, 'c, 's, 'f>(
                &'p self,
                call: &'c CallContext,
                store: &'s StoreContext,
            ) -> BoxFuture<'f, PluginResult<$sr>>
            where
                'p: 'f,
                'c: 'f,
                's: 'f,
            {
                self.invoke($sc, call, Some(store), Ok(Vec::new()))
            } )*
            $( fn $swm<'p, 'c, 's, 'f>(
                &'p self,
                call: &'c CallContext,
                store: &'s StoreContext,
                request: $swt,
            ) -> BoxFuture<'f, PluginResult<$swr>>
            where
                'p: 'f,
                'c: 'f,
                's: 'f,
            {
                self.invoke($swc, call, Some(store), encode(&request))
            } )*
            $( fn $wm<'p, 'c, 'f>(
                &'p self,
                call: &'c CallContext,
                request: $wt,
            ) -> BoxFuture<'f, PluginResult<$wr>>
            where
                'p: 'f,
                'c: 'f,
            {
                self.invoke($wc, call, None, encode(&request))
            } )*
            $( $besides )*
        }

        /// Boxed arm by arm: a future of all arms would be as large as the largest of them.
        pub fn $dispatch(object: Arc<dyn $trait>, call: Call) -> VendorFuture<FfiBytes> {
            match call.method {
                $( $sc => Box::pin(async move {
                    let Call { context, store, .. } = &call;
                    answered(stringify!($sm), object.$sm(context, store).await)
                }), )*
                $( $swc => Box::pin(async move {
                    let Call { context, store, .. } = &call;
                    let request = decode(call.body.as_ref())?;
                    answered(stringify!($swm), object.$swm(context, store, request).await)
                }), )*
                $( $wc => Box::pin(async move {
                    let request = decode(call.body.as_ref())?;
                    answered(stringify!($wm), object.$wm(&call.context, request).await)
                }), )*
                other => {
                    let otherwise: fn(Arc<dyn $trait>) -> Option<Arc<dyn DataStoreDriver>> =
                        $otherwise;
                    match otherwise(object) {
                        Some(base) => dispatch_driver(base, call),
                        None => Box::pin(async move {
                            Err(unknown_method(stringify!($trait), other))
                        }),
                    }
                }
            }
        }

        const fn $names(method: u32) -> Option<&'static str> {
            match method {
                $( $sc => Some(stringify!($sm)), )*
                $( $swc => Some(stringify!($swm)), )*
                $( $wc => Some(stringify!($wm)), )*
                _ => None,
            }
        }
    };
}

interface! {
    DataStoreDriver, dispatch_driver, driver_names, otherwise |_| None;
    store {
        100 get_capabilities -> DataStoreCapabilities;
        101 get_store_to -> DataStoreTo;
    }
    store_with {
        102 get_to(DataObject) -> ToAnswer;
        103 create_async(CreateRequest) -> CreateResult;
        104 delete_async(DataObject) -> ();
        105 describe(DataObject) -> ObjectDescription;
        106 list_objects(ListObjectsRequest) -> ObjectPage;
        107 extents(ExtentsRequest) -> Vec<Extent>;
        108 resize(ResizeRequest) -> CreateResult;
    }
    with {
        109 can_copy(CopyRequest) -> bool;
        110 copy_async(CopyRequest) -> CopyResult;
    }
    besides {
        fn open_reader<'p, 'c, 's, 'f>(
            &'p self,
            call: &'c CallContext,
            store: &'s StoreContext,
            request: OpenReaderRequest,
        ) -> BoxFuture<'f, PluginResult<Box<dyn DataReader>>>
        where
            'p: 'f,
            'c: 'f,
            's: 'f,
        {
            self.invoke_reader(OPEN_READER, call, store, encode(&request))
        }

        fn open_writer<'p, 'c, 's, 'f>(
            &'p self,
            call: &'c CallContext,
            store: &'s StoreContext,
            request: OpenWriterRequest,
        ) -> BoxFuture<'f, PluginResult<OpenedWriter>>
        where
            'p: 'f,
            'c: 'f,
            's: 'f,
        {
            self.invoke_writer(OPEN_WRITER, call, store, encode(&request))
        }
    }
}

interface! {
    PrimaryDataStoreDriver, dispatch_primary, primary_names, otherwise |driver| Some(driver);
    store {
        200 get_storage_stats -> StorageStats;
        201 get_custom_storage_stats -> Details;
    }
    store_with {
        202 grant_access(AccessRequest) -> ConnectionInfo;
        203 revoke_access(RevokeRequest) -> ();
        204 get_chap_info(DataObject) -> Option<ChapInfo>;
        205 take_snapshot(TakeSnapshotRequest) -> CreateResult;
        206 revert_snapshot(RevertSnapshotRequest) -> ();
        207 handle_quality_of_service_for_volume_migration(QosMigrationRequest) -> ();
        208 update_quality_of_service(QosRequest) -> ();
        209 get_volume_stats(VolumeInfo) -> VolumeStats;
        210 can_host_access_storage_pool(HypervisorHost) -> bool;
        211 get_size_including_hypervisor_snapshot_reserve(VolumeInfo) -> u64;
        212 get_bytes_required_for_template(TemplateInfo) -> u64;
        213 get_volume_size_required_on_pool(SizeOnPoolRequest) -> u64;
        214 provide_vm_info(VmInfoRequest) -> ();
        215 provide_vm_tags(VmTagsRequest) -> ();
        216 detach_volume_from_all_storage_nodes(VolumeInfo) -> ();
        217 validate_volume_for_import(ImportRequest) -> ObjectDescription;
        218 replicate(ReplicationRequest) -> ReplicationStatus;
    }
    with {}
    besides {}
}

interface! {
    ImageStoreDriver, dispatch_image, image_names, otherwise |driver| Some(driver);
    store {
        304 get_image_store_stats -> StorageStats;
    }
    store_with {
        300 create_entity_extract_url(ExtractUrlRequest) -> ExtractUrl;
        301 delete_entity_extract_url(DeleteUrlRequest) -> ();
        302 get_data_disk_templates(DataDiskTemplatesRequest) -> Vec<DataDiskTemplate>;
        303 create_data_disk_template_async(CreateDataDiskTemplateRequest) -> CreateResult;
    }
    with {}
    besides {}
}

interface! {
    DataStoreLifeCycle, dispatch_life_cycle, life_cycle_names, otherwise |_| None;
    store {
        400 maintain -> bool;
        401 cancel_maintain -> bool;
        402 delete_data_store -> bool;
        403 migrate_to_object_store -> bool;
    }
    store_with {
        404 attach_host(AttachHostRequest) -> bool;
        405 attach_cluster(AttachClusterRequest) -> bool;
        406 attach_zone(AttachZoneRequest) -> bool;
    }
    with {
        407 initialize(InitializeRequest) -> InitializedStore;
    }
    besides {}
}

interface! {
    PrimaryDataStoreLifeCycle, dispatch_primary_life_cycle, primary_life_cycle_names,
    otherwise |_| None;
    store {
        500 enable_storage_pool -> ();
        501 disable_storage_pool -> ();
    }
    store_with {
        502 update_storage_pool(UpdatePoolRequest) -> ();
        503 change_storage_pool_scope_to_zone(ChangeScopeRequest) -> ();
        504 change_storage_pool_scope_to_cluster(ChangeScopeRequest) -> ();
    }
    with {}
    besides {}
}

interface! {
    HypervisorHostListener, dispatch_host_listener, host_listener_names, otherwise |_| None;
    store {}
    store_with {}
    with {
        600 host_added(HypervisorHost) -> ();
        601 host_connect(HostPoolRequest) -> HostPoolAnswer;
        602 host_disconnected(HostPoolRequest) -> ();
        603 host_about_to_be_removed(HypervisorHost) -> ();
        604 host_removed(HypervisorHost) -> ();
        605 host_enabled(HypervisorHost) -> ();
    }
    besides {}
}

interface! {
    VmSnapshotStrategy, dispatch_vm_snapshot, vm_snapshot_names, otherwise |_| None;
    store {}
    store_with {}
    with {
        700 can_handle(VmSnapshot) -> StrategyVerdict;
        701 take_vm_snapshot(VmSnapshot) -> VmSnapshotResult;
        702 delete_vm_snapshot(VmSnapshot) -> ();
        703 revert_vm_snapshot(VmSnapshot) -> ();
    }
    besides {}
}

macro_rules! host_interface {
    (
        with { $( $wc:literal $wm:ident ( $wt:ty ) -> $wr:ty; )* }
        plain { $( $pc:literal $pm:ident -> $pr:ty; )* }
    ) => {
        #[async_trait]
        impl HostServices for HostProxy {
            $( async fn $wm(&self, request: $wt) -> PluginResult<$wr> {
                self.invoke($wc, encode(&request)).await
            } )*
            $( async fn $pm(&self) -> PluginResult<$pr> {
                self.invoke($pc, Ok(Vec::new())).await
            } )*
        }

        pub async fn dispatch_host(
            services: Arc<dyn HostServices>,
            method: u32,
            body: Bytes,
        ) -> PluginResult<Vec<u8>> {
            match method {
                $( $wc => encode(&services.$wm(decode(&body)?).await
                    .map_err(|error| error.in_operation(stringify!($wm)))?), )*
                $( $pc => encode(&services.$pm().await
                    .map_err(|error| error.in_operation(stringify!($pm)))?), )*
                other => Err(PluginError::unsupported(format!(
                    "this host is older than the plugin and has no service {other}"
                ))),
            }
        }

        pub const fn host_method_name(method: u32) -> &'static str {
            match method {
                $( $wc => stringify!($wm), )*
                $( $pc => stringify!($pm), )*
                _ => "an unknown host service",
            }
        }
    };
}

host_interface! {
    with {
        1 register_driver(DataStoreProviderType) -> ();
        2 get_detail(DetailKey) -> Option<Secret>;
        3 set_detail(SetDetailRequest) -> ();
        4 remove_detail(DetailKey) -> ();
        5 list_details(ListDetailsRequest) -> Details;
        6 find_host(Uuid) -> Option<HypervisorHost>;
        7 list_hosts(ListHostsRequest) -> Vec<HypervisorHost>;
        8 find_store(Uuid) -> Option<DataStore>;
        9 report_capacity(CapacityReport) -> ();
    }
    plain {
        10 temporary_directory -> String;
    }
}

/// The name of a contract method, for messages.
pub const fn method_name(method: u32) -> &'static str {
    match method {
        MANIFEST => return "manifest",
        CONFIGURE => return "configure",
        OPEN_READER => return "open_reader",
        OPEN_WRITER => return "open_writer",
        _ => {}
    }
    let names = [
        driver_names(method),
        primary_names(method),
        image_names(method),
        life_cycle_names(method),
        primary_life_cycle_names(method),
        host_listener_names(method),
        vm_snapshot_names(method),
    ];
    let mut at = 0;
    while at < names.len() {
        if let Some(name) = names[at] {
            return name;
        }
        at += 1;
    }
    "an unknown method"
}
