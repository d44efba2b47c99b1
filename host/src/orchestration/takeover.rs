//! The operator says that this host is the one that counts: its epoch is raised above that of a back
//! end which belongs to a later life.
//!
//! **Invariant:** without that word nothing on a back end changes hands: who was refused is refused
//! again.

use super::rooms::Rooms;
use crate::jobs::{StepContext, StepError};
use crate::model::Failure;
use storage_plugin_api::PluginErrorKind;

impl Rooms {
    /// Connects a store in quarantine, and once more after a takeover, if it is refused and the
    /// operator wants that.
    ///
    /// # Errors
    /// As [`take_over`](Self::take_over), and those of connecting.
    pub(super) async fn connect_or_take_over<T, F>(
        &self,
        context: &StepContext,
        title: &str,
        takeover: bool,
        connect: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StepError>
    where
        F: Future<Output = Result<T, StepError>> + Send,
    {
        match connect().await {
            Err(refusal) => self.take_over(context, title, refusal, takeover).await?,
            connected => return connected,
        }
        connect().await
    }

    /// After a refusal by a driver: raises the epoch of this host above the one that the driver
    /// names, if the operator wants that. Whoever asks connects again afterwards.
    ///
    /// # Errors
    /// `Conflict` without a takeover, or where the driver names no epoch; a refusal that is none of
    /// ownership comes back as it is.
    async fn take_over(
        &self,
        context: &StepContext,
        title: &str,
        refusal: StepError,
        takeover: bool,
    ) -> Result<(), StepError> {
        if refusal.failure.kind != PluginErrorKind::Conflict {
            return Err(refusal);
        }
        let said = refusal.failure.message.clone();
        if !takeover {
            return Err(Failure::conflict(format!(
                "{title} stays in quarantine: {said}; if this host is the one that counts, release \
                 it with takeover=true"
            ))
            .into());
        }
        let other = epoch_in(&refusal.failure).ok_or_else(|| {
            Failure::conflict(format!(
                "{title} cannot be taken over, for its provider does not say from which epoch: \
                 {said}"
            ))
        })?;
        let raised = self.repository.raise_epoch_above(other).await?;
        log::warn!(
            operation:% = context.operation();
            "{title} is taken over: the epoch of this host is now {raised}, above {other} of the \
             back end"
        );
        Ok(())
    }
}

/// The epoch that a driver names in its refusal, as context.
fn epoch_in(refusal: &Failure) -> Option<u64> {
    refusal.context.get("epoch")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::epoch_in;
    use crate::jobs::StepError;
    use storage_plugin_api::PluginError;

    #[test]
    fn the_epoch_is_read_from_context_and_not_from_words() {
        let said = |error: PluginError| StepError::from(error).context("attach").failure;
        let ahead = PluginError::conflict("epoch 9 is ahead").with("epoch", 12);
        assert_eq!(epoch_in(&said(ahead)), Some(12));
        assert_eq!(epoch_in(&said(PluginError::conflict("epoch 9 is ahead"))), None);
    }

    #[test]
    fn a_failure_of_an_older_host_is_read_and_one_without_context_looks_the_same() {
        let text = serde_json::to_string(&said()).unwrap();
        assert!(!text.contains("context"), "{text}");
        assert_eq!(serde_json::from_str::<crate::model::Failure>(&text).unwrap(), said());
    }

    fn said() -> crate::model::Failure {
        crate::model::Failure::conflict("no")
    }
}
