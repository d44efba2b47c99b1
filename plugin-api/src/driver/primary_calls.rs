//! What the methods of primary drivers take and return.

use crate::types::{
    DataObject, HypervisorHost, QualityOfService, SnapshotInfo, VmInstance, VolumeInfo, record,
    words,
};

record! {
    /// Whom [`grant_access`](crate::PrimaryDataStoreDriver::grant_access) lets in.
    pub struct AccessRequest {
        /// A volume, a template or a snapshot.
        object: DataObject,
        /// Who will use it.
        host: HypervisorHost,
        ;
        /// It will only be read.
        read_only: bool,
    }
}

record! {
    /// Whom [`revoke_access`](crate::PrimaryDataStoreDriver::revoke_access) shuts out.
    pub struct RevokeRequest {
        /// A volume, a template or a snapshot.
        object: DataObject,
        ;
        /// Who used it; `None`: whoever still has access.
        host: Option<HypervisorHost>,
    }
}

record! {
    /// The snapshot [`take_snapshot`](crate::PrimaryDataStoreDriver::take_snapshot) is to take.
    pub struct TakeSnapshotRequest {
        /// The snapshot, its path still empty, and its volume.
        snapshot: SnapshotInfo,
        ;
    }
}

record! {
    /// What [`revert_snapshot`](crate::PrimaryDataStoreDriver::revert_snapshot) puts back.
    pub struct RevertSnapshotRequest {
        /// The snapshot on this pool, and its volume as it is now.
        snapshot: SnapshotInfo,
        ;
        /// The copy on secondary storage, if there is one.
        snapshot_on_image_store: Option<SnapshotInfo>,
    }
}

record! {
    /// A volume that is about to move, or has moved (`handleQualityOfServiceForVolumeMigration`).
    pub struct QosMigrationRequest {
        /// The volume.
        volume: VolumeInfo,
        /// `true` before the move (raise limits), `false` after it (restore them).
        migrating: bool,
        ;
    }
}

record! {
    /// New limits of a volume (`updateStorageWithTheNewDiskOffering`).
    pub struct QosRequest {
        /// The volume.
        volume: VolumeInfo,
        /// Its new limits.
        quality_of_service: QualityOfService,
        ;
    }
}

record! {
    /// An instance that attached, detached or moved (`provideVmInfo`).
    pub struct VmInfoRequest {
        /// The volume.
        volume: VolumeInfo,
        ;
        /// The instance that has it now; `None` after a detach.
        vm: Option<VmInstance>,
    }
}

record! {
    /// A changed tag of an instance (`provideVmTags`).
    pub struct VmTagsRequest {
        /// The volume.
        volume: VolumeInfo,
        /// The instance.
        vm: VmInstance,
        /// The tag's key, one of `vm_tags_needed`.
        key: String,
        ;
        /// Its value; `None` when removed.
        value: Option<String>,
    }
}

record! {
    /// How large a volume will be on the pool (`getVolumeSizeRequiredOnPool`).
    pub struct SizeOnPoolRequest {
        /// The size of the volume in bytes.
        volume_size_bytes: u64,
        ;
        /// The size of the template it is made from.
        template_size_bytes: Option<u64>,
        /// It will be encrypted.
        encrypted: bool,
    }
}

record! {
    /// A back-end volume to adopt (`validateVolumeForImport`).
    pub struct ImportRequest {
        /// The path or name of the back-end volume.
        path: String,
        ;
    }
}

record! {
    /// Space of a pool (`getStorageStats`), in bytes.
    pub struct StorageStats {
        /// All of it.
        capacity_bytes: u64,
        /// What is used.
        used_bytes: u64,
        ;
        /// Operations per second the pool can promise.
        capacity_iops: Option<u64>,
        /// What is promised already.
        used_iops: Option<u64>,
    }
}

record! {
    /// Space of a volume (`getVolumeStats`), in bytes.
    pub struct VolumeStats {
        /// Space used.
        physical_size_bytes: u64,
        /// Virtual size.
        virtual_size_bytes: u64,
        ;
    }
}

words! {
    /// What to do about a volume's replica.
    pub enum ReplicationAction {
        /// Begin.
        Enable = "enable",
        /// Stop and drop the replica.
        Disable = "disable",
        /// Make the replica the one that is used.
        FailOver = "fail-over",
        /// Only tell how it stands.
        Status = "status",
    }
}

record! {
    /// What [`replicate`](crate::PrimaryDataStoreDriver::replicate) is to do.
    pub struct ReplicationRequest {
        /// The volume.
        volume: VolumeInfo,
        /// What to do.
        action: ReplicationAction,
        ;
        /// The store that holds, or will hold, the replica.
        target: Option<crate::DataStore>,
    }
}

words! {
    /// How a replica stands.
    pub enum ReplicationState {
        /// There is none.
        Off = "off",
        /// It is being filled.
        Synchronising = "synchronising",
        /// It follows.
        InSync = "in-sync",
        /// The link is broken.
        Broken = "broken",
        /// It is the one in use.
        FailedOver = "failed-over",
    }
}

record! {
    /// How a replica stands.
    pub struct ReplicationStatus {
        /// The state.
        state: ReplicationState,
        ;
        /// Bytes that the replica lacks.
        lag_bytes: Option<u64>,
        /// How the replica is found on its store.
        replica_path: Option<String>,
    }
}
