//! A client: wishes by chance, sends with a token, believes only what is acknowledged.

use crate::chance::Chance;
use crate::check::write_bytes;
use crate::model::{Bytes, Model, Snapshot, Volume, Wish};
use crate::scene::Scene;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use storage_host::cli::client::{Client as Api, ClientError};
use tests::{LONG, OrFail};

const MIB: u64 = 1 << 20;
/// How many volumes a client keeps at most.
const VOLUMES: usize = 6;

/// One client, with what it knows.
#[derive(Debug)]
pub(crate) struct Client {
    number: usize,
    chance: Chance,
    zone: String,
    pools: Vec<(String, PathBuf)>,
    pub(crate) model: Model,
    /// What was sent last and not answered: with its token.
    pending: Option<(Wish, String)>,
    made: u64,
    pub(crate) acknowledged: u64,
    /// How often what was undone, by the reason, its ids left out.
    pub(crate) undone: BTreeMap<String, u64>,
}

/// How a wish ended.
enum Ending {
    /// It was done; the object it made, if it made one.
    Done(Option<String>),
    /// It failed, and nothing of it is left.
    Undone(String),
    /// The host was gone before it said so.
    Unknown,
}

impl Client {
    pub(crate) fn new(number: usize, chance: Chance, scene: &Scene) -> Self {
        Self {
            number,
            chance,
            zone: scene.zone.clone(),
            pools: scene.pools.clone(),
            model: Model::default(),
            pending: None,
            made: 0,
            acknowledged: 0,
            undone: BTreeMap::new(),
        }
    }

    /// Works until the host is gone, or it is told to stop.
    pub(crate) fn work(&mut self, data_dir: &Path, stop: &AtomicBool) {
        let Ok(api) = Api::discover(data_dir) else {
            return;
        };
        while !stop.load(Ordering::Relaxed) {
            let wish = self.wish();
            let token = self.chance.word();
            self.pending = Some((wish.clone(), token.clone()));
            if !self.fulfil(&api, wish, &token) {
                return;
            }
        }
    }

    /// Sends again what had no answer, and waits for its end.
    pub(crate) fn settle(&mut self, data_dir: &Path) {
        let Some((wish, token)) = self.pending.clone() else {
            return;
        };
        let api = Api::discover(data_dir).or_fail("find the host");
        assert!(self.fulfil(&api, wish, &token), "the host went away, and nobody had killed it");
    }

    /// `false` where the host was gone before it answered.
    fn fulfil(&mut self, api: &Api, wish: Wish, token: &str) -> bool {
        match self.send(api, &wish, token) {
            Ending::Unknown => return false,
            Ending::Undone(why) => {
                let why = without_ids(&why);
                *self.undone.entry(why).or_default() += 1;
            }
            Ending::Done(object) => {
                self.acknowledged += 1;
                self.learn(api, wish, object);
            }
        }
        self.pending = None;
        true
    }

    fn send(&self, api: &Api, wish: &Wish, token: &str) -> Ending {
        let (command, mut params) = self.request(wish);
        params.push(("clienttoken", token.to_owned()));
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match api.call(command, &params) {
            Ok(answer) => match answer["jobid"].as_str() {
                Some(job) => wait_for(api, job),
                None => Ending::Done(None),
            },
            Err(error) => refused(&error),
        }
    }

    fn request(&self, wish: &Wish) -> (&'static str, Vec<(&'static str, String)>) {
        let id = |id: &String| vec![("id", id.clone())];
        match wish {
            Wish::Create { name, pool, size_bytes } => (
                "createVolume",
                vec![
                    ("name", name.clone()),
                    ("zoneid", self.zone.clone()),
                    ("storageid", self.pools[*pool].0.clone()),
                    ("sizebytes", size_bytes.to_string()),
                ],
            ),
            Wish::Clone { name, of } => {
                ("createVolume", vec![("name", name.clone()), ("sourcevolumeid", of.clone())])
            }
            Wish::FromSnapshot { name, of } => {
                ("createVolume", vec![("name", name.clone()), ("snapshotid", of.clone())])
            }
            Wish::Grow { volume, size_bytes } => (
                "resizeVolume",
                vec![("id", volume.clone()), ("sizebytes", size_bytes.to_string())],
            ),
            Wish::Destroy { volume } => ("destroyVolume", id(volume)),
            Wish::Recover { volume } => ("recoverVolume", id(volume)),
            Wish::Delete { volume } => ("deleteVolume", id(volume)),
            Wish::TakeSnapshot { volume } => ("createSnapshot", vec![("volumeid", volume.clone())]),
            Wish::Revert { snapshot } => ("revertSnapshot", id(snapshot)),
            Wish::DeleteSnapshot { snapshot } => ("deleteSnapshot", id(snapshot)),
        }
    }

    /// What to do next: anything that should succeed.
    fn wish(&mut self) -> Wish {
        self.made += 1;
        let name = format!("crash-{}-{}", self.number, self.made);
        let live: Vec<String> = self.ids(|volume| !volume.destroyed);
        let destroyed: Vec<String> = self.ids(|volume| volume.destroyed);
        let snapshots: Vec<String> = self.model.snapshots.keys().cloned().collect();
        let choice = self.chance.below(100);
        let volume = self.chance.one_of(&live).cloned();
        let snapshot = self.chance.one_of(&snapshots).cloned();
        if let Some(volume) = self.chance.one_of(&destroyed).cloned() {
            let deletable = self.is_without_snapshots(&volume);
            return match choice < 50 || !deletable {
                true => Wish::Recover { volume },
                false => Wish::Delete { volume },
            };
        }
        let is_full = self.model.volumes.len() >= VOLUMES;
        match (choice, volume, snapshot) {
            (_, Some(volume), _) if is_full && self.is_without_snapshots(&volume) => {
                Wish::Delete { volume }
            }
            (_, _, Some(snapshot)) if is_full => Wish::DeleteSnapshot { snapshot },
            (0..15, Some(volume), _) if self.is_without_snapshots(&volume) => {
                Wish::Delete { volume }
            }
            (15..30, Some(volume), _) => {
                let size_bytes = self.model.volumes[&volume].size_bytes + MIB;
                Wish::Grow { volume, size_bytes }
            }
            (30..40, Some(volume), _) => Wish::TakeSnapshot { volume },
            (40..47, _, Some(snapshot)) if self.is_revertible(&snapshot) => {
                Wish::Revert { snapshot }
            }
            (47..54, _, Some(snapshot)) => Wish::DeleteSnapshot { snapshot },
            (54..60, _, Some(of)) => Wish::FromSnapshot { name, of },
            (60..66, Some(of), _) => Wish::Clone { name, of },
            (66..72, Some(volume), _) => Wish::Destroy { volume },
            _ => {
                let pool = usize::from(self.chance.below(2) == 0);
                Wish::Create { name, pool, size_bytes: MIB * (1 + self.chance.below(8)) }
            }
        }
    }

    fn ids(&self, which: impl Fn(&Volume) -> bool) -> Vec<String> {
        let volumes = self.model.volumes.iter().filter(|(_, volume)| which(volume));
        volumes.map(|(id, _)| id.clone()).collect()
    }

    fn is_without_snapshots(&self, volume: &str) -> bool {
        self.model.snapshots.values().all(|snapshot| snapshot.volume != volume)
    }

    fn is_revertible(&self, snapshot: &str) -> bool {
        let volume = &self.model.snapshots[snapshot].volume;
        self.model.volumes.get(volume).is_some_and(|volume| !volume.destroyed)
    }

    /// What is known once a wish was fulfilled.
    fn learn(&mut self, api: &Api, wish: Wish, object: Option<String>) {
        let model = &mut self.model;
        match wish {
            Wish::Create { name, size_bytes, .. } => {
                let id = object.or_fail("the id of a volume");
                let volume = Volume { name, size_bytes, bytes: None, destroyed: false };
                model.volumes.insert(id.clone(), volume);
                self.write(api, &id);
            }
            Wish::Clone { name, of } => {
                let source = model.volumes[&of].clone();
                let volume = Volume { name, ..source };
                model.volumes.insert(object.or_fail("the id of a clone"), volume);
            }
            Wish::FromSnapshot { name, of } => {
                let Snapshot { size_bytes, bytes, .. } = model.snapshots[&of].clone();
                let volume = Volume { name, size_bytes, bytes, destroyed: false };
                model.volumes.insert(object.or_fail("the id of a volume"), volume);
            }
            Wish::Grow { volume, size_bytes } => {
                model.volumes.get_mut(&volume).or_fail("a volume").size_bytes = size_bytes;
            }
            Wish::Destroy { volume } => {
                model.volumes.get_mut(&volume).or_fail("a volume").destroyed = true;
            }
            Wish::Recover { volume } => {
                model.volumes.get_mut(&volume).or_fail("a volume").destroyed = false;
            }
            Wish::Delete { volume } => {
                model.volumes.remove(&volume);
            }
            Wish::TakeSnapshot { volume } => {
                let Volume { size_bytes, bytes, .. } = model.volumes[&volume].clone();
                let snapshot = Snapshot { volume: volume.clone(), size_bytes, bytes };
                model.snapshots.insert(object.or_fail("the id of a snapshot"), snapshot);
                self.write(api, &volume);
            }
            Wish::Revert { snapshot } => {
                let Snapshot { volume, size_bytes, bytes } = model.snapshots[&snapshot].clone();
                let volume = model.volumes.get_mut(&volume).or_fail("a volume");
                (volume.size_bytes, volume.bytes) = (size_bytes, bytes);
            }
            Wish::DeleteSnapshot { snapshot } => {
                model.snapshots.remove(&snapshot);
            }
        }
    }

    /// Writes new bytes into a volume, as an instance would. Where the host is gone before it
    /// says where the volume is, the bytes stay as they are.
    fn write(&mut self, api: &Api, id: &str) {
        let Ok(listed) = api.call("listVolumes", &[("id", id)]) else {
            return;
        };
        let listed = &listed["volume"][0];
        let path = listed["path"].as_str().or_fail("a path");
        let pool = listed["storageid"].as_str().or_fail("a pool");
        let (_, directory) =
            self.pools.iter().find(|(one, _)| one == pool).or_fail("a pool of ours");
        let volume = self.model.volumes.get_mut(id).or_fail("a volume");
        let version = volume.bytes.as_ref().map_or(1, |bytes| bytes.version + 1);
        let bytes = Bytes { writer: id.to_owned(), version };
        write_bytes(&directory.join(path), &bytes);
        volume.bytes = Some(bytes);
    }
}

/// Waits for the end of a job.
#[expect(clippy::disallowed_methods, reason = "the API has no event to wait for")]
fn wait_for(api: &Api, job: &str) -> Ending {
    let begun = Instant::now();
    loop {
        let answer = match api.call("queryAsyncJobResult", &[("jobid", job)]) {
            Ok(answer) => answer,
            Err(error) => return refused(&error),
        };
        let object = || answer["jobinstanceid"].as_str().map(str::to_owned);
        match answer["jobstatus"].as_u64() {
            Some(1) => return Ending::Done(object()),
            Some(2) => return Ending::Undone(text_of(&answer["jobresult"])),
            _ => {}
        }
        assert!(begun.elapsed() < LONG, "stuck: {answer}");
        // sleeps because the API has no way to be told of the end of a job
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn text_of(result: &Value) -> String {
    result["errortext"].as_str().unwrap_or("without a reason").to_owned()
}

fn refused(error: &ClientError) -> Ending {
    match error {
        // It says itself that it goes on at its next start.
        ClientError::Refused { code: 503, .. } => Ending::Unknown,
        ClientError::Refused { text, code, .. } => {
            // What a killed plugin excuses; anything else would be a lie of the host.
            assert!(
                [530, 533, 534, 536].contains(code),
                "the host refused what it should do: {text} ({code})"
            );
            Ending::Undone(text.clone())
        }
        _ => Ending::Unknown,
    }
}

/// A text with each uuid, number and path as dots, so that equal reasons are counted as one.
fn without_ids(text: &str) -> String {
    let is_name = |word: &&str| word.contains(char::is_numeric) || word.contains('/');
    let words = text.split(' ').map(|word| if is_name(&word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
