//! Image stores and image caches in a directory: the provider `NFS`.
//!
//! Templates, ISOs, uploaded volumes and backed-up snapshots as files, in CloudStack's layout. The
//! directory is a mounted NFS export, a mount that is shared by other means, or a local one. The
//! plugin mounts nothing.
//!
//! # For operators
//!
//! **Add a store** with one of these URLs:
//!
//! | URL | the directory |
//! |---|---|
//! | `nfs://host/path` | where the export is mounted, as `mount_path` or the setting `mounts` says |
//! | `file:///directory` | a local one; it is made if its parent is there |
//! | `SharedMountPoint:///directory` | the same, for people who know CloudStack's word |
//!
//! The setting is for all stores of the provider; a store below an export lies below its directory:
//! ```toml
//! [plugin.settings.mounts]
//! "nfs://10.0.0.5/export" = "/mnt/secondary"
//! ```
//!
//! | detail | values | what it does |
//! |---|---|---|
//! | `mount_path` | absolute path | where the export is mounted; it goes before the setting |
//! | `nfsversion` | `3`, `4`, `4.0`, `4.1`, `4.2` | what hypervisor hosts are told to mount with |
//! | `capacity_bytes` | number | how much all objects may take |
//!
//! **A store serves one zone**, also one in a local directory: what is near to one zone is far from
//! the others, and a local directory is as near as the machine it is on. Region-wide secondary
//! storage is what object stores are for. `cifs://` is refused: mount the share, and add its
//! directory.
//!
//! **On the disk** (files are their owner's alone):
//! ```text
//! .storage-store.json                                                  the mark
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2    a template, or an ISO
//! template/tmpl/<account>/<template>/template.properties               what it is, for people
//! volumes/<account>/<volume>/<uuid>.<installation id>.raw              a volume
//! volumes/<account>/<volume>/<uuid>.<installation id>.properties       what it is, for people
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw            a backup of a snapshot
//! snapshots/<account>/<volume>/<uuid>.<installation id>.<attempt>.new  one in the making
//! ```
//! A file in the making is not shown, and goes on where it stopped after a crash; it goes with its
//! object, and what is left of an object that nobody knows may be removed by hand when no
//! operation runs. A folder goes with the last file in it. Other files are let alone.
//!
//! **The mark** says whose store the directory is and since which epoch. Without it nothing is done
//! there: the empty directory below a mount point is no empty store ("is it mounted?"). A directory
//! is one store's alone. A host whose database is older than what was done in the store sees
//! everything and changes nothing. Removing a store removes its mark, and never an object: it is
//! refused while objects of this installation are there.
//!
//! **Sizes.** Every format is kept as the bytes it has. Of RAW the size is that of the file. Of
//! every other format only who reads it knows the size of the disk: the store tells what the host
//! told it, and the length of the file as the space used.
//!
//! **Digests.** The BLAKE3 of what was written is recorded beside the file, unless it has more than
//! 1 GiB of holes, and told as long as the file has the length and the time of change that it was
//! recorded for. A copy of the store keeps them if it keeps times (`cp -a`, `rsync -a`).
//!
//! **Backups after the first** begin with the one before: its blocks are shared where the file
//! system does that (XFS, Btrfs, NFS 4.2 before such a one), and copied where it does not; then what
//! changed is written over them. The result is a whole file of its own, and its digest is not
//! recorded: who wants it reads the file.
//!
//! **The limit** counts the space of what is finished and the announced length of what is being
//! written. With a limit each new object costs a look at every file.
//!
//! **Limits:** 8 TiB an object; no links for download; nothing is changed once it is written, only
//! replaced. A file system without `flock` serves one host only.
//!
//! # For maintainers
//!
//! *Acknowledged means on the disk.* What is written goes into `….new`, which is flushed, recorded,
//! renamed, and its folder flushed. So an object is there whole or not at all, and one that is
//! written again keeps its old bytes until the new ones are whole.
//!
//! *Tokens* name the file in the making by its attempt, so one of an older write finds nothing. They
//! hold the digest of what came, so nothing is read again. What is behind the token is cut off.
//!
//! *Late effects.* Of the calls about one object one is at work at a time (`turns.rs`); a call that
//! was given up makes nothing any more once it has its turn. A writer that was given up holds the
//! lock of its file until its last chunk is written; once its file was removed it can finish no
//! more.
//!
//! *Crashes* between the record and the new name leave a record of a file that is not there, or is
//! another: it is not believed.
//!
//! | file | what it is |
//! |---|---|
//! | `address.rs`, `details.rs`, `layout.rs` | from what the host says to a place and to names |
//! | `tree.rs`, `listing.rs` | the folders of a store |
//! | `stores.rs`, `turns.rs` | what is remembered, whose turn it is |
//! | `objects.rs`, `record.rs` | what is done to objects, what is known of them |
//! | `streams.rs`, `writer.rs`, `digest.rs` | bytes come and go |
//! | `driver.rs`, `adding.rs`, `life_cycle.rs` | the contract |
//!
//! Every system call on names, the mark, and the locks are in `storage_plugin_api::files`.

// A plugin needs no unsafe code: system calls go through rustix.
#![forbid(unsafe_code)]

mod adding;
mod address;
mod base;
mod details;
mod digest;
mod driver;
mod layout;
mod life_cycle;
mod listing;
mod objects;
mod record;
mod stores;
mod streams;
#[cfg(test)]
mod tests;
mod tree;
mod turns;
mod writer;

use crate::details::{Mounts, NfsSettings, StoreFields};
use crate::driver::NfsDriver;
use crate::life_cycle::NfsLifeCycle;
use crate::stores::Stores;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result};

storage_plugin_api::export_plugin!(NfsProvider::default);

/// What the provider serves.
const TYPES: [DataStoreProviderType; 2] =
    [DataStoreProviderType::Image, DataStoreProviderType::ImageCache];

/// The provider. What its driver and its life cycle remember of stores they remember together.
#[derive(Debug, Default)]
pub(crate) struct NfsProvider {
    stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreProvider for NfsProvider {
    // Stored with every store, so it must never change.
    fn get_name(&self) -> String {
        "NFS".to_owned()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        TYPES.to_vec()
    }

    fn get_settings_schema(&self) -> InputSchema {
        InputSchema::of::<NfsSettings>()
    }

    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<StoreFields>()
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        scope == ScopeType::Zone
    }

    async fn configure(
        &self,
        _: &Call,
        settings: Settings,
        host: Arc<dyn HostServices>,
    ) -> Result<()> {
        self.stores.configure(Mounts::of(&settings.parse()?)?)?;
        for one in TYPES {
            host.register_driver(one).await?;
        }
        Ok(())
    }

    fn get_data_store_driver(&self, of: DataStoreProviderType) -> Option<Driver> {
        let stores = Arc::clone(&self.stores);
        TYPES.contains(&of).then(|| Driver::Image(Arc::new(NfsDriver { stores })))
    }

    fn get_data_store_life_cycle(&self, of: DataStoreProviderType) -> Option<LifeCycle> {
        let stores = Arc::clone(&self.stores);
        TYPES.contains(&of).then(|| LifeCycle::Image(Arc::new(NfsLifeCycle { stores })))
    }
}
