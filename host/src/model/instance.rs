//! Instances: what volumes are attached to.
//!
//! The host runs no instance. It knows of them what storage has to know: which hypervisor host
//! has them, and whether they run.

use super::instance_state::InstanceState;
use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use storage_plugin_api::HypervisorType;
use uuid::Uuid;

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: InstanceState,
    /// Its hypervisor.
    pub hypervisor: HypervisorType,
    /// The zone it is in.
    pub zone: Uuid,
    /// The hypervisor host it runs on, or ran on last.
    #[serde(default)]
    pub host: Option<Uuid>,
}

impl Record for Instance {
    const KIND: RecordKind = RecordKind::Instance;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: self.host,
            zone: Some(self.zone),
        }
    }
}
