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
mod failure;
mod hypervisor_host;
mod instance;
mod instance_state;
mod operation;
mod snapshot;
mod snapshot_state;
mod storage_pool;
mod storage_pool_state;
mod volume;
mod volume_state;
mod zone;

pub use account::{ACCOUNT_ID, ADMIN, Caller, ClientToken, ROOT_DOMAIN};
pub use attachment::Attachment;
pub use disk_offering::DiskOffering;
pub use event::{Event, EventLevel, NewEvent};
pub use failure::Failure;
pub use hypervisor_host::{Host, HostEvent, HostPool, HostState};
pub use instance::Instance;
pub use instance_state::{InstanceEvent, InstanceState};
pub use operation::{Journal, JournalEntry, Moment, Operation, Phase};
pub use record::{Index, Record, RecordKind, Stored};
pub use snapshot::Snapshot;
pub use snapshot_state::{SnapshotEvent, SnapshotState};
pub use state::{Machine, NoTransition};
pub use storage_pool::StoragePool;
pub use storage_pool_state::{StoragePoolEvent, StoragePoolState};
pub use volume::Volume;
pub use volume_state::{VolumeEvent, VolumeState};
pub use zone::{Cluster, Pod, Zone};
