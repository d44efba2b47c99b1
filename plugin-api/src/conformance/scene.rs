//! What one case works with: the store under test, and the objects it makes, which go when the
//! case has ended, however it ended.

use super::failure::{Checked, Doing, Failure, ensure, equal};
use super::pattern::Pattern;
use super::subject::Subject;
use crate::{
    CreateRequest, CreateResult, CreateSource, DataObject, ObjectDescription, SnapshotInfo,
    TakeSnapshotRequest, TemplateInfo, VmSnapshot, VolumeInfo,
};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The size of most objects: several chunks, and no round number of anything.
const OBJECT_BYTES: u64 = (4 << 20) + (64 << 10) + 512;

pub(super) struct Scene {
    subject: Arc<Subject>,
    /// What is in the brackets of the case's id.
    pub(super) parameter: String,
    made: Mutex<Vec<DataObject>>,
    vm_snapshots: Mutex<Vec<VmSnapshot>>,
    /// Scenes of other installations on the same back end.
    guests: Mutex<Vec<Arc<Scene>>>,
}

impl Deref for Scene {
    type Target = Subject;

    fn deref(&self) -> &Subject {
        &self.subject
    }
}

impl Scene {
    pub(super) fn new(subject: Arc<Subject>, parameter: String) -> Self {
        Self {
            subject,
            parameter,
            made: Mutex::default(),
            vm_snapshots: Mutex::default(),
            guests: Mutex::default(),
        }
    }

    /// A scene of another installation, cleaned up with this one.
    pub(super) fn guest(&self) -> Arc<Self> {
        let other = Arc::new(self.subject.of_another_installation());
        let guest = Arc::new(Self::new(other, String::new()));
        lock(&self.guests).push(Arc::clone(&guest));
        guest
    }

    /// Remembers an instance snapshot, so that it is removed; called before it is taken.
    pub(super) fn track_vm_snapshot(&self, vm_snapshot: &VmSnapshot) {
        lock(&self.vm_snapshots).push(vm_snapshot.clone());
    }

    fn made(&self) -> MutexGuard<'_, Vec<DataObject>> {
        lock(&self.made)
    }

    /// A size that the store takes, near the one wanted.
    pub(super) fn size(&self, wanted: u64) -> u64 {
        let limits = &self.can.limits;
        let granularity = limits.size_granularity_bytes.max(1);
        limits.round_up(wanted).unwrap_or(limits.max_size_bytes / granularity * granularity)
    }

    /// The size of most objects.
    pub(super) fn usual_size(&self) -> u64 {
        self.size(OBJECT_BYTES)
    }

    /// A volume that is not made yet.
    pub(super) fn new_volume(&self, size_bytes: u64) -> VolumeInfo {
        let number = self.stage.number();
        let name = format!("{}-{number}", self.stage.name());
        let mut volume = VolumeInfo::new(self.stage.uuid(), name, size_bytes);
        volume.id = number;
        volume.pool_id = Some(self.store().id);
        volume.account_id = 2;
        volume
    }

    /// An object of the kind the store is for, not made yet: a volume or a template.
    pub(super) fn new_object(&self, size_bytes: u64) -> DataObject {
        let volume = self.new_volume(size_bytes);
        if self.is_primary() {
            return volume.into();
        }
        let mut template =
            TemplateInfo::new(volume.uuid, volume.name, self.usual_format(), size_bytes);
        template.id = volume.id;
        template.account_id = volume.account_id;
        template.into()
    }

    /// Remembers an object, so that it is removed; called before it is made.
    pub(super) fn track(&self, object: &DataObject) {
        let mut made = self.made();
        match made.iter_mut().find(|one| one.uuid() == object.uuid()) {
            Some(known) => known.clone_from(object),
            None => {
                self.record(object.clone());
                made.push(object.clone());
            }
        }
    }

    fn forget(&self, uuid: Uuid) {
        self.made().retain(|one| one.uuid() != uuid);
    }

    /// Makes an object, and takes over what the driver answers as the host does.
    pub(super) async fn create(
        &self,
        mut object: DataObject,
        source: CreateSource,
    ) -> Checked<DataObject> {
        self.track(&object);
        let mut request = CreateRequest::new(object.clone());
        request.source = source;
        let answer = self.create_async(request).await;
        let result = answer.doing(format_args!("creating {}", Named(&object)))?;
        adopt(&mut object, &result);
        ensure(!object.path().is_empty(), || {
            format!("creating {}: expected a path, got an empty one", Named(&object))
        })?;
        self.track(&object);
        Ok(object)
    }

    /// A blank volume, or a place for a template.
    pub(super) async fn blank(&self) -> Checked<DataObject> {
        let object = self.new_object(self.usual_size());
        self.create(object, CreateSource::Blank).await
    }

    /// A blank volume.
    pub(super) async fn volume(&self) -> Checked<VolumeInfo> {
        let volume = self.new_volume(self.usual_size());
        volume_of(self.create(volume.into(), CreateSource::Blank).await?)
    }

    /// An object that is complete: a template is so only once it was written.
    pub(super) async fn whole(&self) -> Checked<DataObject> {
        let mut object = self.blank().await?;
        if !self.is_primary() && self.can.write {
            let pattern = self.pattern(object.size_bytes());
            self.fill(&mut object, &pattern).await?;
        }
        Ok(object)
    }

    /// An object with bytes.
    pub(super) async fn filled(&self) -> Checked<(DataObject, Pattern)> {
        let mut object = self.blank().await?;
        let pattern = self.pattern(object.size_bytes());
        self.fill(&mut object, &pattern).await?;
        Ok((object, pattern))
    }

    /// A volume with bytes; a blank one where the store moves no bytes.
    pub(super) async fn filled_volume(&self) -> Checked<(VolumeInfo, Pattern)> {
        let mut object = DataObject::from(self.volume().await?);
        let pattern = if self.moves_bytes() {
            self.pattern(object.size_bytes())
        } else {
            Pattern::zeros(object.size_bytes())
        };
        if self.moves_bytes() {
            self.fill(&mut object, &pattern).await?;
        }
        Ok((volume_of(object)?, pattern))
    }

    /// New bytes for a size.
    pub(super) fn pattern(&self, size_bytes: u64) -> Pattern {
        Pattern::mixed(self.stage.seed(), size_bytes)
    }

    /// A snapshot of a volume, not taken yet.
    pub(super) fn new_snapshot(&self, volume: &VolumeInfo) -> SnapshotInfo {
        let number = self.stage.number();
        let name = format!("{}-{number}", self.stage.name());
        let mut snapshot = SnapshotInfo::new(self.stage.uuid(), name, volume.clone());
        snapshot.id = number;
        snapshot.account_id = volume.account_id;
        snapshot
    }

    /// Takes a snapshot.
    pub(super) async fn take(&self, mut snapshot: SnapshotInfo) -> Checked<SnapshotInfo> {
        self.track(&snapshot.clone().into());
        let request = TakeSnapshotRequest::new(snapshot.clone());
        let result = self.take_snapshot(request).await;
        let result = result.doing(format_args!("taking the snapshot {}", snapshot.uuid))?;
        snapshot.path = result.path;
        snapshot.details = result.details;
        ensure(!snapshot.path.is_empty(), || {
            "taking a snapshot: expected a path, got an empty one".to_owned()
        })?;
        self.track(&snapshot.clone().into());
        Ok(snapshot)
    }

    /// Deletes an object and has it confirmed.
    pub(super) async fn delete(&self, object: &DataObject) -> Checked {
        let answer = self.delete_async(object.clone()).await;
        answer.doing(format_args!("deleting {}", Named(object)))?;
        self.expect_absent(object, "after it was deleted").await?;
        self.forget(object.uuid());
        Ok(())
    }

    /// Describes an object that must be there.
    pub(super) async fn expect_present(&self, object: &DataObject) -> Checked<ObjectDescription> {
        let answer = self.describe(object.clone()).await;
        let description = answer.doing(format_args!("describing {}", Named(object)))?;
        ensure(description.present, || {
            format!("describing {}: expected present, got absent", Named(object))
        })?;
        Ok(description)
    }

    /// Describes an object that must not be there.
    pub(super) async fn expect_absent(&self, object: &DataObject, when: &str) -> Checked {
        let answer = self.describe(object.clone()).await;
        let description = answer.doing(format_args!("describing {} {when}", Named(object)))?;
        let what = format!("the presence of {} {when}", Named(object));
        equal(what, false, description.present)
    }

    /// Removes what the case made, newest first; what others still need, in a second round.
    pub(super) async fn clean_up(&self) -> Checked {
        let guests = std::mem::take(&mut *lock(&self.guests));
        for guest in guests {
            Box::pin(guest.clean_up()).await?;
            let removed = guest.delete_data_store(&guest.store()).await;
            removed.doing("cleaning up: removing the store of another installation")?;
        }
        let vm_snapshots = std::mem::take(&mut *lock(&self.vm_snapshots));
        for vm_snapshot in vm_snapshots {
            self.remove_vm_snapshot(vm_snapshot).await?;
        }
        let mut left: Vec<DataObject> = std::mem::take(&mut *self.made());
        for last_round in [false, true] {
            let mut kept = Vec::new();
            for object in left.drain(..).rev() {
                match self.remove(&object).await {
                    Err(failure) if last_round => return Err(failure),
                    Err(_) => kept.insert(0, object),
                    Ok(()) => {}
                }
            }
            left = kept;
        }
        Ok(())
    }

    async fn remove(&self, object: &DataObject) -> Checked {
        let Err(error) = self.delete_async(object.clone()).await else {
            return Ok(());
        };
        // That deleting what is gone must succeed is said by a case of its own.
        if self.describe(object.clone()).await.is_ok_and(|found| !found.present) {
            return Ok(());
        }
        Err(error).doing(format_args!("cleaning up: deleting {}", Named(object)))
    }

    async fn remove_vm_snapshot(&self, vm_snapshot: VmSnapshot) -> Checked {
        let Some(strategy) = self.stage.provider.get_vm_snapshot_strategy() else {
            return Ok(());
        };
        let call = self.stage.call();
        let running = strategy.delete_vm_snapshot(&call, vm_snapshot);
        let removed = self.stage.within(&call, "delete_vm_snapshot", running).await;
        removed.doing("cleaning up: deleting an instance snapshot")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes over what a driver answered about an object.
pub(super) fn adopt(object: &mut DataObject, result: &CreateResult) {
    match object {
        DataObject::Volume(volume) => {
            volume.path.clone_from(&result.path);
            volume.size_bytes = result.size_bytes.unwrap_or(volume.size_bytes);
            volume.format = result.format.unwrap_or(volume.format);
            volume.details = result.details.clone();
        }
        DataObject::Template(template) => {
            template.install_path.clone_from(&result.path);
            template.size_bytes = result.size_bytes.unwrap_or(template.size_bytes);
            template.format = result.format.unwrap_or(template.format);
            template.details = result.details.clone();
        }
        DataObject::Snapshot(snapshot) => {
            snapshot.path.clone_from(&result.path);
            snapshot.details = result.details.clone();
        }
    }
}

/// Sets where an object lies.
pub(super) fn set_path(object: &mut DataObject, path: String) {
    match object {
        DataObject::Volume(volume) => volume.path = path,
        DataObject::Template(template) => template.install_path = path,
        DataObject::Snapshot(snapshot) => snapshot.path = path,
    }
}

/// The same object, of which only the uuid is known.
pub(super) fn without_path(object: &DataObject) -> DataObject {
    let mut bare = object.clone();
    set_path(&mut bare, String::new());
    match &mut bare {
        DataObject::Volume(volume) => volume.details = crate::Details::new(),
        DataObject::Template(template) => template.details = crate::Details::new(),
        DataObject::Snapshot(snapshot) => snapshot.details = crate::Details::new(),
    }
    bare
}

/// The volume that an object is.
pub(super) fn volume_of(object: DataObject) -> Checked<VolumeInfo> {
    match object {
        DataObject::Volume(volume) => Ok(volume),
        other => Err(Failure::new(format!("{} is not a volume", Named(&other)))),
    }
}

/// An object in a message.
pub(super) struct Named<'a>(pub(super) &'a DataObject);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.object_type().as_str().to_lowercase();
        write!(f, "the {kind} {}", self.0.uuid())?;
        if !self.0.path().is_empty() {
            write!(f, " at {:?}", self.0.path())?;
        }
        Ok(())
    }
}
