//! What is on an image store goes to others: all of it, so much that they are as full as each other,
//! or what is named.
//!
//! What it is not: the moving itself; that is in `migrate_flow.rs`, and of one object in
//! `migrate_object.rs`.
//!
//! **Invariant:** what is moved can be read afterwards by whoever could read it before.

use super::balance::{Level, balanced};
use super::migrate_flow::{Flow, Plan, State};
use crate::jobs;
use crate::model::{
    Failure, ImageStore, ObjectInStore, ObjectInStoreState, Operation, RecordKind, Stored,
};
use crate::orchestration::in_store::expect_up;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

/// So many objects are named that stay.
const NAMED: usize = 10;

/// What is to be moved, and where to.
#[derive(Debug, Clone)]
pub struct MigrateImages {
    /// The image store that it leaves.
    pub source: Uuid,
    /// Where it may go; to every other store that serves the same zone if none is named.
    pub destinations: Vec<Uuid>,
    /// How much of it.
    pub migration: MigrationType,
}

/// How much is moved (CloudStack's `MigrationPolicy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationType {
    /// All of it; the source takes nothing new.
    Complete,
    /// So much that source and destinations are as full as each other.
    Balance,
    /// These templates and snapshots.
    Chosen(Vec<Uuid>),
}

impl MigrationType {
    /// CloudStack's word for it; `resources` where they are named.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Balance => "balance",
            Self::Chosen(_) => "resources",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    /// `complete`, `balance` or `resources`.
    pub how: String,
    /// How many objects went to other stores.
    pub moved: usize,
    /// What stays although it should go, each with the reason.
    pub stay: Vec<String>,
}

impl Migrated {
    /// What came of a migration; `None` of an operation that is none, or did not end.
    pub fn of(operation: &Operation) -> Option<Self> {
        if operation.flow != <Flow as jobs::Flow>::NAME {
            return None;
        }
        serde_json::from_str::<State>(&operation.state).ok()?.outcome
    }

    /// For people.
    pub fn message(&self) -> String {
        let mut told =
            format!("{} of {} objects were moved", self.moved, self.moved + self.stay.len());
        if !self.stay.is_empty() {
            let named: Vec<_> = self.stay.iter().take(NAMED).map(String::as_str).collect();
            told = format!("{told}; {} stay: {}", self.stay.len(), named.join("; "));
        }
        if self.stay.len() > NAMED {
            told = format!("{told}; and {} more", self.stay.len() - NAMED);
        }
        told
    }
}

impl super::ImageStores {
    /// Begins to move what is on an image store to others (`migrateSecondaryStorageData`,
    /// `migrateResourceToAnotherSecondaryStorage`).
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` for destinations that cannot take what the source serves;
    /// `Conflict` for a store that is not up, for balance where nobody knows how full one is, and
    /// for a named object that is not ready on the source.
    pub async fn migrate(
        &self,
        request: &RequestContext,
        wish: MigrateImages,
    ) -> Result<Started, Failure> {
        let mut source = self.rooms.find_image_store(wish.source).await?;
        let destinations = self.destinations(&source, &wish.destinations).await?;
        let places = self.rooms.what_is_on(source.uuid).await?;
        let plan = match &wish.migration {
            MigrationType::Complete => Plan::All,
            MigrationType::Balance => {
                Plan::Some(balance(&source, &destinations, &places)?.into_iter().collect())
            }
            MigrationType::Chosen(objects) => {
                let mut chosen = BTreeMap::new();
                for object in objects {
                    chosen.insert(ready_place(&source, &places, *object)?, None);
                }
                Plan::Some(chosen)
            }
        };
        let was_read_only = source.read_only;
        source.read_only |= plan == Plan::All;
        let changes = vec![expect_up(source.uuid), Change::update(&source)];
        let state = State {
            source: source.uuid,
            destinations: destinations.iter().map(|one| one.uuid).collect(),
            listed: match &plan {
                Plan::All => places.iter().map(|one| one.uuid).collect(),
                Plan::Some(chosen) => chosen.keys().copied().collect(),
            },
            plan,
            was_read_only,
            how: wish.migration.as_str().to_owned(),
            outcome: None,
        };
        let with = With { shared: state.destinations.clone(), ..With::default() };
        let object = (RecordKind::ImageStore, source.uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }

    /// The stores that what is on the source may go to: who reads it there reads it here.
    async fn destinations(
        &self,
        source: &ImageStore,
        named: &[Uuid],
    ) -> Result<Vec<Stored<ImageStore>>, Failure> {
        let fits = |one: &ImageStore| {
            let reaches = one.scope.zone_id.is_none() || one.scope.zone_id == source.scope.zone_id;
            one.uuid != source.uuid && one.role == DataStoreRole::Image && reaches
        };
        if source.role != DataStoreRole::Image {
            return Err(Failure::invalid(format!(
                "{} has copies only, which need not be moved: remove it",
                source.title()
            )));
        }
        if named.is_empty() {
            let mut all = self.list(&Filter::default()).await?;
            all.retain(|one| fits(one));
            return match all.is_empty() {
                true => Err(Failure::conflict(format!(
                    "there is no other image store that serves what {} serves; add one first \
                     (addImageStore)",
                    source.title()
                ))),
                false => Ok(all),
            };
        }
        let mut destinations = Vec::new();
        for uuid in named.iter().copied().collect::<BTreeSet<_>>() {
            let one = self.rooms.find_image_store(uuid).await?;
            if !fits(&one) {
                return Err(Failure::invalid(format!(
                    "{} cannot take what is on {}: it is to be another image store, of the same \
                     zone or of the region",
                    one.title(),
                    source.title()
                )));
            }
            destinations.push(one);
        }
        Ok(destinations)
    }
}

/// The object on the source, if it can be moved.
fn ready_place(
    source: &ImageStore,
    places: &[Stored<ObjectInStore>],
    object: Uuid,
) -> Result<Uuid, Failure> {
    let place = places.iter().find(|one| one.object == object);
    match place {
        Some(place) if place.state == ObjectInStoreState::Ready => Ok(place.uuid),
        Some(place) => Err(Failure::conflict(format!(
            "{} {object} on {} is in state {}; only what is Ready can be moved",
            place.kind,
            source.title(),
            place.state
        ))),
        None => Err(Failure::conflict(format!("{object} is not on {}", source.title()))),
    }
}

/// What goes where, so that all are as full as each other.
fn balance(
    source: &ImageStore,
    destinations: &[Stored<ImageStore>],
    places: &[Stored<ObjectInStore>],
) -> Result<Vec<(Uuid, Option<Uuid>)>, Failure> {
    let level = |one: &ImageStore| match one.capacity_bytes {
        0 => Err(Failure::conflict(format!(
            "nobody knows how full {} is: say how much of it may be used (updateImageStore \
             capacitybytes), or move what you choose",
            one.title()
        ))),
        capacity => Ok(Level { store: one.uuid, used: one.used_bytes, capacity }),
    };
    let others = destinations.iter().map(|one| level(one)).collect::<Result<_, _>>()?;
    let ready = places.iter().filter(|one| one.state == ObjectInStoreState::Ready);
    let moves =
        balanced(level(source)?, others, ready.map(|one| (one.uuid, one.bytes())).collect());
    Ok(moves.into_iter().map(|(place, store)| (place, Some(store))).collect())
}

impl Rooms {
    /// What is on a data store, or on its way to it, in the order of its coming.
    pub(in crate::orchestration) async fn what_is_on(
        &self,
        store: Uuid,
    ) -> Result<Vec<Stored<ObjectInStore>>, Failure> {
        let filter = Filter { owner: Some(store), ..Filter::default() };
        Ok(self.repository.list(&filter).await?)
    }
}
