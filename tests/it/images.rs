//! Templates and backups on the real binary: two zones, image stores of the plugin `nfs`, a source
//! that tells how many of its bytes were asked for.

use rustix::process::Signal;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use storage_host::cli::client::ClientError;
use tests::{Host, Installation, Pool, Provider, Source, eventually, objects_below, text};

const MIB: usize = 1 << 20;
/// Data, a hole, data.
const SIZE: usize = 48 * MIB;

fn disk() -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let is_data = !(24 * MIB..40 * MIB).contains(&at);
        if is_data {
            *byte = (at / 7 + at / 4096) as u8;
        }
    }
    bytes
}

/// An installation with pools and an image store in its first zone.
struct Place {
    place: Installation,
    host: Option<Host>,
    pool: Pool,
    images: PathBuf,
}

impl Place {
    fn new() -> Self {
        let place = Installation::with_images();
        let host = place.start();
        let pool = place.add_pool(&host, "pool", Provider::Filesystem);
        let (_, images) = host.first_image_store();
        Self { place, host: Some(host), pool, images }
    }

    fn host(&self) -> &Host {
        self.host.as_ref().unwrap()
    }

    fn killed_and_started_again(&mut self) {
        let host = self.host.take().unwrap();
        host.process().signal(Signal::KILL);
        host.wait();
        self.host = Some(self.place.start());
    }

    fn register(&self, url: &str, more: &[(&str, &str)]) -> String {
        let mut wish = BTreeMap::from([
            ("name", "golden"),
            ("displaytext", "golden"),
            ("url", url),
            ("format", "RAW"),
            ("hypervisor", "KVM"),
            ("zoneid", self.pool.zone.as_str()),
        ]);
        wish.extend(more.iter().copied());
        let wish: Vec<_> = wish.into_iter().collect();
        let answer = self.host().api("registerTemplate", &wish);
        assert_eq!(answer["count"], 1);
        text(&answer["template"][0], "id")
    }

    fn template(&self, id: &str) -> serde_json::Value {
        let wish = [("templatefilter", "all"), ("id", id)];
        self.host().list("listTemplates", &wish).remove(0)
    }

    fn ready(&self, id: &str) {
        eventually("the template is ready", || {
            let template = self.template(id);
            let status = template["status"].as_str().unwrap_or_default().to_owned();
            assert!(
                template["isready"] == true || status.contains("Process") || status.contains('%'),
                "{template:#}"
            );
            (template["isready"] == true).then_some(())
        });
    }

    /// The files of objects on the image store.
    fn image_files(&self) -> Vec<PathBuf> {
        objects_below(&self.images)
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn volume(place: &Place, name: &str, more: &[(&str, &str)]) -> Result<String, serde_json::Value> {
    let mut wish = vec![("name", name)];
    wish.extend(more);
    place.host().job("createVolume", &wish).map(|done| text(&done["volume"], "path"))
}

#[test]
fn a_template_is_registered_and_fifty_volumes_at_once_come_of_one_transfer() {
    let place = Place::new();
    let source = Source::of(disk());
    let checksum = format!("{{SHA-256}}{}", sha256(&disk()));
    let template = place.register(source.url(), &[("checksum", &checksum)]);
    place.ready(&template);
    assert_eq!(source.sent(), SIZE as u64, "each byte once");
    assert_eq!(place.template(&template)["size"], SIZE as u64);

    let zone = place.pool.zone.as_str();
    let paths: Vec<String> = std::thread::scope(|scope| {
        let made: Vec<_> = (0..50)
            .map(|number| {
                let (place, template) = (&place, template.as_str());
                scope.spawn(move || {
                    let name = format!("of-template-{number}");
                    let pool = place.pool.id.as_str();
                    let more = [("templateid", template), ("zoneid", zone), ("storageid", pool)];
                    volume(place, &name, &more).unwrap()
                })
            })
            .collect();
        made.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let copies = place.host().list("listOperations", &[]);
    let copies: Vec<_> = copies.iter().filter(|one| one["flow"] == "template.copy").collect();
    assert_eq!(copies.len(), 1, "{copies:#?}");
    let expected = disk();
    for path in paths {
        assert!(fs::read(place.pool.directory.join(path)).unwrap() == expected, "other bytes");
    }
    place.host().is_in_order();

    place.host().job("deleteTemplate", &[("id", &template)]).unwrap();
    assert_eq!(place.image_files(), Vec::<PathBuf>::new());
    assert_eq!(place.host().list("listTemplates", &[("templatefilter", "all")]).len(), 0);
    place.host().is_in_order();
}

#[test]
fn a_download_that_a_kill_breaks_goes_on_and_asks_for_nothing_twice() {
    // Large enough that tokens were written down before it stops.
    let bytes: Vec<u8> = (0..256 * MIB).map(|at| (at / 3 + at / 65_536) as u8).collect();
    let mut place = Place::new();
    let source = Source::of(bytes.clone());
    let stop = 200 * MIB as u64;
    source.hold_at(stop);
    let checksum = sha256(&bytes);
    let template = place.register(source.url(), &[("checksum", &checksum)]);
    eventually("most of it was sent", || (source.sent() >= stop).then_some(()));
    let durable = eventually("all tokens were kept", || {
        let durable = text(&place.template(&template)["downloaddetails"][0], "durableBytes");
        durable.parse::<u64>().ok().filter(|durable| *durable > 0)
    });
    let before = source.sent();
    place.killed_and_started_again();
    source.let_go();
    place.ready(&template);
    let again = source.sent() - before;
    assert!(again <= bytes.len() as u64 - durable, "{again} bytes came again, after {durable}");
    let files = place.image_files();
    let is_raw = |file: &&PathBuf| file.extension().is_some_and(|end| end == "raw");
    let file = files.iter().find(is_raw).unwrap_or_else(|| panic!("only {files:?}"));
    assert!(fs::read(file).unwrap() == bytes, "other bytes");
    place.host().is_in_order();
}

#[test]
fn a_backup_outlives_pool_and_volume_and_is_restored_in_another_zone() {
    let place = Place::new();
    let host = place.host();
    let zone = place.pool.zone.clone();
    let wish = [("sizebytes", "50331648"), ("zoneid", &zone), ("storageid", &place.pool.id)];
    let path = volume(&place, "data", &wish).unwrap();
    let expected = disk();
    fs::write(place.pool.directory.join(&path), &expected).unwrap();
    let id = text(&host.list("listVolumes", &[("name", "data")])[0], "id");
    let taken = host.job("createSnapshot", &[("volumeid", &id), ("name", "s")]).unwrap();
    let snapshot = text(&taken["snapshot"], "id");
    let done = host.job("archiveSnapshot", &[("id", &snapshot)]).unwrap();
    assert_eq!(done["snapshot"]["locationtype"], "SECONDARY");
    host.job("deleteVolume", &[("id", &id)]).unwrap();
    assert_eq!(place.pool.files(), std::collections::BTreeSet::new());

    let other = host.api("createZone", &[("name", "other"), ("networktype", "Advanced")]);
    let other = text(&other["zone"], "id");
    let directory = place.place.file("elsewhere");
    let url = format!("file://{}", directory.display());
    let wish =
        [("name", "elsewhere"), ("url", &url), ("zoneid", &other), ("provider", "Filesystem")];
    host.api("createStoragePool", &wish);
    let wish = [("snapshotid", snapshot.as_str()), ("zoneid", &other)];
    let restored = volume(&place, "restored", &wish).unwrap();
    assert!(fs::read(directory.join(restored)).unwrap() == expected, "other bytes");
    let refused = host.job("revertSnapshot", &[("id", &snapshot)]).unwrap_err();
    assert!(refused["errortext"].as_str().unwrap().contains("archived"), "{refused}");
    place.host().is_in_order();
    host.job("deleteSnapshot", &[("id", &snapshot)]).unwrap();
    assert_eq!(place.image_files(), Vec::<PathBuf>::new());
    place.host().is_in_order();
}

#[test]
fn a_backup_that_a_kill_breaks_goes_on_and_moves_nothing_twice() {
    const BYTES: usize = 160 * MIB;
    // A writer's first token, which is written down at once.
    const DURABLE: u64 = 16 << 20;
    // The store's own journal, and requests.
    const OTHERS: u64 = 8 << 20;
    let mut place = Place::new();
    let (zone, size) = (place.pool.zone.clone(), BYTES.to_string());
    let wish = [("sizebytes", &*size), ("zoneid", &zone), ("storageid", &place.pool.id)];
    let path = volume(&place, "data", &wish).unwrap();
    let expected: Vec<u8> = (0..BYTES).map(|at| (at / 5 + at / 65_536) as u8 | 1).collect();
    fs::write(place.pool.directory.join(&path), &expected).unwrap();
    let id = text(&place.host().list("listVolumes", &[("name", "data")])[0], "id");
    let taken = place.host().job("createSnapshot", &[("volumeid", &id), ("name", "s")]).unwrap();
    let snapshot = text(&taken["snapshot"], "id");
    // Slow enough to be met in its midst.
    let store = text(&place.host().list("listImageStores", &[])[0], "id");
    let limit = |place: &Place, bandwidth: &str| {
        let wish = [("id", store.as_str()), ("bandwidth", bandwidth)];
        place.host().api("updateImageStore", &wish)["imagestore"]["bandwidth"].clone()
    };
    assert_eq!(limit(&place, "50331648"), 48 << 20);

    let begun = place.host().api("backupSnapshot", &[("id", &snapshot)]);
    let job = text(&begun, "jobid");
    eventually("most of it was moved", || {
        let shown = place.host().api("queryAsyncJobResult", &[("jobid", &job)]);
        assert_eq!(shown["jobstatus"], 0, "{shown}");
        shown["donebytes"].as_u64().filter(|done| *done > 6 * DURABLE)
    });
    place.killed_and_started_again();
    assert!(limit(&place, "0").is_null());
    place.host().wait_for_job(&job).unwrap();
    let (read, written) = tests::bytes_moved(place.host().process().pid());
    // What a start costs by itself: libraries are read and digested.
    place.killed_and_started_again();
    place.host().is_well();
    let (read, written) = {
        let idle = tests::bytes_moved(place.host().process().pid());
        (read.saturating_sub(idle.0), written.saturating_sub(idle.1))
    };
    let most = BYTES as u64 - DURABLE + OTHERS;
    assert!(written < most, "{written} bytes were written after the kill, of {BYTES}");
    assert!(read < most, "{read} bytes were read after the kill, of {BYTES}");
    let files = place.image_files();
    let copy = files.iter().find(|file| fs::read(file).unwrap() == expected);
    assert!(copy.is_some(), "other bytes: {files:?}");
    place.host().is_in_order();
}

#[test]
fn what_is_not_taken_tells_why_and_leaves_nothing() {
    let place = Place::new();
    let source = Source::of(b"QFI\xfb\0\0\0\x03 and nothing more".to_vec());
    let wrong = place.register(source.url(), &[("checksum", "00000000000000000000000000000000")]);
    let lies = place.register(source.url(), &[("format", "QCOW2")]);
    let nowhere = place.register("http://127.0.0.1:9/none.raw", &[]);
    for (template, why) in
        [(&wrong, "{MD5}"), (&lies, "the image is not taken"), (&nowhere, "127.0.0.1:9")]
    {
        let status = eventually("it failed", || {
            let shown = place.template(template);
            let details = &shown["downloaddetails"][0];
            let is_error = details["downloadState"] == "DOWNLOAD_ERROR";
            is_error.then(|| text(&shown, "status"))
        });
        assert!(status.contains(why), "{status}");
        let wish =
            [("name", "no"), ("templateid", template.as_str()), ("zoneid", &place.pool.zone)];
        let refused = match place.host().try_api("createVolume", &wish) {
            Err(ClientError::Refused { text, .. }) => text,
            answered => panic!("{answered:?}"),
        };
        assert!(refused.contains("not ready"), "{refused}");
    }
    assert_eq!(place.image_files(), Vec::<PathBuf>::new());
    for template in [wrong, lies, nowhere] {
        place.host().job("deleteTemplate", &[("id", &template)]).unwrap();
    }
    assert!(place.host().list("listTemplates", &[("templatefilter", "all")]).is_empty());
    place.host().is_in_order();
}
