//! A snapshot, as `listSnapshots` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{
    ADMIN, GROUP, ImageStore, MANUAL, ObjectInStore, ObjectInStoreState, ROOT_DOMAIN, Snapshot,
    StoragePool, Stored, Volume, Zone,
};
use crate::store::Filter;
use uuid::Uuid;

response! {
    pub(in crate::api) struct SnapshotResponse {
        "id"            id: Uuid                   => "ID of the snapshot";
        "name"          name: String               => "name of the snapshot";
        "state"         state: &'static str        => "the state of the snapshot. BackedUp means that snapshot is ready to be used";
        "status"        status: &'static str       => "the status of the snapshot";
        "snapshottype"  kind: &'static str         => "the type of the snapshot";
        "intervaltype"  interval: String           => "valid types are hourly, daily, weekly, monthly, template, and none";
        "locationtype"  location: &'static str     => "valid location types are primary and secondary";
        "created"       created: String            => "the date the snapshot was created";
        "virtualsize"   virtual_size: u64          => "virtual size of backedup snapshot on image store";
        "physicalsize"  physical_size: Option<u64> => "physical size of backedup snapshot on image store";
        "revertable"    revertable: bool           => "indicates whether the underlying storage supports reverting the volume to this snapshot, as far as it is known";
        "parent"        parent: Option<Uuid>       => "ID of the snapshot before it";
        "parentname"    parent_name: Option<String> => "name of the snapshot before it";
        "volumeid"      volume_id: Uuid            => "ID of the disk volume";
        "volumename"    volume_name: String        => "name of the disk volume";
        "volumetype"    volume_type: &'static str  => "type of the disk volume";
        "volumestate"   volume_state: Option<&'static str> => "state of the disk volume";
        "datastoreid"   store_id: Uuid             => "ID of the datastore for the snapshot entry";
        "datastorename" store_name: Option<String> => "name of the datastore for the snapshot entry";
        "datastoretype" store_type: &'static str   => "type of the datastore for the snapshot entry";
        "datastorestate" store_state: &'static str => "state of the snapshot on the datastore";
        "backupstoreid" backup_store: Option<Uuid> => "ID of the image store that has a copy (an extension of this host)";
        "backupstorename" backup_store_name: Option<String> => "name of that image store (an extension of this host)";
        "backupmovedbytes" backup_moved: Option<u64> => "how many bytes were moved for that copy, where it began with an earlier one and only what changed since was moved (an extension of this host)";
        "account"       account: &'static str      => "the account associated with the snapshot";
        "domain"        domain: &'static str       => "the domain name of the snapshot's account";
        "zoneid"        zone_id: Uuid              => "id of the availability zone";
        "zonename"      zone_name: Option<String>  => "name of the availability zone";
        "tags"          tags: Vec<String>          => "the list of resource tags associated: none";
        "vmsnapshotid"  vm_snapshot: Option<Uuid>  => "the ID of the VM snapshot that it is a member of (an extension of this host)";
        "policyid"      policy: Option<Uuid>       => "the ID of the snapshot policy that took it (an extension of this host)";
        "note"          note: Option<String>       => "why the snapshot is in its state (an extension of this host)";
    }
}

/// The word for what made it: somebody, a policy, or a snapshot of its instance.
pub(in crate::api) fn kind_of(snapshot: &Snapshot) -> &'static str {
    match snapshot.snapshot_type.as_str() {
        MANUAL => MANUAL,
        GROUP => GROUP,
        _ => "RECURRING",
    }
}

impl Shown for Snapshot {
    const OBJECT_NAME: &'static str = "snapshot";
    type Response = SnapshotResponse;

    async fn show(
        names: &mut Names,
        snapshot: &Stored<Self>,
    ) -> Result<SnapshotResponse, ApiError> {
        let zone = names.find::<Zone>(Some(snapshot.volume.zone)).await?;
        let pool = names.find::<StoragePool>(Some(snapshot.pool)).await?;
        let volume = names.find::<Volume>(Some(snapshot.volume.uuid)).await?;
        let parent = names.find::<Snapshot>(snapshot.parent).await?;
        let in_store = ready_in_store(names, snapshot).await?;
        let backup_moved = in_store.as_ref().and_then(|one| one.moved_bytes);
        let in_store = in_store.map(|one| one.store);
        let image_store = names.find::<ImageStore>(in_store).await?;
        Ok(SnapshotResponse {
            id: snapshot.uuid,
            name: snapshot.name.clone(),
            state: snapshot.state.as_str(),
            status: snapshot.state.as_str(),
            kind: kind_of(snapshot),
            interval: snapshot.snapshot_type.clone(),
            location: if in_store.is_some() { "SECONDARY" } else { "PRIMARY" },
            created: format_us(snapshot.created_us),
            virtual_size: snapshot.volume.size_bytes,
            physical_size: snapshot.physical_size_bytes,
            revertable: snapshot.on_primary
                && volume.as_ref().is_some_and(|volume| volume.pool == Some(snapshot.pool)),
            parent: snapshot.parent,
            parent_name: parent.map(|parent| parent.name.clone()),
            volume_id: snapshot.volume.uuid,
            volume_name: volume
                .as_ref()
                .map_or_else(|| snapshot.volume.name.clone(), |volume| volume.name.clone()),
            volume_type: snapshot.volume.volume_type.as_str(),
            volume_state: volume.map(|volume| volume.state.as_str()),
            store_id: in_store.filter(|_| !snapshot.on_primary).unwrap_or(snapshot.pool),
            store_name: match snapshot.on_primary {
                true => pool.map(|pool| pool.name.clone()),
                false => image_store.as_ref().map(|store| store.name.clone()),
            },
            store_type: if snapshot.on_primary { "Primary" } else { "Image" },
            backup_store: in_store,
            backup_store_name: image_store.map(|store| store.name.clone()),
            backup_moved,
            store_state: "Ready",
            account: ADMIN,
            domain: ROOT_DOMAIN,
            zone_id: snapshot.volume.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            tags: Vec::new(),
            vm_snapshot: snapshot.vm_snapshot,
            policy: snapshot.policy.map(|run| run.policy),
            note: snapshot.note.clone(),
        })
    }
}

/// A snapshot on an image store, if it is on one.
async fn ready_in_store(
    names: &Names,
    snapshot: &Stored<Snapshot>,
) -> Result<Option<Stored<ObjectInStore>>, ApiError> {
    let filter = Filter {
        name: Some(snapshot.uuid.to_string()),
        states: vec![ObjectInStoreState::Ready.as_str()],
        ..Filter::default()
    };
    let places = names.repository().list::<ObjectInStore>(&filter).await?;
    Ok(places.into_iter().next())
}
