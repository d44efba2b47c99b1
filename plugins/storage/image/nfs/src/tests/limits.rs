//! The limit of a store, lengths, pages, and folders that cannot be made.

use super::*;

#[test]
fn what_does_not_fit_below_the_limit_is_refused_and_leaves_nothing() {
    let ground = Ground::new();
    let store = ground.store_with(&[("capacity_bytes", &(4 * MIB).to_string())]);
    let first = template(ImageFormat::Raw, 3 * MIB);
    ground.make(&store, first.clone(), &[1, 2, 3]);
    let mut second = template(ImageFormat::Raw, 3 * MIB);
    second.id = 202;
    ground.create(&store, second.clone()).unwrap();
    let before = ground.files();
    let full = ground.write(&store, second.clone(), &[1, 2, 3]);
    refused(full, Kind::CapacityExceeded, &["3145728", "4194304", "1048576"]);
    assert_eq!(ground.files(), before);
    assert!(!ground.describe(&store, second.clone()).present);
    // Writing again needs the space of both until the old one goes.
    refused(ground.write(&store, first.clone(), &[1, 2, 3]), Kind::CapacityExceeded, &[]);
    ground.delete(&store, first).unwrap();
    ground.write(&store, second, &[1, 2, 3]).unwrap();
}

#[test]
fn what_is_being_written_counts_with_its_length_and_holes_do_not_when_it_is_whole() {
    let ground = Ground::new();
    let store = ground.store_with(&[("capacity_bytes", &(64 * MIB).to_string())]);
    let (sparse, other) = (volume(60 * MIB), volume(60 * MIB));
    for one in [&sparse, &other] {
        ground.create(&store, one.clone()).unwrap();
    }
    let mut writer = ground.open_writer(&store, sparse.clone(), 60 * MIB, None).unwrap().writer;
    let both = ground.open_writer(&store, other.clone(), 60 * MIB, None);
    refused(both, Kind::CapacityExceeded, &[]);
    // One write in the place of another of the same object is not two.
    drop(writer);
    writer = ground.open_writer(&store, sparse, 60 * MIB, None).unwrap().writer;
    run(writer.write(data(0, 1))).unwrap();
    run(writer.finish()).unwrap();
    ground.open_writer(&store, other, 60 * MIB, None).unwrap();
}

#[test]
fn a_store_tells_its_limit_and_is_not_added_with_less_than_it_holds() {
    let ground = Ground::new();
    let store = ground.store_with(&[("capacity_bytes", &(8 * MIB).to_string())]);
    ground.make(&store, volume(2 * MIB), &[1, 2]);
    let told = ground.initialize(&store).unwrap();
    assert_eq!(told.capacity_bytes, Some(8 * MIB));
    assert!((2 * MIB..3 * MIB).contains(&told.used_bytes.unwrap()), "{told:?}");
    assert_eq!(told.details.unwrap().get("capacity_bytes"), Some("8388608"));
    let mut smaller = DataStore::clone(&store);
    smaller.details.insert("capacity_bytes", MIB.to_string());
    refused(ground.initialize(&smaller), Kind::InvalidArgument, &["capacity_bytes"]);
}

#[test]
fn lengths_above_the_limit_and_sources_are_refused() {
    let ground = Ground::new();
    let store = ground.store();
    let limits = run(ground.driver().get_capabilities(&call(), &store)).unwrap().limits;
    let above = limits.max_size_bytes + 1;
    refused(ground.create(&store, volume(above)), Kind::InvalidArgument, &["8 TiB"]);
    let own = volume(MIB);
    ground.create(&store, own.clone()).unwrap();
    let answer = ground.open_writer(&store, own.clone(), above, None);
    refused(answer, Kind::InvalidArgument, &["8 TiB"]);
    let mut clone = CreateRequest::new(volume(MIB));
    clone.source = CreateSource::Volume(own);
    let answer = run(ground.driver().create_async(&call(), &store, clone));
    refused(answer, Kind::Unsupported, &["copied"]);
    let mut folder = template(ImageFormat::Dir, MIB);
    folder.id = 203;
    refused(ground.create(&store, folder), Kind::InvalidArgument, &["DIR"]);
    // The disk in an image may be larger than any file.
    let mut large = template(ImageFormat::Qcow2, above);
    large.id = 204;
    ground.make(&store, large.clone(), &[1]);
    assert_eq!(ground.describe(&store, large).size_bytes, above);
    // An object without a byte is one, too.
    let empty = template(ImageFormat::Iso, 0);
    ground.create(&store, empty.clone()).unwrap();
    ground.write(&store, empty.clone(), &[]).unwrap();
    let there = ground.describe(&store, empty);
    assert_eq!((there.present, there.size_bytes), (true, 0));
}

#[test]
fn pages_follow_one_another_in_the_order_of_paths() {
    let ground = Ground::new();
    let store = ground.store();
    for (account, id) in [(1, 1), (1, 10), (1, 2), (10, 3), (2, 4), (2, 5)] {
        let mut one = template(ImageFormat::Raw, MIB);
        (one.account_id, one.id) = (account, id);
        ground.make(&store, one, &[1]);
        let mut disk = volume(MIB);
        (disk.account_id, disk.id) = (account, id);
        ground.make(&store, snapshot_of(&disk), &[1]);
        ground.make(&store, snapshot_of(&disk), &[1]);
    }
    let all: Vec<_> = ground.list(&store).into_iter().map(|one| one.path).collect();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!((all.len(), &all), (18, &sorted));
    for limit in [1, 2, 5, 17, 18, 19] {
        let mut request = ListObjectsRequest::new();
        request.limit = limit;
        let mut paged = Vec::new();
        loop {
            let listed = ground.driver();
            let page = run(listed.list_objects(&call(), &store, request.clone())).unwrap();
            assert!(page.objects.len() <= limit as usize);
            paged.extend(page.objects.into_iter().map(|one| one.path));
            match page.next_marker {
                None => break,
                marker => request.marker = marker,
            }
        }
        assert_eq!(paged, all, "{limit}");
    }
}

#[test]
fn a_file_in_the_place_of_folders_is_said_so_and_objects_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new();
    let store = ground.store();
    fs::write(ground.file("volumes"), "").unwrap();
    refused(ground.create(&store, volume(MIB)), Kind::PermissionDenied, &["volumes"]);
    assert_eq!(ground.files(), ["volumes"]);
    let own = template(ImageFormat::Raw, MIB);
    let path = ground.make(&store, own, &[1]);
    let mode = fs::metadata(ground.file(&path)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
