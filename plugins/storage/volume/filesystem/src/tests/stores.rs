//! Stores are added, marked, fenced and removed.

use super::*;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_store_is_added_by_its_url_or_by_its_path() {
    let ground = Ground::new();
    let path = ground.pool().with_file_name("po ol");
    fs::create_dir(&path).unwrap();
    let (text, parent) = (path.to_str().unwrap(), path.parent().unwrap().to_str().unwrap());
    for url in [format!("file://{parent}/po%20ol"), format!("Filesystem://localhost{text}")] {
        let mut store = entered(&path);
        store.details = Details::new();
        store.url = url;
        let added = ground.initialize(&store).unwrap();
        assert_eq!(added.details.as_ref().unwrap().get("path"), Some(text));
        assert_eq!(added.url, Some(format!("file://{parent}/po%20ol")));
        assert_eq!(added.pool.unwrap().path, text);
        assert!(added.used_bytes.unwrap() <= added.capacity_bytes.unwrap());
        ground.delete_store(&Pool::new(store)).unwrap();
    }
}

#[test]
fn what_cannot_be_a_store_is_refused_and_nothing_is_left() {
    let ground = Ground::new();
    let base = ground.pool().parent().unwrap().to_owned();
    fs::write(base.join("file"), "").unwrap();
    let check = |store: DataStore, kind, words: &[&str]| {
        refused(ground.initialize(&store), kind, words);
        ground.delete_store(&Pool::new(store)).map_err(|error| error.kind())
    };
    let of = |path: &str| entered(Path::new(path));
    let gone = base.join("a/b");
    for (store, kind, words) in [
        (entered(&base.join("file")), Kind::InvalidConfig, "not a directory"),
        (of("srv/pool"), Kind::InvalidConfig, "not absolute"),
        (of("/"), Kind::InvalidConfig, "directory of its own"),
        (entered(&gone), Kind::NotFound, "cannot make"),
    ] {
        check(store, kind, &[words, "path"]).ok();
    }
    let mut twofold = of("/srv/one");
    twofold.url = "file:///srv/two".to_owned();
    check(twofold, Kind::InvalidConfig, &["/srv/one", "/srv/two"]).ok();
    for url in ["nfs://host/x", "file://host/x", "file:relative", "x"] {
        let mut store = of("/x");
        store.details = Details::new();
        store.url = url.to_owned();
        check(store, Kind::InvalidConfig, &[url]).ok();
    }
    let mut nothing = of("/x");
    nothing.details = Details::new();
    check(nothing, Kind::InvalidConfig, &["path"]).ok();
    let mut word = of("/x");
    word.details.insert("reflink", "sometimes");
    check(word, Kind::InvalidConfig, &["reflink"]).ok();
    assert_eq!(fs::read_dir(&base).unwrap().count(), 1);
}

#[test]
fn a_directory_that_was_made_goes_with_its_store_and_any_other_stays() {
    let ground = Ground::new();
    let store = Pool::new(entered(&ground.pool()));
    for _ in 0..2 {
        ground.initialize(&store).unwrap();
        assert!(ground.pool().is_dir());
    }
    for _ in 0..2 {
        assert!(ground.delete_store(&store).unwrap());
        assert!(!ground.pool().exists());
    }
    fs::create_dir(ground.pool()).unwrap();
    ground.initialize(&store).unwrap();
    ground.delete_store(&store).unwrap();
    assert_eq!(fs::read_dir(ground.pool()).unwrap().count(), 0);

    // One that somebody else uses stays as well.
    fs::remove_dir(ground.pool()).unwrap();
    ground.initialize(&store).unwrap();
    fs::write(ground.file("theirs"), "").unwrap();
    ground.delete_store(&store).unwrap();
    assert_eq!(ground.files(), ["theirs"]);
}

#[test]
fn a_directory_is_one_stores_alone() {
    let ground = Ground::new();
    let store = ground.store_with(&[]);
    let mut second = entered(&ground.pool());
    let mut stranger = second.clone();
    stranger.installation_id = "ins-other".to_owned();
    // The same directory under another name is the same.
    let link = ground.pool().with_file_name("link");
    std::os::unix::fs::symlink(ground.pool(), &link).unwrap();
    let mut by_link = entered(&link);
    by_link.uuid = second.uuid;
    let both = |other: &DataStore| [store.uuid.to_string(), other.uuid.to_string()];
    for (other, kind) in [
        (&second, Kind::AlreadyExists),
        (&by_link, Kind::AlreadyExists),
        (&stranger, Kind::Conflict),
    ] {
        let [one, another] = both(other);
        refused(ground.initialize(other), kind, &[&one, &another, INSTALLATION]);
        // What the host does after a refusal.
        assert!(ground.delete_store(&Pool::new(other.clone())).unwrap());
    }
    refused(ground.initialize(&stranger), Kind::Conflict, &["ins-other"]);

    // Nor does it get at what is there without being added.
    let store = Pool::new(store);
    let kept = volume(MIB);
    ground.create(&store, kept.clone()).unwrap();
    second.epoch = 9;
    stranger.epoch = 9;
    for (other, kind) in [(second, Kind::AlreadyExists), (stranger, Kind::Conflict)] {
        let other = Pool::new(other);
        refused(ground.create(&other, volume(MIB)), kind, &[]);
        refused(ground.delete(&other, kept.clone()), kind, &[]);
        refused(ground.attach(&other), kind, &[]);
        let described = run(ground.driver().describe(&call(), &other, kept.clone().into()));
        refused(described, kind, &[]);
    }
    assert!(ground.describe(&store, kept).present);
}

#[test]
fn one_place_has_one_identity() {
    let ground = Ground::new();
    fs::create_dir(ground.pool()).unwrap();
    let link = ground.pool().with_file_name("link");
    std::os::unix::fs::symlink(ground.pool(), &link).unwrap();
    let other = ground.pool().with_file_name("other");
    let identity = |path: &Path| {
        let store = entered(path);
        let identity = ground.initialize(&store).unwrap().back_end_identity.unwrap();
        ground.delete_store(&Pool::new(store)).unwrap();
        identity
    };
    assert_eq!(identity(&ground.pool()), identity(&link));
    fs::create_dir(&other).unwrap();
    assert_ne!(identity(&ground.pool()), identity(&other));
}

#[test]
fn a_link_that_is_put_into_the_path_later_is_not_followed() {
    let ground = Ground::new();
    let store = ground.store();
    let elsewhere = ground.pool().with_file_name("elsewhere");
    fs::rename(ground.pool(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, ground.pool()).unwrap();
    refused(ground.create(&store, volume(MIB)), Kind::PermissionDenied, &["symbolic link"]);
    refused(ground.attach(&store), Kind::PermissionDenied, &["symbolic link"]);
}

#[test]
fn a_store_that_is_not_mounted_is_no_empty_store() {
    for remembered in [true, false] {
        let mut ground = Ground::new();
        let store = ground.store();
        let kept = volume(MIB);
        ground.create(&store, kept.clone()).unwrap();
        let mounted = ground.pool().with_file_name("mounted");
        fs::rename(ground.pool(), &mounted).unwrap();
        if !remembered {
            ground = ground.restarted();
        }
        for below in ["nothing", "the mount point"] {
            if below == "the mount point" {
                fs::create_dir(ground.pool()).unwrap();
            }
            let described = run(ground.driver().describe(&call(), &store, kept.clone().into()));
            let listed =
                run(ground.driver().list_objects(&call(), &store, ListObjectsRequest::new()));
            let refusals = [
                described.map(drop),
                listed.map(drop),
                ground.create(&store, volume(MIB)).map(drop),
                ground.delete(&store, kept.clone()),
                ground.attach(&store).map(drop),
            ];
            for answer in refusals {
                assert!(answer.as_ref().unwrap_err().is_retryable());
                refused(answer, Kind::Unavailable, &["is it mounted?"]);
            }
        }
        fs::remove_dir(ground.pool()).unwrap();
        fs::rename(mounted, ground.pool()).unwrap();
        assert!(ground.describe(&store, kept).present);
    }
}

/// The same store with another epoch.
fn at(store: &Pool, epoch: u64) -> Pool {
    let mut store = DataStore::clone(store);
    store.epoch = epoch;
    Pool::new(store)
}

fn epoch_on_disk(ground: &Ground) -> u64 {
    let text = fs::read_to_string(ground.file(files::MARK_FILE)).unwrap();
    let mark: serde_json::Value = serde_json::from_str(&text).unwrap();
    mark["epoch"].as_u64().unwrap()
}

#[test]
fn a_host_with_an_older_database_changes_nothing_and_sees_everything() {
    let mut ground = Ground::new();
    let old = ground.store();
    let new = at(&old, 7);
    let kept = volume(MIB);
    ground.create(&old, kept.clone()).unwrap();
    assert_eq!(epoch_on_disk(&ground), 1);
    // Looking is no change.
    ground.describe(&new, kept.clone());
    assert_eq!(epoch_on_disk(&ground), 1);
    ground.create(&new, volume(MIB)).unwrap();
    assert_eq!(epoch_on_disk(&ground), 7);
    let before = ground.files();
    let snapshot = snapshot_of(&kept);
    ground.snapshot(&new, &snapshot).unwrap();
    for remembered in [true, false] {
        if !remembered {
            ground = ground.restarted();
        }
        let writer = OpenWriterRequest::new(kept.clone(), MIB);
        let grant = AccessRequest::new(kept.clone(), HypervisorHost::new(Uuid::new_v4(), "kvm1"));
        let mut update = UpdatePoolRequest::new();
        update.capacity_bytes = Some(1 << 40);
        let driver = ground.driver();
        let refusals = [
            ground.create(&old, volume(MIB)).map(drop),
            ground.delete(&old, kept.clone()),
            ground.resize(&old, &kept, 2 * MIB, false).map(drop),
            ground.snapshot(&old, &snapshot_of(&kept)).map(drop),
            ground.revert(&old, &snapshot),
            run(driver.open_writer(&call(), &old, writer)).map(drop),
            run(driver.grant_access(&call(), &old, grant)).map(drop),
            run(ground.life_cycle().update_storage_pool(&call(), &old, update)),
            ground.attach(&old).map(drop),
            ground.delete_store(&old).map(drop),
        ];
        for answer in refusals {
            refused(answer, Kind::Conflict, &["newer host", "epoch 7", "ours is 1"]);
        }
        assert!(ground.describe(&old, kept.clone()).present);
        assert_eq!(ground.list(&old).len(), before.len() + 1);
    }
    // Who owns it goes on.
    ground.delete(&new, kept).unwrap();
    assert_eq!(epoch_on_disk(&ground), 7);
}

#[test]
fn a_store_with_objects_of_ours_is_not_let_go() {
    let ground = Ground::new();
    let store = ground.store();
    let kept = volume(MIB);
    let snapshot = snapshot_of(&kept);
    ground.create(&store, kept.clone()).unwrap();
    ground.snapshot(&store, &snapshot).unwrap();
    fs::write(ground.file("somebody-elses.img"), "x").unwrap();
    refused(ground.delete_store(&store), Kind::InUse, &["2 objects"]);
    ground.delete(&store, kept).unwrap();
    refused(ground.delete_store(&store), Kind::InUse, &["1 objects", &snapshot.uuid.to_string()]);
    ground.delete(&store, snapshot).unwrap();
    assert!(ground.delete_store(&store).unwrap());
    assert_eq!(ground.files(), ["somebody-elses.img"]);
}

#[test]
fn a_mark_that_cannot_be_read_is_said_so() {
    let ground = Ground::new();
    let store = ground.store();
    for text in ["", "{}", "{\"store\": 1}", "\u{fffd}"] {
        fs::write(ground.file(files::MARK_FILE), text).unwrap();
        refused(ground.create(&store, volume(MIB)), Kind::Corrupt, &[files::MARK_FILE]);
    }
}

#[test]
fn maintenance_does_not_need_the_directory() {
    let ground = Ground::new();
    let store = ground.store();
    fs::remove_dir_all(ground.pool()).unwrap();
    assert!(run(ground.life_cycle().maintain(&call(), &store)).unwrap());
    assert!(run(ground.life_cycle().cancel_maintain(&call(), &store)).unwrap());
}

#[test]
fn of_two_hosts_that_live_one_is_kept_out() {
    let ground = Ground::new();
    let store = ground.store();
    let path = ground.file(files::LOCK_FILE);
    // Another open file is to the kernel what another process is.
    let other = fs::File::create(&path).unwrap();
    fs::write(&path, "process 4711 of installation ins-other\n").unwrap();
    rustix::fs::flock(&other, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let words = ["process 4711 of installation ins-other lives on the store"];
    refused(ground.create(&store, volume(MIB)), Kind::Unavailable, &words);
    refused(ground.attach(&store), Kind::Unavailable, &words);
    assert!(ground.files().is_empty());
    drop(other);
    ground.create(&store, volume(MIB)).unwrap();
}

#[test]
fn a_new_epoch_needs_no_new_space() {
    let ground = Ground::new();
    let mut store = ground.store_with(&[]);
    let look = |name| {
        let found = fs::metadata(ground.file(name)).unwrap();
        (found.ino(), found.len())
    };
    for epoch in 2..5 {
        let (mark, spare) = (look(files::MARK_FILE), look(files::SPARE_MARK_FILE));
        assert_eq!(mark.1, spare.1);
        store.epoch = epoch;
        ground.attach(&Pool::new(store.clone())).unwrap();
        // They changed names, and neither was made anew.
        assert_eq!((look(files::MARK_FILE), look(files::SPARE_MARK_FILE)), (spare, mark));
        let told = fs::read_to_string(ground.file(files::MARK_FILE)).unwrap();
        assert!(told.contains(&format!("\"epoch\": {epoch}")), "{told}");
    }
    // All of it goes with the store.
    assert!(ground.delete_store(&Pool::new(store)).unwrap());
    assert_eq!(fs::read_dir(ground.pool()).unwrap().count(), 0);
}
