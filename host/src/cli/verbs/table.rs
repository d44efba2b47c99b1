//! The verbs: which words call which command.
//!
//! WHEN CHANGING THIS: a verb whose command is not there (yet) is hidden; the test in `tests.rs`
//! tells which those are, and that every parameter and column named here is one of the command's.

use super::transfer::Moves;
use serde_json::Value;

/// One verb.
#[derive(Debug)]
pub(super) struct Verb {
    /// Its first word: `volume`.
    pub(super) group: &'static str,
    /// Its second word: `create`; empty where the group is the verb.
    pub(super) word: &'static str,
    /// The command of the API that it calls.
    pub(super) command: &'static str,
    /// The parameters that are given without their names, in this order.
    pub(super) positional: &'static [&'static str],
    /// What is sent where nothing else was given.
    pub(super) defaults: &'static [(&'static str, &'static str)],
    /// What is sent always; it is no option.
    pub(super) fixed: &'static [(&'static str, &'static str)],
    /// The columns of its list, where it is one.
    pub(super) columns: &'static [&'static str],
    /// The file that it moves.
    pub(super) moves: Moves,
}

impl Verb {
    /// Whether what was done, or found, is a no.
    pub(super) fn says_no(&self, body: &Value) -> bool {
        let rows = |key: &str| body[key].as_array().cloned().unwrap_or_default();
        match self.command {
            "listHealthFindings" => rows("finding").iter().any(|one| one["severity"] != "INFO"),
            // Who explains why nobody can take it says no.
            "listVMSnapshotStrategies" => {
                !rows("vmsnapshotstrategy").iter().any(|one| one["wins"] == true)
            }
            // What stays was to go.
            "migrateSecondaryStorageData" | "migrateResourceToAnotherSecondaryStorage" => {
                body["imagestore"]["success"] == false
            }
            "listImageStoreCandidates" => {
                !rows("imagestorecandidate").iter().any(|one| one["wins"] == true)
            }
            "purgeOrphans" => rows("orphan").iter().any(|one| one["purged"] == false),
            _ => false,
        }
    }

    /// The command that lists what its `id` may be.
    pub(super) fn lists(&self) -> Option<&'static str> {
        GROUPS.iter().find(|group| group.word == self.group)?.lists
    }
}

/// What verbs with the same first word are about.
#[derive(Debug)]
pub(super) struct Group {
    /// The word.
    pub(super) word: &'static str,
    /// For the help.
    pub(super) about: &'static str,
    /// The command that lists such things by name.
    pub(super) lists: Option<&'static str>,
}

const fn group(word: &'static str, about: &'static str, lists: Option<&'static str>) -> Group {
    Group { word, about, lists }
}

pub(super) const GROUPS: &[Group] = &[
    group("pool", "Storage pools (primary storage).", Some("listStoragePools")),
    group("image-store", "Image stores (secondary storage).", Some("listImageStores")),
    group(
        "image-cache",
        "Image caches (secondary staging stores).",
        Some("listSecondaryStagingStores"),
    ),
    group("template", "Templates, which volumes are made from.", Some("listTemplates")),
    group("iso", "ISOs.", Some("listIsos")),
    group("volume", "Volumes.", Some("listVolumes")),
    group("snapshot", "Snapshots of volumes.", Some("listSnapshots")),
    group(
        "snapshot-policy",
        "Snapshot policies: snapshots of a volume by a schedule.",
        // They have no names.
        None,
    ),
    group("instance", "Instances, which volumes are attached to.", Some("listVirtualMachines")),
    group(
        "instance-snapshot",
        "Snapshots of instances: of all their volumes.",
        Some("listVMSnapshot"),
    ),
    group("host", "Hypervisor hosts, which use storage.", Some("listHosts")),
    group("zone", "Zones.", Some("listZones")),
    group("offering", "Disk offerings.", Some("listDiskOfferings")),
    group("explain", "Who would do what is asked for, and why.", None),
    group("operations", "Operations and the journal of their steps.", None),
    group("orphans", "Objects of which back end and host say different things.", None),
];

/// All entries of a list, not only its first page.
const ALL: &[(&str, &str)] = &[("pagesize", "-1")];
/// The same, of all templates.
const ALL_TEMPLATES: &[(&str, &str)] = &[("pagesize", "-1"), ("templatefilter", "all")];
/// The newest, of lists that grow for ever.
const NEWEST: &[(&str, &str)] = &[("page", "1"), ("pagesize", "50")];

const fn verb(
    group: &'static str,
    word: &'static str,
    command: &'static str,
    positional: &'static [&'static str],
) -> Verb {
    Verb {
        group,
        word,
        command,
        positional,
        defaults: &[],
        fixed: &[],
        columns: &[],
        moves: Moves::Nothing,
    }
}

/// What a link of the host leads to, into a file.
const fn download(group: &'static str, command: &'static str) -> Verb {
    Verb { moves: Moves::Down, ..verb(group, "download", command, ID) }
}

/// A file becomes something.
const fn upload(group: &'static str, command: &'static str) -> Verb {
    Verb { moves: Moves::Up, ..verb(group, "upload", command, &[]) }
}

const fn list(
    group: &'static str,
    word: &'static str,
    command: &'static str,
    columns: &'static [&'static str],
) -> Verb {
    Verb { defaults: ALL, columns, ..verb(group, word, command, &[]) }
}

const ID: &[&str] = &["id"];

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    verb("pool", "add", "createStoragePool", &["name", "url"]),
    list("pool", "list", "listStoragePools",
        &["name", "id", "state", "provider", "scope", "disksizetotal", "disksizeused", "disksizeallocated", "quarantine"]),
    verb("pool", "update", "updateStoragePool", ID),
    verb("pool", "maintain", "enableStorageMaintenance", ID),
    verb("pool", "cancel-maintain", "cancelStorageMaintenance", ID),
    Verb { fixed: &[("enabled", "true")], ..verb("pool", "enable", "updateStoragePool", ID) },
    Verb { fixed: &[("enabled", "false")], ..verb("pool", "disable", "updateStoragePool", ID) },
    verb("pool", "release", "releaseStoragePoolQuarantine", ID),
    verb("pool", "delete", "deleteStoragePool", ID),

    verb("image-store", "add", "addImageStore", &["name", "url"]),
    list("image-store", "list", "listImageStores",
        &["name", "id", "state", "providername", "scope", "url", "readonly", "weight", "disksizetotal", "disksizeused", "objects", "quarantine"]),
    verb("image-store", "update", "updateImageStore", ID),
    Verb { fixed: &[("migrationtype", "complete")],
        ..verb("image-store", "evacuate", "migrateSecondaryStorageData", &["srcpool", "destpools"]) },
    Verb { fixed: &[("migrationtype", "balance")],
        ..verb("image-store", "balance", "migrateSecondaryStorageData", &["srcpool", "destpools"]) },
    verb("image-store", "migrate", "migrateResourceToAnotherSecondaryStorage", &["srcpool", "destpool"]),
    verb("image-store", "release", "releaseImageStoreQuarantine", ID),
    verb("image-store", "delete", "deleteImageStore", ID),

    verb("image-cache", "add", "createSecondaryStagingStore", &["url"]),
    list("image-cache", "list", "listSecondaryStagingStores",
        &["name", "id", "state", "providername", "url", "disksizetotal", "disksizeused", "objects", "quarantine"]),
    verb("image-cache", "evict", "evictSecondaryStagingStore", ID),
    verb("image-cache", "release", "releaseImageStoreQuarantine", ID),
    verb("image-cache", "delete", "deleteSecondaryStagingStore", ID),

    Verb { defaults: ALL_TEMPLATES, ..list("template", "list", "listTemplates",
        &["name", "id", "format", "status", "size", "physicalsize", "zonename", "created"]) },
    verb("template", "register", "registerTemplate", &["name", "url"]),
    upload("template", "getUploadParamsForTemplate"),
    download("template", "extractTemplate"),
    verb("template", "create", "createTemplate", &["name"]),
    verb("template", "copy", "copyTemplate", &["id", "destzoneid"]),
    verb("template", "prepare", "prepareTemplate", &["templateid"]),
    verb("template", "update", "updateTemplate", ID),
    verb("template", "delete", "deleteTemplate", ID),
    list("iso", "list", "listIsos", &["name", "id", "status", "size", "zonename", "created"]),
    verb("iso", "register", "registerIso", &["name", "url"]),
    upload("iso", "getUploadParamsForIso"),
    download("iso", "extractIso"),
    verb("iso", "delete", "deleteIso", ID),

    verb("volume", "create", "createVolume", &["name"]),
    list("volume", "list", "listVolumes", &["name", "id", "state", "size", "storage", "vmname", "created"]),
    verb("volume", "resize", "resizeVolume", &["id", "size"]),
    verb("volume", "attach", "attachVolume", &["id", "virtualmachineid"]),
    verb("volume", "detach", "detachVolume", ID),
    verb("volume", "delete", "deleteVolume", ID),
    verb("volume", "destroy", "destroyVolume", ID),
    verb("volume", "recover", "recoverVolume", ID),
    verb("volume", "migrate", "migrateVolume", &["volumeid", "storageid"]),
    verb("volume", "clone", "createVolume", &["sourcevolumeid", "name"]),
    verb("volume", "import", "importVolume", &["storageid", "path"]),
    verb("volume", "release", "unmanageVolume", ID),
    download("volume", "extractVolume"),
    verb("volume", "snapshot", "createSnapshot", &["volumeid", "name"]),

    list("snapshot", "list", "listSnapshots", &["name", "id", "state", "volumename", "created"]),
    download("snapshot", "extractSnapshot"),
    verb("snapshot", "delete", "deleteSnapshot", ID),
    verb("snapshot", "revert", "revertSnapshot", ID),
    verb("snapshot", "backup", "backupSnapshot", ID),
    verb("snapshot", "archive", "archiveSnapshot", ID),
    verb("snapshot", "copy", "copySnapshot", &["id", "destzoneid"]),

    verb("snapshot-policy", "create", "createSnapshotPolicy",
        &["volumeid", "intervaltype", "schedule"]),
    list("snapshot-policy", "list", "listSnapshotPolicies",
        &["id", "volumename", "schedule", "timezone", "maxsnaps", "maxage", "nextrun", "failedruns", "note"]),
    verb("snapshot-policy", "run", "runSnapshotPolicy", ID),
    verb("snapshot-policy", "update", "updateSnapshotPolicy", ID),
    verb("snapshot-policy", "delete", "deleteSnapshotPolicies", ID),

    list("instance", "list", "listVirtualMachines", &["name", "id", "state", "hypervisor", "hostname"]),
    verb("instance", "create", "deployVirtualMachine", &["name"]),
    verb("instance", "start", "startVirtualMachine", ID),
    verb("instance", "stop", "stopVirtualMachine", ID),
    verb("instance", "delete", "destroyVirtualMachine", ID),

    list("instance-snapshot", "list", "listVMSnapshot",
        &["name", "id", "state", "virtualmachinename", "type", "current", "parentName", "strategy", "created"]),
    verb("instance-snapshot", "create", "createVMSnapshot", &["virtualmachineid", "name"]),
    verb("instance-snapshot", "revert", "revertToVMSnapshot", &["vmsnapshotid"]),
    verb("instance-snapshot", "delete", "deleteVMSnapshot", &["vmsnapshotid"]),
    Verb { columns: &["strategy", "priority", "wins", "reason"],
        ..verb("explain", "vm-snapshot", "listVMSnapshotStrategies", &["virtualmachineid"]) },
    Verb { columns: &["imagestore", "takes", "wins", "reason"],
        ..list("explain", "image-store", "listImageStoreCandidates", &[]) },

    verb("host", "add", "addHost", &["name"]),
    list("host", "list", "listHosts", &["name", "id", "state", "hypervisor", "clustername", "ipaddress"]),
    verb("host", "delete", "deleteHost", ID),

    list("zone", "list", "listZones", &["name", "id", "networktype", "allocationstate"]),
    verb("zone", "add", "createZone", &["name"]),

    list("offering", "list", "listDiskOfferings", &["name", "id", "disksize", "provisioningtype", "tags"]),
    verb("offering", "add", "createDiskOffering", &["name"]),

    Verb { defaults: NEWEST, ..list("operations", "list", "listOperations",
        &["id", "flow", "phase", "objectname", "created", "tookms", "waitingfor"]) },
    verb("operations", "show", "listOperations", ID),
    verb("operations", "cancel", "cancelOperation", ID),

    Verb { defaults: NEWEST, ..list("events", "", "listEvents",
        &["number", "created", "level", "type", "description"]) },
    verb("job", "", "queryAsyncJobResult", &["jobid"]),
    verb("doctor", "", "listHealthFindings", &[]),

    list("orphans", "scan", "scanOrphans",
        &["class", "storage", "objecttype", "id", "name", "size", "objects", "description"]),
    verb("orphans", "adopt", "adoptOrphan", &["id", "storageid"]),
    Verb { columns: &["objecttype", "id", "name", "size", "description"],
        ..verb("orphans", "purge", "purgeOrphans", &[]) },
];
