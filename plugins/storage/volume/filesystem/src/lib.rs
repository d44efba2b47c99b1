//! Storage pools in a directory: the provider `Filesystem`.
//!
//! The production driver for volumes as files, raw or qcow2: local disks, and shared mounts (a SAN
//! file system, an NFS export that every hypervisor host has at the same path). It also answers for CloudStack's
//! `DefaultPrimary`: the host knows that name as another one of this provider.
//!
//! # For operators
//!
//! **Add a pool** with the URL `file:///srv/pool`, or with the detail `path`. The directory is made
//! if its parent is there. Links in the path are resolved once, when the pool is added; a link that
//! is put into it later is refused.
//!
//! | detail | values | what it does |
//! |---|---|---|
//! | `path` | absolute path | the directory, where the URL does not say it |
//! | `capacity_bytes` | number | how much all objects may have together, by their virtual sizes |
//! | `preallocation` | `off`, `falloc` | whether volumes of fat offerings have their space set aside |
//! | `reflink` | `auto`, `always`, `never` | whether snapshots and clones share blocks |
//! | `copy_bytes_per_second` | number | how fast a copy may be where they do not |
//! | `volume_format` | `raw`, `qcow2`, `auto` | what new volumes are; `raw` where it is left out |
//!
//! **On the disk:**
//! ```text
//! /srv/pool/.storage-store.json                          the mark
//! /srv/pool/.storage-store.json.new                      its spare, for a disk that is full
//! /srv/pool/<uuid>.<installation id>.volume.raw          a volume; mode 0600
//! /srv/pool/<uuid>.<installation id>.volume.qcow2        a volume that lies on a template
//! /srv/pool/<uuid>.<installation id>.snapshot.raw        a snapshot, a whole file of its own
//! /srv/pool/<uuid>.<installation id>.snapshot.qcow2      one of a qcow2 volume, on the same template
//! /srv/pool/<uuid>.<installation id>.template.raw        a template that volumes are cloned from
//! /srv/pool/<uuid>.<installation id>.volume.new          one in the making
//! /srv/pool/old-disk.img                                 a file that may be adopted as a volume
//! ```
//! `qemu-img` understands them, `losetup` the raw ones. Nothing refers to anything else but a qcow2
//! image to its template, by its name in the same directory; a file can be copied, and restored under
//! its name.
//!
//! **The mark** says whose store the directory is and since which epoch. Without it nothing is done
//! there: the empty directory below a mount point is no empty store ("is it mounted?"). A directory
//! is one store's alone. A host whose database is older than what was done in the store (it was
//! restored from a backup) sees everything and changes nothing ("a newer host owns this store").
//! Removing a pool removes its mark, and never a file; it is refused while objects of this
//! installation are there. To take a directory over after its database is lost for good, remove
//! the mark and add the pool again: the files are listed, and purged by nobody but you.
//!
//! **What snapshots and clones cost:**
//!
//! | file system | time and space | point in time while the guest writes |
//! |---|---|---|
//! | XFS (`reflink=1`, the default since 2019), Btrfs | constant | yes |
//! | ext4, tmpfs and others | those of a copy of the data; holes stay holes | no: stop the instance |
//!
//! `reflink = always` refuses a pool of the second kind; `never` copies on the first kind as well,
//! where a file of shared blocks would be scattered too much.
//!
//! **Thin volumes.** With `volume_format = qcow2` a volume of a template is a qcow2 image on top of
//! the template's file: it is made in no time whatever the template's size, also on ext4 and NFS,
//! and holds what it changed. `auto` is `raw` where blocks are shared and `qcow2` elsewhere; it is
//! settled when the pool is added, and `listStoragePools` tells which (`volumeformat`) and why. A
//! pool that has volumes keeps them as they are when the detail changes: a name says its format.
//!
//! - Who attaches a volume has to know its format: access that is granted tells it (`format`), and
//!   so does the name. It is never guessed from the bytes, which a guest wrote.
//! - A snapshot, or a clone of a volume, is a copy of the image alone, on the same template: chains
//!   are never deeper than two. On ext4 that costs what the volume changed, not what it has.
//! - Resizes, reverts and restores of a qcow2 volume are refused while another process has the
//!   image open (`InUse`: stop the instance), and so are snapshots and clones where blocks are not
//!   shared. That is seen by the locks that qemu keeps; on a mount without locks, and for qemu on
//!   another machine where the mount does not carry them, it is not. Asking takes a lock for some
//!   microseconds: an instance that starts in that very instant is refused its disk by qemu
//!   (`Failed to get "write" lock`), and starts when it is asked to again.
//! - Readers tell the disk's bytes and holes, so a backup needs no template.
//! - A template is refused to go (`InUse`, with what needs it) while an image lies on it. A volume
//!   lets go of it when it is moved to another pool, or restored from a backup. Templates stand
//!   alone, as raw files; so do volumes of fat offerings where their space is set aside.
//! - A resize copies the image, because only a file that nobody uses yet may be half changed.
//! - A restore that broke off begins anew.
//!
//! **Reverting** puts another file in the place of the volume's. Whoever has the volume open goes
//! on with the old one: the instance is stopped before, and opens the new one when it starts.
//!
//! **The limit** counts virtual sizes, so thin volumes never outgrow it; without one the file
//! system's space is what there is, and thin volumes can fill it. It is kept in the mark and changed
//! with `updateStoragePool`. Adopted files are not counted: their names do not say that they are
//! ours. With a limit each new object costs a look at every file: some three
//! microseconds for each raw one. A qcow2 image tells its size in its header, so each one that is
//! there is opened and read as well.
//!
//! **What changed since a snapshot** is found by comparing the two files, 64 KiB by 64 KiB. So a
//! backup after the first moves and stores what changed only, but reads the data of both snapshots;
//! holes of both are not read. Of qcow2 volumes it is not told: their backups move all.
//!
//! **Limits:** no encryption, no quality of service; 8 TiB a volume; whole sectors of 512 bytes;
//! names of at most 255 bytes. A file system without `flock` (some network mounts) serves one host
//! only.
//!
//! # For maintainers
//!
//! *Acknowledged means on the disk.* A blank volume is made under its own name, takes its size, and
//! is flushed with its directory: two flushes. A name without a byte counts as nothing, so there is
//! no instant at which it is half made. What has bytes (clones, snapshots, reverts, a writer's new
//! file) is made under `….new`, flushed, renamed, and the directory flushed. A call that finds its
//! work done flushes again: the attempt that did it may have been killed before it could.
//!
//! *Late effects.* A call that was given up may still be at work on its thread. It holds a lock on
//! its `….new`, looks every few mebibytes whether it was given up, and the next call for the object
//! waits for it, and asks again what is there. Once its `….new` is flushed it looks once more, and
//! makes nothing true any more that was given up. Locks go with their process, so what a crash left
//! is told from what is under way: it is removed when the store is attached, and by the next call
//! for the object.
//!
//! *Images* are read and written with the crate imago. Only one in the making is written to: imago
//! orders its writes by no flush, so an image that is changed where it lies could be lost by a
//! crash. What a name in an image refers to is followed only if it is a template of ours in the
//! same directory, and then as raw bytes. A lock keeps a template from going while an image is put
//! on top of it.
//!
//! *The epoch* is compared when a call begins. It is a fence against databases of the past, not a
//! lock between two hosts of the same epoch; a call that had begun before the epoch rose ends. It
//! fences as much as the host makes it rise.
//!
//! *Memory* (marks, whether blocks are shared, what is reserved) is a cache: each use of a mark
//! costs one `stat`, and a mark that was replaced is read again.
//!
//! | file | what it is |
//! |---|---|
//! | `details.rs`, `names.rs` | from what the host says to a place and to names; touch no file |
//! | `stores.rs`, `quota.rs` | what is remembered of stores, how much fits |
//! | `objects.rs`, `streams.rs`, `import.rs` | what is done to objects |
//! | `qcow2.rs`, `thin.rs` | images on top of templates, and the bytes of the disk in them |
//! | `sharing.rs`, `space.rs`, `usage.rs` | what is asked of the file system |
//! | `driver.rs`, `primary.rs`, `adding.rs`, `life_cycle.rs` | the contract |
//!
//! Every system call on names, the mark, and the locks are in `storage_plugin_api::files`.

// A plugin needs no unsafe code: system calls go through rustix.
#![forbid(unsafe_code)]

mod adding;
mod changes;
mod details;
mod driver;
mod import;
mod life_cycle;
mod names;
mod objects;
mod pace;
mod primary;
mod qcow2;
mod quota;
mod sharing;
mod space;
mod stores;
mod streams;
#[cfg(test)]
mod tests;
mod thin;
mod usage;

use crate::details::PoolFields;
use crate::driver::FilesystemDriver;
use crate::life_cycle::FilesystemLifeCycle;
use crate::stores::Stores;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result};

storage_plugin_api::export_plugin!(FilesystemProvider::default);

/// The provider. What its driver and its life cycle remember of stores they remember together.
#[derive(Debug, Default)]
pub(crate) struct FilesystemProvider {
    stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreProvider for FilesystemProvider {
    // Stored with every store, so it must never change.
    fn get_name(&self) -> String {
        "Filesystem".to_owned()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![DataStoreProviderType::Primary]
    }

    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<PoolFields>()
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        matches!(scope, ScopeType::Zone | ScopeType::Cluster | ScopeType::Host)
    }

    async fn configure(&self, _: &Call, _: Settings, host: Arc<dyn HostServices>) -> Result<()> {
        host.register_driver(DataStoreProviderType::Primary).await
    }

    fn get_data_store_driver(&self, of: DataStoreProviderType) -> Option<Driver> {
        let stores = Arc::clone(&self.stores);
        (of == DataStoreProviderType::Primary)
            .then(|| Driver::Primary(Arc::new(FilesystemDriver { stores })))
    }

    fn get_data_store_life_cycle(&self, of: DataStoreProviderType) -> Option<LifeCycle> {
        let stores = Arc::clone(&self.stores);
        (of == DataStoreProviderType::Primary)
            .then(|| LifeCycle::Primary(Arc::new(FilesystemLifeCycle { stores })))
    }
}
