//! Hypervisor hosts and instances that come and go.

use super::super::failure::{Checked, Doing, Failure};
use super::super::scene::Scene;
use crate::{
    CallContext, DataStore, HostPoolRequest, HypervisorHostListener, PluginResult, VmInfoRequest,
    VmInstance, VmTagsRequest,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(in super::super) async fn host_listener_takes_every_event_twice(scene: Arc<Scene>) -> Checked {
    let listener = scene.stage.provider.get_host_listener().ok_or_else(|| {
        Failure::new("expected the host listener that was there before, got none")
    })?;
    let events =
        ["added", "enabled", "connected", "disconnected", "about to be removed", "removed"];
    for event in events {
        for time in ["once", "twice"] {
            let call = scene.stage.call();
            let running = tell(&scene, Arc::clone(&listener), call.clone(), event);
            let told = scene.stage.within(&call, event, running).await;
            told.doing(format_args!("telling that a host was {event} {time}"))?;
        }
    }
    Ok(())
}

type Telling = Pin<Box<dyn Future<Output = PluginResult<()>> + Send>>;

fn tell(
    scene: &Scene,
    listener: Arc<dyn HypervisorHostListener>,
    call: CallContext,
    event: &'static str,
) -> Telling {
    let host = scene.stage.hypervisor_host.clone();
    let store = DataStore::clone(&scene.store());
    Box::pin(async move {
        match event {
            "added" => listener.host_added(&call, host).await,
            "enabled" => listener.host_enabled(&call, host).await,
            "connected" => {
                let request = HostPoolRequest::new(host, store);
                listener.host_connect(&call, request).await.map(drop)
            }
            "disconnected" => {
                let request = HostPoolRequest::new(host, store);
                listener.host_disconnected(&call, request).await
            }
            "about to be removed" => listener.host_about_to_be_removed(&call, host).await,
            _ => listener.host_removed(&call, host).await,
        }
    })
}

pub(in super::super) async fn instances_are_made_known(scene: Arc<Scene>) -> Checked {
    let volume = scene.volume().await?;
    let host = scene.stage.hypervisor_host.clone();
    let reached = scene.can_host_access_storage_pool(host.clone()).await;
    reached.doing("asking whether a host reaches the pool")?;
    let mut vm = VmInstance::new(scene.stage.uuid(), "i-2-7-VM");
    vm.host = Some(host);
    for instance in [Some(vm.clone()), None] {
        let mut request = VmInfoRequest::new(volume.clone());
        request.vm = instance;
        let told = scene.provide_vm_info(request).await;
        told.doing("telling which instance has the volume")?;
    }
    let mut keys = scene.can.vm_tags_needed.clone();
    keys.push("conformance".to_owned());
    for key in keys {
        let mut request = VmTagsRequest::new(volume.clone(), vm.clone(), key);
        request.value = Some("value".to_owned());
        let told = scene.provide_vm_tags(request).await;
        told.doing("telling a tag of the instance")?;
    }
    scene.delete(&volume.into()).await
}
