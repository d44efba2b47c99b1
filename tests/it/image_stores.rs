//! Image stores and image caches on the real binary: stores of the plugin `nfs` are emptied into each
//! other, also while something comes and while the host dies, and pools are filled through a cache.

use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use tests::{Host, Installation, Pool, Provider, Source, eventually, objects_below, text};

const MIB: usize = 1 << 20;

/// Data, different for each number.
fn disk(number: u8) -> Vec<u8> {
    (0..12 * MIB).map(|at| (at / 7) as u8 ^ number).collect()
}

/// An installation with a pool, and the image store that a new host makes.
struct Place {
    place: Installation,
    host: Option<Host>,
    pool: Pool,
}

impl Place {
    fn new() -> Self {
        let place = Installation::with_images();
        let host = place.start();
        let pool = place.add_pool(&host, "pool", Provider::Filesystem);
        Self { place, host: Some(host), pool }
    }

    fn host(&self) -> &Host {
        self.host.as_ref().unwrap()
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
        let template = self.register(name, Source::of(bytes).url(), zone);
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
}

#[test]
fn a_store_is_emptied_while_a_template_comes_to_it() {
    let place = Place::new();
    let zone = place.pool.zone.clone();
    let (old, directory) = place.host().first_image_store();
    let there = place.registered("there", disk(1), &zone);
    let source = Source::of(disk(2));
    source.hold_at(disk(2).len() as u64 / 2);
    let comes = place.register("comes", source.url(), &zone);
    let (new, elsewhere) = place.add_store("new", &zone);

    let done = std::thread::scope(|scope| {
        let wish = [("srcpool", old.as_str()), ("destpools", &new)];
        let host = place.host();
        let moving = scope.spawn(move || host.job("migrateSecondaryStorageData", &wish));
        eventually("the first template is moved", || {
            let is_moved = !objects_below(&elsewhere).is_empty();
            let wish = [("templatefilter", "all"), ("id", &*there)];
            let template = place.host().list("listTemplates", &wish).remove(0);
            (is_moved && template["isready"] == true).then_some(())
        });
        source.let_go();
        moving.join().unwrap().unwrap()
    });
    let done = &done["imagestore"];
    assert_eq!(done["message"], "2 of 2 objects were moved");
    assert_eq!((&done["success"], &done["migrationtype"]), (&true.into(), &"complete".into()));
    assert_eq!(objects_below(&directory), Vec::<PathBuf>::new());
    place.host().is_in_order();

    let stores = place.host().list("listImageStores", &[]);
    let of = |id: &str| stores.iter().find(|store| store["id"] == id).unwrap().clone();
    assert_eq!((&of(&old)["readonly"], &of(&old)["objects"]), (&true.into(), &0.into()));
    assert_eq!(of(&new)["objects"], 2);
    assert!(of(&new)["disksizeused"].as_u64().unwrap() > 0);
    place.host().api("deleteImageStore", &[("id", &old)]);
    assert!(place.bytes_of(&there) == disk(1), "other bytes");
    assert!(place.bytes_of(&comes) == disk(2), "other bytes");
    place.host().is_in_order();
}

#[test]
fn a_store_is_emptied_although_the_host_dies_on_the_way() {
    let mut place = Place::new();
    let zone = place.pool.zone.clone();
    let (old, directory) = place.host().first_image_store();
    let all: Vec<_> =
        (1..4).map(|number| place.registered(&format!("t{number}"), disk(number), &zone)).collect();
    let (new, elsewhere) = place.add_store("new", &zone);
    let wish = [("srcpool", old.as_str()), ("destpools", &new)];
    let begun = place.host().api("migrateSecondaryStorageData", &wish);
    let job = text(&begun, "jobid");
    eventually("something begins to come", || {
        (!objects_below(&elsewhere).is_empty()).then_some(())
    });
    let host = place.host.take().unwrap();
    host.process().signal(Signal::KILL);
    host.wait();
    place.host = Some(place.place.start());

    let done = eventually("the migration is done", || {
        let job = place.host().api("queryAsyncJobResult", &[("jobid", &job)]);
        (job["jobstatus"] == 1).then_some(job)
    });
    assert_eq!(done["jobresult"]["imagestore"]["message"], "3 of 3 objects were moved");
    assert_eq!(objects_below(&directory), Vec::<PathBuf>::new());
    for (template, number) in all.iter().zip(1..) {
        assert!(place.bytes_of(template) == disk(number), "other bytes");
    }
    place.host().is_in_order();
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
    assert_eq!(images(objects_below(&directory)), 1);
    place.host().is_in_order();

    let id = text(&cache(), "id");
    let evicted = place.host().api("evictSecondaryStagingStore", &[("id", &id)]);
    let evicted = &evicted["secondarystagingstore"];
    assert_eq!((&evicted["evicted"], &evicted["inuse"]), (&1.into(), &0.into()));
    assert_eq!((cache()["objects"].clone(), objects_below(&directory)), (0.into(), Vec::new()));
    let events = place.host().list("listEvents", &[("type", "IMAGE.CACHE.EVICT")]);
    assert_eq!(events.len(), 1, "{events:#?}");
    place.host().api("deleteSecondaryStagingStore", &[("id", &id)]);
    place.host().is_in_order();
}
