//! Access of hypervisor hosts.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::scene::Scene;
use crate::{
    AccessProtocol, AccessRequest, ConnectionInfo, HypervisorHost, RevokeRequest, VolumeInfo,
};
use std::sync::Arc;

pub(in super::super) async fn access_is_granted_and_revoked(scene: Arc<Scene>) -> Checked {
    let volume = scene.volume().await?;
    let host = scene.stage.hypervisor_host.clone();
    revoke(&scene, &volume, Some(&host), "before any was granted").await?;
    let first = grant(&scene, &volume, &host).await?;
    check_connection(&first)?;
    let second = grant(&scene, &volume, &host).await.doing("a second time")?;
    equal("the answer of the second grant", first, second)?;
    let chap = scene.get_chap_info(volume.clone().into()).await;
    chap.doing("asking for CHAP names and secrets")?;
    revoke(&scene, &volume, Some(&host), "once").await?;
    revoke(&scene, &volume, Some(&host), "twice").await?;
    revoke(&scene, &volume, None, "of every host").await?;
    grant(&scene, &volume, &host).await.doing("after it was revoked")?;
    let detached = scene.detach_volume_from_all_storage_nodes(volume.clone()).await;
    detached.doing("taking the volume away from every host")?;
    scene.delete(&volume.clone().into()).await?;
    revoke(&scene, &volume, Some(&host), "to a volume that is gone").await?;
    revoke(&scene, &volume, None, "to a volume that is gone").await
}

async fn grant(
    scene: &Scene,
    volume: &VolumeInfo,
    host: &HypervisorHost,
) -> Checked<ConnectionInfo> {
    let request = AccessRequest::new(volume.clone(), host.clone());
    let answer = scene.grant_access(request).await;
    answer.doing(format_args!("granting the host {} access", host.name))
}

async fn revoke(
    scene: &Scene,
    volume: &VolumeInfo,
    host: Option<&HypervisorHost>,
    when: &str,
) -> Checked {
    let mut request = RevokeRequest::new(volume.clone());
    request.host = host.cloned();
    let answer = scene.revoke_access(request).await;
    answer.doing(format_args!("revoking access {when}"))
}

/// Whether a host could attach with this and nothing else.
fn check_connection(got: &ConnectionInfo) -> Checked {
    let lacks = |what: &str, is_there: bool| {
        ensure(is_there, || {
            format!("granting access over {}: expected {what}, got none", got.protocol)
        })
    };
    match got.protocol {
        AccessProtocol::File | AccessProtocol::Nfs | AccessProtocol::Rbd | AccessProtocol::Nbd => {
            lacks("a path", !got.path.is_empty())
        }
        AccessProtocol::Iscsi => {
            lacks("a portal", !got.portals.is_empty())?;
            lacks("a target", got.target.is_some())?;
            lacks("a LUN", got.lun.is_some())
        }
        AccessProtocol::FibreChannel => {
            lacks("ports of the array", !got.world_wide_port_names.is_empty())?;
            lacks("a LUN", got.lun.is_some())
        }
        AccessProtocol::NvmeTcp | AccessProtocol::NvmeRdma => {
            lacks("a portal", !got.portals.is_empty())?;
            lacks("an NQN", got.nqn.is_some())
        }
        AccessProtocol::VendorClient => {
            lacks("a path or details", !got.path.is_empty() || !got.details.is_empty())
        }
        AccessProtocol::Unknown => {
            Err(Failure::new("granting access: expected a protocol of the contract, got Unknown"))
        }
    }
}
