//! Snapshots and clones, on whatever file system the temporary files are on.

use super::*;
use crate::details::Reflink;
use crate::pace::Pace;
use crate::sharing::{Source, copy};
use std::os::unix::fs::FileExt;

const SIZE: u64 = 64 * MIB;

/// A volume with a megabyte of data at its start, in its midst and at its end.
fn spotted(ground: &Ground, store: &Pool) -> VolumeInfo {
    let volume = volume(SIZE);
    ground.create(store, volume.clone()).unwrap();
    let spots = [0, 31 * MIB, SIZE - MIB].map(|at| (at, filled(9, MIB)));
    ground.write(store, volume.clone(), SIZE, &spots);
    volume
}

fn bytes(ground: &Ground, uuid: Uuid, kind: &str) -> Vec<u8> {
    fs::read(ground.file(&file_name(uuid, kind, "raw"))).unwrap()
}

#[test]
fn a_copy_has_the_bytes_and_the_holes() {
    for reflink in ["auto", "never"] {
        let ground = Ground::new();
        let store = Pool::new(ground.store_with(&[("reflink", reflink)]));
        let source = spotted(&ground, &store);
        let (clone, snapshot) = (volume(SIZE), snapshot_of(&source));
        ground.create_from(&store, clone.clone(), CreateSource::Volume(source.clone())).unwrap();
        let taken = ground.snapshot(&store, &snapshot).unwrap();
        assert_eq!(taken.size_bytes, Some(SIZE));
        let expected = bytes(&ground, source.uuid, "volume");
        assert!(bytes(&ground, clone.uuid, "volume") == expected);
        assert!(bytes(&ground, snapshot.uuid, "snapshot") == expected);
        for object in [DataObject::from(clone), snapshot.into()] {
            let physical = ground.describe(&store, object).physical_size_bytes.unwrap();
            assert!(physical <= 4 * MIB, "{physical} bytes with {reflink}");
        }
    }
}

#[test]
fn a_clone_may_be_larger_and_is_never_smaller() {
    let ground = Ground::new();
    let store = ground.store();
    let source = spotted(&ground, &store);
    for (asked, has) in [(2 * SIZE, 2 * SIZE), (SIZE / 2, SIZE), (SIZE + 512, SIZE + 512)] {
        let clone = volume(asked);
        let source = CreateSource::Volume(source.clone());
        let made = ground.create_from(&store, clone.clone(), source).unwrap();
        assert_eq!(made.size_bytes, Some(has));
        let bytes = bytes(&ground, clone.uuid, "volume");
        assert!(bytes[SIZE as usize..].iter().all(|byte| *byte == 0));
        assert!(bytes[(SIZE - MIB) as usize..SIZE as usize].iter().all(|byte| *byte == 9));
    }
}

#[test]
fn templates_are_objects_like_others() {
    let ground = Ground::new();
    let store = ground.store();
    let template = TemplateInfo::new(Uuid::new_v4(), "t", ImageFormat::Raw, 0);
    ground.create(&store, template.clone()).unwrap();
    assert!(!ground.describe(&store, template.clone()).present);
    assert!(ground.list(&store).is_empty());
    ground.write(&store, template.clone(), 2 * MIB, &[(MIB, filled(3, MIB))]);
    assert_eq!(ground.describe(&store, template.clone()).size_bytes, 2 * MIB);
    assert_eq!(ground.list(&store)[0].object_type, Some(DataObjectType::Template));

    let root = volume(4 * MIB);
    ground.create_from(&store, root.clone(), CreateSource::Template(template)).unwrap();
    assert_eq!(bytes(&ground, root.uuid, "volume")[2 * MIB as usize - 1], 3);
    let snapshot = snapshot_of(&root);
    ground.snapshot(&store, &snapshot).unwrap();
    let again = TemplateInfo::new(Uuid::new_v4(), "again", ImageFormat::Raw, 0);
    ground.create_from(&store, again.clone(), CreateSource::Snapshot(snapshot)).unwrap();
    assert!(bytes(&ground, again.uuid, "template") == bytes(&ground, root.uuid, "volume"));
    assert_eq!(
        run(ground.driver().get_bytes_required_for_template(&call(), &store, again)).unwrap(),
        0
    );
}

#[test]
fn a_revert_is_one_instant_and_who_reads_keeps_what_he_reads() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = spotted(&ground, &store);
    let snapshot = snapshot_of(&volume);
    ground.snapshot(&store, &snapshot).unwrap();
    let before = ground.describe(&store, volume.clone()).generation;
    ground.resize(&store, &volume, 2 * SIZE, false).unwrap();
    ground.write(&store, volume.clone(), 2 * SIZE, &[(0, filled(4, MIB))]);
    let name = ground.file(&file_name(volume.uuid, "volume", "raw"));
    let consumer = fs::File::open(&name).unwrap();
    ground.revert(&store, &snapshot).unwrap();
    let first = |file: &fs::File| {
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).unwrap();
        byte[0]
    };
    assert_eq!((first(&consumer), first(&fs::File::open(&name).unwrap())), (4, 9));
    let after = ground.describe(&store, volume.clone());
    assert_eq!(after.size_bytes, SIZE);
    assert_ne!(after.generation, before);
    assert!(ground.describe(&store, snapshot).present);
}

#[test]
fn a_file_system_without_shared_blocks_refuses_where_they_are_insisted_on() {
    let ground = Ground::new();
    let store = ground.store_with(&[]);
    let can = run(ground.driver().get_capabilities(&call(), &Pool::new(store.clone()))).unwrap();
    let mut never = store.clone();
    never.details.insert("reflink", "never");
    let slow = run(ground.driver().get_capabilities(&call(), &Pool::new(never))).unwrap();
    assert!(!slow.constant_time_clone);
    let mut always = store;
    always.details.insert("reflink", "always");
    let added = ground.initialize(&always);
    if can.constant_time_clone {
        added.unwrap();
        return;
    }
    refused(added, Kind::InvalidConfig, &["reflink", "auto"]);
    let always = Pool::new(always);
    let source = spotted(&ground, &always);
    let before = ground.files();
    refused(ground.snapshot(&always, &snapshot_of(&source)), Kind::Unsupported, &["reflink"]);
    assert_eq!(ground.files(), before);
}

#[test]
fn a_copy_tells_its_progress_and_ends_when_it_is_given_up() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("from");
    let from = fs::File::create_new(&path).unwrap();
    from.write_all_at(&vec![5; 40 * MIB as usize], 8 * MIB).unwrap();
    from.set_len(SIZE).unwrap();
    let from = fs::File::open(&path).unwrap();
    let other = directory.path().join("to");
    let to = fs::File::create_new(&other).unwrap();
    let to_path = (&to, other.as_path());
    let source = Source { file: &from, path: &path, size: SIZE };
    let pace = Pace::new(None).unwrap();

    let going = call();
    copy(&going, source, to_path, Reflink::Never, pace).unwrap();
    let progress = going.progress();
    assert_eq!((progress.done_bytes, progress.total_bytes), (48 * MIB, Some(SIZE)));
    assert_eq!(progress.reports, 5);
    assert_eq!(to.metadata().unwrap().len(), SIZE);

    let given_up = call();
    given_up.cancel();
    to.set_len(0).unwrap();
    refused(copy(&given_up, source, to_path, Reflink::Never, pace), Kind::Cancelled, &[]);
    assert_eq!(to.metadata().unwrap().len(), 0);
    assert_eq!(given_up.progress().reports, 0);
}

#[test]
fn a_limited_copy_goes_in_small_steps_and_keeps_its_time() {
    let (limit, unlimited) = (Pace::new(Some(16 * MIB)).unwrap(), Pace::new(None).unwrap());
    assert_eq!((limit.piece(8 * MIB), unlimited.piece(8 * MIB)), (2 * MIB, 8 * MIB));
    let begun = std::time::Instant::now();
    unlimited.keep(begun, u64::MAX);
    limit.keep(begun, 2 * MIB);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(125));

    let ground = Ground::new();
    let store = ground.store_with(&[("copy_bytes_per_second", "16777216")]);
    assert_eq!(store.details.get("copy_bytes_per_second"), Some("16777216"));
    let mut slower = store;
    slower.details.insert("copy_bytes_per_second", "1000");
    let told = ["copy_bytes_per_second", "1000", "1048576"];
    refused(ground.initialize(&slower), Kind::InvalidConfig, &told);
}

#[test]
fn a_copy_that_is_given_up_leaves_nothing() {
    let ground = Ground::new();
    let store = Pool::new(ground.store_with(&[("reflink", "never")]));
    let source = spotted(&ground, &store);
    let before = ground.files();
    let given_up = call();
    given_up.cancel();
    let mut request = CreateRequest::new(volume(SIZE));
    request.source = CreateSource::Volume(source);
    let answer = run(ground.driver().create_async(&given_up, &store, request));
    refused(answer, Kind::Cancelled, &[]);
    assert_eq!(ground.files(), before);
}
