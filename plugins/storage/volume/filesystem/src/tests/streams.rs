//! Bytes on their way: holes are told without being read, writes go on where they stopped.

use super::*;

#[test]
fn a_hole_of_terabytes_is_one_chunk() {
    let ground = Ground::new();
    let store = ground.store();
    let size = 4 << 40;
    let volume = volume(size);
    ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), size, &[(1 << 40, filled(1, MIB))]);
    let read = ground.chunks(&store, OpenReaderRequest::new(volume.clone()));
    let (from, to) = (1 << 40, (1 << 40) + MIB);
    assert_eq!(read.first(), Some(&Chunk::Hole { offset: 0, length: from }));
    assert_eq!(read.last(), Some(&Chunk::Hole { offset: to, length: size - to }));
    let data: u64 = read[1..read.len() - 1].iter().map(Chunk::length).sum();
    assert_eq!(data, MIB);
    let extents =
        run(ground.driver().extents(&call(), &store, ExtentsRequest::new(volume.clone())));
    assert_eq!(extents.unwrap(), [Extent::new(from, MIB)]);

    // A range begins and ends where it is told to, in a hole or not.
    let mut request = OpenReaderRequest::new(volume);
    (request.offset, request.length) = (from - 10, Some(30));
    let read = ground.chunks(&store, request);
    assert_eq!(read[0], Chunk::Hole { offset: from - 10, length: 10 });
    assert_eq!(read[1], Chunk::Data { offset: from, bytes: filled(1, 20) });
    assert_eq!(read.len(), 2);
}

#[test]
fn a_write_goes_on_at_its_token_after_a_restart_and_at_no_other() {
    let mut ground = Ground::new();
    let store = ground.store();
    let size = 40 * MIB;
    let (volume, other) = (volume(size), volume(size));
    for one in [&volume, &other] {
        ground.create(&store, one.clone()).unwrap();
    }
    let open = |ground: &Ground, of: &VolumeInfo, resume| {
        ground.open_writer(&store, of.clone(), size, resume)
    };
    let data = |at: u64, byte| Chunk::Data { offset: at * MIB, bytes: filled(byte, MIB) };
    let mut writer = open(&ground, &volume, None).unwrap().writer;
    let token = run(async {
        let mut token = None;
        for at in 0..36 {
            token = writer.write(data(at, 1)).await.unwrap().or(token);
        }
        token.unwrap()
    });
    drop(writer);
    assert_eq!(token.offset, 32 * MIB);
    ground = ground.restarted();
    refused(
        open(&ground, &other, Some(token.clone())).map(drop),
        Kind::InvalidArgument,
        &["token"],
    );
    let opened = open(&ground, &volume, Some(token.clone())).unwrap();
    assert_eq!(opened.offset, 32 * MIB);
    let mut writer = opened.writer;
    run(async {
        for at in 33..40 {
            writer.write(data(at, 2)).await.unwrap();
        }
        writer.finish().await.unwrap();
    });
    let bytes = fs::read(ground.file(&file_name(volume.uuid, "volume", "raw"))).unwrap();
    let at = |mib: u64| bytes[(mib * MIB) as usize];
    assert_eq!([at(0), at(31), at(32), at(33), at(39)], [1, 1, 0, 2, 2]);

    // A new write begins a new file, which the old token is not of.
    drop(open(&ground, &volume, None).unwrap());
    refused(open(&ground, &volume, Some(token)).map(drop), Kind::InvalidArgument, &["token"]);
}

#[test]
fn more_than_a_volume_has_is_refused_before_anything_is_changed() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), MIB, &[(0, filled(5, MIB))]);
    let answer = ground.open_writer(&store, volume.clone(), MIB + 1, None);
    refused(answer.map(drop), Kind::InvalidArgument, &["1048577"]);
    let bytes = fs::read(ground.file(&file_name(volume.uuid, "volume", "raw"))).unwrap();
    assert_eq!(bytes, vec![5; MIB as usize]);
}

#[test]
fn what_changed_since_a_snapshot_is_told_to_the_block() {
    const BLOCK: u64 = 64 << 10;
    let ground = Ground::new();
    let store = ground.store();
    let size = 8 * MIB + 512;
    let volume = volume(size);
    ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), size, &[(0, filled(1, 5 * MIB)), (7 * MIB, filled(2, 9))]);
    let snapshot = snapshot_of(&volume);
    ground.snapshot(&store, &snapshot).unwrap();
    let since = |before: &SnapshotInfo| {
        let mut extents = ExtentsRequest::new(volume.clone());
        extents.since = Some(before.clone());
        run(ground.driver().extents(&call(), &store, extents))
    };
    assert_eq!(since(&snapshot).unwrap(), []);
    // One byte changes, another becomes a zero, a hole gets data, and so does the last sector.
    let pieces = [
        (0, filled(1, 3 * MIB)),
        (3 * MIB, filled(3, 1)),
        (3 * MIB + 1, filled(1, 2 * MIB - 1)),
        (6 * MIB - 1, filled(4, 2)),
        (size - 1, filled(5, 1)),
    ];
    ground.write(&store, volume.clone(), size, &pieces);
    let changed = [
        Extent::new(3 * MIB, BLOCK),
        Extent::new(6 * MIB - BLOCK, 2 * BLOCK),
        Extent::new(7 * MIB, BLOCK),
        Extent::new(8 * MIB, 512_u64),
    ];
    assert_eq!(since(&snapshot).unwrap(), changed);
    // Of a later snapshot the same, whatever becomes of the volume.
    let later = snapshot_of(&volume);
    ground.snapshot(&store, &later).unwrap();
    ground.write(&store, volume.clone(), size, &[]);
    let mut extents = ExtentsRequest::new(later);
    extents.since = Some(snapshot.clone());
    let told = run(ground.driver().extents(&call(), &store, extents)).unwrap();
    assert_eq!(told, changed);
    // A volume that grew since: what is new and zeros is as it was.
    let grown = ResizeRequest::new(volume.clone(), size + MIB);
    run(ground.driver().resize(&call(), &store, grown)).unwrap();
    assert_eq!(
        since(&snapshot).unwrap().iter().map(|one| one.length).sum::<u64>(),
        5 * MIB + BLOCK
    );
    let mut gone = snapshot;
    gone.uuid = Uuid::new_v4();
    gone.path = String::new();
    refused(since(&gone), Kind::NotFound, &["is not in"]);
}

#[test]
fn a_reader_of_changes_only_is_refused() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(MIB);
    ground.create(&store, volume.clone()).unwrap();
    let mut reader = OpenReaderRequest::new(volume.clone());
    reader.since = Some(snapshot_of(&volume));
    let answer = run(ground.driver().open_reader(&call(), &store, reader));
    refused(answer.map(drop), Kind::Unsupported, &[]);
}

#[test]
fn a_reader_has_the_length_of_the_file_that_it_reads() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(2 * MIB);
    let path = ground.file(&ground.create(&store, own.clone()).unwrap().path);
    let other = |mebibytes: u64| {
        let file = ground.pool().with_file_name(format!("other-{mebibytes}"));
        fs::write(&file, vec![mebibytes as u8; (mebibytes * MIB) as usize]).unwrap();
        file
    };
    let (small, large) = (other(1), other(2));
    fs::rename(&large, &path).unwrap();
    fs::hard_link(&path, &large).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let between = ground.pool().with_file_name("between");
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for file in [&small, &large] {
                    fs::remove_file(&between).ok();
                    fs::hard_link(file, &between).unwrap();
                    fs::rename(&between, &path).unwrap();
                }
            }
        });
        for _ in 0..2000 {
            let mut request = OpenReaderRequest::new(own.clone());
            request.offset = MIB - 1;
            let read = ground.chunks(&store, request);
            let bytes: u64 = read.iter().map(Chunk::length).sum();
            let Chunk::Data { bytes: first, .. } = &read[0] else { panic!("{:?}", read[0]) };
            assert_eq!(bytes, u64::from(first[0] - 1) * MIB + 1);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
