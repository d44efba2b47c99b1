//! The kit itself: prepares, lists the cases, runs them one after the other.

use super::case::Case;
use super::failure::Doing;
use super::options::KitOptions;
use super::preparation::{Prepared, Refusal, prepare};
use super::report::{CaseReport, Report};
use super::table::{Body, ROWS, Row, When};
use crate::{DataStoreProvider, PluginError, PluginResult};
use std::fmt;
use std::sync::Arc;

/// A provider, prepared for its cases. See the [module](super) for an example.
pub struct Kit {
    prepared: Prepared,
    options: KitOptions,
}

impl Kit {
    /// Configures the provider and, from level 3 on, adds the stores.
    ///
    /// A provider that cannot be configured, and a store that cannot be added, is no error here:
    /// their cases say so.
    ///
    /// Must be called in a tokio runtime with timers; on one with several threads a plugin that
    /// blocks its thread cannot hold the kit up.
    ///
    /// # Errors
    /// A [`Refusal`] when what was given cannot be tested, or is not the kit's to touch. Nothing
    /// was left on the back end then.
    pub async fn prepare(
        provider: Arc<dyn DataStoreProvider>,
        options: KitOptions,
    ) -> Result<Self, Refusal> {
        let prepared = prepare(provider, &options).await?;
        Ok(Self { prepared, options })
    }

    /// The cases that follow from what the provider and its stores declare, in the order in which
    /// they run.
    pub fn cases(&self) -> Vec<Case> {
        let rows = || ROWS.iter().filter(|row| row.level <= self.options.level);
        let mut cases: Vec<Case> = rows()
            .filter(|row| matches!(row.body, Body::Provider(_)))
            .map(|row| Case::of_provider(row, &self.prepared.stage))
            .collect();
        for subject in &self.prepared.subjects {
            for row in rows() {
                let parameters = parameters(row, subject);
                let of_row = parameters.into_iter();
                cases.extend(of_row.map(|one| Case::of_store(row, subject, one)));
            }
        }
        if let Some(only) = &self.options.only {
            cases.retain(|case| case.id().contains(only.as_str()));
        }
        // Whatever was asked for: what was made is looked for.
        for row in rows().filter(|row| is_last(row)) {
            let subjects = self.prepared.subjects.iter();
            cases.extend(subjects.map(|one| Case::of_store(row, one, String::new())));
        }
        cases
    }

    /// Runs every case, tells each result as it comes, and removes the stores: a kit runs once.
    pub async fn run(&mut self, on_result: &mut (dyn FnMut(&CaseReport) + Send)) -> Report {
        let mut report = Report {
            run: self.options.run.clone(),
            left_out: self.prepared.left_out.clone(),
            ..Report::default()
        };
        if let Some(only) = &self.options.only {
            report.left_out.push(format!("cases whose id does not contain {only:?}"));
        }
        if let Some(why) = self.prepared.stage.unconfigured.get() {
            report.left_out.push(format!("everything that needs a configured provider: {why}"));
        }
        for case in self.cases() {
            let done = case.run().await;
            on_result(&done);
            report.add(done);
        }
        report
    }

    /// Removes the stores again where no case is to run.
    ///
    /// # Errors
    /// What the life cycle answered.
    pub async fn give_up(self) -> PluginResult<()> {
        if self.options.level < super::Level::Happy {
            return Ok(());
        }
        for subject in self.prepared.subjects {
            let what = format!("removing the {} store", subject.provider_type);
            let stage = Arc::clone(&subject.stage);
            let removing = async move { subject.delete_data_store(&subject.store()).await };
            let removed = stage.guarded(removing).await.and_then(|one| one.doing(what));
            removed.map_err(|failure| PluginError::internal(failure.to_string()))?;
        }
        Ok(())
    }
}

fn is_last(row: &Row) -> bool {
    matches!(row.body, Body::Store(When::Last, _))
}

/// The parameters a row runs with on a store: none at all, one that is empty, or several.
fn parameters(row: &Row, subject: &super::subject::Subject) -> Vec<String> {
    let usable = subject.unusable.is_none();
    let once = |applies: bool| {
        if applies { vec![String::new()] } else { Vec::new() }
    };
    match &row.body {
        Body::Store(When::Always, _) => once(true),
        Body::Store(When::If(applies), _) => once(usable && applies(subject)),
        Body::Store(When::Each(of), _) if usable => of(subject),
        Body::Store(When::Each(_) | When::Last, _) | Body::Provider(_) => Vec::new(),
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("options", &self.options).finish_non_exhaustive()
    }
}
