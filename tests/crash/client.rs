//! A client: wishes by chance, sends with a token, believes only what is acknowledged.

use crate::chance::Chance;
use crate::check::write_bytes;
use crate::model::{Bytes, Model, Place, Snapshot, Template, Volume, Wish};
use crate::scene::Scene;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use storage_host::cli::client::{Client as Api, ClientError};
use tests::{LONG, OrFail};

const MIB: u64 = 1 << 20;
/// How many volumes a client keeps at most.
const VOLUMES: usize = 6;
/// How many snapshots a client keeps at most.
const SNAPSHOTS: usize = 6;
/// How many templates a client keeps at most.
const TEMPLATES: usize = 2;
/// How many volumes its instance has at most.
const ATTACHED: usize = 3;
/// How many snapshots its instance has at most.
const GROUPS: usize = 2;
/// What a killed plugin excuses: its pool cannot be reached. Anything else would be a lie.
const UNAVAILABLE: u64 = 534;

/// One client, with what it knows.
#[derive(Debug)]
pub(crate) struct Client {
    number: usize,
    chance: Chance,
    zone: String,
    /// An instance that never runs.
    instance: String,
    pools: Vec<(String, PathBuf)>,
    sources: PathBuf,
    pub(crate) model: Model,
    /// What was sent last and not answered: with its token.
    pending: Option<(Wish, String)>,
    made: u64,
    /// How often what was wished for.
    wished: BTreeMap<&'static str, u64>,
    /// How often what was done, by the kind of the wish.
    pub(crate) acknowledged: BTreeMap<&'static str, u64>,
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
    /// It goes on, and the host has told so: who repeats the request gets its end.
    GoesOn(String),
}

impl Client {
    pub(crate) fn new(number: usize, chance: Chance, scene: &Scene) -> Self {
        Self {
            number,
            chance,
            zone: scene.zone.clone(),
            instance: scene.new_instance(&format!("crash-{number}")),
            pools: scene.pools.clone(),
            sources: scene.sources.clone(),
            model: Model::default(),
            pending: None,
            made: 0,
            wished: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
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
        let begun = Instant::now();
        let ending = loop {
            match self.send(api, &wish, token) {
                Ending::GoesOn(why) => assert!(begun.elapsed() < LONG, "stuck: {why}"),
                ending => break ending,
            }
        };
        match ending {
            Ending::Unknown | Ending::GoesOn(_) => return false,
            Ending::Undone(why) => {
                let why = without_ids(&why);
                *self.undone.entry(why).or_default() += 1;
            }
            Ending::Done(object) => {
                *self.acknowledged.entry(wish.kind()).or_default() += 1;
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
            Ok(answer) => match (answer["jobid"].as_str(), answer["template"][0]["id"].as_str()) {
                (Some(job), _) => wait_for(api, job),
                (None, Some(template)) => wait_for_template(api, template),
                (None, None) => Ending::Done(None),
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
            Wish::BackUp { snapshot } => ("backupSnapshot", id(snapshot)),
            Wish::Archive { snapshot } => ("archiveSnapshot", id(snapshot)),
            Wish::Register { name, size_bytes } => {
                let file = self.sources.join(name);
                // Once: a source that changes between two requests is refused.
                if !file.exists() {
                    let new = File::create(&file).or_fail("make a source");
                    new.set_len(*size_bytes).or_fail("make a source");
                    write_bytes(&file, &of_template(name));
                }
                (
                    "registerTemplate",
                    vec![
                        ("name", name.clone()),
                        ("displaytext", name.clone()),
                        ("format", "RAW".to_owned()),
                        ("hypervisor", "Simulator".to_owned()),
                        ("zoneid", self.zone.clone()),
                        ("url", format!("file://{}", file.display())),
                    ],
                )
            }
            Wish::FromTemplate { name, of } => (
                "createVolume",
                vec![
                    ("name", name.clone()),
                    ("zoneid", self.zone.clone()),
                    // The one that keeps templates.
                    ("storageid", self.pools[1].0.clone()),
                    ("templateid", of.clone()),
                ],
            ),
            Wish::DeleteTemplate { template } => ("deleteTemplate", id(template)),
            Wish::Attach { volume } => (
                "attachVolume",
                vec![("id", volume.clone()), ("virtualmachineid", self.instance.clone())],
            ),
            Wish::Detach { volume } => ("detachVolume", id(volume)),
            Wish::TakeGroup => {
                ("createVMSnapshot", vec![("virtualmachineid", self.instance.clone())])
            }
            Wish::RevertGroup { group } => {
                ("revertToVMSnapshot", vec![("vmsnapshotid", group.clone())])
            }
            Wish::DeleteGroup { group } => {
                ("deleteVMSnapshot", vec![("vmsnapshotid", group.clone())])
            }
            Wish::Revert { snapshot } => ("revertSnapshot", id(snapshot)),
            Wish::DeleteSnapshot { snapshot } => ("deleteSnapshot", id(snapshot)),
        }
    }

    /// What to do next: anything that should succeed. Every other time it is of the kind that was
    /// wished for least, so that each kind comes.
    fn wish(&mut self) -> Wish {
        self.made += 1;
        let possible = self.possible();
        let least = possible.iter().min_by_key(|wish| self.wished.get(wish.kind()).copied());
        let least = least.cloned();
        let wish = match self.chance.below(2) {
            0 => least,
            _ => self.chance.one_of(&possible).cloned(),
        };
        let wish = wish.or_fail("there is always something to wish for");
        *self.wished.entry(wish.kind()).or_default() += 1;
        wish
    }

    /// A wish of each kind that could be fulfilled now.
    fn possible(&mut self) -> Vec<Wish> {
        let name = format!("crash-{}-{}", self.number, self.made);
        let live = self.ids(|volume| !volume.destroyed);
        let destroyed = self.ids(|volume| volume.destroyed);
        let free = self.ids(|volume| !volume.destroyed && !volume.attached);
        let mut deletable = self.ids(|volume| !volume.attached);
        deletable.retain(|volume| self.is_without_snapshots(volume));
        let mut snapshots: Vec<String> = self.model.snapshots.keys().cloned().collect();
        snapshots.retain(|snapshot| self.has_live_volume(snapshot));
        let mut possible = Vec::new();
        if self.model.volumes.len() < VOLUMES {
            let pool = usize::from(self.chance.below(2) == 0);
            let size_bytes = MIB * (1 + self.chance.below(8));
            possible.push(Wish::Create { name: name.clone(), pool, size_bytes });
            if let Some(of) = self.chance.one_of(&snapshots).cloned() {
                possible.push(Wish::FromSnapshot { name: name.clone(), of });
            }
            let templates: Vec<_> = self.model.templates.keys().cloned().collect();
            if let Some(of) = self.chance.one_of(&templates).cloned() {
                possible.push(Wish::FromTemplate { name: name.clone(), of });
            }
            if let Some(of) = self.chance.one_of(&live).cloned() {
                possible.push(Wish::Clone { name: name.clone(), of });
            }
        }
        if let Some(volume) = self.chance.one_of(&live).cloned() {
            let size_bytes = self.model.volumes[&volume].size_bytes + MIB;
            possible.push(Wish::Grow { volume: volume.clone(), size_bytes });
            if self.model.snapshots.len() < SNAPSHOTS {
                possible.push(Wish::TakeSnapshot { volume: volume.clone() });
            }
        }
        if let Some(volume) = self.chance.one_of(&free).cloned() {
            possible.push(Wish::Destroy { volume });
        }
        if let Some(volume) = self.chance.one_of(&destroyed).cloned() {
            possible.push(Wish::Recover { volume });
        }
        if let Some(volume) = self.chance.one_of(&deletable).cloned() {
            possible.push(Wish::Delete { volume });
        }
        if let Some(snapshot) = self.chance.one_of(&snapshots).cloned() {
            let place = self.model.snapshots[&snapshot].place;
            if place == Place::Pool {
                possible.push(Wish::BackUp { snapshot: snapshot.clone() });
            }
            if place != Place::ImageStore {
                possible.push(Wish::Archive { snapshot: snapshot.clone() });
                possible.push(Wish::Revert { snapshot: snapshot.clone() });
            }
            possible.push(Wish::DeleteSnapshot { snapshot });
        }
        if self.model.templates.len() < TEMPLATES {
            let size_bytes = MIB * (1 + self.chance.below(3));
            possible.push(Wish::Register { name, size_bytes });
        }
        let templates: Vec<_> = self.model.templates.keys().cloned().collect();
        if let Some(template) = self.chance.one_of(&templates).cloned() {
            possible.push(Wish::DeleteTemplate { template });
        }
        possible.extend(self.possible_with_instance(&free));
        possible
    }

    /// What could be done with the instance. Its volumes stay while it has snapshots: one goes
    /// back only with those that it had.
    fn possible_with_instance(&mut self, free: &[String]) -> Vec<Wish> {
        let attached = self.ids(|volume| volume.attached);
        let groups: Vec<String> = self.model.groups.keys().cloned().collect();
        let mut possible = Vec::new();
        if groups.is_empty() {
            if let Some(volume) = self.chance.one_of(free).filter(|_| attached.len() < ATTACHED) {
                possible.push(Wish::Attach { volume: volume.clone() });
            }
            if let Some(volume) = self.chance.one_of(&attached).cloned() {
                possible.push(Wish::Detach { volume });
            }
        }
        if !attached.is_empty() && groups.len() < GROUPS {
            possible.push(Wish::TakeGroup);
        }
        if let Some(group) = self.chance.one_of(&groups).cloned() {
            possible.push(Wish::RevertGroup { group: group.clone() });
            possible.push(Wish::DeleteGroup { group });
        }
        possible
    }

    fn ids(&self, which: impl Fn(&Volume) -> bool) -> Vec<String> {
        let volumes = self.model.volumes.iter().filter(|(_, volume)| which(volume));
        volumes.map(|(id, _)| id.clone()).collect()
    }

    fn is_without_snapshots(&self, volume: &str) -> bool {
        self.model.snapshots.values().all(|snapshot| snapshot.volume != volume)
    }

    fn has_live_volume(&self, snapshot: &str) -> bool {
        let volume = &self.model.snapshots[snapshot].volume;
        self.model.volumes.get(volume).is_some_and(|volume| !volume.destroyed)
    }

    /// What is known once a wish was fulfilled.
    fn learn(&mut self, api: &Api, wish: Wish, object: Option<String>) {
        let model = &mut self.model;
        match wish {
            Wish::Create { name, size_bytes, .. } => {
                let id = object.or_fail("the id of a volume");
                let volume =
                    Volume { name, size_bytes, bytes: None, destroyed: false, attached: false };
                model.volumes.insert(id.clone(), volume);
                self.write(api, &id);
            }
            Wish::Clone { name, of } => {
                let source = model.volumes[&of].clone();
                let volume = Volume { name, attached: false, ..source };
                model.volumes.insert(object.or_fail("the id of a clone"), volume);
            }
            Wish::FromSnapshot { name, of } => {
                let Snapshot { size_bytes, bytes, .. } = model.snapshots[&of].clone();
                let volume = Volume { name, size_bytes, bytes, destroyed: false, attached: false };
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
                let place = Place::Pool;
                let snapshot = Snapshot { volume: volume.clone(), size_bytes, bytes, place };
                model.snapshots.insert(object.or_fail("the id of a snapshot"), snapshot);
                self.write(api, &volume);
            }
            Wish::Revert { snapshot } => {
                let Snapshot { volume, size_bytes, bytes, .. } = model.snapshots[&snapshot].clone();
                let volume = model.volumes.get_mut(&volume).or_fail("a volume");
                (volume.size_bytes, volume.bytes) = (size_bytes, bytes);
            }
            Wish::DeleteSnapshot { snapshot } => {
                model.snapshots.remove(&snapshot);
            }
            Wish::BackUp { snapshot } => {
                model.snapshots.get_mut(&snapshot).or_fail("a snapshot").place = Place::Both;
            }
            Wish::Archive { snapshot } => {
                model.snapshots.get_mut(&snapshot).or_fail("a snapshot").place = Place::ImageStore;
            }
            Wish::Register { name, size_bytes } => {
                let template = Template { size_bytes, bytes: of_template(&name) };
                model.templates.insert(object.or_fail("the id of a template"), template);
            }
            Wish::FromTemplate { name, of } => {
                let Template { size_bytes, bytes } = model.templates[&of].clone();
                let bytes = Some(bytes);
                let volume = Volume { name, size_bytes, bytes, destroyed: false, attached: false };
                model.volumes.insert(object.or_fail("the id of a volume"), volume);
            }
            Wish::DeleteTemplate { template } => {
                model.templates.remove(&template);
            }
            Wish::Attach { volume } => {
                model.volumes.get_mut(&volume).or_fail("a volume").attached = true;
            }
            Wish::Detach { volume } => {
                model.volumes.get_mut(&volume).or_fail("a volume").attached = false;
            }
            Wish::TakeGroup => {
                let members = model.members();
                let volumes: Vec<_> = members.iter().map(|one| one.volume.clone()).collect();
                model.groups.insert(object.or_fail("the id of an instance snapshot"), members);
                for volume in volumes {
                    self.write(api, &volume);
                }
            }
            Wish::RevertGroup { group } => {
                for Snapshot { volume, size_bytes, bytes, .. } in model.groups[&group].clone() {
                    let volume = model.volumes.get_mut(&volume).or_fail("a volume");
                    (volume.size_bytes, volume.bytes) = (size_bytes, bytes);
                }
            }
            Wish::DeleteGroup { group } => {
                model.groups.remove(&group);
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

/// The bytes of a template, by its name.
fn of_template(name: &str) -> Bytes {
    Bytes { writer: name.to_owned(), version: 0 }
}

/// Waits until a template is there: it is registered before it is.
#[expect(clippy::disallowed_methods, reason = "the API has no event to wait for")]
fn wait_for_template(api: &Api, id: &str) -> Ending {
    let begun = Instant::now();
    loop {
        let template = match api.call("listTemplates", &[("templatefilter", "all"), ("id", id)]) {
            Ok(answer) => answer["template"][0].clone(),
            Err(error) => return refused(&error),
        };
        if template["isready"] == true {
            return Ending::Done(Some(id.to_owned()));
        }
        let failed = ["Failed", "Error"].iter().any(|word| template["status"] == **word);
        assert!(!failed && begun.elapsed() < LONG, "stuck: {template}");
        // sleeps because the API has no way to be told of the end of a download
        std::thread::sleep(Duration::from_millis(2));
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
            Some(2) => {
                let result = &answer["jobresult"];
                let text = result["errortext"].as_str().unwrap_or("without a reason");
                return undone(result["errorcode"].as_u64().unwrap_or_default(), text);
            }
            _ => {}
        }
        assert!(begun.elapsed() < LONG, "stuck: {answer}");
        // sleeps because the API has no way to be told of the end of a job
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Only what a killed plugin may be the reason of; `main` knows whether one was killed.
fn undone(code: u64, text: &str) -> Ending {
    assert_eq!(code, UNAVAILABLE, "the host failed at what it should do: {text}");
    Ending::Undone(text.to_owned())
}

fn refused(error: &ClientError) -> Ending {
    match error {
        // It says itself that it goes on at its next start.
        ClientError::Refused { code: 503, .. } => Ending::Unknown,
        ClientError::Refused { text, .. } if text.contains(" goes on") => {
            Ending::GoesOn(text.clone())
        }
        ClientError::Refused { text, code, .. } => undone(u64::from(*code), text),
        _ => Ending::Unknown,
    }
}

/// A text with each uuid, number and path as dots, so that equal reasons are counted as one.
fn without_ids(text: &str) -> String {
    let is_name = |word: &&str| word.contains(char::is_numeric) || word.contains('/');
    let words = text.split(' ').map(|word| if is_name(&word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
