//! Snapshots by a schedule, and backups of what changed, on the real binary.

use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use tests::{Host, Installation, Pool, Provider, Row, eventually, files_below, text};

const MIB: u64 = 1 << 20;

fn place() -> (Installation, Host, Pool) {
    let place = Installation::with_pools().row(Row::image("nfs", "nfs"));
    let host = place.start();
    let pool = place.add_pool(&host, "pool", Provider::Filesystem);
    host.first_image_store();
    (place, host, pool)
}

fn ids(snapshots: &[Value]) -> Vec<String> {
    snapshots.iter().map(|one| text(one, "id")).collect()
}

#[test]
fn a_policy_takes_snapshots_backs_them_up_and_lets_the_oldest_go() {
    let (place, host, pool) = place();
    let volume = host.create_volume(&pool, "data", 4 * MIB);
    let manual = host.done("createSnapshot", &[("volumeid", &volume), ("name", "mine")]);
    let wish = [
        ("volumeid", volume.as_str()),
        ("intervaltype", "hourly"),
        ("schedule", "61"),
        ("timezone", "Europe/Berlin"),
        ("maxsnaps", "2"),
        ("backup", "true"),
    ];
    let refused = host.job("createSnapshotPolicy", &wish).unwrap_err();
    assert!(refused["errortext"].as_str().unwrap().contains("the minute of each hour"));
    // In an hour's time but for a minute: nothing is due while this runs.
    let minute = text(&manual, "created")[14..16].parse::<u32>().unwrap();
    let schedule = ((minute + 59) % 60).to_string();
    let wish = wish.map(|(key, value)| (key, if key == "schedule" { &schedule } else { value }));
    let made = host.api("createSnapshotPolicy", &wish)["snapshotpolicy"].clone();
    let policy = text(&made, "id");
    assert_eq!((&made["intervaltype"], &made["maxsnaps"]), (&0.into(), &2.into()));
    assert!(text(&made, "nextrun") > text(&manual, "created"), "{made}");

    let mut taken = Vec::new();
    for _ in 0..3 {
        let snapshot = host.done("runSnapshotPolicy", &[("id", &policy)]);
        assert_eq!(
            (&snapshot["policyid"], &snapshot["intervaltype"]),
            (&made["id"], &"HOURLY".into())
        );
        taken.push(text(&snapshot, "id"));
    }
    let hourly = [("volumeid", volume.as_str()), ("intervaltype", "HOURLY")];
    eventually("the oldest is gone and the others are backed up", || {
        let left = host.list("listSnapshots", &hourly);
        let is_whole = left.iter().all(|one| one["locationtype"] == "SECONDARY");
        (is_whole && ids(&left) == taken[1..]).then_some(())
    });
    // Killed right after a run began: the next life does the rest, once.
    host.api("runSnapshotPolicy", &[("id", &policy)]);
    host.process().signal(Signal::KILL);
    host.wait();
    let host = place.start();
    host.first_image_store();
    let left = eventually("the rest is done after a restart", || {
        let left = host.list("listSnapshots", &hourly);
        let is_whole = left.iter().all(|one| one["locationtype"] == "SECONDARY");
        (is_whole && left.len() == 2 && ids(&left)[0] == taken[2]).then_some(left)
    });
    let events = host.list("listEvents", &[("resourceid", &ids(&left)[1])]);
    let names_it = |event: &Value| text(event, "description").contains(&policy);
    assert!(events.iter().any(names_it), "{events:#?}");
    eventually("the policy is settled", || {
        let policies = host.list("listSnapshotPolicies", &[("volumeid", &volume)]);
        (policies.len() == 1 && policies[0]["note"].is_null()).then_some(())
    });

    // Hidden, shown, gone: what it took stays, and nobody touches what somebody took by hand.
    let hidden = [("id", policy.as_str()), ("fordisplay", "false")];
    assert_eq!(host.done("updateSnapshotPolicy", &hidden)["fordisplay"], false);
    host.api("deleteSnapshotPolicies", &[("id", &policy)]);
    assert!(host.list("listSnapshotPolicies", &[]).is_empty());
    let left = host.list("listSnapshots", &[("volumeid", &volume)]);
    assert_eq!(left.len(), 3, "{left:#?}");
    assert!(ids(&left).contains(&text(&manual, "id")));
    host.is_in_order();
}

#[test]
fn the_second_backup_of_a_volume_moves_what_changed() {
    const SIZE: u64 = 64 * MIB;
    let (_place, host, pool) = place();
    let volume = host.create_volume(&pool, "data", SIZE);
    let path = text(&host.list("listVolumes", &[("id", &volume)])[0], "path");
    let file = fs::File::options().write(true).open(pool.directory.join(&path)).unwrap();
    let bytes: Vec<u8> = (0..SIZE).map(|at| (at / 3 + at / 8192) as u8).collect();
    file.write_all_at(&bytes, 0).unwrap();
    let take = |name| {
        let taken = host.done("createSnapshot", &[("volumeid", &volume), ("name", name)]);
        let id = text(&taken, "id");
        host.done("backupSnapshot", &[("id", &id)])
    };
    let first = take("first");
    assert!(first["backupmovedbytes"].is_null(), "{first}");

    // Not at the border of anything.
    file.write_all_at(&vec![0xC4; MIB as usize], 20 * MIB + 4321).unwrap();
    let second = take("second");
    let moved = second["backupmovedbytes"].as_u64().unwrap();
    assert!((MIB..=MIB + 128 * 1024).contains(&moved), "{moved} bytes were moved");

    // The first one goes, the pool forgets the second one, and it comes back from its backup.
    let (first, second) = (text(&first, "id"), text(&second, "id"));
    host.job("deleteSnapshot", &[("id", &first)]).unwrap();
    host.job("archiveSnapshot", &[("id", &second)]).unwrap();
    let expected = fs::read(pool.directory.join(&path)).unwrap();
    host.job("deleteVolume", &[("id", &volume)]).unwrap();
    let wish = [
        ("name", "restored"),
        ("snapshotid", &*second),
        ("zoneid", &*pool.zone),
        // A new host has a pool of its own as well.
        ("storageid", &*pool.id),
    ];
    let restored = host.done("createVolume", &wish);
    let restored = pool.directory.join(text(&restored, "path"));
    assert!(fs::read(&restored).unwrap() == expected, "other bytes");
    assert_eq!(raw_files(&host).len(), 1);
    host.is_in_order();
}

/// The files of objects on the host's own image store.
fn raw_files(host: &Host) -> Vec<PathBuf> {
    let mut files = files_below(&host.data_dir().join("images"));
    files.retain(|file| file.extension().is_some_and(|end| end == "raw"));
    files
}
