//! Bytes on their way: written whole, gone on with, read with their holes.

use super::*;

/// Creates an object and writes 36 MiB of 40 into it, and a hole; the latest token.
pub(super) fn written_until_token(
    ground: &Ground,
    store: &Store,
    of: &DataObject,
) -> CheckpointToken {
    ground.create(store, of.clone()).unwrap();
    let mut writer = ground.open_writer(store, of.clone(), 40 * MIB, None).unwrap().writer;
    run(async {
        let mut token = None;
        for at in 0..36 {
            token = writer.write(data(at, 1)).await.unwrap().or(token);
        }
        // What was begun to be flushed is told at the end at the latest.
        let last = Chunk::Hole { offset: 36 * MIB, length: 4 * MIB };
        writer.write(last).await.unwrap().or(token).expect("a token at the end")
    })
}

fn digest(bytes: &[u8]) -> Option<String> {
    Some(format!("{{BLAKE3}}{}", blake3::hash(bytes).to_hex()))
}

#[test]
fn a_write_goes_on_at_its_token_after_a_restart_and_its_digest_with_it() {
    let mut ground = Ground::new();
    let store = ground.store();
    let own = volume(40 * MIB);
    let token = written_until_token(&ground, &store, &own.clone().into());
    assert_eq!(token.offset, 32 * MIB);
    ground = ground.restarted();
    assert!(!ground.describe(&store, own.clone()).present);
    let opened = ground.open_writer(&store, own.clone(), 40 * MIB, Some(token)).unwrap();
    assert_eq!(opened.offset, 32 * MIB);
    let written = run(async {
        let mut writer = opened.writer;
        for at in 33..39 {
            writer.write(data(at, 2)).await.unwrap();
        }
        writer.finish().await.unwrap()
    });
    let there = ground.describe(&store, own);
    let bytes = fs::read(ground.file(&there.path)).unwrap();
    let at = |mib: u64| bytes[(mib * MIB) as usize];
    // What was written behind the token is gone: the byte of the 36th mebibyte is the new one.
    assert_eq!([at(0), at(31), at(32), at(33), at(38), at(39)], [1, 1, 0, 2, 2, 0]);
    assert_eq!((there.digest.clone(), there.digest), (written.digest, digest(&bytes)));
}

#[test]
fn a_token_is_good_for_its_own_write_only() {
    let ground = Ground::new();
    let store = ground.store();
    let (own, other) = (volume(40 * MIB), volume(40 * MIB));
    let token = written_until_token(&ground, &store, &own.clone().into());
    ground.create(&store, other.clone()).unwrap();
    let open = |of: &VolumeInfo, size: u64, token: &CheckpointToken| {
        ground.open_writer(&store, of.clone(), size, Some(token.clone()))
    };
    refused(open(&other, 40 * MIB, &token), Kind::InvalidArgument, &["token"]);
    refused(open(&own, 41 * MIB, &token), Kind::InvalidArgument, &["token", "41943040"]);
    refused(open(&own, 16 * MIB, &token), Kind::InvalidArgument, &["token"]);
    let mut moved = token.clone();
    moved.offset += 1;
    refused(open(&own, 40 * MIB, &moved), Kind::InvalidArgument, &["token"]);
    drop(open(&own, 40 * MIB, &token).unwrap());
    // A new write, and one that was thrown away, have other tokens.
    let mut writer = ground.open_writer(&store, own.clone(), 40 * MIB, None).unwrap().writer;
    refused(open(&own, 40 * MIB, &token), Kind::InvalidArgument, &["token", "replaced"]);
    run(writer.abort()).unwrap();
    drop(writer);
    let token = written_until_token(&ground, &store, &own.clone().into());
    let mut writer = open(&own, 40 * MIB, &token).unwrap().writer;
    run(writer.abort()).unwrap();
    drop(writer);
    refused(open(&own, 40 * MIB, &token), Kind::InvalidArgument, &["token"]);
    assert!(!ground.describe(&store, own.clone()).present);
    ground.delete(&store, own).unwrap();
}

#[test]
fn a_writer_that_goes_on_waits_until_the_one_before_has_ended() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(40 * MIB);
    let token = written_until_token(&ground, &store, &own.clone().into());
    let first = ground.open_writer(&store, own.clone(), 40 * MIB, Some(token.clone())).unwrap();
    std::thread::scope(|scope| {
        let (done, answer) = std::sync::mpsc::channel();
        let (ground, store) = (&ground, &store);
        scope.spawn(move || {
            let second = ground.open_writer(store, own, 40 * MIB, Some(token));
            done.send(second.map(|opened| opened.offset)).unwrap();
        });
        assert!(answer.recv_timeout(std::time::Duration::from_millis(100)).is_err());
        drop(first);
        assert_eq!(answer.recv().unwrap().unwrap(), 32 * MIB);
    });
}

#[test]
fn bytes_of_other_formats_are_kept_as_long_as_they_are() {
    let ground = Ground::new();
    let store = ground.store();
    let mut own = template(ImageFormat::Qcow2, 10 << 30);
    let made = ground.create(&store, own.clone()).unwrap();
    assert_eq!((made.size_bytes, made.format), (None, None));
    let written = ground.write(&store, own.clone(), &[1, 2, 3]).unwrap();
    assert_eq!((written.size_bytes, written.physical_size_bytes), (10 << 30, 3 * MIB));
    let there = ground.describe(&store, own.clone());
    assert_eq!((there.size_bytes, there.physical_size_bytes), (10 << 30, Some(3 * MIB)));
    assert_eq!(there.format, Some(ImageFormat::Qcow2));
    // Where the record does not say the size, that of its writing is told.
    own.size_bytes = 0;
    assert_eq!(ground.describe(&store, own.clone()).size_bytes, 10 << 30);
    let read = ground.chunks(&store, OpenReaderRequest::new(own.clone()));
    assert_eq!(read.iter().map(Chunk::length).sum::<u64>(), 3 * MIB);

    // One whose size nobody knew is as large as its file, until somebody knows better.
    let mut unknown = template(ImageFormat::Vmdk, 0);
    unknown.id = 202;
    ground.make(&store, unknown.clone(), &[1]);
    assert_eq!(ground.describe(&store, unknown.clone()).size_bytes, MIB);
    unknown.size_bytes = 5 << 30;
    assert_eq!(ground.describe(&store, unknown).size_bytes, 5 << 30);
}

#[test]
fn an_object_that_is_written_again_keeps_its_bytes_until_the_new_ones_are_whole() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    let path = ground.make(&store, own.clone(), &[1, 1]);
    let before = ground.describe(&store, own.clone());
    let mut writer = ground.open_writer(&store, own.clone(), MIB, None).unwrap().writer;
    run(writer.write(data(0, 2))).unwrap();
    assert_eq!(ground.describe(&store, own.clone()), before);
    assert_eq!(fs::read(ground.file(&path)).unwrap(), vec![1; 2 * MIB as usize]);
    run(writer.finish()).unwrap();
    let after = ground.describe(&store, own);
    assert_eq!((after.size_bytes, after.path.as_str()), (MIB, path.as_str()));
    assert_ne!((after.digest, after.generation), (before.digest, before.generation));
    assert_eq!(fs::read(ground.file(&path)).unwrap(), vec![2; MIB as usize]);
}

#[test]
fn holes_of_terabytes_cost_neither_time_nor_space_nor_a_digest() {
    let ground = Ground::new();
    let store = ground.store();
    let size = 4 << 40;
    let own = volume(size);
    ground.create(&store, own.clone()).unwrap();
    let written = run(async {
        let request = OpenWriterRequest::new(own.clone(), size);
        let opened = ground.driver().open_writer(&call(), &store, request).await.unwrap();
        let mut writer = opened.writer;
        writer.write(data(1 << 20, 9)).await.unwrap();
        writer.finish().await.unwrap()
    });
    assert_eq!((written.size_bytes, &written.digest), (size, &None));
    assert!(written.physical_size_bytes < 2 * MIB, "{written:?}");
    let read = ground.chunks(&store, OpenReaderRequest::new(own.clone()));
    let (from, to) = (1 << 40, (1 << 40) + MIB);
    assert_eq!(read.first(), Some(&Chunk::Hole { offset: 0, length: from }));
    assert_eq!(read.last(), Some(&Chunk::Hole { offset: to, length: size - to }));
    let extents = ExtentsRequest::new(own.clone());
    let extents = run(ground.driver().extents(&call(), &store, extents)).unwrap();
    assert_eq!(extents, [Extent::new(from, MIB)]);
    // A range begins and ends where it is told to.
    let mut request = OpenReaderRequest::new(own);
    (request.offset, request.length) = (from - 10, Some(30));
    let read = ground.chunks(&store, request);
    assert_eq!(read[0], Chunk::Hole { offset: from - 10, length: 10 });
    assert_eq!(read[1], Chunk::Data { offset: from, bytes: vec![9; 20].into() });
}

#[test]
fn other_bytes_than_were_announced_are_not_kept() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    ground.create(&store, own.clone()).unwrap();
    let write = |announced: &str, byte| {
        let mut request = OpenWriterRequest::new(own.clone(), MIB);
        request.digest = Some(announced.to_owned());
        run(async {
            let opened = ground.driver().open_writer(&call(), &store, request).await.unwrap();
            let mut writer = opened.writer;
            writer.write(data(0, byte)).await.unwrap();
            writer.finish().await
        })
    };
    let announced = digest(&vec![1; MIB as usize]).unwrap();
    refused(write(&announced, 2), Kind::Corrupt, &[&announced, "nothing of it is kept"]);
    assert!(!ground.describe(&store, own.clone()).present);
    write(&announced, 1).unwrap();
    assert_eq!(ground.describe(&store, own.clone()).digest, Some(announced));
    // What cannot be compared is no reason to refuse.
    write("{MD5}00", 3).unwrap();
    assert_eq!(ground.describe(&store, own).digest, digest(&vec![3; MIB as usize]));
}

#[test]
fn what_is_written_over_a_base_is_a_file_of_its_own() {
    let ground = Ground::new();
    let store = ground.store();
    let own = volume(20 * MIB);
    let (first, second) = (snapshot_of(&own), snapshot_of(&own));
    ground.make(&store, first.clone(), &[1; 20]);
    ground.create(&store, second.clone()).unwrap();
    let over = |size: u64, base: SnapshotInfo, resume: Option<CheckpointToken>| {
        let mut request = OpenWriterRequest::new(second.clone(), size);
        (request.base, request.resume) = (Some(base.into()), resume);
        run(ground.driver().open_writer(&call(), &store, request))
    };
    let answer = over(19 * MIB, first.clone(), None);
    refused(answer, Kind::InvalidArgument, &["20971520", "as long as that"]);
    let token = CheckpointToken::new(MIB, "mine");
    refused(over(20 * MIB, first.clone(), Some(token)), Kind::InvalidArgument, &["beginning"]);
    refused(over(20 * MIB, snapshot_of(&own), None), Kind::NotFound, &[]);
    assert!(!ground.describe(&store, second.clone()).present);

    let mut writer = over(20 * MIB, first.clone(), None).unwrap().writer;
    let written = run(async {
        let hole = Chunk::Hole { offset: 2 * MIB, length: MIB };
        assert!(writer.write(hole).await.unwrap().is_none());
        // Long enough for a token, which would cut off what is behind it.
        for at in 3..20 {
            assert!(writer.write(data(at, 2)).await.unwrap().is_none());
        }
        writer.finish().await.unwrap()
    });
    assert_eq!(written.digest, None);
    let expected: Vec<u8> = [vec![1; 2], vec![0], vec![2; 17]].concat();
    let expected: Vec<u8> =
        expected.into_iter().flat_map(|byte| vec![byte; MIB as usize]).collect();
    ground.delete(&store, first.clone()).unwrap();
    let there = ground.describe(&store, second.clone());
    assert!(fs::read(ground.file(&there.path)).unwrap() == expected);
    assert_eq!((there.present, there.digest), (true, None));
    ground.delete(&store, second).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn a_reader_has_the_length_of_the_file_that_it_reads() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    let path = ground.file(&ground.make(&store, own.clone(), &[1]));
    let other = |mebibytes: u64| {
        let file = ground.file(&format!("other-{mebibytes}"));
        fs::write(&file, vec![mebibytes as u8; (mebibytes * MIB) as usize]).unwrap();
        file
    };
    let (small, large) = (other(1), other(2));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let between = ground.file("between");
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
            let read = run(async {
                let driver = ground.driver();
                let mut reader = driver.open_reader(&call(), &store, request).await.unwrap();
                let mut read = Vec::new();
                while let Some(chunk) = reader.next().await? {
                    if let Chunk::Data { bytes, .. } = chunk {
                        read.extend_from_slice(&bytes);
                    }
                }
                Ok::<_, PluginError>(read)
            });
            let read = read.unwrap();
            assert_eq!(read.len() as u64, u64::from(read[0] - 1) * MIB + 1);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
