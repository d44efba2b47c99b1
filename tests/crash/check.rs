//! Whether the lists, the directories and the bytes say the same as the clients.

use crate::client::Client;
use crate::model::{Bytes, Place};
use crate::scene::Scene;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::AddAssign;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tests::{OrFail, files_below};

/// How many bytes a pattern has, at the start of a volume.
const PATTERN: usize = 64 * 1024;

/// The bytes that somebody writes.
fn pattern(bytes: &Bytes) -> Vec<u8> {
    let line = format!("{} {};", bytes.writer, bytes.version);
    line.bytes().cycle().take(PATTERN).collect()
}

/// Writes them into a volume.
pub(crate) fn write_bytes(path: &Path, bytes: &Bytes) {
    let file = File::options().write(true).open(path).or_fail("open a volume");
    file.write_all_at(&pattern(bytes), 0).or_fail("write into a volume");
}

/// How much was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    volumes: usize,
    snapshots: usize,
    groups: usize,
    templates: usize,
    files: usize,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.volumes += other.volumes;
        self.snapshots += other.snapshots;
        self.groups += other.groups;
        self.templates += other.templates;
        self.files += other.files;
    }
}

/// Looks at everything, and panics at the first lie.
pub(crate) fn check(scene: &Scene, clients: &[Client]) -> Seen {
    let volumes = listed(scene, "listVolumes", "volume", &[]);
    let snapshots = listed(scene, "listSnapshots", "snapshot", &[]);
    let members = listed(scene, "listSnapshots", "snapshot", &[("snapshottype", "GROUP")]);
    let groups = listed(scene, "listVMSnapshot", "vmSnapshot", &[]);
    let templates = listed(scene, "listTemplates", "template", &[("templatefilter", "all")]);
    let pools = || scene.pools.iter().map(|(_, directory)| directory);
    let files = files_in(pools(), &OF_POOLS, &OF_CACHES);
    let cached = files_in(pools(), &OF_CACHES, &OF_POOLS);
    let images = files_in([&scene.images], &OF_IMAGES, &[".properties"]);
    let mut known = BTreeSet::new();
    let mut in_images = BTreeSet::new();
    for client in clients {
        for (id, volume) in &client.model.volumes {
            known.insert(id);
            let shown = volumes.get(id);
            let shown = shown.or_fail(&format!("lost: {volume:?} ({id}) was acknowledged"));
            assert_eq!(shown["name"], *volume.name, "{id}");
            assert_eq!(shown["size"].as_u64(), Some(volume.size_bytes), "the size of {shown}");
            let is_attached = shown.get("virtualmachineid").is_some();
            assert_eq!(is_attached, volume.attached, "the instance of {shown}");
            let state = if volume.destroyed { "Destroy" } else { "Ready" };
            assert_eq!(shown["state"], state, "stuck: {shown}");
            let file = files.get(id).or_fail(&format!("without a file: {shown}"));
            assert_eq!(*file, path_of(scene, shown), "the path of {shown}");
            check_bytes(file, volume.bytes.as_ref(), volume.size_bytes);
        }
        for (id, snapshot) in &client.model.snapshots {
            known.insert(id);
            let shown = snapshots.get(id);
            let shown = shown.or_fail(&format!("lost: {snapshot:?} ({id}) was acknowledged"));
            assert_eq!(shown["state"], "BackedUp", "stuck: {shown}");
            let (on_pool, in_store) = (files.get(id), images.get(id));
            assert_eq!(on_pool.is_some(), snapshot.place != Place::ImageStore, "pool of {shown}");
            assert_eq!(in_store.is_some(), snapshot.place != Place::Pool, "image store of {shown}");
            for file in on_pool.into_iter().chain(in_store) {
                check_bytes(file, snapshot.bytes.as_ref(), snapshot.size_bytes);
            }
            if in_store.is_some() {
                in_images.insert(id);
            }
        }
        for (id, template) in &client.model.templates {
            let shown = templates.get(id);
            let shown = shown.or_fail(&format!("lost: {template:?} ({id}) was acknowledged"));
            assert_eq!(shown["isready"], true, "stuck: {shown}");
            assert_eq!(shown["size"].as_u64(), Some(template.size_bytes), "the size of {shown}");
            let file = images.get(id).or_fail(&format!("without a file: {shown}"));
            for file in [file].into_iter().chain(cached.get(id)) {
                check_bytes(file, Some(&template.bytes), template.size_bytes);
            }
            in_images.insert(id);
        }
        for (id, expected) in &client.model.groups {
            let shown = groups.get(id);
            let shown = shown.or_fail(&format!("lost: {expected:?} ({id}) was acknowledged"));
            assert_eq!(shown["state"], "Ready", "stuck: {shown}");
            let of_group = members.iter().filter(|(_, one)| one["vmsnapshotid"] == **id);
            let found: Vec<_> = of_group.collect();
            assert_eq!(found.len(), expected.len(), "the members of {shown}: {found:?}");
            for (member, shown) in found {
                known.insert(member);
                assert_eq!(shown["state"], "BackedUp", "stuck: {shown}");
                let file = files.get(member).or_fail(&format!("without a file: {shown}"));
                let expected = expected.iter().find(|one| shown["volumeid"] == *one.volume);
                let expected = expected.or_fail(&format!("of no volume: {shown}"));
                check_bytes(file, expected.bytes.as_ref(), expected.size_bytes);
            }
        }
        let of_client = groups.iter().filter(|(id, _)| client.model.groups.contains_key(*id));
        let current = of_client.filter(|(_, group)| group["current"] == true).count();
        assert!(current <= 1, "an instance is on {current} of its snapshots: {groups:#?}");
    }
    let acknowledged: usize = clients.iter().map(|client| client.model.groups.len()).sum();
    assert_eq!(groups.len(), acknowledged, "nobody knows of some of {groups:#?}");
    let all: BTreeSet<&String> =
        volumes.keys().chain(snapshots.keys()).chain(members.keys()).collect();
    assert_eq!(all, known, "the lists have objects that no client knows of");
    let archived = clients.iter().flat_map(|client| &client.model.snapshots);
    let archived = archived.filter(|(_, snapshot)| snapshot.place == Place::ImageStore);
    let archived: BTreeSet<&String> = archived.map(|(id, _)| id).collect();
    let with_files: BTreeSet<&String> = files.keys().chain(archived).collect();
    assert_eq!(with_files, all, "the directories have objects that no list has");
    let with_images: BTreeSet<&String> = images.keys().collect();
    assert_eq!(with_images, in_images, "the image store has objects that no client knows of");
    let all: BTreeSet<&String> = templates.keys().collect();
    let acknowledged = clients.iter().flat_map(|client| client.model.templates.keys());
    assert_eq!(all, acknowledged.collect(), "the list has templates that no client knows of");
    let forgotten: Vec<_> = cached.keys().filter(|id| !all.contains(id)).collect();
    assert!(forgotten.is_empty(), "a pool has templates that no list has: {forgotten:?}");
    check_books(scene, &volumes, &cached);
    Seen {
        volumes: volumes.len(),
        snapshots: snapshots.len(),
        groups: groups.len(),
        templates: templates.len(),
        files: files.len() + images.len() + cached.len(),
    }
}

/// Back ends and store say the same, and what is promised is what there is.
fn check_books(
    scene: &Scene,
    volumes: &BTreeMap<String, Value>,
    cached: &BTreeMap<String, PathBuf>,
) {
    let orphans = listed(scene, "scanOrphans", "orphan", &[]);
    assert!(orphans.is_empty(), "orphans: {orphans:#?}");
    let pools = listed(scene, "listStoragePools", "storagepool", &[]);
    for (id, directory) in &scene.pools {
        let of_pool = volumes.values().filter(|volume| volume["storageid"] == **id);
        let sizes: u64 = of_pool.filter_map(|volume| volume["size"].as_u64()).sum();
        let templates = cached.values().filter(|file| file.starts_with(directory));
        let templates: u64 =
            templates.map(|file| file.metadata().or_fail("look at a template").len()).sum();
        let allocated = pools[id]["disksizeallocated"].as_u64();
        assert_eq!(allocated, Some(sizes + templates), "what is promised of {}", pools[id]);
    }
}

fn listed(
    scene: &Scene,
    command: &str,
    key: &str,
    which: &[(&str, &str)],
) -> BTreeMap<String, Value> {
    let all = [which, &[("pagesize", "-1"), ("listall", "true")]].concat();
    let answer = scene.host().api(command, &all);
    let objects = answer[key].as_array().cloned().unwrap_or_default();
    let id = |one: &Value| one["id"].as_str().or_fail("an id").to_owned();
    objects.into_iter().map(|one| (id(&one), one)).collect()
}

/// Where a volume lies, as the list says.
fn path_of(scene: &Scene, shown: &Value) -> PathBuf {
    let pool = shown["storageid"].as_str().or_fail("a pool");
    let (_, directory) = scene.pools.iter().find(|(id, _)| id == pool).or_fail("a pool of ours");
    directory.join(shown["path"].as_str().or_fail("a path"))
}

/// The bytes that were written last; zeros where nobody wrote.
fn check_bytes(path: &Path, bytes: Option<&Bytes>, size_bytes: u64) {
    let mut found = vec![0; PATTERN];
    let file = File::open(path).or_fail("open an object");
    file.read_exact_at(&mut found, 0).or_fail("read an object");
    let expected = bytes.map_or_else(|| vec![0; PATTERN], pattern);
    assert!(found == expected, "wrong bytes in {}: not those of {bytes:?}", path.display());
    let length = file.metadata().or_fail("look at an object").len();
    assert_eq!(length, size_bytes, "the length of {}", path.display());
}

/// How the files of objects end: on pools, of templates there, and on the image store.
const OF_POOLS: [&str; 4] = [".volume", ".snapshot", ".volume.raw", ".snapshot.raw"];
const OF_CACHES: [&str; 1] = [".template.raw"];
const OF_IMAGES: [&str; 1] = [".raw"];

/// The one file of each object in some directories: those that end in one way, while those that end
/// in the other are looked at elsewhere. At rest there is none in the making, and none of anybody
/// else but the mark of a store, the room that is kept for its next one, the lock, and what is known
/// of images.
fn files_in<'a>(
    directories: impl IntoIterator<Item = &'a PathBuf>,
    ends: &[&str],
    others: &[&str],
) -> BTreeMap<String, PathBuf> {
    const OF_THE_STORE: [&str; 3] =
        [".storage-store.json", ".storage-store.json.new", ".storage-store.lock"];
    let mut found = BTreeMap::new();
    for file in directories.into_iter().flat_map(|directory| files_below(directory)) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_one_of = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if OF_THE_STORE.contains(&&*name) || is_one_of(others) {
            continue;
        }
        let id = uuid_in(&name).filter(|_| is_one_of(ends));
        let id = id.or_fail(&format!("{} is a file of nothing at rest", file.display()));
        let other = found.insert(id, file.clone());
        assert!(other.is_none(), "one object has two files: {} and {other:?}", file.display());
    }
    found
}

/// The uuid that a name holds.
fn uuid_in(name: &str) -> Option<String> {
    const LENGTH: usize = 36;
    (0..name.len().saturating_sub(LENGTH - 1)).find_map(|at| {
        let text = name.get(at..at + LENGTH)?;
        let hyphens = [8, 13, 18, 23];
        let is_uuid = text.bytes().enumerate().all(|(at, byte)| match hyphens.contains(&at) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        });
        is_uuid.then(|| text.to_owned())
    })
}
