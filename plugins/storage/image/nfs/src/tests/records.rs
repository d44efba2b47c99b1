//! The record beside a file: for people, and believed of that file only.

use super::*;

const RECORD: &str = "template/tmpl/2/201/template.properties";

fn text(ground: &Ground, record: &str) -> String {
    fs::read_to_string(ground.file(record)).unwrap()
}

#[test]
fn a_template_has_the_record_that_cloudstack_knows() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Qcow2, 10 << 30);
    let path = ground.make(&store, own.clone(), &[1, 2]);
    let digest = ground.describe(&store, own.clone()).digest.unwrap();
    let text = text(&ground, RECORD);
    for line in [
        &format!("filename={}", path.rsplit('/').next().unwrap()),
        "uniquename=debian",
        "id=201",
        "size=2097152",
        "virtualsize=10737418240",
        &format!("checksum={digest}"),
    ] {
        assert!(text.lines().any(|one| one == line), "{line:?} is not in:\n{text}");
    }
    assert_eq!(ground.files().len(), 2);
    ground.delete(&store, own).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn a_digest_is_told_of_the_bytes_that_it_was_recorded_for_only() {
    let ground = Ground::new();
    let store = ground.store();
    let own = template(ImageFormat::Raw, MIB);
    let path = ground.make(&store, own.clone(), &[1]);
    let digest = || ground.describe(&store, own.clone()).digest;
    assert!(digest().is_some());
    // Somebody changes the file by hand.
    let file = fs::File::options().write(true).open(ground.file(&path)).unwrap();
    let kept = file.metadata().unwrap().modified().unwrap();
    file.set_modified(kept + std::time::Duration::from_nanos(1)).unwrap();
    assert_eq!(digest(), None);
    file.set_modified(kept).unwrap();
    assert!(digest().is_some());
    file.set_len(MIB + 1).unwrap();
    file.set_modified(kept).unwrap();
    assert_eq!(digest(), None);
    // Nothing else depends on the record.
    for broken in ["", "\u{0}\u{1}", "filename\n=\n"] {
        fs::write(ground.file(RECORD), broken).unwrap();
        assert!(ground.describe(&store, own.clone()).present);
    }
    fs::remove_file(ground.file(RECORD)).unwrap();
    assert_eq!(ground.describe(&store, own.clone()).size_bytes, MIB + 1);
    ground.delete(&store, own).unwrap();
    assert!(ground.is_empty());
}

#[test]
fn two_objects_of_one_folder_do_not_take_each_others_record() {
    let ground = Ground::new();
    let store = ground.store();
    // One number for two templates is not CloudStack's way, and harms nothing all the same.
    let (one, other) = (template(ImageFormat::Raw, MIB), template(ImageFormat::Raw, MIB));
    ground.make(&store, one.clone(), &[1]);
    ground.make(&store, other.clone(), &[2]);
    assert_eq!(ground.describe(&store, one.clone()).digest, None);
    assert!(ground.describe(&store, other.clone()).digest.is_some());
    ground.delete(&store, one).unwrap();
    assert!(ground.describe(&store, other).digest.is_some());

    // Snapshots of one volume have a record each.
    let disk = volume(MIB);
    let snapshots = [snapshot_of(&disk), snapshot_of(&disk)];
    for (at, snapshot) in snapshots.iter().enumerate() {
        ground.make(&store, snapshot.clone(), &[at as u8]);
    }
    for snapshot in &snapshots {
        assert!(ground.describe(&store, snapshot.clone()).digest.is_some());
    }
}
