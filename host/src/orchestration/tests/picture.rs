//! What there is in a world, as far as it can be seen from outside of the host's mind.

use super::faulty::Told;
use super::world::{Life, World};
use crate::in_memory::InMemory;
use crate::model::{
    Attachment, ExtractLink, Host, HostPool, ImageStore, Instance, ObjectInStore, Record, Snapshot,
    SnapshotPolicy, StoragePool, Stored, Template, VmSnapshot, Volume,
};
use crate::store::Filter;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Every record that was not removed, the promises, the claims, the objects of the back end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::orchestration) struct Picture {
    /// By kind and uuid.
    pub(in crate::orchestration) records: BTreeMap<String, Value>,
    /// The paths of objects that were given out of care.
    pub(in crate::orchestration) released: BTreeSet<String>,
    /// By pool and owner.
    pub(in crate::orchestration) promises: BTreeMap<(Uuid, Uuid), u64>,
    pub(in crate::orchestration) claims: Vec<String>,
    /// By path: how large, and which bytes.
    pub(in crate::orchestration) objects: BTreeMap<String, (u64, String)>,
    /// Pools, and the hosts that know them by their records.
    pub(in crate::orchestration) host_pools: BTreeSet<(Uuid, Uuid)>,
    pub(in crate::orchestration) told: Told,
}

impl Picture {
    /// The record of a kind.
    pub(in crate::orchestration) fn record(&self, kind: &str, uuid: Uuid) -> Option<&Value> {
        self.records.get(&format!("{kind} {uuid}"))
    }

    /// The word in a field of a record that is there.
    pub(in crate::orchestration) fn word(&self, kind: &str, uuid: Uuid, field: &str) -> &str {
        self.record(kind, uuid).and_then(|record| record[field].as_str()).unwrap_or_default()
    }

    /// The records of a kind.
    pub(in crate::orchestration) fn all(&self, kind: &str) -> impl Iterator<Item = (Uuid, &Value)> {
        self.records.iter().filter_map(move |(key, record)| {
            let (of, uuid) = key.split_once(' ')?;
            (of == kind).then(|| (uuid.parse().unwrap(), record))
        })
    }

    /// Sets a field of a record.
    pub(in crate::orchestration) fn set(
        &mut self,
        kind: &str,
        uuid: Uuid,
        field: &str,
        value: &str,
    ) {
        if let Some(record) = self.records.get_mut(&format!("{kind} {uuid}")) {
            record[field] = value.into();
        }
    }

    /// The bytes of an object that a record owns.
    pub(in crate::orchestration) fn bytes(&self, kind: &str, uuid: Uuid) -> Option<&str> {
        let (_, bytes) = self.objects.get(self.word(kind, uuid, "path"))?;
        Some(bytes)
    }

    fn put<T: Record>(&mut self, life: &Life) {
        for record in life.list::<T>() {
            let mut value = serde_json::to_value(&record).unwrap();
            let fields = value.as_object_mut().unwrap();
            // Moments differ, and nothing decides by them but an expiry.
            fields.remove("destroyed_us");
            fields.remove("last_used_us");
            // Why something is as it is, for people.
            fields.remove("note");
            fields.remove("backlog");
            fields.remove("warning");
            // A policy is looked at by the host itself, now and then.
            fields.remove("is_settled");
            // As it was described last.
            fields.remove("physical_size_bytes");
            fields.remove("used_bytes");
            self.records.insert(format!("{} {}", T::KIND, record.uuid()), value);
        }
    }
}

impl Life {
    /// What there is.
    pub(in crate::orchestration) fn picture(&self, world: &World) -> Picture {
        let mut picture = Picture::default();
        picture.put::<StoragePool>(self);
        picture.put::<Volume>(self);
        picture.put::<Snapshot>(self);
        picture.put::<SnapshotPolicy>(self);
        picture.put::<Attachment>(self);
        picture.put::<Host>(self);
        picture.put::<Instance>(self);
        picture.put::<VmSnapshot>(self);
        picture.put::<ImageStore>(self);
        picture.put::<Template>(self);
        picture.put::<ObjectInStore>(self);
        picture.put::<ExtractLink>(self);
        for one in self.list::<ObjectInStore>() {
            // How it is told does not matter, but that it is.
            let key = format!("{} {}", ObjectInStore::KIND, one.uuid);
            picture.records.get_mut(&key).unwrap()["told"] = one.note.is_some().into();
        }
        let repository = self.repository();
        for pool in self.list_all::<StoragePool>() {
            let promises = self.run(repository.reservations(pool.uuid)).unwrap();
            let promises = promises.into_iter().map(|(owner, bytes)| ((pool.uuid, owner), bytes));
            picture.promises.extend(promises);
        }
        let volumes = self.list_all::<Volume>().into_iter();
        picture.released = volumes.filter(|one| one.released).map(|one| one.record.path).collect();
        for known in self.list::<HostPool>() {
            let is_new = picture.host_pools.insert((known.pool, known.host));
            assert!(is_new, "two records of what one host knows of one pool: {known:?}");
        }
        picture.claims =
            self.run(repository.list_claims()).unwrap().into_iter().map(|one| one.name).collect();
        picture.objects = objects(&world.memory);
        picture.told = world.told.lock().unwrap().clone();
        picture
    }

    fn list_all<T: Record>(&self) -> Vec<Stored<T>> {
        let filter = Filter { removed: true, ..Filter::default() };
        self.run(self.repository().list::<T>(&filter)).unwrap()
    }
}

fn objects(memory: &InMemory) -> BTreeMap<String, (u64, String)> {
    memory.with(|objects| {
        let objects = objects.iter().map(|(path, object)| {
            let mut hasher = blake3::Hasher::new();
            for (number, block) in &object.blocks {
                hasher.update(&number.to_le_bytes()).update(block);
            }
            (path.clone(), (object.size, hasher.finalize().to_hex().to_string()))
        });
        objects.collect()
    })
}
