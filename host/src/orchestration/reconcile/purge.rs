//! Leftovers go: objects whose records say that they were removed.
//!
//! **Invariant:** the record is read again under the claim of the operation that deletes, so no
//! operation on the object runs meanwhile; the deletion is believed when `describe` confirms it.

use super::{Orphan, OrphanClass, Reconcile};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, ObjectInStore, Phase};
use crate::orchestration::request::RequestContext;
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// How many leftovers are on their way out at once.
const AT_ONCE: usize = 32;

/// A leftover, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The object.
    pub orphan: Orphan,
    /// The operation that deletes it; `None` in a dry run, and where none could begin.
    pub operation: Option<Uuid>,
    /// Why it is still there.
    pub failure: Option<Failure>,
}

impl Reconcile {
    /// Deletes the leftovers of one pool or image store, or of all, and waits until they are gone; in a
    /// dry run it only tells which.
    ///
    /// # Errors
    /// As [`scan`](Self::scan); why a leftover is still there is told beside it.
    pub async fn purge(
        &self,
        request: &RequestContext,
        store: Option<Uuid>,
        dry_run: bool,
    ) -> Result<Vec<Purged>, Failure> {
        let scans = self.scan(store).await?;
        let leftovers: Vec<Orphan> = scans
            .into_iter()
            .flat_map(|scan| scan.orphans)
            .filter(|orphan| orphan.class == OrphanClass::Leftover)
            .collect();
        let mut purged = Vec::new();
        for some in leftovers.chunks(AT_ONCE) {
            let from = purged.len();
            for orphan in some {
                let begun = if dry_run { Ok(None) } else { self.begin(request, orphan).await };
                let (operation, failure) = match begun {
                    Ok(operation) => (operation, None),
                    Err(failure) => (None, Some(failure)),
                };
                purged.push(Purged { orphan: orphan.clone(), operation, failure });
            }
            for one in purged.iter_mut().skip(from) {
                if let Some(uuid) = one.operation {
                    let operation = self.rooms.jobs.wait(uuid).await?;
                    one.failure = match operation.phase {
                        Phase::Done => None,
                        _ => Some(operation.failure.unwrap_or_else(|| {
                            Failure::unavailable(format!("operation {uuid} has not ended yet"))
                        })),
                    };
                }
            }
        }
        Ok(purged)
    }

    async fn begin(
        &self,
        request: &RequestContext,
        orphan: &Orphan,
    ) -> Result<Option<Uuid>, Failure> {
        let (Some(object), Some(kind)) = (orphan.object, orphan.kind) else {
            return Ok(None);
        };
        // A token names one operation, and here are many.
        let mut request = request.clone();
        request.caller.token = None;
        let with = With { shared: vec![orphan.store], ..With::default() };
        let state = State {
            store: orphan.store,
            object,
            path: orphan.path.clone(),
            holder: Uuid::new_v4(),
        };
        let changes = vec![
            self.rooms.expect_store_in_use(orphan.store).await?,
            // Nor does it come to be there anew meanwhile, maybe at the same path.
            Change::Claim { name: state.claim(), holder: state.holder },
        ];
        let started =
            self.rooms.begin::<Flow>(&request, (kind, object), with, changes, &state).await?;
        Ok(Some(started.operation))
    }
}

/// `orphan.purge`: the driver removes what should be gone.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// As operations in flight have it.
    #[serde(rename = "pool")]
    store: Uuid,
    object: Uuid,
    path: String,
    /// Who keeps the object from coming to be there anew.
    #[serde(default = "Uuid::new_v4")]
    holder: Uuid,
}

impl State {
    fn claim(&self) -> String {
        ObjectInStore::claim_of(self.store, self.object)
    }

    fn let_go(&self) -> Change {
        Change::Unclaim { name: self.claim(), holder: self.holder }
    }
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "orphan.purge";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the data store", step_fn!(remove))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async { Ok(vec![state.let_go()]) })
    }
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let known = self.0.known_on(state.store, state.object).await?.filter(|known| known.is_dead);
        let known = known.ok_or_else(|| {
            Failure::conflict(format!(
                "the record of object {} does not say that it was removed; it is not touched",
                state.object
            ))
        })?;
        if self.0.owned_paths(state.store).await?.contains(&state.path) {
            return Err(Failure::conflict(format!(
                "{:?} has another owner by now; it is not touched",
                state.path
            ))
            .into());
        }
        let store = self.0.store_access(state.store).await?;
        store.delete(context, known.at(&state.path)).await?;
        let told = format!(
            "{} {:?}, which was removed before, was still on {} and is gone now",
            known.kind, known.name, store.title
        );
        let object = (known.kind, state.object);
        Ok(vec![state.let_go(), context.event("ORPHAN.PURGE", object, told)])
    }
}
