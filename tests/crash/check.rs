//! Whether the lists, the directories and the bytes say the same as the clients.

use crate::client::Client;
use crate::model::Bytes;
use crate::scene::Scene;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tests::OrFail;

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

/// Looks at everything, and panics at the first lie.
pub(crate) fn check(scene: &Scene, clients: &[Client]) {
    let volumes = listed(scene, "listVolumes", "volume");
    let snapshots = listed(scene, "listSnapshots", "snapshot");
    let mut known = 0;
    for client in clients {
        for (id, volume) in &client.model.volumes {
            known += 1;
            let shown = volumes.get(id);
            let shown = shown.or_fail(&format!("lost: {volume:?} ({id}) was acknowledged"));
            assert_eq!(shown["name"], *volume.name, "{id}");
            assert_eq!(shown["size"].as_u64(), Some(volume.size_bytes), "the size of {shown}");
            let state = if volume.destroyed { "Destroy" } else { "Ready" };
            assert_eq!(shown["state"], state, "stuck: {shown}");
            if let Some(bytes) = &volume.bytes {
                check_bytes(scene, shown, bytes);
            }
        }
        for (id, snapshot) in &client.model.snapshots {
            known += 1;
            let shown = snapshots.get(id);
            let shown = shown.or_fail(&format!("lost: {snapshot:?} ({id}) was acknowledged"));
            assert_eq!(shown["state"], "BackedUp", "stuck: {shown}");
        }
    }
    assert_eq!(
        volumes.len() + snapshots.len(),
        known,
        "the lists have objects that no client knows of:\n{volumes:#?}\n{snapshots:#?}"
    );
    check_directories(scene, &volumes, &snapshots);
}

fn listed(scene: &Scene, command: &str, key: &str) -> BTreeMap<String, Value> {
    let answer = scene.host().api(command, &[("pagesize", "-1"), ("listall", "true")]);
    let objects = answer[key].as_array().cloned().unwrap_or_default();
    let id = |one: &Value| one["id"].as_str().or_fail("an id").to_owned();
    objects.into_iter().map(|one| (id(&one), one)).collect()
}

fn check_bytes(scene: &Scene, shown: &Value, bytes: &Bytes) {
    let pool = shown["storageid"].as_str().or_fail("a pool");
    let (_, directory) = scene.pools.iter().find(|(id, _)| id == pool).or_fail("a pool of ours");
    let path = directory.join(shown["path"].as_str().or_fail("a path"));
    let mut found = vec![0; PATTERN];
    let file = File::open(&path).or_fail("open a volume");
    file.read_exact_at(&mut found, 0).or_fail("read a volume");
    assert!(found == pattern(bytes), "wrong bytes in {}: not those of {bytes:?}", path.display());
    let length = file.metadata().or_fail("look at a volume").len();
    assert_eq!(Some(length), shown["size"].as_u64(), "the length of {}", path.display());
}

/// Each file bears the id of an object that is listed, and each object has a file.
fn check_directories(
    scene: &Scene,
    volumes: &BTreeMap<String, Value>,
    snapshots: &BTreeMap<String, Value>,
) {
    let mut without: BTreeMap<&String, &Value> = volumes.iter().chain(snapshots).collect();
    for (_, directory) in &scene.pools {
        for file in Scene::files(directory) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(id) = uuid_in(&name) else {
                continue;
            };
            let owned = volumes.contains_key(&id) || snapshots.contains_key(&id);
            assert!(owned, "orphan: {} belongs to nothing that is listed", file.display());
            without.remove(&id);
        }
    }
    assert!(without.is_empty(), "without a file: {without:#?}");
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
