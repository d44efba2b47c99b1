//! What is wrong, and the way out: what an operator asks first.
//!
//! What it is not: a repair. It reads the store and what the rooms remember; it asks no plugin, so
//! it answers when everything else hangs.
//!
//! **Invariant:** on a healthy host it finds nothing above [`Severity::Info`]. What two moments
//! would have to agree on is looked at twice, so that a busy host is not taken for a sick one.

mod connection;
mod groups;
mod ledger;
mod operations;
mod policies;
#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, StoragePool, StoragePoolState, Stored};
use crate::registry::{PluginReport, PluginState};
use crate::store::{Filter, StoreError};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Info,
    /// Something waits, or is slower than it could be.
    Warning,
    /// Something does not work, or the books do not agree.
    Error,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, in words: `storage pool "fast"`.
    pub thing: String,
    /// Its id, if it has one.
    pub object: Option<Uuid>,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub way_out: String,
    /// Since when, in microseconds since 1970 (UTC), if that is known.
    pub since_us: Option<i64>,
}

impl Finding {
    fn new(
        severity: Severity,
        thing: impl Into<String>,
        what: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            thing: thing.into(),
            object: None,
            what: what.into(),
            way_out: way_out.into(),
            since_us: None,
        }
    }

    fn of(mut self, object: Uuid) -> Self {
        self.object = Some(object);
        self
    }

    fn since(mut self, since_us: Option<i64>) -> Self {
        self.since_us = since_us;
        self
    }
}

/// The service that looks.
#[derive(Debug, Clone)]
pub struct Doctor {
    rooms: Arc<Rooms>,
}

impl Doctor {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        Self { rooms }
    }

    /// Everything that is to be said, the worst first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn findings(&self) -> Result<Vec<Finding>, Failure> {
        let mut findings = vec![self.installation()];
        let pools = self.rooms.repository.list::<StoragePool>(&Filter::default()).await?;
        findings.extend(pools.iter().filter_map(|pool| self.pool(pool)));
        findings.extend(self.image_stores().await?);
        findings.extend(self.rooms.providers.reports().iter().filter_map(plugin));
        findings.extend(self.circuits(&pools));
        findings.extend(self.operations().await?);
        findings.extend(self.policies().await?);
        findings.extend(self.twice(&pools).await?);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(findings)
    }

    /// What the books say, if they say it twice: an operation may have come between two readings.
    async fn twice(&self, pools: &[Stored<StoragePool>]) -> Result<Vec<Finding>, StoreError> {
        let mut first = self.books(pools).await?;
        if first.is_empty() {
            return Ok(first);
        }
        let second = self.books(pools).await?;
        first.retain(|finding| second.contains(finding));
        Ok(first)
    }

    async fn books(&self, pools: &[Stored<StoragePool>]) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.claims_and_states().await?;
        findings.extend(self.groups().await?);
        for pool in pools {
            findings.extend(self.ledger(pool).await?);
        }
        Ok(findings)
    }

    fn installation(&self) -> Finding {
        let repository = &self.rooms.repository;
        Finding::new(
            Severity::Info,
            "this host",
            format!(
                "installation {}, epoch {}, {} operations run",
                repository.installation_id(),
                repository.epoch(),
                self.rooms.jobs.running()
            ),
            "",
        )
    }

    fn pool(&self, pool: &Stored<StoragePool>) -> Option<Finding> {
        let thing = pool.title();
        if let Some(reason) = &pool.quarantine {
            let repository = &self.rooms.repository;
            let what = format!(
                "it is in quarantine, nothing touches it: {reason} (this host is installation {}, \
                 epoch {})",
                repository.installation_id(),
                repository.epoch()
            );
            return Some(
                Finding::new(
                    Severity::Error,
                    thing,
                    what,
                    "stop the other host that uses this pool; or, if this data directory is from \
                     an old backup, restore the newest one; or release the quarantine \
                     (releaseStoragePoolQuarantine) once you know that no other host uses the pool",
                )
                .of(pool.uuid)
                .since(Some(pool.updated_us)),
            );
        }
        if pool.state == StoragePoolState::ErrorInMaintenance {
            return Some(
                Finding::new(
                    Severity::Error,
                    thing,
                    "the way into maintenance, or out of it, failed; nothing new is begun on it",
                    "see the last operation on it (`storage-host operations list`) for the reason; \
                     then bring it back with cancelStorageMaintenance, or try again with \
                     enableStorageMaintenance",
                )
                .of(pool.uuid)
                .since(Some(pool.updated_us)),
            );
        }
        let is_in_use = matches!(pool.state, StoragePoolState::Up | StoragePoolState::Disabled);
        if !is_in_use || self.rooms.connected.has(pool.uuid) {
            return None;
        }
        Some(self.not_connected(thing, pool.uuid, &pool.provider))
    }

    fn circuits(&self, pools: &[Stored<StoragePool>]) -> Vec<Finding> {
        let circuits = self.rooms.guard.circuits();
        circuits
            .into_iter()
            .map(|(store, circuit)| {
                let name = pools.iter().find(|pool| pool.uuid == store).map(|pool| &pool.name);
                let thing = match name {
                    Some(name) => format!("storage pool {name:?}"),
                    None => format!("store {store}"),
                };
                let what = format!(
                    "its back end did not answer several times in a row and is left alone for \
                     {:.1?}; the last answer was: {}",
                    circuit.next_try, circuit.reason
                );
                let way_out = "look at the back end; it is tried again by itself";
                Finding::new(Severity::Warning, thing, what, way_out).of(store)
            })
            .collect()
    }
}

/// A plugin that is enabled and does not serve.
fn plugin(report: &PluginReport) -> Option<Finding> {
    let severity = match report.state {
        PluginState::Ready | PluginState::Disabled => return None,
        PluginState::Loading | PluginState::Restarting => Severity::Warning,
        _ => Severity::Error,
    };
    let thing = format!("plugin {:?}", report.name);
    let (what, way_out) = match (&report.refusal, &report.process) {
        (Some(refusal), _) => (
            format!("{}: {}: {}", report.state, refusal.what, refusal.why),
            refusal.way_out.clone(),
        ),
        (None, process) => {
            let end = process.as_ref().and_then(|process| process.last_end.as_deref());
            let end = end.map(|end| format!("; its process ended: {end}")).unwrap_or_default();
            (
                format!("it is {}{end}", report.state),
                "its next call starts it again; the host's log has what it said".to_owned(),
            )
        }
    };
    Some(Finding::new(severity, thing, what, way_out))
}
