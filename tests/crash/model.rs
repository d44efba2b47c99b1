//! What a client knows: its volumes, snapshots and instance snapshots, as far as the host has
//! acknowledged them.

use std::collections::BTreeMap;

/// Who wrote the bytes of a volume, and for the how many-th time: the pattern follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) writer: String,
    pub(crate) version: u64,
}

/// A volume.
#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
    /// `None` while nobody has written to it.
    pub(crate) bytes: Option<Bytes>,
    /// It was destroyed and can be recovered.
    pub(crate) destroyed: bool,
    /// It is a disk of the client's instance.
    pub(crate) attached: bool,
}

/// A snapshot, of a volume alone or as a member of an instance snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) volume: String,
    pub(crate) size_bytes: u64,
    pub(crate) bytes: Option<Bytes>,
}

/// By their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    /// Instance snapshots: of every volume that was attached, and is as long as there is one.
    pub(crate) groups: BTreeMap<String, Vec<Snapshot>>,
}

impl Model {
    /// What a snapshot of the instance would hold now.
    pub(crate) fn members(&self) -> Vec<Snapshot> {
        let attached = self.volumes.iter().filter(|(_, volume)| volume.attached);
        attached
            .map(|(id, volume)| Snapshot {
                volume: id.clone(),
                size_bytes: volume.size_bytes,
                bytes: volume.bytes.clone(),
            })
            .collect()
    }
}

/// What a client asks for, and what follows once it is done.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Create { name: String, pool: usize, size_bytes: u64 },
    Clone { name: String, of: String },
    FromSnapshot { name: String, of: String },
    Grow { volume: String, size_bytes: u64 },
    Destroy { volume: String },
    Recover { volume: String },
    Delete { volume: String },
    TakeSnapshot { volume: String },
    Revert { snapshot: String },
    DeleteSnapshot { snapshot: String },
    Attach { volume: String },
    Detach { volume: String },
    TakeGroup,
    RevertGroup { group: String },
    DeleteGroup { group: String },
}

/// Every kind of wish: each has to come true in a run.
pub(crate) const KINDS: [&str; 15] = [
    "create",
    "clone",
    "from snapshot",
    "grow",
    "destroy",
    "recover",
    "delete",
    "take snapshot",
    "revert",
    "delete snapshot",
    "attach",
    "detach",
    "take instance snapshot",
    "revert instance",
    "delete instance snapshot",
];

impl Wish {
    /// Its word in [`KINDS`].
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Clone { .. } => "clone",
            Self::FromSnapshot { .. } => "from snapshot",
            Self::Grow { .. } => "grow",
            Self::Destroy { .. } => "destroy",
            Self::Recover { .. } => "recover",
            Self::Delete { .. } => "delete",
            Self::TakeSnapshot { .. } => "take snapshot",
            Self::Revert { .. } => "revert",
            Self::DeleteSnapshot { .. } => "delete snapshot",
            Self::Attach { .. } => "attach",
            Self::Detach { .. } => "detach",
            Self::TakeGroup => "take instance snapshot",
            Self::RevertGroup { .. } => "revert instance",
            Self::DeleteGroup { .. } => "delete instance snapshot",
        }
    }
}
