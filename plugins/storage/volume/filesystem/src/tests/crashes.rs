//! What a crash leaves, and calls that come again.

use super::*;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_second_create_keeps_the_bytes_and_answers_the_same() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let first = ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), MIB, &[(0, filled(5, MIB))]);
    let inode = || fs::metadata(ground.file(&first.path)).unwrap().ino();
    let before = inode();
    let second = ground.create(&store, volume.clone()).unwrap();
    assert_eq!((second.path, second.size_bytes, inode()), (first.path.clone(), Some(MIB), before));
    assert_eq!(fs::read(ground.file(&first.path)).unwrap(), vec![5; MIB as usize]);
    // A clone that is there is not made again, although its source is gone.
    let gone = CreateSource::Volume(self::volume(MIB));
    ground.create_from(&store, volume.clone(), gone).unwrap();
    // One that is too small is not what was asked for.
    let mut larger = volume;
    larger.size_bytes = 2 * MIB;
    refused(ground.create(&store, larger), Kind::AlreadyExists, &["1048576", "2097152"]);
}

#[test]
fn a_name_without_a_byte_is_nothing_yet() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let file = ground.file(&file_name(volume.uuid, "volume", "raw"));
    fs::write(&file, "").unwrap();
    assert!(!ground.describe(&store, volume.clone()).present);
    assert!(ground.list(&store).is_empty());
    refused(ground.resize(&store, &volume, MIB, false), Kind::NotFound, &[]);
    ground.create(&store, volume.clone()).unwrap();
    assert_eq!(ground.describe(&store, volume.clone()).size_bytes, MIB);
    fs::write(&file, "").unwrap();
    ground.delete(&store, volume).unwrap();
    assert!(ground.files().is_empty());
}

#[test]
fn a_process_that_is_new_removes_what_the_one_before_left_at_its_first_look() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    ground.create(&store, volume.clone()).unwrap();
    // A revert that its host turned back leaves this, and nobody asks for that volume again.
    let half = ground.file(&file_name(volume.uuid, "volume", "new"));
    fs::write(&half, "half").unwrap();
    ground.describe(&store, volume.clone());
    assert!(half.exists(), "it may be in the making");
    let ground = ground.restarted();
    assert!(ground.describe(&store, volume).present);
    assert!(!half.exists());
}

#[test]
fn a_half_made_copy_is_not_seen_and_goes_with_its_object() {
    let ground = Ground::new();
    let store = ground.store();
    let source = volume(MIB);
    ground.create(&store, source.clone()).unwrap();
    let snapshot = snapshot_of(&source);
    let half = ground.file(&file_name(snapshot.uuid, "snapshot", "new"));
    fs::write(&half, "half, and longer than it will be".repeat(1 << 16)).unwrap();
    assert!(!ground.describe(&store, snapshot.clone()).present);
    assert_eq!(ground.list(&store).len(), 1);
    // The next attempt begins anew.
    ground.snapshot(&store, &snapshot).unwrap();
    assert!(!half.exists());
    let whole = fs::read(ground.file(&file_name(snapshot.uuid, "snapshot", "raw"))).unwrap();
    assert_eq!(whole, vec![0; MIB as usize]);
    fs::write(&half, "half").unwrap();
    ground.delete(&store, snapshot.clone()).unwrap();
    ground.delete(&store, snapshot).unwrap();
    assert_eq!(ground.files(), [file_name(source.uuid, "volume", "raw")]);
}

#[test]
fn attaching_and_adding_remove_what_is_left_and_nothing_that_is_under_way() {
    let ground = Ground::new();
    let store = ground.store();
    let left = file_name(Uuid::new_v4(), "volume", "new");
    let busy = file_name(Uuid::new_v4(), "snapshot", "new");
    let theirs = format!("{}.ins-other.volume.new", Uuid::new_v4());
    for clean in ["attach", "add"] {
        for name in [&left, &busy, &theirs] {
            fs::write(ground.file(name), "half").unwrap();
        }
        let maker = fs::File::open(ground.file(&busy)).unwrap();
        maker.lock().unwrap();
        match clean {
            "attach" => drop(ground.attach(&store).unwrap()),
            _ => drop(ground.initialize(&store).unwrap()),
        }
        let mut kept = vec![busy.clone(), theirs.clone()];
        kept.sort();
        assert_eq!(ground.files(), kept, "{clean}");
        drop(maker);
        ground.attach(&store).unwrap();
        assert_eq!(ground.files(), std::slice::from_ref(&theirs));
    }
}

#[test]
fn the_next_attempt_waits_for_one_that_was_given_up() {
    let ground = Ground::new();
    let store = ground.store();
    let source = volume(MIB);
    ground.create(&store, source.clone()).unwrap();
    ground.write(&store, source.clone(), MIB, &[(0, filled(6, MIB))]);
    let snapshot = snapshot_of(&source);
    let half = ground.file(&file_name(snapshot.uuid, "snapshot", "new"));
    // It is still at work, in a file of its own.
    let earlier = fs::File::create_new(&half).unwrap();
    earlier.lock().unwrap();
    std::thread::scope(|scope| {
        let later = scope.spawn(|| ground.snapshot(&store, &snapshot));
        // It comes to its end: what it made is what the later one answers.
        earlier.set_len(3 * MIB).unwrap();
        let whole = ground.file(&file_name(snapshot.uuid, "snapshot", "raw"));
        fs::rename(&half, whole).unwrap();
        drop(earlier);
        let answer = later.join().unwrap().unwrap();
        assert_eq!(answer.size_bytes, Some(3 * MIB));
    });
    assert!(!half.exists());
}

#[test]
fn a_delete_outlasts_an_attempt_that_is_still_at_work() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let half = ground.file(&file_name(volume.uuid, "volume", "new"));
    let earlier = fs::File::create_new(&half).unwrap();
    earlier.lock().unwrap();
    std::thread::scope(|scope| {
        let delete = scope.spawn(|| ground.delete(&store, volume.clone()));
        earlier.set_len(MIB).unwrap();
        fs::rename(&half, ground.file(&file_name(volume.uuid, "volume", "raw"))).unwrap();
        drop(earlier);
        delete.join().unwrap().unwrap();
    });
    assert!(ground.files().is_empty());
}

#[test]
fn a_smaller_size_needs_consent_and_growth_is_zeros() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(2 * MIB);
    ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), 2 * MIB, &[(0, filled(5, MIB)), (MIB, filled(6, MIB))]);
    refused(ground.resize(&store, &volume, MIB, false), Kind::InvalidArgument, &["2097152"]);
    let before = ground.describe(&store, volume.clone()).generation;
    ground.resize(&store, &volume, MIB, true).unwrap();
    ground.resize(&store, &volume, 3 * MIB, false).unwrap();
    let bytes = fs::read(ground.file(&file_name(volume.uuid, "volume", "raw"))).unwrap();
    assert_eq!(bytes.len() as u64, 3 * MIB);
    assert!(bytes[..MIB as usize].iter().all(|byte| *byte == 5));
    assert!(bytes[MIB as usize..].iter().all(|byte| *byte == 0));
    assert_ne!(ground.describe(&store, volume).generation, before);
}

#[test]
fn objects_of_other_installations_are_listed_as_theirs() {
    let ground = Ground::new();
    let store = ground.store();
    let theirs = Uuid::new_v4();
    fs::write(ground.file(&format!("{theirs}.ins-other.snapshot.raw")), "x").unwrap();
    let listed = ground.list(&store);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].installation_id.as_deref(), Some("ins-other"));
    assert_eq!(
        (listed[0].uuid, listed[0].object_type),
        (Some(theirs), Some(DataObjectType::Snapshot))
    );
    // By its uuid it is not ours to see or to remove.
    let mut ours = snapshot_of(&volume(MIB));
    ours.uuid = theirs;
    assert!(!ground.describe(&store, ours.clone()).present);
    ground.delete(&store, ours).unwrap();
    assert_eq!(ground.files().len(), 1);
}

#[test]
fn a_blank_volume_and_a_resize_wait_for_an_attempt_that_was_given_up() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    let half = ground.file(&file_name(volume.uuid, "volume", "new"));
    for resize in [false, true] {
        let earlier = fs::File::create(&half).unwrap();
        earlier.lock().unwrap();
        std::thread::scope(|scope| {
            let (done, answer) = std::sync::mpsc::channel();
            let (ground, store, volume) = (&ground, &store, &volume);
            scope.spawn(move || {
                let answer = match resize {
                    true => ground.resize(store, volume, 2 * MIB, false),
                    false => ground.create(store, volume.clone()),
                };
                done.send(answer).unwrap();
            });
            let early = answer.recv_timeout(std::time::Duration::from_millis(100));
            assert!(early.is_err(), "{early:?}");
            drop(earlier);
            answer.recv().unwrap().unwrap();
        });
        assert!(!half.exists());
    }
}

#[test]
fn what_was_given_up_makes_nothing_true_any_more() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    ground.create(&store, volume.clone()).unwrap();
    let snapshot = snapshot_of(&volume);
    ground.snapshot(&store, &snapshot).unwrap();
    ground.write(&store, volume.clone(), MIB, &[(0, filled(7, MIB))]);
    let before = ground.files();
    let given_up = call();
    given_up.cancel();
    let revert = RevertSnapshotRequest::new(snapshot);
    refused(run(ground.driver().revert_snapshot(&given_up, &store, revert)), Kind::Cancelled, &[]);
    let resize = ResizeRequest::new(volume.clone(), 2 * MIB);
    refused(run(ground.driver().resize(&given_up, &store, resize)), Kind::Cancelled, &[]);
    let create = CreateRequest::new(self::volume(MIB));
    refused(run(ground.driver().create_async(&given_up, &store, create)), Kind::Cancelled, &[]);
    assert_eq!(ground.files(), before);
    let bytes = fs::read(ground.file(&file_name(volume.uuid, "volume", "raw"))).unwrap();
    assert_eq!(bytes, vec![7; MIB as usize]);
}

#[test]
fn a_file_that_is_not_wanted_when_it_is_flushed_gets_no_name() {
    let ground = Ground::new();
    ground.store();
    let directory = files::Directory::open(&ground.pool()).unwrap();
    let held = directory.hold("a.new").unwrap();
    let not_wanted = || Err(PluginError::cancelled("given up"));
    refused(held.publish("a.raw", not_wanted), Kind::Cancelled, &[]);
    assert!(ground.files().is_empty());
}
