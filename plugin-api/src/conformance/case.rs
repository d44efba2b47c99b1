//! A case: a row of the table, for one store and one parameter.

use super::failure::Checked;
use super::report::{CaseReport, Level, Outcome};
use super::scene::Scene;
use super::stage::Stage;
use super::subject::Subject;
use super::table::{Body, Row};
use crate::DataStoreProviderType;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Something that is checked.
#[derive(Clone)]
pub struct Case {
    row: &'static Row,
    parameter: String,
    stage: Arc<Stage>,
    subject: Option<Arc<Subject>>,
}

impl Case {
    pub(super) fn of_provider(row: &'static Row, stage: &Arc<Stage>) -> Self {
        Self { row, parameter: String::new(), stage: Arc::clone(stage), subject: None }
    }

    pub(super) fn of_store(row: &'static Row, subject: &Arc<Subject>, parameter: String) -> Self {
        Self {
            row,
            parameter,
            stage: Arc::clone(&subject.stage),
            subject: Some(Arc::clone(subject)),
        }
    }

    /// `group::sentence`, with the parameter in brackets where the case has one.
    pub fn id(&self) -> String {
        if self.parameter.is_empty() {
            return self.row.id.to_owned();
        }
        format!("{}[{}]", self.row.id, self.parameter)
    }

    /// Its level.
    pub fn level(&self) -> Level {
        self.row.level
    }

    /// What it checks, in one sentence.
    pub fn what(&self) -> &'static str {
        self.row.what
    }

    /// The type of the store it runs on; `None` for the provider as a whole.
    pub fn provider_type(&self) -> Option<DataStoreProviderType> {
        self.subject.as_ref().map(|subject| subject.provider_type)
    }

    /// Runs it and removes what it made, for harnesses that run the cases themselves: one after the
    /// other, in the order of [`Kit::cases`](super::Kit::cases), the last one last. A panic, and a call that makes no progress, is a failure
    /// of the case.
    pub async fn run(&self) -> CaseReport {
        let started = Instant::now();
        let mut report = CaseReport::new(self.id(), self.level(), self.what());
        report.provider_type = self.provider_type();
        if let Err(failure) = self.checked().await {
            report.outcome = Outcome::Failed { why: failure.to_string() };
        }
        report.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    }

    async fn checked(&self) -> Checked {
        match (&self.row.body, &self.subject) {
            (Body::Provider(run), _) => {
                let running = run(Arc::clone(&self.stage));
                self.stage.guarded(running).await?
            }
            (Body::Store(_, run), Some(subject)) => {
                let scene = Arc::new(Scene::new(Arc::clone(subject), self.parameter.clone()));
                let ran = self.stage.guarded(run(Arc::clone(&scene))).await;
                let cleaned = self.stage.guarded(async move { scene.clean_up().await }).await;
                // What went wrong first says more than what followed from it.
                ran??;
                cleaned?
            }
            (Body::Store(..), None) => Ok(()),
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({} on {:?})", self.id(), self.provider_type())
    }
}
