//! Names: nothing leads out of the store, nothing of ours is taken for another's.

use super::*;
use crate::layout::{self, File, Name};
use std::os::unix::fs::symlink;

#[test]
fn objects_lie_where_cloudstack_looks_for_them() {
    let ground = Ground::new();
    let store = ground.store();
    let (image, disk) = (template(ImageFormat::Qcow2, MIB), volume(MIB));
    let snapshot = snapshot_of(&disk);
    let name = |uuid: Uuid, ending| format!("{uuid}.{INSTALLATION}.{ending}");
    for (object, expected) in [
        (
            DataObject::from(image.clone()),
            format!("template/tmpl/2/201/{}", name(image.uuid, "qcow2")),
        ),
        (disk.clone().into(), format!("volumes/2/17/{}", name(disk.uuid, "raw"))),
        (snapshot.clone().into(), format!("snapshots/2/17/{}", name(snapshot.uuid, "raw"))),
    ] {
        assert_eq!(ground.make(&store, object, &[1]), expected);
        assert!(ground.file(&expected).is_file());
    }
    let listed: Vec<_> = ground.list(&store).into_iter().map(|one| one.object_type).collect();
    let kinds = [DataObjectType::Snapshot, DataObjectType::Template, DataObjectType::Volume];
    assert_eq!(listed, kinds.map(Some));
    for object in [DataObject::from(image), disk.into(), snapshot.into()] {
        ground.delete(&store, object).unwrap();
    }
    assert!(ground.is_empty());
}

#[test]
fn a_name_says_what_it_is_and_nothing_else_is_one() {
    let name = Name { uuid: Uuid::new_v4(), installation: INSTALLATION.to_owned() };
    for format in storage_plugin_api::install_path::formats() {
        let file = name.file(format).unwrap();
        assert_eq!(File::parse(&file), File::Object(name.clone(), format));
        assert_eq!(File::parse(&file.to_uppercase()), File::Foreign);
        assert_eq!(File::parse(&format!("{file}0")), File::Foreign);
        assert_eq!(File::parse(&format!("{file}.x.new")), File::Unfinished(name.clone()));
    }
    assert_eq!(
        File::parse(&layout::unfinished(&name, Uuid::new_v4())),
        File::Unfinished(name.clone())
    );
    for kind in [DataObjectType::Template, DataObjectType::Volume] {
        assert_eq!(File::parse(&layout::record(&name, kind)), File::Record);
    }
    for foreign in ["", "a", "debian.qcow2", "template.properties2", "a.b.c.d"] {
        assert_eq!(File::parse(foreign), File::Foreign, "{foreign:?}");
    }
    for format in [ImageFormat::Dir, ImageFormat::Unknown] {
        refused(name.file(format), Kind::InvalidArgument, &["QCOW2", format.as_str()]);
    }
    let longest = Name { installation: "x".repeat(128), ..name };
    assert!(layout::unfinished(&longest, Uuid::new_v4()).len() <= 255);
}

/// Every method that takes an object.
fn every_method(ground: &Ground, store: &Store, of: &DataObject) -> Vec<PluginResult<()>> {
    let (driver, call) = (ground.driver(), call());
    vec![
        run(driver.describe(&call, store, of.clone())).map(drop),
        run(driver.extents(&call, store, ExtentsRequest::new(of.clone()))).map(drop),
        run(driver.open_reader(&call, store, OpenReaderRequest::new(of.clone()))).map(drop),
        ground.open_writer(store, of.clone(), MIB, None).map(drop),
        ground.delete(store, of.clone()),
    ]
}

#[test]
fn a_path_that_leads_out_or_to_another_object_is_refused_by_every_method() {
    let ground = Ground::new();
    let store = ground.store();
    let victim = ground.base().join("victim");
    fs::write(&victim, "x").unwrap();
    let other = template(ImageFormat::Raw, MIB);
    let path_of_other = ground.make(&store, other.clone(), &[3]);
    let folder = "template/tmpl/2/201";
    let mut own = template(ImageFormat::Raw, MIB);
    let name = |uuid: Uuid, installation: &str| format!("{uuid}.{installation}.raw");
    let paths = [
        victim.to_str().unwrap().to_owned(),
        "../victim".to_owned(),
        "template/tmpl/2/201/../../../../../victim".to_owned(),
        "./victim".to_owned(),
        "a\0b".to_owned(),
        path_of_other,
        format!("{folder}/{}", name(own.uuid, "ins-other")),
        format!("volumes/2/201/{}", name(own.uuid, INSTALLATION)),
        format!("{folder}/template.properties"),
        format!("{folder}/{}.{INSTALLATION}.x.new", own.uuid),
    ];
    let before = ground.files();
    for path in paths {
        own.install_path.clone_from(&path);
        for answer in every_method(&ground, &store, &own.clone().into()) {
            refused(answer, Kind::PermissionDenied, &["path"]);
        }
    }
    assert_eq!(ground.files(), before);
    assert_eq!(fs::read(victim).unwrap(), b"x");
    assert!(ground.describe(&store, other).present);
}

#[test]
fn a_path_of_nothing_is_that_of_nothing() {
    let ground = Ground::new();
    let store = ground.store();
    for path in ["some/where/else", "template/tmpl/02/201/x", "template/tmpl/a/b/c", "x"] {
        let mut own = template(ImageFormat::Raw, MIB);
        own.install_path = path.to_owned();
        assert!(!ground.describe(&store, own.clone()).present);
        let read = OpenReaderRequest::new(own.clone());
        refused(run(ground.driver().open_reader(&call(), &store, read)), Kind::NotFound, &[]);
        refused(ground.open_writer(&store, own.clone(), MIB, None), Kind::NotFound, &["created"]);
        ground.delete(&store, own).unwrap();
    }
}

#[test]
fn a_link_in_the_place_of_a_file_or_a_folder_is_not_followed() {
    let ground = Ground::new();
    let store = ground.store();
    let victim = ground.base().join("victim");
    fs::create_dir(&victim).unwrap();
    let secret = victim.join("secret");
    fs::write(&secret, "x").unwrap();

    let own = template(ImageFormat::Raw, MIB);
    fs::create_dir_all(ground.file("template/tmpl/2/201")).unwrap();
    let file = format!("template/tmpl/2/201/{}.{INSTALLATION}.raw", own.uuid);
    symlink(&secret, ground.file(&file)).unwrap();
    for answer in every_method(&ground, &store, &own.clone().into()) {
        refused(answer, Kind::PermissionDenied, &["not an ordinary file"]);
    }
    refused(ground.create(&store, own), Kind::PermissionDenied, &["not an ordinary file"]);
    assert!(ground.list(&store).is_empty());

    // One in the place of a folder leads nothing there either.
    symlink(&victim, ground.file("volumes")).unwrap();
    refused(ground.create(&store, volume(MIB)), Kind::PermissionDenied, &["not a directory"]);
    let mut listed = volume(MIB);
    listed.path = format!("volumes/2/17/{}.{INSTALLATION}.raw", listed.uuid);
    for answer in every_method(&ground, &store, &listed.into()) {
        refused(answer, Kind::PermissionDenied, &["not a directory"]);
    }
    assert!(ground.list(&store).is_empty());
    assert_eq!(fs::read(secret).unwrap(), b"x");
    assert_eq!(fs::read_dir(victim).unwrap().count(), 1);
}

#[test]
fn a_record_that_is_a_link_is_neither_read_nor_written_through() {
    let ground = Ground::new();
    let store = ground.store();
    let victim = ground.base().join("victim");
    fs::write(&victim, "checksum={BLAKE3}00\n").unwrap();
    let own = template(ImageFormat::Raw, MIB);
    ground.create(&store, own.clone()).unwrap();
    symlink(&victim, ground.file("template/tmpl/2/201/template.properties")).unwrap();
    ground.write(&store, own.clone(), &[1]).unwrap();
    assert!(ground.describe(&store, own.clone()).digest.is_some());
    ground.delete(&store, own).unwrap();
    assert_eq!(fs::read(victim).unwrap(), b"checksum={BLAKE3}00\n");
    assert!(ground.is_empty());
}

#[test]
fn an_object_is_found_by_its_uuid_where_it_lay_before_its_owner_changed() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    let path = ground.make(&store, own.clone(), &[4]);
    let mut given = own;
    given.account_id = 9;
    assert_eq!(ground.describe(&store, given.clone()).path, path);
    given.install_path.clone_from(&path);
    assert!(ground.describe(&store, given.clone()).present);
    ground.write(&store, given.clone(), &[5]).unwrap();
    assert_eq!(fs::read(ground.file(&path)).unwrap()[0], 5);
    given.install_path.clear();
    ground.delete(&store, given).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn foreign_files_are_listed_as_such_and_let_alone() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    ground.make(&store, own.clone(), &[1]);
    let theirs = Uuid::new_v4();
    for file in [
        "template/tmpl/2/201/debian.qcow2",
        &format!("template/tmpl/2/201/{theirs}.ins-other.raw"),
        "template/tmpl/systemvm.iso",
        "readme",
    ] {
        fs::write(ground.file(file), "theirs").unwrap();
    }
    let listed = ground.list(&store);
    let seen: Vec<_> =
        listed.iter().map(|one| (one.uuid, one.installation_id.as_deref())).collect();
    assert!(seen.contains(&(Some(own.uuid), Some(INSTALLATION))), "{seen:?}");
    assert!(seen.contains(&(Some(theirs), Some("ins-other"))), "{seen:?}");
    assert!(seen.contains(&(None, None)), "{seen:?}");
    assert_eq!(seen.len(), 3);
    let mut other = template(ImageFormat::Raw, MIB);
    other.uuid = theirs;
    assert!(!ground.describe(&store, other.clone()).present);
    ground.delete(&store, other).unwrap();
    ground.delete(&store, own).unwrap();
    assert_eq!(ground.files().len(), 4);
}
