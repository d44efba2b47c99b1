//! A snapshot, as `listSnapshots` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ADMIN, ROOT_DOMAIN, Snapshot, StoragePool, Stored, Volume, Zone};
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
        "account"       account: &'static str      => "the account associated with the snapshot";
        "domain"        domain: &'static str       => "the domain name of the snapshot's account";
        "zoneid"        zone_id: Uuid              => "id of the availability zone";
        "zonename"      zone_name: Option<String>  => "name of the availability zone";
        "tags"          tags: Vec<String>          => "the list of resource tags associated: none";
        "note"          note: Option<String>       => "why the snapshot is in its state (an extension of this host)";
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
        let is_manual = snapshot.snapshot_type == "MANUAL";
        Ok(SnapshotResponse {
            id: snapshot.uuid,
            name: snapshot.name.clone(),
            state: snapshot.state.as_str(),
            status: snapshot.state.as_str(),
            kind: if is_manual { "MANUAL" } else { "RECURRING" },
            interval: snapshot.snapshot_type.clone(),
            location: "PRIMARY",
            created: format_us(snapshot.created_us),
            virtual_size: snapshot.volume.size_bytes,
            physical_size: snapshot.physical_size_bytes,
            revertable: volume.as_ref().is_some_and(|volume| volume.pool == Some(snapshot.pool)),
            parent: snapshot.parent,
            parent_name: parent.map(|parent| parent.name.clone()),
            volume_id: snapshot.volume.uuid,
            volume_name: volume
                .as_ref()
                .map_or_else(|| snapshot.volume.name.clone(), |volume| volume.name.clone()),
            volume_type: snapshot.volume.volume_type.as_str(),
            volume_state: volume.map(|volume| volume.state.as_str()),
            store_id: snapshot.pool,
            store_name: pool.map(|pool| pool.name.clone()),
            store_type: "Primary",
            store_state: "Ready",
            account: ADMIN,
            domain: ROOT_DOMAIN,
            zone_id: snapshot.volume.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            tags: Vec::new(),
            note: snapshot.note.clone(),
        })
    }
}
