//! The restore drill: a twin of a living host, and a host that is older than its back end.
//!
//! Somebody starts a host on an old copy of the data directory. While the first host lives, the
//! lock on the store keeps the twin out; afterwards its epoch tells that it is of the past. In
//! neither case anything of the living one is touched, whatever is asked of the twin.

use serde_json::Value;
use std::fs;
use std::path::Path;
use tests::{Host, Installation, Pool, Provider, eventually, text};

const MIB: u64 = 1 << 20;

#[test]
fn a_host_on_an_old_copy_touches_nothing_until_an_operator_decides() {
    let place = Installation::with_pools();
    let host = place.start();
    let pool = place.add_pool(&host, "pool", Provider::Filesystem);
    let kept = host.create_volume(&pool, "kept", MIB);
    let doomed = host.create_volume(&pool, "doomed", MIB);
    mark_bytes(&pool);
    assert_eq!(host.stop().0, Some(0));
    let twin_place = Installation::with_pools();
    let backup = place.file("backup");
    copy(&place.data_dir(), &backup);
    copy(&backup, &twin_place.data_dir());

    // The living one goes on: the copy is old now.
    let host = place.start();
    host.is_well();
    let later = host.create_volume(&pool, "later", MIB);
    host.job("deleteVolume", &[("id", &doomed)]).unwrap();
    mark_bytes(&pool);

    let twin = twin_place.start();
    eventually("the twin is told that another host lives on the store", || {
        let found = twin.findings();
        found.iter().any(|one| one.contains("lives on the store")).then_some(())
    });
    let living = Seen::of(&host, &pool);
    try_everything(&twin, &pool, &kept);
    assert_eq!(Seen::of(&host, &pool), living);
    twin.stop();
    assert_eq!(Seen::of(&host, &pool), living);
    // The living one still changes what it likes.
    host.job("resizeVolume", &[("id", &later), ("sizebytes", "2097152")]).unwrap();
    host.stop();

    let host = place.start();
    // Connected, so that its epoch is on the back end.
    host.is_well();
    let living = Seen::of(&host, &pool);
    host.stop();

    // From the backup again: the epoch counts starts, and a copy that was started as often as the
    // living host would be no older than that.
    fs::remove_dir_all(twin_place.data_dir()).unwrap();
    copy(&backup, &twin_place.data_dir());
    let twin = twin_place.start();
    let finding = eventually("the twin's pool is in quarantine", || {
        twin.findings().into_iter().find(|one| one.contains("quarantine"))
    });
    assert!(finding.contains("a newer host owns this store"), "{finding}");
    assert!(finding.contains("release the quarantine"), "{finding}");
    let doctor = twin_place.run(&["doctor"]).with_code(1);
    assert!(doctor.out.contains("a newer host owns this store"), "{doctor:?}");
    try_everything(&twin, &pool, &kept);
    assert_eq!(pool.bytes(), living.bytes);

    let release = [("id", &*pool.id)];
    let stays = twin.try_api("releaseStoragePoolQuarantine", &release).unwrap_err().to_string();
    assert!(stays.contains("takeover=true"), "{stays}");
    let release = [("id", &*pool.id), ("takeover", "true")];
    twin.api("releaseStoragePoolQuarantine", &release);
    // The pool that each installation begins with is in quarantine, too, and on its own.
    for other in twin.list("listStoragePools", &[]).iter().map(|one| text(one, "id")) {
        if other != pool.id {
            let release = [("id", &*other), ("takeover", "true")];
            twin.api("releaseStoragePoolQuarantine", &release);
        }
    }
    assert_eq!(twin.findings(), Vec::<String>::new());
    adopts_what_it_does_not_know(&twin, &pool, &later, &living);
}

/// After the takeover: what the copy does not know is told, kept, and can be had back.
fn adopts_what_it_does_not_know(twin: &Host, pool: &Pool, later: &str, living: &Seen) {
    let orphans = twin.list("scanOrphans", &[]);
    let class = |class: &str| -> Vec<&Value> {
        orphans.iter().filter(|one| text(one, "class") == class).collect()
    };
    assert_eq!(class("unknown").len(), 1, "{orphans:#?}");
    assert_eq!(text(class("unknown")[0], "id"), later);
    // Deleted after the copy was made.
    assert_eq!(class("missing").len(), 1, "{orphans:#?}");

    assert!(twin.list("purgeOrphans", &[("dryrun", "false")]).is_empty());
    assert_eq!(pool.bytes(), living.bytes);

    let adopted = twin.api("adoptOrphan", &[("id", later), ("storageid", &pool.id)]);
    assert_eq!(adopted["volume"]["state"], "Ready", "{adopted}");
    assert_eq!(adopted["volume"]["size"], 2 * MIB, "{adopted}");
    assert!(twin.list("scanOrphans", &[("class", "unknown")]).is_empty());
    assert!(twin.list("listVolumes", &[]).iter().any(|volume| text(volume, "id") == later));
    assert_eq!(pool.bytes(), living.bytes);
    // The record of what was deleted since goes, and both sides agree.
    let missing = text(class("missing")[0], "id");
    twin.job("deleteVolume", &[("id", &missing)]).unwrap();
    assert!(twin.list("scanOrphans", &[]).is_empty());
    // What was adopted is a volume as any other.
    twin.job("deleteVolume", &[("id", later)]).unwrap();
    assert_eq!(pool.bytes().len(), living.bytes.len() - 1);
}

/// What a living host lists, and what is in its pool.
#[derive(Debug, PartialEq)]
struct Seen {
    listed: Vec<Value>,
    bytes: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
}

impl Seen {
    fn of(host: &Host, pool: &Pool) -> Self {
        let mut listed = host.list("listVolumes", &[]);
        listed.extend(host.list("listSnapshots", &[]));
        Self { listed, bytes: pool.bytes() }
    }
}

/// Each flow is asked for; what it answers is its own affair, as long as it is no success. Only what
/// changes nothing by itself may answer without a job.
#[track_caller]
fn try_everything(twin: &Host, pool: &Pool, volume: &str) {
    let create = [
        ("name", "new"),
        ("sizebytes", "1048576"),
        ("storageid", &*pool.id),
        ("zoneid", &pool.zone),
    ];
    let flows: [(&str, &[(&str, &str)]); 6] = [
        ("createVolume", &create),
        ("createSnapshot", &[("volumeid", volume), ("name", "new")]),
        ("resizeVolume", &[("id", volume), ("sizebytes", "4194304")]),
        ("purgeOrphans", &[("dryrun", "false")]),
        ("scanOrphans", &[]),
        ("deleteVolume", &[("id", volume)]),
    ];
    for (command, parameters) in flows {
        let Ok(answer) = twin.try_api(command, parameters) else { continue };
        if let Some(job) = answer["jobid"].as_str() {
            // It may wait for the back end for ever; that it reached the back end is what counts.
            eventually(&format!("{command} failed, or waits"), || {
                let job = twin.api("queryAsyncJobResult", &[("jobid", job)]);
                (job["jobstatus"] == 2 || job["waitingfor"].is_string()).then_some(())
            });
            twin.try_api("cancelOperation", &[("id", job)]).ok();
        } else {
            let may_succeed = ["purgeOrphans", "scanOrphans"].contains(&command);
            assert!(may_succeed, "{command} was done: {answer:#}");
            let purged = answer["orphan"].as_array().into_iter().flatten();
            for orphan in purged {
                assert_ne!(orphan["purged"], true, "{command}: {answer:#}");
            }
        }
    }
    assert!(!twin.findings().is_empty(), "its doctor says what is wrong");
}

/// Writes something into each volume, so that a byte that changes is seen.
fn mark_bytes(pool: &Pool) {
    for file in pool.files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut bytes = fs::read(&file).unwrap();
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        fs::write(&file, bytes).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // With its permissions: the keys are for their owner alone.
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
