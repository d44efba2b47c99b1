//! Hypervisor hosts that come and go.

use crate::context::CallContext;
use crate::error::PluginResult;
use crate::types::{DataStore, HypervisorHost, record};
use async_trait::async_trait;

record! {
    /// A hypervisor host and a pool it meets or leaves.
    pub struct HostPoolRequest {
        /// The host.
        host: HypervisorHost,
        /// The pool.
        store: DataStore,
        ;
    }
}

record! {
    /// What a host found of a pool (CloudStack's answer to `ModifyStoragePool`).
    #[derive(Default)]
    pub struct HostPoolAnswer {
        ;
        /// Where the host sees the pool.
        local_path: Option<String>,
        /// All its space in bytes, as the host sees it.
        capacity_bytes: Option<u64>,
        /// What is used of it.
        used_bytes: Option<u64>,
    }
}

/// Listens to hypervisor hosts (CloudStack's `HypervisorHostListener`).
///
/// **Who.** A provider of storage pools that keeps something per host (initiator groups, a client
/// on the host) implements it; the host's orchestration calls it.
///
/// **Order.** `host_added` → `host_connect` for each pool in reach, at each connection →
/// `host_disconnected` → `host_about_to_be_removed` → `host_removed`. Any of them may come twice.
///
/// Threads, panics and cancellation are as in [`DataStoreDriver`](crate::DataStoreDriver).
/// Every method has a default that does nothing.
#[async_trait]
pub trait HypervisorHostListener: Send + Sync + 'static {
    /// A host was registered (`hostAdded`).
    ///
    /// # Errors
    /// Any: the registration goes on, the error is shown with the host.
    #[doc(alias = "hostAdded")]
    async fn host_added(&self, call: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        let _ = (call, host);
        Ok(())
    }

    /// A host connects to a pool (`hostConnect`): when it comes up, when a pool is attached, when
    /// maintenance ends.
    ///
    /// # Errors
    /// Any: attaching a pool fails when no host connects.
    #[doc(alias = "hostConnect")]
    async fn host_connect(
        &self,
        call: &CallContext,
        request: HostPoolRequest,
    ) -> PluginResult<HostPoolAnswer> {
        let _ = (call, request);
        Ok(HostPoolAnswer::default())
    }

    /// A host leaves a pool (`hostDisconnected`).
    ///
    /// # Errors
    /// Logged; the host has left all the same.
    #[doc(alias = "hostDisconnected")]
    async fn host_disconnected(
        &self,
        call: &CallContext,
        request: HostPoolRequest,
    ) -> PluginResult<()> {
        let _ = (call, request);
        Ok(())
    }

    /// A host is about to be removed (`hostAboutToBeRemoved`): take it out of access groups.
    ///
    /// # Errors
    /// Any: the removal waits until it succeeds or is forced.
    #[doc(alias = "hostAboutToBeRemoved")]
    async fn host_about_to_be_removed(
        &self,
        call: &CallContext,
        host: HypervisorHost,
    ) -> PluginResult<()> {
        let _ = (call, host);
        Ok(())
    }

    /// A host was removed (`hostRemoved`).
    ///
    /// # Errors
    /// Logged.
    #[doc(alias = "hostRemoved")]
    async fn host_removed(&self, call: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        let _ = (call, host);
        Ok(())
    }

    /// A host was enabled again (`hostEnabled`).
    ///
    /// # Errors
    /// Logged.
    #[doc(alias = "hostEnabled")]
    async fn host_enabled(&self, call: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        let _ = (call, host);
        Ok(())
    }
}
