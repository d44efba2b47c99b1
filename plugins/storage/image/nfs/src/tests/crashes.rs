//! What a crash leaves, and calls that come again or late.

use super::*;
use crate::tests::streams::written_until_token;

#[test]
fn a_place_is_made_once_and_goes_with_its_folders() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    let first = ground.create(&store, own.clone()).unwrap().path;
    let before = ground.files();
    assert_eq!(before.len(), 1);
    assert_eq!(ground.create(&store, own.clone()).unwrap().path, first);
    assert_eq!(ground.files(), before);
    assert!(!ground.describe(&store, own.clone()).present);
    assert!(ground.list(&store).is_empty());
    ground.delete(&store, own.clone()).unwrap();
    ground.delete(&store, own).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn a_second_create_keeps_what_is_whole_and_what_is_half_written() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Qcow2, 10 << 30);
    let path = ground.make(&store, own.clone(), &[7, 8]);
    let again = ground.create(&store, own.clone()).unwrap();
    assert_eq!((again.path, again.size_bytes), (path, Some(10 << 30)));
    assert_eq!(again.physical_size_bytes, Some(2 * MIB));

    let other = volume(40 * MIB);
    let token = written_until_token(&ground, &store, &other.clone().into());
    ground.create(&store, other.clone()).unwrap();
    let opened = ground.open_writer(&store, other, 40 * MIB, Some(token.clone())).unwrap();
    assert_eq!(opened.offset, token.offset);
}

#[test]
fn what_a_crash_left_of_an_attempt_is_not_seen_and_the_next_one_removes_it() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(MIB);
    ground.create(&store, own.clone()).unwrap();
    let left = format!("volumes/2/17/{}.{INSTALLATION}.left.new", own.uuid);
    fs::write(ground.file(&left), "half").unwrap();
    // As if it had been killed between the record and the new name of the file.
    let record = format!("volumes/2/17/{}.{INSTALLATION}.properties", own.uuid);
    fs::write(ground.file(&record), "checksum={BLAKE3}00\n").unwrap();
    assert!(!ground.describe(&store, own.clone()).present);
    ground.write(&store, own.clone(), &[1]).unwrap();
    assert_eq!(ground.files().len(), 2, "{:?}", ground.files());
    fs::write(ground.file(&left), "half").unwrap();
    ground.delete(&store, own).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn a_writer_whose_object_was_deleted_or_begun_anew_finishes_nothing() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(MIB);
    for what in ["deleted", "begun anew"] {
        ground.create(&store, own.clone()).unwrap();
        let mut late = ground.open_writer(&store, own.clone(), MIB, None).unwrap().writer;
        run(late.write(data(0, 1))).unwrap();
        match what {
            "deleted" => ground.delete(&store, own.clone()).unwrap(),
            _ => drop(ground.write(&store, own.clone(), &[2]).unwrap()),
        }
        refused(run(late.finish()), Kind::Conflict, &["not there any more"]);
        let there = ground.describe(&store, own.clone());
        assert_eq!(there.present, what == "begun anew");
    }
    let path = ground.describe(&store, own).path;
    assert_eq!(fs::read(ground.file(&path)).unwrap(), vec![2; MIB as usize]);
}

#[test]
fn what_was_given_up_makes_nothing_any_more() {
    let ground = Ground::new();
    let store = ground.store();
    let given_up = call();
    given_up.cancel();
    let create = CreateRequest::new(volume(MIB));
    refused(run(ground.driver().create_async(&given_up, &store, create)), Kind::Cancelled, &[]);
    assert!(ground.is_empty());
    let own = volume(MIB);
    ground.create(&store, own.clone()).unwrap();
    let before = ground.files();
    let open = OpenWriterRequest::new(own, MIB);
    refused(run(ground.driver().open_writer(&given_up, &store, open)), Kind::Cancelled, &[]);
    assert_eq!(ground.files(), before);
}

#[test]
fn a_delete_waits_for_who_is_at_work_on_the_object() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(MIB);
    ground.create(&store, own.clone()).unwrap();
    let place = ground.provider.stores.place(&store).unwrap();
    let turn = ground.provider.stores.turn_at(&place, own.uuid);
    std::thread::scope(|scope| {
        let (done, answer) = std::sync::mpsc::channel();
        let (ground, store, own) = (&ground, &store, &own);
        scope.spawn(move || done.send(ground.delete(store, own.clone())).unwrap());
        let early = answer.recv_timeout(std::time::Duration::from_millis(100));
        assert!(early.is_err(), "{early:?}");
        drop(turn);
        answer.recv().unwrap().unwrap();
    });
    assert!(ground.is_empty());
}

#[test]
fn many_objects_come_and_go_in_the_same_folders_at_once() {
    let ground = Ground::new();
    let store = ground.store();
    let disk = volume(MIB);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (ground, store, disk) = (&ground, &store, &disk);
            scope.spawn(move || {
                for byte in 0..10 {
                    let snapshot = snapshot_of(disk);
                    ground.make(store, snapshot.clone(), &[byte]);
                    assert!(ground.describe(store, snapshot.clone()).present);
                    ground.delete(store, snapshot).unwrap();
                }
            });
        }
    });
    assert!(ground.is_empty());
}

#[test]
fn adding_a_store_again_removes_what_nobody_goes_on_with() {
    let ground = Ground::new();
    let store = ground.store();
    let (left, busy) = (volume(MIB), volume(MIB));
    for one in [&left, &busy] {
        ground.create(&store, one.clone()).unwrap();
    }
    let writer = ground.open_writer(&store, busy.clone(), MIB, None).unwrap();
    ground.initialize(&store).unwrap();
    let files = ground.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].contains(&busy.uuid.to_string()), "{files:?}");
    drop(writer);
    ground.initialize(&store).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn a_writer_looks_for_its_place_when_its_turn_has_come() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(MIB);
    let path = ground.create(&store, own.clone()).unwrap().path;
    let stores = &ground.provider.stores;
    let turn = stores.turn_at(&stores.place(&store).unwrap(), own.uuid);
    std::thread::scope(|scope| {
        let (done, answer) = std::sync::mpsc::channel();
        let (ground, store, own) = (&ground, &store, own.clone());
        scope.spawn(move || {
            done.send(ground.open_writer(store, own, MIB, None).map(drop)).unwrap();
        });
        assert!(answer.recv_timeout(std::time::Duration::from_millis(100)).is_err());
        // Who has the turn removes the object, and its folder.
        let folder = ground.file(&path).parent().unwrap().to_owned();
        fs::remove_dir_all(folder).unwrap();
        drop(turn);
        refused(answer.recv().unwrap(), Kind::NotFound, &["has no place"]);
    });
}

#[test]
fn folders_are_removed_when_nobody_makes_any() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(MIB);
    ground.create(&store, own.clone()).unwrap();
    let folder = ground.file("volumes/2/17");
    let stores = &ground.provider.stores;
    let turn = stores.turn_at_folders(&stores.place(&store).unwrap());
    std::thread::scope(|scope| {
        let (done, answer) = std::sync::mpsc::channel();
        let (ground, store) = (&ground, &store);
        scope.spawn(move || done.send(ground.initialize(store).map(drop)).unwrap());
        assert!(answer.recv_timeout(std::time::Duration::from_millis(100)).is_err());
        assert!(folder.exists());
        drop(turn);
        answer.recv().unwrap().unwrap();
    });
    assert!(!folder.exists());
}
