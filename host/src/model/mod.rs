//! What the host knows of: records, their ids, and their state machines as tables.
//!
//! What it is not: where records are kept (`store`), nor what happens to them (`jobs`,
//! `orchestration`). No IO, no clock, no async: whatever depends on those is an argument.
//!
//! **Invariant:** a state changes only through the transition table of its machine; whoever wants
//! another state asks [`Machine::next`] and gets the refusal to show.
//!
//! Start reading at [`Record`], then a record such as [`Volume`], then [`Operation`].

mod record;
mod state;

mod account;
mod attachment;
mod disk_offering;
mod event;
mod extract_link;
mod failure;
mod hypervisor_host;
mod image_store;
mod image_store_state;
mod instance;
mod instance_state;
mod object_in_store;
mod object_in_store_state;
mod operation;
mod retention;
mod schedule;
mod snapshot;
mod snapshot_policy;
mod snapshot_state;
mod storage_pool;
mod storage_pool_state;
mod template;
mod template_state;
mod upload;
mod vm_snapshot;
mod vm_snapshot_state;
mod volume;
mod volume_state;
mod zone;

pub use account::{ACCOUNT_ID, ADMIN, Caller, ClientToken, ROOT_DOMAIN};
pub use attachment::Attachment;
pub use disk_offering::DiskOffering;
pub use event::{Event, EventLevel, NewEvent};
pub use extract_link::ExtractLink;
pub use failure::Failure;
pub use hypervisor_host::{Host, HostEvent, HostPool, HostState};
pub use image_store::{DEFAULT_WEIGHT, ImageStore};
pub use image_store_state::{ImageStoreEvent, ImageStoreState};
pub use instance::Instance;
pub use instance_state::{InstanceEvent, InstanceState};
pub use object_in_store::{Checkpoint, ObjectInStore};
pub use object_in_store_state::{ObjectInStoreEvent, ObjectInStoreState};
pub use operation::{Journal, JournalEntry, Moment, Operation, Phase};
pub use record::{Index, Record, RecordKind, Stored};
pub use retention::{Kept, Retention};
pub use schedule::{IntervalType, Schedule, compact_time};
pub use snapshot::{GROUP, MANUAL, PolicyRun, Snapshot};
pub use snapshot_policy::SnapshotPolicy;
pub use snapshot_state::{SnapshotEvent, SnapshotState};
pub use state::{Machine, NoTransition};
pub use storage_pool::StoragePool;
pub use storage_pool_state::{StoragePoolEvent, StoragePoolState};
pub use template::Template;
pub use template_state::{TemplateEvent, TemplateState};
pub use upload::Upload;
pub use vm_snapshot::VmSnapshot;
pub use vm_snapshot_state::{VmSnapshotEvent, VmSnapshotState};
pub use volume::Volume;
pub use volume_state::{VolumeEvent, VolumeState};
pub use zone::{Cluster, Pod, Zone};
