//! Volumes as qcow2 images on top of templates: what they read as, what holds them together, and
//! what a crash leaves. What a real qemu makes of them is looked at in `tests/filesystems`.

use super::*;
use crate::qcow2::Run;
use imago::file::File as ImageFile;
use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatCreateBuilder as _, StorageOpenOptions};
use std::os::unix::fs::MetadataExt;

const SIZE: u64 = 8 * MIB;

fn thin(ground: &Ground) -> Pool {
    Pool::new(ground.store_with(&[("volume_format", "qcow2"), ("reflink", "never")]))
}

/// A template with a mebibyte of nines at its start and one at its end.
fn template(ground: &Ground, store: &Pool) -> TemplateInfo {
    let template = TemplateInfo::new(Uuid::new_v4(), "t", ImageFormat::Raw, SIZE);
    ground.create(store, template.clone()).unwrap();
    let spots = [(0, filled(9, MIB)), (SIZE - MIB, filled(9, MIB))];
    ground.write(store, template.clone(), SIZE, &spots);
    template
}

fn root_of(ground: &Ground, store: &Pool, template: &TemplateInfo, size: u64) -> VolumeInfo {
    let root = volume(size);
    let source = CreateSource::Template(template.clone());
    let made = ground.create_from(store, root.clone(), source).unwrap();
    assert_eq!(made.path, file_name(root.uuid, "volume", "qcow2"));
    assert_eq!(made.size_bytes, Some(size));
    root
}

/// What a guest writes: into the image, where it is.
fn guest_writes(ground: &Ground, store: &Pool, to: &VolumeInfo, at: u64, byte: u8) {
    let there = ground.describe(store, to.clone());
    let directory = files::Directory::open(&ground.pool()).unwrap();
    let file = directory.open_to_write(&there.path).unwrap();
    crate::qcow2::Image::change(&directory, &file, &there.path)
        .unwrap()
        .write(&vec![byte; MIB as usize], at)
        .unwrap();
}

/// The bytes of an object as a reader tells them, and how many of them as holes.
fn read(ground: &Ground, store: &Pool, of: impl Into<DataObject>) -> (Vec<u8>, u64) {
    run(async {
        let request = OpenReaderRequest::new(of);
        let mut reader = ground.driver().open_reader(&call(), store, request).await.unwrap();
        let (mut bytes, mut holes) = (Vec::new(), 0);
        while let Some(chunk) = reader.next().await.unwrap() {
            assert_eq!(chunk.offset(), bytes.len() as u64);
            match chunk {
                Chunk::Data { bytes: data, .. } => bytes.extend_from_slice(&data),
                Chunk::Hole { length, .. } => {
                    holes += length;
                    bytes.resize(bytes.len() + length as usize, 0);
                }
            }
        }
        (bytes, holes)
    })
}

/// The byte that each mebibyte is full of.
fn mebibytes(ground: &Ground, store: &Pool, of: impl Into<DataObject>) -> Vec<u8> {
    let (bytes, _) = read(ground, store, of);
    let each = bytes.chunks(MIB as usize).map(|mebibyte| {
        assert!(mebibyte.iter().all(|byte| *byte == mebibyte[0]));
        mebibyte[0]
    });
    each.collect()
}

#[test]
fn a_volume_of_a_template_has_its_bytes_and_its_holes_and_takes_next_to_nothing() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, 2 * SIZE);
    let (bytes, holes) = read(&ground, &store, root.clone());
    assert_eq!(holes, 2 * SIZE - 2 * MIB);
    assert!(bytes[..MIB as usize].iter().all(|byte| *byte == 9));
    let there = ground.describe(&store, root.clone());
    assert_eq!((there.size_bytes, there.format), (2 * SIZE, Some(ImageFormat::Raw)));
    assert!(there.physical_size_bytes.unwrap() < MIB, "{there:?}");
    assert_eq!(there.details.get("file_format"), Some("qcow2"));
    let of = file_name(template.uuid, "template", "raw");
    assert_eq!(there.details.get("backing_file"), Some(of.as_str()));
    let extents = ExtentsRequest::new(root.clone());
    let extents = run(ground.driver().extents(&call(), &store, extents)).unwrap();
    assert_eq!(extents, [Extent::new(0_u64, MIB), Extent::new(SIZE - MIB, MIB)]);
    let granted = AccessRequest::new(root, HypervisorHost::new(Uuid::new_v4(), "kvm1"));
    let reached = run(ground.driver().grant_access(&call(), &store, granted)).unwrap();
    assert_eq!(reached.details.get("format"), Some("qcow2"));
}

#[test]
fn a_reader_looks_no_further_than_the_piece_that_it_reads() {
    let ground = Ground::new();
    let store = thin(&ground);
    let root = volume(2 * SIZE);
    ground.create(&store, root.clone()).unwrap();
    // Backwards, so that no two of them lie one after the other in the image.
    for at in (0..SIZE / MIB).rev() {
        guest_writes(&ground, &store, &root, at * MIB, at as u8 + 1);
    }
    let directory = files::Directory::open(&ground.pool()).unwrap();
    let name = file_name(root.uuid, "volume", "qcow2");
    let image = crate::qcow2::Image::open(&directory, &name).unwrap();
    let run_at = |from, most| image.run_at(from, 2 * SIZE, most).unwrap();
    assert_eq!(run_at(0, MIB), Run::Data(MIB));
    assert_eq!(run_at(MIB / 2, 3 * MIB), Run::Data(3 * MIB + MIB / 2));
    assert_eq!(run_at(SIZE - MIB, 2 * MIB), Run::Data(SIZE));
    // A hole is one, whatever its length.
    assert_eq!(run_at(SIZE, MIB), Run::Hole(2 * SIZE));
    let written: Vec<u8> = (1..=8).chain([0; 8]).collect();
    assert_eq!(mebibytes(&ground, &store, root.clone()), written);
    let extents = run(ground.driver().extents(&call(), &store, ExtentsRequest::new(root)));
    assert_eq!(extents.unwrap(), [Extent::new(0_u64, SIZE)]);
}

#[test]
fn a_store_that_hangs_holds_up_no_other_and_only_what_lies_on_templates() {
    let ground = Ground::new();
    let hung = thin(&ground);
    let path = ground.directory.path().canonicalize().unwrap().join("other");
    fs::create_dir(&path).unwrap();
    let mut store = super::entered(&path);
    store.details.insert("volume_format", "qcow2");
    store.details = ground.initialize(&store).unwrap().details.unwrap();
    store.epoch = 1;
    let other = Pool::new(store);
    let turns = ground.provider.stores.turns(hung.uuid);
    std::thread::scope(|scope| {
        let (done, answer) = std::sync::mpsc::channel();
        let alone = turns.change_templates();
        let (ground, hung, other) = (&ground, &hung, &other);
        scope.spawn(move || {
            let lying = template(ground, other);
            root_of(ground, other, &lying, SIZE);
            let blank = volume(SIZE);
            ground.create(hung, blank.clone()).unwrap();
            ground.resize(hung, &blank, 2 * SIZE, false).unwrap();
            ground.snapshot(hung, &snapshot_of(&blank)).unwrap();
            done.send(()).unwrap();
        });
        let answered = answer.recv_timeout(std::time::Duration::from_secs(60));
        drop(alone);
        answered.unwrap();
    });
}

#[test]
fn snapshots_and_clones_keep_what_was_and_a_revert_brings_it_back() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, SIZE);
    guest_writes(&ground, &store, &root, MIB, 5);
    let snapshot = snapshot_of(&root);
    ground.snapshot(&store, &snapshot).unwrap();
    guest_writes(&ground, &store, &root, 0, 6);
    ground.resize(&store, &root, 2 * SIZE, false).unwrap();
    assert_eq!(mebibytes(&ground, &store, root.clone())[..3], [6, 5, 0]);
    let before = [9, 5, 0, 0, 0, 0, 0, 9];
    assert_eq!(mebibytes(&ground, &store, snapshot.clone()), before);

    let clone = volume(SIZE + MIB);
    ground.create_from(&store, clone.clone(), CreateSource::Snapshot(snapshot.clone())).unwrap();
    assert_eq!(mebibytes(&ground, &store, clone.clone()), [&before[..], &[0]].concat());
    guest_writes(&ground, &store, &clone, 0, 7);
    let generation = ground.describe(&store, root.clone()).generation;
    ground.revert(&store, &snapshot).unwrap();
    assert_ne!(ground.describe(&store, root.clone()).generation, generation);
    assert_eq!(mebibytes(&ground, &store, root.clone()), before);
    assert_eq!(mebibytes(&ground, &store, clone)[0], 7);

    // A template is made flat: others will lie on it.
    let again = TemplateInfo::new(Uuid::new_v4(), "again", ImageFormat::Raw, 0);
    let made = ground.create_from(&store, again.clone(), CreateSource::Snapshot(snapshot));
    assert_eq!(made.unwrap().path, file_name(again.uuid, "template", "raw"));
    assert_eq!(mebibytes(&ground, &store, again.clone()), before);
    assert!(ground.describe(&store, again).physical_size_bytes.unwrap() < 4 * MIB);
}

#[test]
fn a_template_stays_as_long_as_something_lies_on_it() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, SIZE);
    let snapshot = snapshot_of(&root);
    ground.snapshot(&store, &snapshot).unwrap();
    let in_use = |words: &[&str]| {
        refused(ground.delete(&store, template.clone()), Kind::InUse, words);
        let written = ground.open_writer(&store, template.clone(), SIZE, None);
        refused(written.map(drop), Kind::InUse, words);
        assert!(ground.describe(&store, template.clone()).present);
    };
    let (volume, taken) = (root.uuid.to_string(), snapshot.uuid.to_string());
    let needed_by = [format!("snapshot {taken}"), format!("volume {volume}")];
    assert_eq!(ground.describe(&store, template.clone()).needed_by, needed_by);
    in_use(&["volume", &volume, "snapshot", &taken]);
    ground.delete(&store, root).unwrap();
    in_use(&["snapshot", &taken]);
    assert_eq!(mebibytes(&ground, &store, snapshot.clone())[0], 9);
    ground.delete(&store, snapshot).unwrap();
    ground.delete(&store, template).unwrap();
    assert!(ground.files().is_empty());
}

#[test]
fn a_template_that_goes_while_a_volume_is_made_of_it_leaves_no_volume_without_it() {
    for _ in 0..20 {
        let ground = Ground::new();
        let store = thin(&ground);
        let template = template(&ground, &store);
        let root = volume(SIZE);
        let source = CreateSource::Template(template.clone());
        let (made, removed) = std::thread::scope(|scope| {
            let made = scope.spawn(|| ground.create_from(&store, root.clone(), source));
            let removed = ground.delete(&store, template.clone());
            (made.join().unwrap(), removed)
        });
        assert_ne!(made.is_ok(), removed.is_ok(), "{made:?} {removed:?}");
        assert_eq!(ground.describe(&store, root).present, made.is_ok());
        assert_eq!(ground.describe(&store, template).present, made.is_ok());
    }
}

#[test]
fn what_a_smaller_disk_lost_does_not_come_back_from_itself_or_the_template() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    for own in [false, true] {
        let root = root_of(&ground, &store, &template, SIZE);
        if own {
            guest_writes(&ground, &store, &root, SIZE - MIB, 5);
        }
        let small = SIZE - MIB + 512;
        refused(ground.resize(&store, &root, small, false), Kind::InvalidArgument, &["8388608"]);
        ground.resize(&store, &root, small, true).unwrap();
        assert_eq!(ground.describe(&store, root.clone()).size_bytes, small);
        ground.resize(&store, &root, 2 * SIZE, false).unwrap();
        let (bytes, _) = read(&ground, &store, root);
        let kept = if own { 5 } else { 9 };
        assert!(bytes[(small - 512) as usize..small as usize].iter().all(|byte| *byte == kept));
        assert!(bytes[small as usize..].iter().all(|byte| *byte == 0), "own bytes: {own}");
        assert_eq!(bytes.len() as u64, 2 * SIZE);
    }
}

#[test]
fn a_disk_that_is_written_anew_is_what_it_was_until_it_is_whole_and_needs_no_template() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, SIZE);
    let open = |resume| ground.open_writer(&store, root.clone(), SIZE, resume);
    let mut writer = open(None).unwrap().writer;
    let chunk = Chunk::Data { offset: MIB, bytes: filled(3, MIB) };
    assert_eq!(run(writer.write(chunk.clone())).unwrap(), None);
    assert_eq!(mebibytes(&ground, &store, root.clone())[..2], [9, 0]);
    run(writer.abort()).unwrap();
    refused(run(writer.finish()), Kind::Conflict, &["given up"]);
    let token = CheckpointToken::new(MIB, "of nobody");
    refused(open(Some(token)).map(drop), Kind::InvalidArgument, &["token", "begins anew"]);

    let mut writer = open(None).unwrap().writer;
    run(writer.write(chunk)).unwrap();
    refused(
        run(writer.write(Chunk::Hole { offset: 0, length: MIB })),
        Kind::InvalidArgument,
        &["out of its place"],
    );
    let written = run(writer.finish()).unwrap();
    assert_eq!(written.size_bytes, SIZE);
    assert!(written.physical_size_bytes < 2 * MIB, "{written:?}");
    assert_eq!(mebibytes(&ground, &store, root.clone()), [0, 3, 0, 0, 0, 0, 0, 0]);
    ground.delete(&store, template).unwrap();
    assert_eq!(mebibytes(&ground, &store, root)[1], 3);
}

#[test]
fn what_a_crash_left_is_nothing_and_the_object_is_what_it_was() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, SIZE);
    let before = ground.describe(&store, root.clone());
    // At the end of each step of a resize, a revert or a write there is this file, and no more.
    let whole = ground.file(&before.path);
    let half = ground.file(&file_name(root.uuid, "volume", "new"));
    let bytes = fs::read(&whole).unwrap();
    for length in [0, 1, 65_536, bytes.len() - 1, bytes.len()] {
        fs::write(&half, &bytes[..length]).unwrap();
        assert_eq!(ground.describe(&store, root.clone()), before, "{length}");
        // It holds nothing of the template back, and nothing of it is listed.
        assert_eq!(ground.list(&store).len(), 2);
    }
    let ground = ground.restarted();
    assert_eq!(ground.describe(&store, root.clone()), before);
    assert!(!half.exists());
    fs::write(&half, "half").unwrap();
    ground.resize(&store, &root, 2 * SIZE, false).unwrap();
    assert!(!half.exists());
    assert_eq!(ground.describe(&store, root).size_bytes, 2 * SIZE);
}

#[test]
fn a_second_attempt_finds_what_the_first_made_whatever_new_volumes_are_by_then() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let root = root_of(&ground, &store, &template, SIZE);
    let mut raw = DataStore::clone(&store);
    raw.details.insert("volume_format", "raw");
    let raw = Pool::new(raw);
    let inode =
        || fs::metadata(ground.file(&file_name(root.uuid, "volume", "qcow2"))).unwrap().ino();
    let before = inode();
    let source = CreateSource::Template(template.clone());
    let made = ground.create_from(&raw, root.clone(), source).unwrap();
    assert_eq!((made.path, inode()), (file_name(root.uuid, "volume", "qcow2"), before));
    // A clone is what new volumes are, and so a volume is made flat; a snapshot is what its volume is.
    let clone = volume(SIZE);
    let made = ground.create_from(&raw, clone.clone(), CreateSource::Volume(root.clone())).unwrap();
    assert_eq!(made.path, file_name(clone.uuid, "volume", "raw"));
    assert_eq!(mebibytes(&ground, &raw, clone), [9, 0, 0, 0, 0, 0, 0, 9]);
    let snapshot = snapshot_of(&root);
    ground.snapshot(&raw, &snapshot).unwrap();
    ground.revert(&raw, &snapshot).unwrap();
    assert_eq!(
        ground.describe(&raw, root).path,
        file_name(snapshot.volume.uuid, "volume", "qcow2")
    );
}

#[test]
fn a_volume_whose_space_is_set_aside_is_raw_and_shares_nothing() {
    let ground = Ground::new();
    let details = [("volume_format", "qcow2"), ("preallocation", "falloc")];
    let store = Pool::new(ground.store_with(&details));
    let template = template(&ground, &store);
    let mut fat = volume(SIZE);
    fat.provisioning_type = ProvisioningType::Fat;
    let source = CreateSource::Template(template.clone());
    let made = ground.create_from(&store, fat.clone(), source).unwrap();
    assert_eq!(made.path, file_name(fat.uuid, "volume", "raw"));
    assert!(made.physical_size_bytes.unwrap() >= SIZE);
    assert_eq!(mebibytes(&ground, &store, fat)[0], 9);
    ground.delete(&store, template).unwrap();
}

/// Puts an image in the place of a volume's that says it lies on another file.
fn forge(ground: &Ground, volume: &VolumeInfo, on: &str, format: &str) {
    let path = ground.file(&file_name(volume.uuid, "volume", "qcow2"));
    let options = fs::File::options().read(true).write(true).create(true).truncate(true).clone();
    let open = StorageOpenOptions::new().write(true);
    let storage = ImageFile::from_open_file(options.open(path).unwrap(), open).unwrap();
    let builder = Qcow2::<ImageFile>::create_builder(storage).size(SIZE);
    let image = builder.backing(on.to_owned(), format.to_owned()).create_open(
        DenyImplicitOpenGate::default(),
        |storage| {
            Ok(imago::FormatDriverBuilder::write(Qcow2::builder(storage).backing(None), true))
        },
    );
    imago::FormatAccess::new(image.unwrap()).flush().unwrap();
}

#[test]
fn no_name_in_an_image_is_followed_but_that_of_a_template() {
    let ground = Ground::new();
    let store = thin(&ground);
    let template = template(&ground, &store);
    let of = file_name(template.uuid, "template", "raw");
    let secret = ground.pool().with_file_name("secret");
    fs::write(&secret, vec![1; SIZE as usize]).unwrap();
    let another = volume(SIZE);
    ground.create(&store, another.clone()).unwrap();
    let forged = volume(SIZE);
    ground.create(&store, forged.clone()).unwrap();
    let elsewhere = format!("sub/{of}");
    let foreign = of.replace(INSTALLATION, "ins-other");
    let names = [
        (secret.to_str().unwrap(), "raw"),
        ("../secret", "raw"),
        (files::MARK_FILE, "raw"),
        (&*elsewhere, "raw"),
        (&*foreign, "raw"),
        (&*file_name(another.uuid, "volume", "qcow2"), "qcow2"),
        ("json:{}", "raw"),
        // A template that a guest might have written something into is not taken for an image.
        (&*of, "qcow2"),
        (&*of, ""),
    ];
    for (on, format) in names {
        forge(&ground, &forged, on, format);
        let request = OpenReaderRequest::new(forged.clone());
        let read = run(ground.driver().open_reader(&call(), &store, request)).map(drop);
        refused(read, Kind::PermissionDenied, &["no template of this store"]);
        let described = run(ground.driver().describe(&call(), &store, forged.clone().into()));
        refused(described, Kind::PermissionDenied, &[]);
        // Whether it lies on a template cannot be told.
        let damaged = format!("maybe volume {}", forged.uuid);
        refused(ground.delete(&store, template.clone()), Kind::InUse, &[&damaged]);
    }
    forge(&ground, &forged, &of, "raw");
    assert_eq!(mebibytes(&ground, &store, forged.clone())[0], 9);
    // What nobody can read is removed all the same.
    forge(&ground, &forged, "../secret", "raw");
    ground.delete(&store, forged).unwrap();
    ground.delete(&store, template).unwrap();
}

#[test]
fn bytes_of_a_guest_are_never_taken_for_an_image() {
    let ground = Ground::new();
    let store = Pool::new(ground.store_with(&[]));
    let guest = volume(MIB);
    ground.create(&store, guest.clone()).unwrap();
    let name = file_name(guest.uuid, "volume", "raw");
    let options = fs::File::options().read(true).write(true).clone();
    let open = StorageOpenOptions::new().write(true);
    let file = options.open(ground.file(&name)).unwrap();
    let image = ImageFile::from_open_file(file, open).unwrap();
    Qcow2::<ImageFile>::create_builder(image).size(64 * MIB).create().unwrap();
    let bytes = fs::read(ground.file(&name)).unwrap();
    assert!(bytes.starts_with(b"QFI\xfb"));
    assert!(read(&ground, &store, guest.clone()).0 == bytes);
    let there = ground.describe(&store, guest);
    assert_eq!(there.details.get("file_format"), Some("raw"));
}

#[test]
fn a_pool_says_what_its_volumes_are_and_why() {
    let ground = Ground::new();
    let added = |entered: &str, reflink: &str| {
        let mut store = super::entered(&ground.pool());
        store.uuid = Uuid::nil();
        store.details.insert("volume_format", entered);
        store.details.insert("reflink", reflink);
        let added = ground.initialize(&store).unwrap();
        let told = added.pool.unwrap().details;
        let stored = added.details.unwrap().get("volume_format").unwrap().to_owned();
        assert_eq!(told.get("volume_format"), Some(stored.as_str()));
        (stored, told.get("volume_format_reason").unwrap().to_owned())
    };
    assert_eq!(added("raw", "auto").0, "raw");
    let (format, reason) = added("qcow2", "auto");
    assert_eq!((format.as_str(), reason.contains("volume_format")), ("qcow2", true));
    let (format, reason) = added("auto", "never");
    assert_eq!((format.as_str(), reason.contains("not shared")), ("qcow2", true));
    let mut wrong = super::entered(&ground.pool());
    wrong.details.insert("volume_format", "vmdk");
    refused(ground.initialize(&wrong), Kind::InvalidConfig, &["volume_format"]);
}
