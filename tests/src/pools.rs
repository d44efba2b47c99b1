//! A host's storage pools under test: commands whose jobs are waited for, and the directory of a
//! pool, which is held against what the host lists.

use crate::fail::{OrFail, fail};
use crate::files::objects_below;
use crate::host::Host;
use crate::installation::{Installation, Row};
use crate::wait::eventually;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use storage_host::cli::client::{Client, ClientError};

/// A provider whose pools are directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The tutorial: `<installation id>/<uuid>.volume`; paths of objects are absolute.
    Sample,
    /// `<uuid>.<installation id>.volume.raw`; paths are relative to the pool's directory.
    Filesystem,
}

impl Provider {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Sample, Self::Filesystem];

    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sample => "Sample",
            Self::Filesystem => "Filesystem",
        }
    }
}

/// A pool, and where it lies.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its id.
    pub id: String,
    /// The id of its zone.
    pub zone: String,
    /// Its directory.
    pub directory: PathBuf,
    /// Who serves it.
    pub provider: Provider,
}

impl Installation {
    /// One with the plugins `sample` and `filesystem`, whose pools take volumes on however full a
    /// disk.
    pub fn with_pools() -> Self {
        let rows = [Row::of("sample", "sample"), Row::of("filesystem", "filesystem")];
        let place = Self::new().rows(rows).storage_key("used_threshold", 1.0);
        place.storage_key("image_store_threshold", 1.0)
    }

    /// One with those, and image stores, which take what is downloaded from this machine.
    pub fn with_images() -> Self {
        let place = Self::with_pools().row(Row::image("nfs", "nfs"));
        place.storage_key("download_allow", vec!["127.0.0.1"])
    }

    /// Adds a pool in a directory of this installation to its host.
    #[track_caller]
    pub fn add_pool(&self, host: &Host, name: &str, provider: Provider) -> Pool {
        let directory = self.file(name);
        fs::create_dir_all(&directory).or_fail("make a pool's directory");
        let path = directory.display().to_string();
        let url = format!("file://{path}");
        let zone = host.only_zone();
        let mut parameters =
            vec![("name", name), ("url", &url), ("zoneid", &zone), ("provider", provider.name())];
        if provider == Provider::Sample {
            parameters.push(("details[0].path", &path));
        }
        let answer = host.api("createStoragePool", &parameters);
        let id = answer["storagepool"]["id"].as_str().or_fail("the pool's id").to_owned();
        Pool { id, zone, directory, provider }
    }
}

impl Host {
    /// Calls a command; its error is the caller's.
    ///
    /// # Errors
    /// The host's, or that of the connection.
    pub fn try_api(
        &self,
        command: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, ClientError> {
        Client::discover(self.data_dir())?.call(command, parameters)
    }

    /// Calls a command and waits for the end of its job, if it begins one.
    ///
    /// # Errors
    /// `errorcode` and `errortext` of the command or its job.
    #[track_caller]
    pub fn job(&self, command: &str, parameters: &[(&str, &str)]) -> Result<Value, Value> {
        let begun = match self.try_api(command, parameters) {
            Err(ClientError::Refused { code, text, .. }) => {
                return Err(json!({ "errorcode": code, "errortext": text }));
            }
            answered => answered.or_fail(command),
        };
        match begun["jobid"].as_str() {
            Some(job) => self.wait_for_job(job),
            None => Ok(begun),
        }
    }

    /// As [`job`](Self::job), of a job that somebody began.
    ///
    /// # Errors
    /// The job's `jobresult`.
    #[track_caller]
    pub fn wait_for_job(&self, id: &str) -> Result<Value, Value> {
        let job = eventually(&format!("job {id} ends"), || {
            let job = self.api("queryAsyncJobResult", &[("jobid", id)]);
            (job["jobstatus"] != 0).then_some(job)
        });
        let result = job["jobresult"].clone();
        if job["jobstatus"] == 1 { Ok(result) } else { Err(result) }
    }

    /// Runs a job that must succeed, and returns the object that it answers with.
    #[track_caller]
    pub fn done(&self, command: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.job(command, parameters).or_fail(command);
        let object = answer.as_object().and_then(|answer| answer.values().next().cloned());
        object.or_fail("the job answers with an object")
    }

    /// All entries of a list.
    #[track_caller]
    pub fn list(&self, command: &str, parameters: &[(&str, &str)]) -> Vec<Value> {
        let all = [parameters, &[("pagesize", "-1")]].concat();
        let answer = self.api(command, &all);
        let lists = answer.as_object().or_fail("an answer is an object");
        lists.values().find_map(|value| value.as_array().cloned()).unwrap_or_default()
    }

    /// The zone of a fresh host.
    #[track_caller]
    pub fn only_zone(&self) -> String {
        match self.list("listZones", &[]).as_slice() {
            [zone] => text(zone, "id"),
            zones => fail(&format!("there is one zone, not {zones:?}")),
        }
    }

    /// Creates a volume and returns its id.
    #[track_caller]
    pub fn create_volume(&self, pool: &Pool, name: &str, bytes: u64) -> String {
        let bytes = bytes.to_string();
        let wish = [
            ("name", name),
            ("sizebytes", &*bytes),
            ("storageid", &pool.id),
            ("zoneid", &pool.zone),
        ];
        text(&self.done("createVolume", &wish), "id")
    }

    /// What the host says is wrong: severity, thing and words of each finding above INFO.
    #[track_caller]
    pub fn findings(&self) -> Vec<String> {
        let mut findings = self.list("listHealthFindings", &[]);
        findings.retain(|finding| finding["severity"] != "INFO");
        findings.iter().map(ToString::to_string).collect()
    }

    /// Waits until nothing is wrong: after a start each pool is connected on its own.
    #[track_caller]
    pub fn is_well(&self) {
        eventually("the host's doctor finds nothing", || self.findings().is_empty().then_some(()));
    }

    /// Nothing is wrong, and nothing lies on a store that the host does not know.
    #[track_caller]
    pub fn is_in_order(&self) {
        self.is_well();
        let orphans = self.list("scanOrphans", &[]);
        if !orphans.is_empty() {
            fail(&format!("there are orphans: {orphans:#?}"));
        }
    }

    /// The image store that a new host makes by itself, once it is up: its id and its directory.
    #[track_caller]
    pub fn first_image_store(&self) -> (String, PathBuf) {
        let id = eventually("the first image store is up", || {
            let stores = self.list("listImageStores", &[]);
            let first = stores.first().filter(|store| store["state"] == "Up");
            first.map(|store| text(store, "id"))
        });
        (id, self.data_dir().join("images"))
    }

    /// The pool's directory holds what the host lists there, and nothing else.
    #[track_caller]
    pub fn agrees_with(&self, pool: &Pool) {
        let mut listed: BTreeSet<PathBuf> = self
            .list("listVolumes", &[("storageid", &pool.id)])
            .iter()
            .map(|volume| pool.directory.join(text(volume, "path")))
            .collect();
        // The API tells no path of a snapshot: its file bears its id.
        let files = pool.files();
        for snapshot in self.list("listSnapshots", &[]) {
            if text(&snapshot, "datastoreid") == pool.id {
                let id = text(&snapshot, "id");
                let named = |file: &&PathBuf| {
                    file.file_name().is_some_and(|name| {
                        let name = name.to_string_lossy();
                        name.starts_with(&id) && name.contains(".snapshot")
                    })
                };
                let file = files.iter().find(named);
                listed.insert(file.or_fail(&format!("snapshot {id} has a file")).clone());
            }
        }
        if listed != files {
            fail(&format!("the host lists {listed:#?}\nand the directory holds {files:#?}"));
        }
    }
}

impl Pool {
    /// The files of objects, finished or not; those of the plugin's own bookkeeping left out.
    #[track_caller]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        objects_below(&self.directory).into_iter().collect()
    }

    /// Those files with what is in them.
    #[track_caller]
    pub fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let read = |file: &PathBuf| fs::read(file).or_fail("read a volume");
        objects_below(&self.directory).into_iter().map(|file| (file.clone(), read(&file))).collect()
    }
}

/// A field that has to be text.
#[track_caller]
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().or_fail(&format!("{field} of {value}")).to_owned()
}
