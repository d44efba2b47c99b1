//! What a driver of storage pools does besides: access, snapshots, figures, adoption.

use crate::driver::FilesystemDriver;
use crate::import;
use crate::quota;
use storage_plugin_api::CreateResult as Created;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};

#[async_trait]
impl PrimaryDataStoreDriver for FilesystemDriver {
    // Every host of the scope sees the directory, so all it needs is the path. Letting a guest
    // write is a change: a host whose database is old must not start instances here.
    async fn grant_access(
        &self,
        call: &Call,
        at: &Pool,
        of: AccessRequest,
    ) -> Result<ConnectionInfo> {
        self.change(call, at, move |work| {
            let there = work.existing(&of.object)?;
            let path = work.opened.directory.path().join(&there.name);
            let mut reached = ConnectionInfo::file(path.to_string_lossy());
            reached.read_only = of.read_only;
            // Nobody may have to guess it from bytes that a guest wrote.
            reached.details.insert("format", there.format.word());
            Ok(reached)
        })
        .await
    }

    async fn revoke_access(&self, _: &Call, _: &Pool, _: RevokeRequest) -> Result<()> {
        Ok(())
    }

    async fn take_snapshot(
        &self,
        call: &Call,
        at: &Pool,
        of: TakeSnapshotRequest,
    ) -> Result<Created> {
        let volume = DataObject::from((*of.snapshot.volume).clone());
        let snapshot = DataObject::from(of.snapshot);
        self.change(call, at, move |work| work.make_copy(&snapshot, &volume, 0)).await
    }

    async fn revert_snapshot(
        &self,
        call: &Call,
        at: &Pool,
        to: RevertSnapshotRequest,
    ) -> Result<()> {
        let volume = DataObject::from((*to.snapshot.volume).clone());
        let snapshot = DataObject::from(to.snapshot);
        self.change(call, at, move |work| work.revert(&volume, &snapshot)).await
    }

    async fn get_storage_stats(&self, call: &Call, store: &Pool) -> Result<StorageStats> {
        self.look(call, store, |work| {
            let all = work.opened.directory.space()?;
            let Some(limit) = work.opened.mark.capacity_bytes else {
                return Ok(StorageStats::new(all.capacity, all.used));
            };
            let used = quota::physical(work.place, &work.opened.directory)?;
            Ok(StorageStats::new(limit, used.min(limit)))
        })
        .await
    }

    async fn get_volume_stats(
        &self,
        call: &Call,
        at: &Pool,
        of: VolumeInfo,
    ) -> Result<VolumeStats> {
        self.look(call, at, move |work| {
            let there = work.existing(&of.into())?;
            Ok(VolumeStats::new(there.found.physical, there.size))
        })
        .await
    }

    async fn get_bytes_required_for_template(
        &self,
        _: &Call,
        _: &Pool,
        template: TemplateInfo,
    ) -> Result<u64> {
        Ok(template.size_bytes)
    }

    async fn validate_volume_for_import(
        &self,
        call: &Call,
        at: &Pool,
        of: ImportRequest,
    ) -> Result<ObjectDescription> {
        self.look(call, at, move |work| import::validate(work, &of)).await
    }
}
