//! What can be done, a scenario for each flow.
//!
//! WHEN ADDING A FLOW add its scenario: `every_flow_has_a_scenario` says which one is missing.

use super::scenario::Scenario;
use super::world::{Life, Picture, request};
use crate::orchestration::volume::CreateVolume;
use serde_json::Value;
use uuid::Uuid;

const MIB: u64 = 1 << 20;

/// A blank volume on a pool.
pub(super) fn blank(pool: Uuid, size_bytes: u64) -> CreateVolume {
    CreateVolume {
        name: Some("one".to_owned()),
        size_bytes: Some(size_bytes),
        pool: Some(pool),
        ..CreateVolume::default()
    }
}

async fn create(
    life: &Life,
    wish: CreateVolume,
) -> Result<crate::orchestration::Started, crate::model::Failure> {
    let zones = life.repository();
    let zone = zones.list::<crate::model::Zone>(&Default::default()).await.unwrap()[0].uuid;
    let wish = CreateVolume { zone: Some(zone), ..wish };
    life.orchestration.volumes.create(&request(), wish).await
}

/// A pool and a volume on it.
fn volume(life: &Life) -> Vec<Uuid> {
    let pool = life.pool("a");
    let volume = life.done(life.run(create(life, blank(pool, MIB))).unwrap());
    vec![pool, volume]
}

fn record(picture: &Picture, kind: &str, uuid: Uuid) -> Option<Value> {
    picture.records.get(&format!("{kind} {uuid}")).cloned()
}

fn count(picture: &Picture, kind: &str) -> usize {
    picture.records.keys().filter(|key| key.split(' ').next() == Some(kind)).count()
}

/// Sets a field of a record.
fn set(picture: &mut Picture, kind: &str, uuid: Uuid, field: &str, value: &str) {
    if let Some(record) = picture.records.get_mut(&format!("{kind} {uuid}")) {
        record[field] = value.into();
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "pool.create",
            prepare: |_| Vec::new(),
            begin: |life, _| Box::pin(life.create_pool("a")),
            is_done: |picture, _| count(picture, "storage_pool") == 1,
            undone: |_, _| {},
        },
        Scenario {
            flow: "volume.create",
            prepare: |life| vec![life.pool("a")],
            begin: |life, ids| Box::pin(create(life, blank(ids[0], MIB))),
            is_done: |picture, _| count(picture, "volume") == 1,
            undone: |_, _| {},
        },
        Scenario {
            flow: "volume.expunge",
            prepare: volume,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.volumes.expunge(&request(), ids[1]).await },
                )
            },
            is_done: |picture, ids| record(picture, "volume", ids[1]).is_none(),
            undone: |picture, ids| set(picture, "volume", ids[1], "state", "Destroy"),
        },
    ]
}
