//! Image stores and image caches on the real binary: stores of the plugin `nfs` are emptied into each
//! other, also while something comes and while the host dies, and pools are filled through a cache.

use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use tests::{Host, Installation, Pool, Provider, Row, eventually, text};

const MIB: usize = 1 << 20;

/// Data, different for each number.
fn disk(number: u8) -> Vec<u8> {
    (0..12 * MIB).map(|at| (at / 7) as u8 ^ number).collect()
}

/// A gate that is shut until it is opened.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(is_open, |is_open| !*is_open).unwrap());
    }
}

/// An HTTP server of some bytes, whose second half is behind a gate.
fn serve(bytes: Vec<u8>, gate: Arc<Gate>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/disk.raw", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (bytes, gate) = (bytes.clone(), Arc::clone(&gate));
            std::thread::spawn(move || answer(&connection, &bytes, &gate));
        }
    });
    url
}

fn answer(mut connection: &std::net::TcpStream, bytes: &[u8], gate: &Gate) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line);
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
        connection.write_all(head.as_bytes()).ok()?;
        if lines.first()?.starts_with("HEAD") {
            continue;
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        connection.write_all(first).ok()?;
        gate.pass();
        connection.write_all(second).ok()?;
    }
}

/// An installation with a pool, and the image store that a new host makes.
struct Place {
    place: Installation,
    host: Option<Host>,
    pool: Pool,
}

impl Place {
    fn new() -> Self {
        let place = Installation::with_pools()
            .row(Row::image("nfs", "nfs"))
            .storage_key("download_allow", vec!["127.0.0.1"]);
        let host = place.start();
        let pool = place.add_pool(&host, "pool", Provider::Filesystem);
        eventually("the first image store is up", || {
            let stores = host.list("listImageStores", &[]);
            stores.first().filter(|store| store["state"] == "Up").map(drop)
        });
        Self { place, host: Some(host), pool }
    }

    fn host(&self) -> &Host {
        self.host.as_ref().unwrap()
    }

    fn first_store(&self) -> (String, PathBuf) {
        let store = self.host().list("listImageStores", &[("name", "secondary")]).remove(0);
        (text(&store, "id"), self.host().data_dir().join("images"))
    }

    /// Another image store of a zone; its id and directory.
    fn add_store(&self, name: &str, zone: &str) -> (String, PathBuf) {
        let directory = self.place.file(name);
        let url = format!("file://{}", directory.display());
        let wish = [("name", name), ("url", &url), ("zoneid", zone), ("provider", "NFS")];
        let added = self.host().api("addImageStore", &wish);
        (text(&added["imagestore"], "id"), directory)
    }

    fn register(&self, name: &str, url: &str, zone: &str) -> String {
        let wish = [
            ("name", name),
            ("displaytext", name),
            ("url", url),
            ("format", "RAW"),
            ("hypervisor", "KVM"),
            ("zoneid", zone),
        ];
        text(&self.host().api("registerTemplate", &wish)["template"][0], "id")
    }

    fn registered(&self, name: &str, bytes: Vec<u8>, zone: &str) -> String {
        let gate = Arc::new(Gate::default());
        gate.open();
        let template = self.register(name, &serve(bytes, gate), zone);
        eventually("the template is ready", || {
            let wish = [("templatefilter", "all"), ("id", &*template)];
            let template = self.host().list("listTemplates", &wish).remove(0);
            (template["isready"] == true).then_some(())
        });
        template
    }

    /// The bytes of a volume that is made of a template.
    fn bytes_of(&self, template: &str) -> Vec<u8> {
        let zone = self.pool.zone.as_str();
        let pool = self.pool.id.as_str();
        let wish =
            [("name", template), ("templateid", template), ("zoneid", zone), ("storageid", pool)];
        let done = self.host().job("createVolume", &wish).unwrap();
        fs::read(self.pool.directory.join(text(&done["volume"], "path"))).unwrap()
    }

    fn is_in_order(&self) {
        self.host().is_well();
        let orphans = self.host().list("scanOrphans", &[]);
        assert!(orphans.is_empty(), "{orphans:#?}");
    }
}

/// The files of objects below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files.retain(|file| !file.file_name().unwrap().to_string_lossy().starts_with('.'));
    files
}

#[test]
fn a_store_is_emptied_while_a_template_comes_to_it() {
    let place = Place::new();
    let zone = place.pool.zone.clone();
    let (old, directory) = place.first_store();
    let there = place.registered("there", disk(1), &zone);
    let gate = Arc::new(Gate::default());
    let comes = place.register("comes", &serve(disk(2), Arc::clone(&gate)), &zone);
    let (new, elsewhere) = place.add_store("new", &zone);

    let done = std::thread::scope(|scope| {
        let wish = [("srcpool", old.as_str()), ("destpools", &new)];
        let host = place.host();
        let moving = scope.spawn(move || host.job("migrateSecondaryStorageData", &wish));
        eventually("the first template is moved", || {
            let is_moved = !files_below(&elsewhere).is_empty();
            let wish = [("templatefilter", "all"), ("id", &*there)];
            let template = place.host().list("listTemplates", &wish).remove(0);
            (is_moved && template["isready"] == true).then_some(())
        });
        gate.open();
        moving.join().unwrap().unwrap()
    });
    let done = &done["imagestore"];
    assert_eq!(done["message"], "2 of 2 objects were moved");
    assert_eq!((&done["success"], &done["migrationtype"]), (&true.into(), &"complete".into()));
    assert_eq!(files_below(&directory), Vec::<PathBuf>::new());
    place.is_in_order();

    let stores = place.host().list("listImageStores", &[]);
    let of = |id: &str| stores.iter().find(|store| store["id"] == id).unwrap().clone();
    assert_eq!((&of(&old)["readonly"], &of(&old)["objects"]), (&true.into(), &0.into()));
    assert_eq!(of(&new)["objects"], 2);
    assert!(of(&new)["disksizeused"].as_u64().unwrap() > 0);
    place.host().api("deleteImageStore", &[("id", &old)]);
    assert!(place.bytes_of(&there) == disk(1), "other bytes");
    assert!(place.bytes_of(&comes) == disk(2), "other bytes");
    place.is_in_order();
}

#[test]
fn a_store_is_emptied_although_the_host_dies_on_the_way() {
    let mut place = Place::new();
    let zone = place.pool.zone.clone();
    let (old, directory) = place.first_store();
    let all: Vec<_> =
        (1..4).map(|number| place.registered(&format!("t{number}"), disk(number), &zone)).collect();
    let (new, elsewhere) = place.add_store("new", &zone);
    let wish = [("srcpool", old.as_str()), ("destpools", &new)];
    let begun = place.host().api("migrateSecondaryStorageData", &wish);
    let job = text(&begun, "jobid");
    eventually("something begins to come", || (!files_below(&elsewhere).is_empty()).then_some(()));
    let host = place.host.take().unwrap();
    host.process().signal(Signal::KILL);
    host.wait();
    place.host = Some(place.place.start());

    let done = eventually("the migration is done", || {
        let job = place.host().api("queryAsyncJobResult", &[("jobid", &job)]);
        (job["jobstatus"] == 1).then_some(job)
    });
    assert_eq!(done["jobresult"]["imagestore"]["message"], "3 of 3 objects were moved");
    assert_eq!(files_below(&directory), Vec::<PathBuf>::new());
    for (template, number) in all.iter().zip(1..) {
        assert!(place.bytes_of(template) == disk(number), "other bytes");
    }
    place.is_in_order();
}

#[test]
fn pools_are_filled_through_the_cache_of_their_zone() {
    let place = Place::new();
    let zone = place.pool.zone.clone();
    let far = place.host().api("createZone", &[("name", "far"), ("networktype", "Advanced")]);
    let far = text(&far["zone"], "id");
    place.add_store("far", &far);
    let template = place.registered("golden", disk(7), &far);
    let directory = place.place.file("cache");
    let url = format!("file://{}", directory.display());
    let wish = [("url", url.as_str()), ("zoneid", &zone), ("provider", "NFS")];
    place.host().api("createSecondaryStagingStore", &wish);
    let cache = || place.host().list("listSecondaryStagingStores", &[]).remove(0);

    assert!(place.bytes_of(&template) == disk(7), "other bytes");
    assert_eq!(cache()["objects"], 1);
    let images = |files: Vec<PathBuf>| {
        files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "raw")).count()
    };
    assert_eq!(images(files_below(&directory)), 1);
    place.is_in_order();

    let id = text(&cache(), "id");
    let evicted = place.host().api("evictSecondaryStagingStore", &[("id", &id)]);
    let evicted = &evicted["secondarystagingstore"];
    assert_eq!((&evicted["evicted"], &evicted["inuse"]), (&1.into(), &0.into()));
    assert_eq!((cache()["objects"].clone(), files_below(&directory)), (0.into(), Vec::new()));
    let events = place.host().list("listEvents", &[("type", "IMAGE.CACHE.EVICT")]);
    assert_eq!(events.len(), 1, "{events:#?}");
    place.host().api("deleteSecondaryStagingStore", &[("id", &id)]);
    place.is_in_order();
}
