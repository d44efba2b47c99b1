//! Hypervisor hosts that come and go. Optional.
//!
//! A directory does not care which hosts there are. An array would put the host's initiator into
//! its access groups here; we only remember the hosts, to show how a plugin keeps something.

use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, log};

/// The listener.
pub(crate) struct SampleHostListener {
    pub(crate) host: Arc<dyn HostServices>,
}

fn connected(host: &HypervisorHost) -> DetailKey {
    DetailKey::new(DetailOwner::Host, host.uuid, "connected")
}

#[async_trait]
impl HypervisorHostListener for SampleHostListener {
    async fn host_connect(&self, _: &Call, of: HostPoolRequest) -> Result<HostPoolAnswer> {
        log::info!(host = of.host.name.as_str(), pool = of.store.name.as_str(); "a host connects");
        // Durable once it returned: the only memory of a plugin that survives a restart.
        let value = Secret::new(of.store.uuid.to_string());
        self.host.set_detail(SetDetailRequest::new(connected(&of.host), value)).await?;
        Ok(HostPoolAnswer::default())
    }

    async fn host_removed(&self, _: &Call, host: HypervisorHost) -> Result<()> {
        self.host.remove_detail(connected(&host)).await
    }
}
