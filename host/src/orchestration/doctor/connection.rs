//! Data stores that are not connected.

use super::{Doctor, Finding, Severity};
use crate::model::{ImageStore, ImageStoreState};
use crate::registry::PluginState;
use crate::store::{Filter, StoreError};
use uuid::Uuid;

impl Doctor {
    /// What is wrong with image stores and image caches.
    pub(super) async fn image_stores(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for store in self.rooms.repository.list::<ImageStore>(&Filter::default()).await? {
            if let Some(reason) = &store.quarantine {
                let what = format!("it is in quarantine, nothing touches it: {reason}");
                let way_out = "stop the other host that uses this store; or, if this data \
                               directory is from an old backup, restore the newest one; or \
                               release the quarantine (`storage-host image-store release`) once \
                               you know that no other host uses the store";
                let finding = Finding::new(Severity::Error, store.title(), what, way_out);
                findings.push(finding.of(store.uuid).since(Some(store.updated_us)));
            } else if store.state == ImageStoreState::Up && !self.rooms.connected.has(store.uuid) {
                findings.push(self.not_connected(store.title(), store.uuid, &store.provider));
            }
        }
        Ok(findings)
    }

    /// Says that a store which is to be used is not connected, and why.
    pub(super) fn not_connected(&self, thing: String, store: Uuid, provider: &str) -> Finding {
        let report = self.rooms.providers.report_of_provider(provider);
        let (what, way_out) = match report {
            None => (
                format!("it is not connected: its provider {provider:?} is not loaded"),
                "see `storage-host plugins list` for the reason".to_owned(),
            ),
            Some(report) if report.state != PluginState::Ready => (
                format!(
                    "it is not connected: plugin {:?} of its provider {provider:?} is {}",
                    report.name, report.state
                ),
                "see `storage-host plugins list` for the reason".to_owned(),
            ),
            Some(_) => {
                let why = self.rooms.connected.failure(store);
                let why = why.unwrap_or_else(|| "it did not answer yet".to_owned());
                (
                    format!("it is not connected: provider {provider:?} cannot reach it: {why}"),
                    "look at the back end; it is tried again all the time".to_owned(),
                )
            }
        };
        Finding::new(Severity::Error, thing, what, way_out).of(store)
    }
}
