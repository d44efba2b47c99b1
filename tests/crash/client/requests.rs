//! What a client asks the host, and how that ends.

use super::Client;
use super::learning::of_template;
use crate::check::write_bytes;
use crate::model::Wish;
use serde_json::Value;
use std::fs::File;
use storage_host::cli::client::{Client as Api, ClientError};
use tests::{OrFail, eventually};

/// What a killed plugin excuses: its pool cannot be reached. Anything else would be a lie.
const UNAVAILABLE: u64 = 534;

/// Why a wish was not fulfilled.
pub(super) enum Unfulfilled {
    /// It failed, and nothing of it is left.
    Undone(String),
    /// The host was gone before it said so.
    Unknown,
}

impl Client {
    /// Sends a wish and waits for its end; the object it made, if it made one.
    pub(super) fn send(
        &self,
        api: &Api,
        wish: &Wish,
        token: &str,
    ) -> Result<Option<String>, Unfulfilled> {
        let (command, mut params) = self.request(wish);
        params.push(("clienttoken", token.to_owned()));
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let begun = ask(api, command, &params, |told| Some(Ok(told)))?;
        match (begun["jobid"].as_str(), begun["template"][0]["id"].as_str()) {
            (Some(job), _) => ask(api, "queryAsyncJobResult", &[("jobid", job)], of_job),
            (None, Some(template)) => {
                let registered = [("templatefilter", "all"), ("id", template)];
                ask(api, "listTemplates", &registered, of_registered)
            }
            (None, None) => Ok(None),
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
}

/// Asks until it is told an end.
fn ask<T>(
    api: &Api,
    command: &str,
    params: &[(&str, &str)],
    end: fn(Value) -> Option<Result<T, Unfulfilled>>,
) -> Result<T, Unfulfilled> {
    eventually(&format!("{command} {params:?} comes to an end"), || {
        match api.call(command, params) {
            Ok(told) => end(told),
            Err(error) => refused(&error).map(Err),
        }
    })
}

fn of_job(told: Value) -> Option<Result<Option<String>, Unfulfilled>> {
    match told["jobstatus"].as_u64() {
        Some(1) => Some(Ok(told["jobinstanceid"].as_str().map(str::to_owned))),
        Some(2) => {
            let result = &told["jobresult"];
            let text = result["errortext"].as_str().unwrap_or("without a reason");
            Some(Err(undone(result["errorcode"].as_u64().unwrap_or_default(), text)))
        }
        _ => None,
    }
}

/// A template is registered before it is there.
fn of_registered(told: Value) -> Option<Result<Option<String>, Unfulfilled>> {
    let template = &told["template"][0];
    let failed = ["Failed", "Error"].iter().any(|word| template["status"] == **word);
    assert!(!failed, "stuck: {template}");
    (template["isready"] == true).then(|| Ok(template["id"].as_str().map(str::to_owned)))
}

/// Only what a killed plugin may be the reason of; `main` knows whether one was killed.
fn undone(code: u64, text: &str) -> Unfulfilled {
    assert_eq!(code, UNAVAILABLE, "the host failed at what it should do: {text}");
    Unfulfilled::Undone(text.to_owned())
}

/// Nothing where it goes on, and the host has told so: who asks again gets its end.
fn refused(error: &ClientError) -> Option<Unfulfilled> {
    match error {
        // It says itself that it goes on at its next start.
        ClientError::Refused { code: 503, .. } => Some(Unfulfilled::Unknown),
        ClientError::Refused { text, .. } if text.contains(" goes on") => None,
        ClientError::Refused { text, code, .. } => Some(undone(u64::from(*code), text)),
        _ => Some(Unfulfilled::Unknown),
    }
}
