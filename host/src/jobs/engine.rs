//! The engine: starts operations, goes on with those of an earlier life, tells of all of them.

use super::erased::{Erased, ErasedFlow, write};
use super::flow::Flow;
use super::live::Live;
use super::pace::Pace;
use super::run::{self, Runner};
use super::step_error::StepError;
use crate::model::{Caller, Failure, Journal, Operation, Phase, RecordKind};
use crate::store::{Change, Refused, Repository, StoreError};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storage_plugin_api::PluginErrorKind;
pub use storage_plugin_api::Progress;
use tokio::sync::broadcast;
use uuid::Uuid;

/// What an operation begins with.
#[derive(Debug)]
pub struct NewOperation {
    /// Its id. Chosen by the caller, so that its first changes can name it.
    pub uuid: Uuid,
    /// Who asks for it.
    pub caller: Caller,
    /// The API command that asks for it.
    pub command: String,
    /// What it is about.
    pub object: Option<(RecordKind, Uuid)>,
    /// The records that no other operation may touch meanwhile.
    pub exclusive: Vec<Uuid>,
    /// The records that others may read as well, but nobody may remove meanwhile.
    pub shared: Vec<Uuid>,
    /// The name by which its request is known again. Claimed before anything else, so that a
    /// repeated request finds its own operation, not that its object is in use.
    pub token: Option<String>,
    /// What is committed together with its beginning.
    pub changes: Vec<Change>,
}

/// The engine. Clones are the same engine.
#[derive(Clone)]
pub struct Jobs {
    inner: Arc<Inner>,
}

struct Inner {
    repository: Arc<dyn Repository>,
    flows: Mutex<HashMap<&'static str, Arc<dyn ErasedFlow>>>,
    live: Mutex<HashMap<Uuid, Arc<Live>>>,
    given_up: broadcast::Sender<Uuid>,
}

/// How many operations that gave a call up a slow listener may be behind.
const GIVEN_UP_KEPT: usize = 256;

/// The name under which an operation holds a record for itself.
pub fn claim_of(object: Uuid) -> String {
    format!("object:{object}")
}

/// How the names begin under which operations keep a record from being removed.
pub fn uses_of(object: Uuid) -> String {
    format!("use:{object}:")
}

/// The name under which an operation keeps a record from being removed.
fn use_of(object: Uuid, operation: Uuid) -> String {
    format!("{}{operation}", uses_of(object))
}

/// The name under which the wish to cancel an operation outlives the host.
fn cancel_of(operation: Uuid) -> String {
    format!("cancel:{operation}")
}

impl Jobs {
    /// An engine over a store. Flows are added before it recovers.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        let inner = Inner {
            repository,
            flows: Mutex::default(),
            live: Mutex::default(),
            given_up: broadcast::Sender::new(GIVEN_UP_KEPT),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Adds a kind of operation.
    pub fn add_flow<F: Flow>(&self, flow: Arc<F>) {
        let mut flows = self.inner.flows.lock().unwrap_or_else(PoisonError::into_inner);
        flows.insert(F::NAME, Arc::new(Erased(flow)));
    }

    /// Begins an operation: durable when this returns, and running.
    ///
    /// # Errors
    /// What stands in the way; nothing of it is left then. `Claimed` names the operation that has
    /// one of the records.
    pub async fn start<F: Flow>(
        &self,
        new: NewOperation,
        state: &F::State,
    ) -> Result<Uuid, Refused> {
        let state = write::<F>(state).map_err(|error| {
            Refused::Store(StoreError::Internal { what: error.failure.message })
        })?;
        let operation = Operation {
            uuid: new.uuid,
            flow: F::NAME.to_owned(),
            flow_version: F::VERSION,
            state,
            position: 0,
            phase: Phase::Running,
            attempt: 1,
            failure: None,
            waiting_for: None,
            cancel_requested: false,
            caller: new.caller,
            command: new.command,
            object: new.object,
            journal: Journal::default(),
            epoch: self.inner.repository.epoch(),
            created_us: 0,
            updated_us: 0,
        };
        let holder = operation.uuid;
        let exclusive = new.exclusive.into_iter().map(claim_of);
        let shared = new.shared.into_iter().map(|object| use_of(object, holder));
        let claims = new
            .token
            .into_iter()
            .chain(exclusive)
            .chain(shared)
            .map(|name| Change::Claim { name, holder });
        let changes =
            claims.chain(new.changes).chain([Change::Begin(Box::new(operation.clone()))]).collect();
        self.inner.repository.transact(changes).await?;
        // Somebody who recovers may have found it already.
        if let Some(live) = self.take(holder) {
            self.watch(holder, Arc::clone(&live), self.runner(operation, live).run());
        }
        Ok(holder)
    }

    /// Goes on with every operation that does not rest and that nobody runs: after a start of the
    /// host, and now and then for those whose code broke.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let unfinished = self.inner.repository.unfinished_operations().await?;
        let mut recovered = 0;
        for operation in unfinished {
            let uuid = operation.uuid;
            let Some(live) = self.take(uuid) else {
                continue;
            };
            recovered += 1;
            let jobs = self.clone();
            // It may have come to rest since it was listed: only what is read now is run.
            self.watch(uuid, Arc::clone(&live), async move { jobs.resume(uuid, live).await });
        }
        Ok(recovered)
    }

    /// Makes this engine the one that runs an operation; `None` where somebody runs it already.
    fn take(&self, uuid: Uuid) -> Option<Arc<Live>> {
        match self.lock_live().entry(uuid) {
            Entry::Occupied(_) => None,
            Entry::Vacant(place) => Some(Arc::clone(place.insert(Arc::new(Live::new())))),
        }
    }

    async fn resume(&self, uuid: Uuid, live: Arc<Live>) {
        let repository = &self.inner.repository;
        let cancel = cancel_of(uuid);
        let (operation, cancelled) =
            tokio::join!(repository.find_operation(uuid), repository.find_claim(&cancel));
        match (operation, cancelled) {
            (Ok(Some(operation)), Ok(cancelled)) if !operation.phase.is_final() => {
                if cancelled.is_some() {
                    live.cancel();
                }
                self.runner(run::recovered(operation, repository.epoch()), live).run().await;
            }
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => {
                log::warn!(operation:% = uuid; "operation {uuid} is looked at again later: {error}");
            }
        }
    }

    fn runner(&self, operation: Operation, live: Arc<Live>) -> Runner {
        let flow = self.flow(&operation.flow);
        let repository = Arc::clone(&self.inner.repository);
        Runner { repository, flow, operation, live, pace: Pace::default() }
    }

    /// Runs what an operation needs in a task of its own, and tells those who wait of its end.
    fn watch(&self, uuid: Uuid, live: Arc<Live>, work: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(work);
        let jobs = self.clone();
        tokio::spawn(async move {
            if let Err(error) = task.await {
                log::error!(
                    operation:% = uuid;
                    "operation {uuid} broke, and is tried again within a minute: {error}"
                );
            }
            jobs.lock_live().remove(&uuid);
            live.end();
            if live.gave_up() {
                // Nobody may listen, as in a test.
                jobs.inner.given_up.send(uuid).ok();
            }
        });
    }

    fn flow(&self, name: &str) -> Option<Arc<dyn ErasedFlow>> {
        self.inner.flows.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn lock_live(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Live>>> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_live(&self, uuid: Uuid) -> Option<Arc<Live>> {
        self.lock_live().get(&uuid).cloned()
    }

    /// Waits until an operation rests, and gives it back.
    ///
    /// # Errors
    /// The store's; `NotFound` for an operation that there is not; its own failure is in it.
    pub async fn wait(&self, uuid: Uuid) -> Result<Operation, Failure> {
        loop {
            let live = self.find_live(uuid);
            if let Some(live) = live {
                live.ended().await;
            }
            let operation = self.find(uuid).await?;
            if operation.phase.is_final() || self.find_live(uuid).is_none() {
                return Ok(operation);
            }
        }
    }

    /// An operation as the store has it.
    ///
    /// # Errors
    /// The store's; `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Operation, Failure> {
        self.inner.repository.find_operation(uuid).await?.ok_or_else(|| {
            Failure::new(PluginErrorKind::NotFound, format!("there is no operation {uuid}"))
        })
    }

    /// How far the call that an operation makes now has come, if it makes one.
    pub fn progress(&self, uuid: Uuid) -> Option<Progress> {
        self.find_live(uuid)?.progress()
    }

    /// The operations that ended and had given a call up on their way: that call may still take
    /// effect, though nobody waits for it.
    pub fn given_up(&self) -> broadcast::Receiver<Uuid> {
        self.inner.given_up.subscribe()
    }

    /// The names of the flows, sorted.
    pub fn flow_names(&self) -> Vec<&'static str> {
        let flows = self.inner.flows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = flows.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Whether operations of a flow may leave something on other stores than that of their object; so
    /// they may where nobody knows the flow.
    pub fn spans_stores(&self, flow: &str) -> bool {
        self.flow(flow).is_none_or(|flow| flow.spans_stores())
    }

    /// The name of the step that an operation does or undoes now; `None` for one that rests.
    pub fn step_of(&self, operation: &Operation) -> Option<&'static str> {
        let flow = self.flow(&operation.flow)?;
        match operation.phase {
            Phase::Running => Some(flow.step_name(operation.position)),
            // On the way back the position counts what is still to be undone.
            Phase::Undoing => match operation.position.checked_sub(1) {
                Some(step) => Some(flow.step_name(step)),
                None => Some("begin"),
            },
            Phase::Done | Phase::Undone => None,
        }
    }

    /// Whether somebody in this process works on an operation.
    pub fn is_running(&self, uuid: Uuid) -> bool {
        self.lock_live().contains_key(&uuid)
    }

    /// How many operations run.
    pub fn running(&self) -> usize {
        self.lock_live().len()
    }

    /// Asks an operation to turn back. The wish is durable when this returns: the operation ends
    /// undone, unless it was done at that moment.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one that rests, or has passed its point of no return.
    pub async fn cancel(&self, uuid: Uuid) -> Result<(), Failure> {
        let operation = self.find(uuid).await?;
        let conflict = |message: String| Err(Failure::new(PluginErrorKind::Conflict, message));
        if operation.phase.is_final() {
            return conflict(format!("operation {uuid} is {} already", operation.phase));
        }
        let flow = self.flow(&operation.flow);
        if operation.phase == Phase::Running
            && flow.is_some_and(|flow| flow.is_forward_only(operation.position))
        {
            return conflict(format!(
                "operation {uuid} has passed its point of no return; it will be completed"
            ));
        }
        let claim = || (cancel_of(uuid), uuid);
        let (name, holder) = claim();
        self.inner.repository.transact(vec![Change::Claim { name, holder }]).await?;
        if let Some(live) = self.find_live(uuid) {
            live.cancel();
        }
        // It may have come to rest before it was asked: then it takes nothing back.
        let operation = self.find(uuid).await?;
        if operation.phase.is_final() && !operation.cancel_requested {
            let (name, holder) = claim();
            self.inner.repository.transact(vec![Change::Unclaim { name, holder }]).await?;
            return conflict(format!("operation {uuid} is {} already", operation.phase));
        }
        Ok(())
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        error.failure
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("running", &self.running()).finish_non_exhaustive()
    }
}
