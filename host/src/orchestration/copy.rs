//! Bytes move from one pool to another, or on one: by a driver's own means, or by the host's.

use super::landing::{GoesOn, Keeping};
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::Failure;
use crate::motion::{transfer, verify};
use storage_plugin_api::{
    CallContext, CopyRequest, CopyResult, CreateRequest, DataObject, Details, PluginErrorKind,
    PluginResult,
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

impl StoreAccess<'_> {
    /// Whether its driver copies by itself. One that does not answer has not said no.
    async fn would_copy(&self, call: &CallContext, ask: CopyRequest) -> PluginResult<bool> {
        let asked = self.driver.can_copy(call, ask);
        match self.guarded(call, asked).await {
            Err(error) if error.kind() == PluginErrorKind::Unsupported => Ok(false),
            answered => answered,
        }
    }
}

impl Rooms {
    /// Who copies an object from store to store: the source's driver if it would, else the
    /// destination's, else the host.
    ///
    /// # Errors
    /// `Unsupported` where nobody can; that of a driver which cannot say now.
    pub(super) async fn copier(
        &self,
        call: &CallContext,
        from: (&StoreAccess<'_>, &DataObject),
        to: (&StoreAccess<'_>, &DataObject),
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

    /// Refuses where the host cannot move bytes from one store to another.
    pub(super) async fn expect_streams(
        &self,
        call: &CallContext,
        from: &StoreAccess<'_>,
        to: &StoreAccess<'_>,
    ) -> Result<(), StepError> {
        let refuse = |store: &StoreAccess<'_>, cannot: &str| {
            StepError::from(Failure::unsupported(format!(
                "provider {:?} of {} lets nobody {cannot} the bytes of an object, and no driver \
                 copies by itself",
                store.provider_name, store.title
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

    /// Makes a copy of an object on another store. Idempotent: it may run again over what is there,
    /// and goes on where `keep` says. `size_bytes` is how many bytes there are to move.
    pub(super) async fn copy_object(
        &self,
        context: &StepContext,
        from: (&StoreAccess<'_>, DataObject),
        to: (&StoreAccess<'_>, DataObject),
        size_bytes: u64,
        keep: &mut Keeping<impl GoesOn>,
    ) -> Result<Copied, StepError> {
        let call = context.call();
        let copier = self.copier(&call, (from.0, &from.1), (to.0, &to.1)).await?;
        let ask = CopyRequest::new(from.0.stored(from.1.clone()), to.0.stored(to.1.clone()));
        let by_driver = |copied| Copied { copied, digest: None };
        Ok(match copier {
            Copier::Source => {
                let copied = from.0.driver.copy_async(&call, ask);
                by_driver(from.0.guarded(&call, copied).await?)
            }
            Copier::Destination => {
                let copied = to.0.driver.copy_async(&call, ask);
                by_driver(to.0.guarded(&call, copied).await?)
            }
            Copier::Host => {
                let ask = CreateRequest::new(to.1.clone());
                let made = to.0.driver.create_async(&call, &to.0.context, ask);
                let made = to.0.guarded(&call, made).await?;
                let mut copied = CopyResult::new(made.path);
                copied.details = made.details;
                copied.format = made.format;
                let mut destination = to.1;
                found_at(&mut destination, &copied.path, &copied.details);
                let to = (to.0, destination);
                let moved = self.move_bytes(context, from, to, size_bytes, keep).await?;
                copied.path = moved.path.unwrap_or(copied.path);
                Copied { copied, digest: Some(moved.digest) }
            }
        })
    }

    /// Moves the bytes of an object onto one that was created before, and checks that they
    /// arrived. What was moved before it broke off is not moved again.
    pub(super) async fn move_bytes(
        &self,
        context: &StepContext,
        from: (&StoreAccess<'_>, DataObject),
        to: (&StoreAccess<'_>, DataObject),
        size_bytes: u64,
        keep: &mut Keeping<impl GoesOn>,
    ) -> Result<Moved, StepError> {
        let call = context.call();
        let (to, mut destination) = to;
        let source = from.0.end(from.1);
        let (end, resume) = (to.end(destination.clone()), keep.latest.clone());
        let moved = transfer(&call, &source, &end, size_bytes, resume, keep).await?;
        let path = moved.written.path.filter(|path| path != destination.path());
        if let Some(path) = &path {
            set_path(&mut destination, path);
        }
        let asked = to.driver.describe(&call, &to.context, destination.clone());
        let shown = to.guarded(&call, asked).await?;
        if !shown.present {
            return Err(to.contradiction("wrote the object", "is not there"));
        }
        // What its driver recorded of a larger volume is the digest of more than was moved.
        let is_larger =
            matches!(destination, DataObject::Volume(_)) && shown.size_bytes != size_bytes;
        let recorded = shown.digest.as_deref().filter(|_| !is_larger);
        verify(&call, &to.end(destination), &moved.digest, size_bytes, recorded).await?;
        Ok(Moved { path, digest: moved.digest.to_string() })
    }
}

/// What a copy left behind.
#[derive(Debug)]
pub(super) struct Copied {
    /// The object.
    pub(super) copied: CopyResult,
    /// The digest of its bytes, where the host moved them.
    pub(super) digest: Option<String>,
}

/// What came of bytes that were moved.
#[derive(Debug)]
pub(super) struct Moved {
    /// The path of the object, if the writer gave it another one.
    pub(super) path: Option<String>,
    /// The digest of the bytes.
    pub(super) digest: String,
}

/// Gives an object its place on a store.
pub(super) fn found_at(object: &mut DataObject, path: &str, details: &Details) {
    set_path(object, path);
    match object {
        DataObject::Volume(volume) => volume.details = details.clone(),
        DataObject::Template(template) => template.details = details.clone(),
        DataObject::Snapshot(snapshot) => snapshot.details = details.clone(),
        _ => {}
    }
}

/// Gives an object another path.
pub(super) fn set_path(object: &mut DataObject, path: &str) {
    match object {
        DataObject::Volume(volume) => path.clone_into(&mut volume.path),
        DataObject::Template(template) => path.clone_into(&mut template.install_path),
        DataObject::Snapshot(snapshot) => path.clone_into(&mut snapshot.path),
        _ => {}
    }
}
