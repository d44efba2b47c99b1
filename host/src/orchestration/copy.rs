//! Bytes move from one pool to another, or on one: by a driver's own means, or by the host's.

use super::pool_access::PoolAccess;
use super::rooms::Rooms;
use crate::jobs::{StepContext, StepError};
use crate::model::Failure;
use crate::motion::{End, transfer, verify};
use storage_plugin_api::{
    CallContext, CopyRequest, CopyResult, CreateRequest, DataObject, DataStore, PluginErrorKind,
    PluginResult, StoredObject, VolumeInfo,
};

/// Who copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copier {
    /// The driver of the source.
    Source,
    /// The driver of the destination.
    Destination,
    /// The host.
    Host,
}

impl PoolAccess<'_> {
    /// An object on the pool as an end of a transfer.
    fn end(&self, object: DataObject) -> End<'_> {
        End {
            driver: self.driver.as_ref(),
            store: &self.context,
            object,
            about: self.about(),
            guard: self.guard(),
        }
    }

    /// Whether its driver copies by itself. One that does not answer has not said no.
    async fn would_copy(&self, call: &CallContext, ask: CopyRequest) -> PluginResult<bool> {
        let asked = self.driver.can_copy(call, ask);
        match self.guarded(call, asked).await {
            Err(error) if error.kind() == PluginErrorKind::Unsupported => Ok(false),
            answered => answered,
        }
    }

    fn stored(&self, object: impl Into<DataObject>) -> StoredObject {
        StoredObject::new(DataStore::clone(&self.context), object.into())
    }
}

impl Rooms {
    /// Who copies a volume from pool to pool: the source's driver if it would, else the
    /// destination's, else the host.
    ///
    /// # Errors
    /// `Unsupported` where nobody can; that of a driver which cannot say now.
    pub(super) async fn copier(
        &self,
        call: &CallContext,
        from: (&PoolAccess<'_>, &VolumeInfo),
        to: (&PoolAccess<'_>, &VolumeInfo),
    ) -> Result<Copier, StepError> {
        let ask = CopyRequest::new(from.0.stored(from.1.clone()), to.0.stored(to.1.clone()));
        if from.0.would_copy(call, ask.clone()).await? {
            return Ok(Copier::Source);
        }
        if to.0.would_copy(call, ask).await? {
            return Ok(Copier::Destination);
        }
        self.expect_streams(call, from.0, to.0).await?;
        Ok(Copier::Host)
    }

    /// Refuses where the host cannot move bytes from one pool to another.
    pub(super) async fn expect_streams(
        &self,
        call: &CallContext,
        from: &PoolAccess<'_>,
        to: &PoolAccess<'_>,
    ) -> Result<(), StepError> {
        let refuse = |pool: &PoolAccess<'_>, cannot: &str| {
            StepError::from(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} lets nobody {cannot} the bytes of an object, \
                 and no driver copies by itself",
                pool.pool.provider, pool.pool.name
            )))
        };
        if !from.capabilities(call).await?.read {
            return Err(refuse(from, "read"));
        }
        let capabilities = to.capabilities(call).await?;
        if !capabilities.write {
            return Err(refuse(to, "write"));
        }
        // What was written is read back.
        if !capabilities.read {
            return Err(refuse(to, "read"));
        }
        Ok(())
    }

    /// Makes a copy of a volume on another pool. Idempotent: it may run again over what is there.
    pub(super) async fn copy_volume(
        &self,
        context: &StepContext,
        from: (&PoolAccess<'_>, VolumeInfo),
        to: (&PoolAccess<'_>, VolumeInfo),
    ) -> Result<CopyResult, StepError> {
        let call = context.call();
        let copier = self.copier(&call, (from.0, &from.1), (to.0, &to.1)).await?;
        let ask = CopyRequest::new(from.0.stored(from.1.clone()), to.0.stored(to.1.clone()));
        Ok(match copier {
            Copier::Source => {
                let copied = from.0.driver.copy_async(&call, ask);
                from.0.guarded(&call, copied).await?
            }
            Copier::Destination => {
                let copied = to.0.driver.copy_async(&call, ask);
                to.0.guarded(&call, copied).await?
            }
            Copier::Host => {
                let made = to.0.driver.create_async(
                    &call,
                    &to.0.context,
                    CreateRequest::new(to.1.clone()),
                );
                let made = to.0.guarded(&call, made).await?;
                let mut copied = CopyResult::new(made.path);
                copied.details = made.details;
                copied.format = made.format;
                let mut destination = to.1;
                destination.path.clone_from(&copied.path);
                destination.details = copied.details.clone();
                let size_bytes = from.1.size_bytes;
                let moved = self
                    .move_bytes(context, (from.0, from.1.into()), (to.0, destination), size_bytes)
                    .await?;
                copied.path = moved.unwrap_or(copied.path);
                copied
            }
        })
    }

    /// Moves the bytes of an object onto a volume that was created before, and checks that they
    /// arrived. Gives the volume's path, if the writer gave it another one.
    pub(super) async fn move_bytes(
        &self,
        context: &StepContext,
        from: (&PoolAccess<'_>, DataObject),
        to: (&PoolAccess<'_>, VolumeInfo),
        size_bytes: u64,
    ) -> Result<Option<String>, StepError> {
        let call = context.call();
        let (to, mut destination) = to;
        let source = from.0.end(from.1);
        let moved = transfer(&call, &source, &to.end(destination.clone().into()), size_bytes).await;
        let moved = moved?;
        let path = moved.written.path.filter(|path| *path != destination.path);
        if let Some(path) = &path {
            destination.path.clone_from(path);
        }
        let asked = to.driver.describe(&call, &to.context, destination.clone().into());
        let shown = to.guarded(&call, asked).await?;
        if !shown.present {
            return Err(to.contradiction("wrote the volume", "is not there"));
        }
        let recorded = shown.digest.as_deref();
        let end = to.end(destination.into());
        verify(&call, &end, &moved.digest, size_bytes, recorded).await?;
        Ok(path)
    }
}
