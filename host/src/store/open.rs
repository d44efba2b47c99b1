//! The store of a running host: what is opened at its start and closed at its end.
//!
//! What it is not: the operations; they are on the [`Repository`].
//!
//! **Invariant:** whoever has a [`Store`] has the data directory for itself, a sound database of
//! the newest version, and the key that opens its secrets.

use std::{fmt, path::Path, sync::Arc};

use super::{
    InstallationId, KeySource, Repository, SqliteRepository, StoreError, directory::Directory,
};

/// The durable state of the host. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    repository: Arc<dyn Repository>,
}

impl Store {
    /// Opens the store of a data directory, with the key in its file `secret.key`.
    ///
    /// Creates what is missing: the directory, the database, the key. Blocks while it checks the
    /// whole database; call it before the async work begins.
    ///
    /// # Errors
    /// [`Open`](StoreError::Open), with the reason for an operator.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_key(data_dir, KeySource::File)
    }

    /// Opens the store of a data directory, with the key from where the caller says.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with_key(data_dir: impl AsRef<Path>, key: KeySource) -> Result<Self, StoreError> {
        let directory = Directory::take(data_dir.as_ref())?;
        let repository = SqliteRepository::open(directory, &key)?;
        Ok(Self { repository: Arc::new(repository) })
    }

    /// Whose state this is.
    pub fn installation_id(&self) -> &InstallationId {
        self.repository.installation_id()
    }

    /// The operations.
    pub fn repository(&self) -> Arc<dyn Repository> {
        Arc::clone(&self.repository)
    }

    /// See [`Repository::close`].
    pub fn close(&self) {
        self.repository.close();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("installation_id", self.installation_id())
            .finish_non_exhaustive()
    }
}
