//! What a client knows: its volumes, snapshots, templates and instance snapshots, as far as the host
//! has acknowledged them.

use std::collections::BTreeMap;
use tests::OrFail;

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

impl Volume {
    pub(crate) fn new(name: String, size_bytes: u64, bytes: Option<Bytes>) -> Self {
        Self { name, size_bytes, bytes, destroyed: false, attached: false }
    }
}

/// A snapshot, of a volume alone or as a member of an instance snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) volume: String,
    pub(crate) size_bytes: u64,
    pub(crate) bytes: Option<Bytes>,
    pub(crate) place: Place,
}

/// Where the bytes of a snapshot are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Pool,
    /// There, and on the image store.
    Both,
    ImageStore,
}

/// A template.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) size_bytes: u64,
    pub(crate) bytes: Bytes,
}

/// By their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    pub(crate) templates: BTreeMap<String, Template>,
    /// Instance snapshots: of every volume that was attached, and is as long as there is one.
    pub(crate) groups: BTreeMap<String, Vec<Snapshot>>,
}

impl Model {
    /// A volume that is known.
    pub(crate) fn volume(&mut self, id: &str) -> &mut Volume {
        self.volumes.get_mut(id).or_fail("a volume")
    }

    /// A snapshot that is known.
    pub(crate) fn snapshot(&mut self, id: &str) -> &mut Snapshot {
        self.snapshots.get_mut(id).or_fail("a snapshot")
    }

    /// A volume is what it was.
    pub(crate) fn revert_to(&mut self, snapshot: Snapshot) {
        let volume = self.volume(&snapshot.volume);
        (volume.size_bytes, volume.bytes) = (snapshot.size_bytes, snapshot.bytes);
    }

    /// What a snapshot of the instance would hold now.
    pub(crate) fn members(&self) -> Vec<Snapshot> {
        let attached = self.volumes.iter().filter(|(_, volume)| volume.attached);
        attached
            .map(|(id, volume)| Snapshot {
                volume: id.clone(),
                size_bytes: volume.size_bytes,
                bytes: volume.bytes.clone(),
                place: Place::Pool,
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
    BackUp { snapshot: String },
    Archive { snapshot: String },
    Register { name: String, size_bytes: u64 },
    FromTemplate { name: String, of: String },
    DeleteTemplate { template: String },
    TakeGroup,
    RevertGroup { group: String },
    DeleteGroup { group: String },
}

/// Every kind of wish: each has to come true in a run.
pub(crate) const KINDS: [&str; 20] = [
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
    "back up",
    "archive",
    "register template",
    "from template",
    "delete template",
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
            Self::BackUp { .. } => "back up",
            Self::Archive { .. } => "archive",
            Self::Register { .. } => "register template",
            Self::FromTemplate { .. } => "from template",
            Self::DeleteTemplate { .. } => "delete template",
            Self::TakeGroup => "take instance snapshot",
            Self::RevertGroup { .. } => "revert instance",
            Self::DeleteGroup { .. } => "delete instance snapshot",
        }
    }
}
