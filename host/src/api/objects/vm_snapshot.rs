//! An instance snapshot, as `listVMSnapshot` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ADMIN, Instance, ROOT_DOMAIN, Stored, VmSnapshot, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct VmSnapshotResponse {
        "id"                 id: Uuid                       => "the ID of the vm snapshot";
        "name"               name: String                   => "the name of the vm snapshot";
        "displayname"        display_name: String           => "the display name of the vm snapshot, which is its name";
        "description"        description: Option<String>    => "the description of the vm snapshot";
        "state"              state: &'static str            => "the state of the vm snapshot";
        "type"               kind: &'static str             => "VM Snapshot type: Disk or DiskAndMemory";
        "current"            current: bool                  => "indicates if this is current snapshot";
        "parent"             parent: Option<Uuid>           => "the parent ID of the vm snapshot";
        "parentName"         parent_name: Option<String>    => "the parent displayName of the vm snapshot";
        "virtualmachineid"   instance_id: Uuid              => "the vm ID of the vm snapshot";
        "virtualmachinename" instance_name: Option<String>  => "the vm name of the vm snapshot";
        "hypervisor"         hypervisor: Option<&'static str> => "the type of hypervisor on which snapshot is stored";
        "zoneid"             zone_id: Uuid                  => "the Zone ID of the vm snapshot";
        "zonename"           zone_name: Option<String>      => "the Zone name of the vm snapshot";
        "created"            created: String                => "the create date of the vm snapshot";
        "account"            account: &'static str          => "the account associated with the disk volume";
        "domain"             domain: &'static str           => "the domain associated with the disk volume";
        "tags"               tags: Vec<String>              => "the list of resource tags associated: none";
        "strategy"           strategy: String               => "who took it: the provider whose strategy did, or Host (an extension of this host)";
        "snapshots"          members: Vec<String>           => "the IDs of the snapshots of its volumes, root first (an extension of this host)";
        "note"               note: Option<String>           => "why the vm snapshot is in its state (an extension of this host)";
    }
}

/// How lists and explanations call the host's own strategy.
pub(in crate::api) const HOST: &str = "Host";

impl Shown for VmSnapshot {
    const OBJECT_NAME: &'static str = "vmsnapshot";
    type Response = VmSnapshotResponse;

    async fn show(
        names: &mut Names,
        stored: &Stored<Self>,
    ) -> Result<VmSnapshotResponse, ApiError> {
        let zone = names.find::<Zone>(Some(stored.zone)).await?;
        let instance = names.find::<Instance>(Some(stored.instance)).await?;
        let parent = names.find::<VmSnapshot>(stored.parent).await?;
        Ok(VmSnapshotResponse {
            id: stored.uuid,
            name: stored.name.clone(),
            display_name: stored.name.clone(),
            description: stored.description.clone(),
            state: stored.state.as_str(),
            kind: stored.snapshot_type.as_str(),
            current: stored.current,
            parent: stored.parent,
            parent_name: parent.map(|parent| parent.name.clone()),
            instance_id: stored.instance,
            instance_name: instance.as_ref().map(|instance| instance.name.clone()),
            hypervisor: instance.map(|instance| instance.hypervisor.as_str()),
            zone_id: stored.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            created: format_us(stored.created_us),
            account: ADMIN,
            domain: ROOT_DOMAIN,
            tags: Vec::new(),
            strategy: stored.strategy.clone().unwrap_or_else(|| HOST.to_owned()),
            members: stored.members.iter().map(Uuid::to_string).collect(),
            note: stored.note.clone(),
        })
    }
}
