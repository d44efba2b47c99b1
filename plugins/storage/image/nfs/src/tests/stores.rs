//! Stores are added, marked, fenced and removed.

use super::*;
use storage_plugin_api::files;

const EXPORT: &str = "nfs://nas.example/export";

fn of_url(url: &str) -> DataStore {
    let mut store = entered(Path::new("/"));
    store.url = url.to_owned();
    store
}

#[test]
fn a_directory_is_added_by_each_of_its_urls() {
    let ground = Ground::new();
    let text = ground.root().to_str().unwrap().to_owned();
    for (scheme, role) in [
        ("file", DataStoreRole::Image),
        ("SharedMountPoint", DataStoreRole::ImageCache),
        ("sharedmountpoint", DataStoreRole::Image),
    ] {
        let mut store = of_url(&format!("{scheme}://{text}/"));
        store.role = role;
        let added = ground.initialize(&store).unwrap();
        assert_eq!(added.url, Some(format!("file://{text}")));
        assert_eq!(added.details, Some(Details::new()));
        assert!(added.used_bytes.unwrap() <= added.capacity_bytes.unwrap());
        let to = run(ground.driver().get_store_to(&call(), &Store::new(store.clone()))).unwrap();
        let DataStoreTo::Nfs(to) = to else { panic!("{to:?}") };
        assert_eq!((to.uuid, to.role, to.url), (store.uuid, role, format!("file://{text}")));
        // It was made for the store, so it goes with it.
        assert!(ground.delete_store(&Store::new(store)).unwrap());
        assert!(!ground.root().exists());
    }
}

#[test]
fn an_export_is_where_the_detail_or_the_settings_say() {
    let ground = Ground::with_mounts(&[(EXPORT, "mounted"), ("nfs://nas.example/", "root")]);
    let (mounted, other) = (ground.base().join("mounted"), ground.base().join("other"));
    for path in [&mounted.join("zone1"), &other] {
        fs::create_dir_all(path).unwrap();
    }
    let marked = |path: &Path| path.join(files::MARK_FILE).exists();
    // By the settings: the nearest export counts, and nothing is stored, so that they may change.
    for (url, at) in
        [(EXPORT.to_owned(), mounted.clone()), (format!("{EXPORT}/zone1/"), mounted.join("zone1"))]
    {
        let store = of_url(&url);
        let added = ground.initialize(&store).unwrap();
        assert_eq!(added.details.unwrap().get("mount_path"), None);
        assert_eq!(added.url.as_deref(), Some(url.trim_end_matches('/')));
        assert!(marked(&at));
        ground.delete_store(&Store::new(store)).unwrap();
        assert!(!marked(&at));
    }
    // The detail goes before the settings, and is stored without links.
    std::os::unix::fs::symlink(&other, ground.base().join("link")).unwrap();
    let mut store = of_url("NFS://NAS.example/export");
    store.details.insert("mount_path", ground.base().join("link").to_str().unwrap());
    store.details.insert("nfsversion", "4.1");
    let store = Store::new(ground.added(store, &[]));
    assert!(marked(&other) && !marked(&mounted));
    assert_eq!(store.details.get("mount_path"), other.to_str());
    let to = run(ground.driver().get_store_to(&call(), &store)).unwrap();
    let DataStoreTo::Nfs(to) = to else { panic!("{to:?}") };
    assert_eq!((to.url.as_str(), to.nfs_version.as_deref()), (EXPORT, Some("4.1")));
}

#[test]
fn what_cannot_be_a_store_is_refused_and_nothing_is_left() {
    let ground = Ground::with_mounts(&[(EXPORT, "gone"), ("nfs://nas/linked", "link")]);
    let base = ground.base();
    fs::write(base.join("file"), "").unwrap();
    fs::create_dir(base.join("real")).unwrap();
    std::os::unix::fs::symlink(base.join("real"), base.join("link")).unwrap();
    let before = fs::read_dir(&base).unwrap().count();
    let check = |store: DataStore, kind, words: &[&str]| {
        refused(ground.initialize(&store), kind, words);
        // What the host does after a refusal.
        ground.delete_store(&Store::new(store)).ok();
        assert_eq!(fs::read_dir(&base).unwrap().count(), before);
        assert_eq!(fs::read_dir(base.join("real")).unwrap().count(), 0);
    };
    check(of_url("nfs://elsewhere/export"), Kind::InvalidConfig, &["mount_path", "mounts"]);
    // Not made: it would lie on this machine's disk, where nothing is mounted.
    check(of_url(EXPORT), Kind::NotFound, &["gone", "mount the export first"]);
    check(of_url("nfs://nas/linked"), Kind::InvalidConfig, &["mounts", "symbolic link", "real"]);
    check(of_url("cifs://nas/share"), Kind::InvalidConfig, &["SMB share"]);
    check(of_url("/srv/images"), Kind::InvalidConfig, &["no scheme", "nfs://host/path"]);
    check(entered(&base.join("file")), Kind::InvalidConfig, &["not a directory"]);
    check(entered(&base.join("a/b")), Kind::NotFound, &["cannot make"]);
    check(of_url("file:///"), Kind::InvalidConfig, &["a directory of its own"]);
    let with = |key: &str, value: &str| {
        let mut store = entered(&base.join("new"));
        store.details.insert(key, value);
        store
    };
    check(with("mount_path", "/srv/other"), Kind::InvalidConfig, &["/srv/other", "leave it out"]);
    check(with("mount_path", "srv"), Kind::InvalidConfig, &["not absolute"]);
    check(with("nfsversion", "5"), Kind::InvalidConfig, &["nfsversion"]);
    check(with("capacity_bytes", "much"), Kind::InvalidConfig, &["capacity_bytes"]);
    check(with("capacity", "5"), Kind::InvalidConfig, &["capacity"]);
    let mut pool = entered(&base.join("new"));
    pool.role = DataStoreRole::Primary;
    check(pool, Kind::InvalidArgument, &["Filesystem"]);
}

#[test]
fn a_store_serves_a_zone_and_a_region_hears_why_not() {
    let ground = Ground::new();
    for one in ScopeType::ALL {
        assert_eq!(ground.provider.is_scope_supported(*one), *one == ScopeType::Zone);
    }
    let store = entered(&ground.root());
    let ask = |scope| {
        let mut request = InitializeRequest::new(store.uuid, store.role, "images", scope);
        request.url = store.url.clone();
        request.installation_id = store.installation_id.clone();
        run(ground.life_cycle().initialize(&call(), request))
    };
    refused(ask(Scope::region()), Kind::InvalidConfig, &["REGION", "one zone", "object store"]);
    let mut nowhere = Scope::zone(Uuid::nil());
    nowhere.zone_id = None;
    refused(ask(nowhere), Kind::InvalidConfig, &["zone"]);
    assert!(!ground.root().exists());
}

#[test]
fn settings_that_cannot_be_right_are_named() {
    for (url, path, word) in [
        ("file:///srv", "/mnt", "no export"),
        ("nas:/export", "/mnt", "no scheme"),
        (EXPORT, "mnt", "not absolute"),
    ] {
        let mounts = [(url.to_owned(), PathBuf::from(path))].into();
        refused(Mounts::of(&NfsSettings { mounts }), Kind::InvalidConfig, &["mounts", word]);
    }
    let twice = [(EXPORT.to_owned(), "/a".into()), (format!("{EXPORT}/"), "/b".into())];
    let mounts = twice.into();
    refused(Mounts::of(&NfsSettings { mounts }), Kind::InvalidConfig, &["mounts", "twice"]);
}

#[test]
fn a_directory_is_one_stores_alone() {
    let ground = Ground::new();
    let store = ground.store();
    let kept = template(ImageFormat::Raw, MIB);
    ground.make(&store, kept.clone(), &[1]);
    let second = entered(&ground.root());
    let mut stranger = second.clone();
    stranger.installation_id = "ins-other".to_owned();
    for (other, kind) in [(second, Kind::AlreadyExists), (stranger, Kind::Conflict)] {
        refused(ground.initialize(&other), kind, &[&store.uuid.to_string()]);
        let other = Store::new(other);
        assert!(ground.delete_store(&other).unwrap());
        refused(ground.create(&other, volume(MIB)), kind, &[]);
        refused(ground.delete(&other, kept.clone()), kind, &[]);
    }
    assert!(ground.describe(&store, kept).present);
}

#[test]
fn one_place_has_one_identity() {
    let ground = Ground::with_mounts(&[(EXPORT, "store")]);
    fs::create_dir(ground.root()).unwrap();
    fs::create_dir(ground.base().join("other")).unwrap();
    let identity = |store: DataStore| {
        let identity = ground.initialize(&store).unwrap().back_end_identity.unwrap();
        ground.delete_store(&Store::new(store)).unwrap();
        identity
    };
    let of_directory = identity(entered(&ground.root()));
    assert_eq!(of_directory, identity(of_url(EXPORT)));
    assert_ne!(of_directory, identity(entered(&ground.base().join("other"))));
}

#[test]
fn a_store_that_is_not_mounted_is_no_empty_store() {
    for remembered in [true, false] {
        let mut ground = Ground::new();
        let store = ground.store();
        let kept = template(ImageFormat::Raw, MIB);
        ground.make(&store, kept.clone(), &[1]);
        let mounted = ground.base().join("mounted");
        fs::rename(ground.root(), &mounted).unwrap();
        if !remembered {
            ground = ground.restarted();
        }
        for below in ["nothing", "the mount point"] {
            if below == "the mount point" {
                fs::create_dir(ground.root()).unwrap();
            }
            let of = ListObjectsRequest::new();
            let described = run(ground.driver().describe(&call(), &store, kept.clone().into()));
            let read = OpenReaderRequest::new(kept.clone());
            let refusals = [
                described.map(drop),
                run(ground.driver().list_objects(&call(), &store, of)).map(drop),
                run(ground.driver().open_reader(&call(), &store, read)).map(drop),
                ground.create(&store, volume(MIB)).map(drop),
                ground.open_writer(&store, kept.clone(), MIB, None).map(drop),
                ground.delete(&store, kept.clone()),
            ];
            for answer in refusals {
                assert!(answer.as_ref().unwrap_err().is_retryable());
                refused(answer, Kind::Unavailable, &["is it mounted?"]);
            }
        }
        assert_eq!(fs::read_dir(ground.root()).unwrap().count(), 0);
        fs::remove_dir(ground.root()).unwrap();
        fs::rename(mounted, ground.root()).unwrap();
        assert!(ground.describe(&store, kept).present);
    }
}

#[test]
fn a_host_with_an_older_database_changes_nothing_and_sees_everything() {
    let ground = Ground::new();
    let old = ground.store();
    let mut newer = DataStore::clone(&old);
    newer.epoch = 7;
    let new = Store::new(newer);
    let kept = template(ImageFormat::Raw, MIB);
    ground.make(&new, kept.clone(), &[1]);
    let before = ground.files();
    for answer in [
        ground.create(&old, volume(MIB)).map(drop),
        ground.open_writer(&old, kept.clone(), MIB, None).map(drop),
        ground.delete(&old, kept.clone()),
        ground.delete_store(&old).map(drop),
    ] {
        refused(answer, Kind::Conflict, &["newer host", "epoch 7", "ours is 1"]);
    }
    assert_eq!(ground.files(), before);
    assert!(ground.describe(&old, kept).present);
    assert_eq!(ground.list(&old).len(), 1);
}

#[test]
fn a_store_with_objects_is_not_let_go_and_one_with_left_overs_is() {
    let ground = Ground::new();
    let store = ground.store();
    let kept = template(ImageFormat::Raw, MIB);
    let path = ground.make(&store, kept.clone(), &[1]);
    let begun = volume(MIB);
    ground.create(&store, begun.clone()).unwrap();
    refused(ground.delete_store(&store), Kind::InUse, &["1 objects", &path]);
    ground.delete(&store, kept).unwrap();
    // Nobody goes on with what was begun. Somebody else's file stays, and its folders with it.
    fs::write(ground.file("volumes/2/theirs.img"), "x").unwrap();
    assert!(ground.delete_store(&store).unwrap());
    assert_eq!(ground.files(), ["volumes/2/theirs.img"]);
    assert!(!ground.file("volumes/2/17").exists());
}

#[test]
fn maintenance_and_attaching_mean_nothing_and_need_nothing() {
    let ground = Ground::new();
    let store = ground.store();
    fs::remove_dir_all(ground.root()).unwrap();
    let life_cycle = ground.life_cycle();
    assert!(!run(life_cycle.maintain(&call(), &store)).unwrap());
    assert!(!run(life_cycle.cancel_maintain(&call(), &store)).unwrap());
    let zone = AttachZoneRequest::new(Scope::zone(Uuid::new_v4()));
    assert!(!run(life_cycle.attach_zone(&call(), &store, zone)).unwrap());
}

#[test]
fn of_two_hosts_that_live_one_is_kept_out() {
    let ground = Ground::new();
    let store = ground.store();
    // Another open file is to the kernel what another process is.
    let other = fs::File::create(ground.file(files::LOCK_FILE)).unwrap();
    rustix::fs::flock(&other, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    refused(ground.create(&store, volume(MIB)), Kind::Unavailable, &["lives on the store"]);
    assert!(ground.is_empty());
    drop(other);
    ground.create(&store, volume(MIB)).unwrap();
}
