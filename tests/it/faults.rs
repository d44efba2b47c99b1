//! A driver of real volumes that lies, dawdles and breaks: whatever it does, each operation ends in
//! truth, what was done or what was undone, and volumes on another plugin's pool go on meanwhile.

use serde_json::Value;
use std::fs;
use std::time::Instant;
use tests::{Host, Installation, Pool, Provider, Row, eventually, text};

/// So long may a call of the plugin make no progress.
const WINDOW: &str = "300ms";

/// A host with a pool on the plugin that misbehaves and one on a plugin that does not.
struct Place {
    installation: Installation,
    host: Host,
    bad: Pool,
    good: Pool,
}

impl Place {
    fn new() -> Self {
        let installation = Installation::with_pools();
        let trace = installation.file("trace").display().to_string();
        let row = Row::fault("fault").key("call_timeout", WINDOW).set("trace", trace);
        let installation = installation.row(row);
        let host = installation.start();
        let good = installation.add_pool(&host, "good", Provider::Filesystem);
        let added = host.api(
            "createStoragePool",
            &[
                ("name", "bad"),
                ("url", "fault://x/y"),
                ("zoneid", &good.zone),
                ("provider", "Fault"),
            ],
        );
        let bad = Pool { id: text(&added["storagepool"], "id"), ..good.clone() };
        Self { installation, host, bad, good }
    }

    /// Asks for a volume that the driver treats as its name says.
    fn create(&self, name: &str) -> Result<Value, Value> {
        let wish = [
            ("name", name),
            ("sizebytes", "1048576"),
            ("storageid", &self.bad.id),
            ("zoneid", &self.bad.zone),
        ];
        self.host.job("createVolume", &wish)
    }

    /// Whether the driver holds a volume, by what it traced.
    fn holds(&self) -> bool {
        let trace = fs::read_to_string(self.installation.file("trace")).unwrap_or_default();
        let count = |word: &str| trace.lines().filter(|line| line.ends_with(word)).count();
        count("is there") > count("is gone")
    }

    /// Nothing of it is left: no record, no reservation, nothing at the driver's.
    #[track_caller]
    fn is_undone(&self, name: &str) {
        assert!(self.host.list("listVolumes", &[]).is_empty(), "{name}");
        assert!(!self.holds(), "{name}: the driver still holds it");
        let operations = self.host.list("listOperations", &[("flow", "volume.create")]);
        assert!(operations.iter().all(|one| one["phase"] == "undone"), "{name}: {operations:#?}");
        let pools = self.host.list("listStoragePools", &[("id", &self.bad.id)]);
        assert_eq!(pools[0]["disksizeallocated"], 0, "{name}: {pools:?}");
    }

    /// A volume of the other plugin comes and goes as if nothing were.
    #[track_caller]
    fn others_go_on(&self) {
        let begun = Instant::now();
        let volume = self.host.create_volume(&self.good, "good", 1 << 20);
        self.host.agrees_with(&self.good);
        self.host.job("deleteVolume", &[("id", &volume)]).unwrap();
        assert!(begun.elapsed() < tests::LONG / 4, "{:?}", begun.elapsed());
    }
}

#[test]
fn an_error_a_panic_or_garbage_ends_the_call_and_nothing_is_left() {
    // How it misbehaves, and a word of what the client is told.
    const CASES: [(&str, &str); 6] = [
        ("panic", "panicked"),
        ("error-and-done", "told to fail"),
        ("lie-huge", "more are needed"),
        ("lie-empty-path", "has no path"),
        ("lie-small", "smaller than asked for"),
        ("lie-absent", "is not there"),
    ];
    let case = |(name, words): (&str, &str)| {
        let place = Place::new();
        let error = place.create(name).unwrap_err();
        assert!(text(&error, "errortext").contains(words), "{name}: {error}");
        place.is_undone(name);
        place.others_go_on();
    };
    // Side by side, for most of the time each waits before it tries again.
    std::thread::scope(|scope| {
        for one in CASES {
            scope.spawn(move || case(one));
        }
    });
}

#[test]
fn a_call_that_takes_effect_after_it_was_given_up_is_found_done() {
    let place = Place::new();
    let done = place.create("late").unwrap();
    assert_eq!(done["volume"]["state"], "Ready", "{done}");
    let operations = place.host.list("listOperations", &[("flow", "volume.create")]);
    assert_eq!((operations.len(), &operations[0]["phase"]), (1, &Value::from("done")));
    let journal = operations[0]["journal"].to_string();
    assert!(journal.contains("made no progress for 300ms"), "{journal}");
}

#[test]
fn a_delete_that_fails_or_panics_after_its_work_is_done_is_done() {
    for name in ["delete-error-and-done", "delete-panic"] {
        let place = Place::new();
        let made = place.create(name).unwrap();
        let id = text(&made["volume"], "id");
        place.host.job("deleteVolume", &[("id", &id)]).unwrap();
        assert!(place.host.list("listVolumes", &[]).is_empty(), "{name}");
        assert_eq!(place.host.findings(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_path_or_details_of_another_volume_harm_none() {
    let place = Place::new();
    let other = place.create("lie-other").unwrap();
    let plain = place.create("plain").unwrap();
    place.host.job("deleteVolume", &[("id", &text(&other["volume"], "id"))]).unwrap();
    let left = place.host.list("listVolumes", &[]);
    assert_eq!((left.len(), &left[0]["id"]), (1, &plain["volume"]["id"]), "{left:?}");
}

#[test]
fn a_driver_that_hangs_opens_its_circuit_and_holds_up_nobody_else() {
    let place = Place::new();
    let wish = [
        ("name", "hang"),
        ("sizebytes", "1048576"),
        ("storageid", &*place.bad.id),
        ("zoneid", &place.bad.zone),
    ];
    let job = text(&place.host.api("createVolume", &wish), "jobid");
    eventually("the doctor tells of the open circuit", || {
        place.others_go_on();
        let found = place.host.findings();
        found
            .iter()
            .any(|one| one.contains("\\\"bad\\\"") && one.contains("is left alone"))
            .then_some(())
    });
    let waiting = place.host.list("listOperations", &[("id", &job)]);
    assert!(waiting[0]["waitingfor"].is_string(), "it says what it waits for: {waiting:#?}");
    let doctor = place.installation.run(&["doctor"]).with_code(1);
    assert!(doctor.out.contains("is left alone"), "{doctor:?}");
    place.others_go_on();

    // It gives up by itself, in the end, and then nothing is left.
    let error = place.host.wait_for_job(&job).unwrap_err();
    assert!(text(&error, "errortext").contains("made no progress"), "{error}");
    let create = place.host.list("listOperations", &[("id", &job)]);
    assert_eq!(create[0]["phase"], "undone", "{create:#?}");
    assert!(place.host.list("listVolumes", &[]).is_empty());
    // And the pool serves again.
    assert_eq!(place.create("plain").unwrap()["volume"]["state"], "Ready");
    assert_eq!(place.host.findings(), Vec::<String>::new());
}
