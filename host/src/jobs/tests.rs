//! What the engine does with a wish that comes late, and with those who come between.

use super::{Flow, Jobs, NewOperation, Step, StepContext, StepError, step_fn};
use crate::model::{Caller, Failure, Journal, Operation, Phase, RecordKind};
use crate::store::{Change, Refused, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage_plugin_api::{PluginError, PluginErrorKind};
use tempfile::TempDir;
use uuid::Uuid;

/// A step that can turn back, and one that cannot.
struct Errand {
    jobs: Jobs,
    /// The first step asks to cancel its own operation.
    cancels: bool,
    /// How the first step fails, time by time.
    fails: Mutex<VecDeque<StepError>>,
}

impl Flow for Errand {
    type State = ();
    const NAME: &'static str = "errand";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::local("set out", step_fn!(set_out)),
        Step::outside("arrive", step_fn!(arrive)).forward_only(),
    ];
}

impl Errand {
    async fn set_out(&self, context: &StepContext, (): &mut ()) -> Result<Vec<Change>, StepError> {
        if self.cancels {
            self.jobs.cancel(context.operation()).await?;
        }
        match self.fails.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(Vec::new()),
        }
    }

    async fn arrive(&self, context: &StepContext, (): &mut ()) -> Result<Vec<Change>, StepError> {
        if context.call().is_cancelled() {
            return Err(Failure::new(PluginErrorKind::Cancelled, "given up").into());
        }
        Ok(Vec::new())
    }
}

struct Scene {
    store: Store,
    jobs: Jobs,
    _dir: TempDir,
}

impl Scene {
    fn new(cancels: bool, fails: impl IntoIterator<Item = StepError>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let jobs = Jobs::new(store.repository());
        let fails = Mutex::new(fails.into_iter().collect());
        jobs.add_flow(Arc::new(Errand { jobs: jobs.clone(), cancels, fails }));
        Self { store, jobs, _dir: dir }
    }

    async fn start(&self) -> Uuid {
        let new = NewOperation {
            uuid: Uuid::new_v4(),
            caller: Caller::admin(),
            command: "test".to_owned(),
            object: None,
            exclusive: Vec::new(),
            shared: Vec::new(),
            changes: Vec::new(),
            token: None,
        };
        self.jobs.start::<Errand>(new, &()).await.unwrap()
    }

    async fn ends(&self, operation: Uuid) -> Phase {
        let rests = self.jobs.wait(operation);
        tokio::time::timeout(Duration::from_secs(20), rests).await.unwrap().unwrap().phase
    }
}

#[tokio::test]
async fn a_wish_to_cancel_that_comes_too_late_cancels_no_call() {
    let scene = Scene::new(true, []);
    let operation = scene.start().await;
    assert_eq!(scene.ends(operation).await, Phase::Done);
}

#[tokio::test]
async fn a_record_that_went_meanwhile_is_one_more_reason_to_look_again() {
    let missing = Refused::Missing { kind: RecordKind::Snapshot, uuid: Uuid::new_v4() };
    let scene = Scene::new(false, [missing.into()]);
    let operation = scene.start().await;
    assert_eq!(scene.ends(operation).await, Phase::Done);
}

#[tokio::test]
async fn a_host_that_was_started_again_has_fresh_patience() {
    let scene = Scene::new(false, [PluginError::unavailable("not yet").into()]);
    let repository = scene.store.repository();
    let operation = Operation {
        uuid: Uuid::new_v4(),
        flow: Errand::NAME.to_owned(),
        flow_version: Errand::VERSION,
        state: "null".to_owned(),
        position: 0,
        phase: Phase::Running,
        attempt: 50,
        failure: None,
        waiting_for: None,
        cancel_requested: false,
        caller: Caller::admin(),
        command: "test".to_owned(),
        object: None,
        journal: Journal::default(),
        epoch: repository.epoch(),
        created_us: 0,
        updated_us: 0,
    };
    let uuid = operation.uuid;
    repository.transact(vec![Change::Begin(Box::new(operation))]).await.unwrap();
    assert_eq!(scene.jobs.recover().await.unwrap(), 1);
    assert_eq!(scene.ends(uuid).await, Phase::Done);
}
