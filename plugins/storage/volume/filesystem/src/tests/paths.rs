//! Names: nothing leads out of the store, nothing of ours is taken for another's.

use super::*;
use crate::names::{Format, Name};
use std::os::unix::fs::symlink;

#[test]
fn a_name_says_what_it_is_and_nothing_else_is_one() {
    let store = entered(Path::new("/srv"));
    let place = crate::details::Place::of(&store).unwrap();
    let objects: [DataObject; 3] = [
        volume(MIB).into(),
        snapshot_of(&volume(MIB)).into(),
        TemplateInfo::new(Uuid::new_v4(), "t", ImageFormat::Raw, MIB).into(),
    ];
    for object in objects {
        let name = Name::of(&place, &object).unwrap();
        assert_eq!(Name::parse(&name.file(Format::Raw)), Some(name.clone()));
        assert_eq!(Name::parse_unfinished(&name.unfinished()), Some(name.clone()));
        assert_eq!(
            (Name::parse(&name.unfinished()), Name::parse_unfinished(&name.file(Format::Raw))),
            (None, None)
        );
        assert_eq!(Name::parse(&name.file(Format::Raw).to_uppercase()), None);
        assert_eq!(Name::parse(&format!("{}x", name.file(Format::Raw))), None);
    }
    for id in ["", ".", "..", "a.b", "a/b", "a b", "a\0b", &"x".repeat(129)] {
        let mut store = store.clone();
        store.installation_id = id.to_owned();
        refused(crate::details::Place::of(&store), Kind::InvalidConfig, &["installation id"]);
    }
    let mut longest = store.clone();
    longest.installation_id = "x".repeat(128);
    let place = crate::details::Place::of(&longest).unwrap();
    let name = Name::of(&place, &snapshot_of(&volume(MIB)).into()).unwrap();
    assert!(name.file(Format::Raw).len() <= 255);
}

/// Every method that takes an object, on a volume with a path.
fn every_method(ground: &Ground, store: &Pool, of: &VolumeInfo) -> Vec<PluginResult<()>> {
    let (driver, object) = (ground.driver(), DataObject::from(of.clone()));
    let host = HypervisorHost::new(Uuid::new_v4(), "kvm1");
    let mut snapshot = snapshot_of(of);
    let call = call();
    let mut answers = vec![
        run(driver.describe(&call, store, object.clone())).map(drop),
        run(driver.delete_async(&call, store, object.clone())),
        run(driver.extents(&call, store, ExtentsRequest::new(object.clone()))).map(drop),
        run(driver.open_reader(&call, store, OpenReaderRequest::new(object.clone()))).map(drop),
        run(driver.open_writer(&call, store, OpenWriterRequest::new(object.clone(), MIB)))
            .map(drop),
        run(driver.grant_access(&call, store, AccessRequest::new(object, host))).map(drop),
        run(driver.get_volume_stats(&call, store, of.clone())).map(drop),
        ground.resize(store, of, 4 * MIB, true).map(drop),
        ground.snapshot(store, &snapshot).map(drop),
        ground.create_from(store, volume(MIB), CreateSource::Volume(of.clone())).map(drop),
        ground.revert(store, &snapshot),
    ];
    // Without a path the snapshot is found by its own uuid, which is that of nothing.
    if !of.path.is_empty() {
        snapshot.path.clone_from(&of.path);
        let source = CreateSource::Snapshot(snapshot);
        answers.push(ground.create_from(store, volume(MIB), source).map(drop));
    }
    answers
}

#[test]
fn a_path_that_leads_out_is_refused_by_every_method() {
    let ground = Ground::new();
    let store = ground.store();
    let victim = ground.pool().with_file_name("victim");
    fs::write(&victim, vec![1; MIB as usize]).unwrap();
    fs::create_dir(ground.file("sub")).unwrap();
    let other = volume(MIB);
    ground.create(&store, other.clone()).unwrap();
    let paths = [
        victim.to_str().unwrap().to_owned(),
        "../victim".to_owned(),
        "sub/../../victim".to_owned(),
        "..".to_owned(),
        "a\0b".to_owned(),
        files::MARK_FILE.to_owned(),
        ".hidden".to_owned(),
        file_name(other.uuid, "volume", "raw"),
        file_name(other.uuid, "volume", "new"),
        format!("{}.ins-other.volume.raw", other.uuid),
    ];
    let before = ground.files();
    for path in paths {
        let mut volume = volume(MIB);
        volume.path.clone_from(&path);
        for answer in every_method(&ground, &store, &volume) {
            refused(answer, Kind::PermissionDenied, &["path"]);
        }
        let import = ImportRequest::new(path);
        let answer = run(ground.driver().validate_volume_for_import(&call(), &store, import));
        refused(answer, Kind::PermissionDenied, &["path"]);
    }
    assert_eq!(ground.files(), before);
    assert_eq!(fs::read(victim).unwrap(), vec![1; MIB as usize]);
}

#[test]
fn a_link_in_the_place_of_a_file_is_refused_by_every_method() {
    let ground = Ground::new();
    let store = ground.store();
    let victim = ground.pool().with_file_name("victim");
    fs::write(&victim, vec![1; MIB as usize]).unwrap();
    let volume = volume(MIB);
    let name = file_name(volume.uuid, "volume", "raw");
    symlink(&victim, ground.file(&name)).unwrap();
    refused(
        ground.create(&store, volume.clone()),
        Kind::PermissionDenied,
        &["not an ordinary file"],
    );
    for answer in every_method(&ground, &store, &volume) {
        refused(answer, Kind::PermissionDenied, &["not an ordinary file"]);
    }
    assert!(ground.list(&store).is_empty());
    assert_eq!(ground.files(), [name]);

    // One that lies where an object is made is not written through either.
    let made = self::volume(MIB);
    ground.create(&store, made.clone()).unwrap();
    let snapshot = snapshot_of(&made);
    symlink(&victim, ground.file(&file_name(snapshot.uuid, "snapshot", "new"))).unwrap();
    refused(ground.snapshot(&store, &snapshot), Kind::PermissionDenied, &["not an ordinary file"]);
    assert_eq!(fs::read(victim).unwrap(), vec![1; MIB as usize]);
}

#[test]
fn a_pipe_in_the_place_of_a_file_blocks_nobody() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let pipe = ground.file(&file_name(volume.uuid, "volume", "raw"));
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    for answer in every_method(&ground, &store, &volume) {
        refused(answer, Kind::PermissionDenied, &["not an ordinary file"]);
    }
}

#[test]
fn an_existing_file_is_adopted_under_its_own_name() {
    let ground = Ground::new();
    let store = ground.store();
    fs::write(ground.file("old disk.img"), vec![7; MIB as usize]).unwrap();
    let listed = ground.list(&store);
    assert_eq!((listed[0].path.as_str(), listed[0].uuid), ("old disk.img", None));
    assert_eq!(listed[0].installation_id, None);
    let import = ImportRequest::new("old disk.img");
    let found = run(ground.driver().validate_volume_for_import(&call(), &store, import)).unwrap();
    assert_eq!((found.size_bytes, found.path.as_str()), (MIB, "old disk.img"));

    let mut adopted = volume(MIB);
    adopted.path = found.path;
    assert!(ground.describe(&store, adopted.clone()).present);
    let snapshot = snapshot_of(&adopted);
    ground.snapshot(&store, &snapshot).unwrap();
    ground.write(&store, adopted.clone(), MIB, &[(0, filled(8, MIB))]);
    assert_eq!(fs::read(ground.file("old disk.img")).unwrap(), vec![8; MIB as usize]);
    ground.revert(&store, &snapshot).unwrap();
    assert_eq!(fs::read(ground.file("old disk.img")).unwrap(), vec![7; MIB as usize]);
    ground.resize(&store, &adopted, 2 * MIB, false).unwrap();
    assert_eq!(ground.describe(&store, adopted.clone()).size_bytes, 2 * MIB);
    ground.delete(&store, adopted.clone()).unwrap();
    assert!(!ground.describe(&store, adopted).present);
    assert_eq!(ground.files(), [file_name(snapshot.uuid, "snapshot", "raw")]);
}

#[test]
fn what_cannot_be_a_volume_is_not_adopted() {
    let ground = Ground::new();
    let store = ground.store();
    fs::write(ground.file("odd"), vec![7; 1000]).unwrap();
    fs::write(ground.file("qcow"), [b"QFI\xfb".to_vec(), vec![0; 1020]].concat()).unwrap();
    fs::write(ground.file("empty"), "").unwrap();
    fs::write(ground.file("twice"), vec![0; 512]).unwrap();
    fs::hard_link(ground.file("twice"), ground.pool().with_file_name("elsewhere")).unwrap();
    fs::create_dir(ground.file("folder")).unwrap();
    symlink("/etc/passwd", ground.file("link")).unwrap();
    for (path, kind, words) in [
        ("odd", Kind::InvalidArgument, "1000 bytes"),
        ("qcow", Kind::InvalidArgument, "qemu-img convert"),
        ("empty", Kind::NotFound, "not there"),
        ("gone", Kind::NotFound, "not there"),
        ("twice", Kind::InUse, "2 names"),
        ("folder", Kind::PermissionDenied, "not an ordinary file"),
        ("link", Kind::PermissionDenied, "not an ordinary file"),
        ("folder/x", Kind::PermissionDenied, "leads out"),
        ("", Kind::PermissionDenied, "the name"),
    ] {
        let import = ImportRequest::new(path);
        let answer = run(ground.driver().validate_volume_for_import(&call(), &store, import));
        refused(answer, kind, &[words]);
    }
}

#[test]
fn access_is_the_absolute_path_and_the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let made = ground.create(&store, volume.clone()).unwrap();
    assert_eq!(made.path, file_name(volume.uuid, "volume", "raw"));
    let host = HypervisorHost::new(Uuid::new_v4(), "kvm1");
    let mut request = AccessRequest::new(volume, host);
    request.read_only = true;
    let reached = run(ground.driver().grant_access(&call(), &store, request)).unwrap();
    assert_eq!(reached.protocol, AccessProtocol::File);
    assert_eq!(reached.path, ground.file(&made.path).to_str().unwrap());
    assert!(reached.read_only);
    let mode = fs::metadata(reached.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
