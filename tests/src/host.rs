//! The real binary, serving, and what it says about its plugins.

use crate::fail::{OrFail, fail};
use crate::process::Running;
use crate::wait::eventually;
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use storage_host::api::endpoint;
use storage_host::cli::client::Client;
use storage_host::loader::RefusalCode;

/// A verb of the command line that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub out: String,
    /// What it wrote to its standard error.
    pub err: String,
}

impl Ended {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().or_fail("run the host's binary");
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The exit code must be this one.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        if self.code != Some(code) {
            fail(&format!("expected exit code {code}, got {self:#?}"));
        }
        self
    }

    /// Its output, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).or_fail(&format!("its output is JSON: {self:#?}"))
    }
}

/// A host that serves.
#[derive(Debug)]
pub struct Host {
    process: Running,
    data_dir: PathBuf,
    _directory: Arc<tempfile::TempDir>,
}

impl Host {
    #[track_caller]
    pub(crate) fn new(
        process: Running,
        data_dir: PathBuf,
        directory: Arc<tempfile::TempDir>,
    ) -> Self {
        process.wait_for_line(|line| line.ends_with(" serves"), "that it serves");
        // One of a host that was killed may be there still.
        eventually("the host writes endpoint.json", || {
            let endpoint = endpoint::read(&data_dir).ok()?;
            (endpoint.pid == process.pid()).then_some(())
        });
        Self { process, data_dir, _directory: directory }
    }

    /// Its process.
    pub fn process(&self) -> &Running {
        &self.process
    }

    /// Where it keeps its state.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// Whether it is running still.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Calls a command of its API, signed.
    #[track_caller]
    pub fn api(&self, command: &str, parameters: &[(&str, &str)]) -> Value {
        let client = Client::discover(&self.data_dir).or_fail("find the host");
        client.call(command, parameters).or_fail(command)
    }

    /// What it says about its plugins.
    #[track_caller]
    pub fn plugins(&self) -> Vec<Listed> {
        let answer = self.api("listStoragePlugins", &[]);
        let plugins = answer["storageplugin"].as_array().or_fail("a list of plugins").clone();
        plugins.into_iter().map(Listed).collect()
    }

    /// What it says about one plugin.
    #[track_caller]
    pub fn plugin(&self, name: &str) -> Listed {
        let found = self.plugins().into_iter().find(|plugin| plugin.text("name") == name);
        found.or_fail(&format!("the host lists {name:?}"))
    }

    /// The plugin is refused for this reason, in these words, with a way out; `null` is ready.
    #[track_caller]
    pub fn refuses(&self, name: &str, code: RefusalCode, words: &[&str]) {
        self.plugin(name).is_refused(code, words);
        self.plugin("null").is_ready();
    }

    /// Waits until it says a line.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) -> String {
        self.process.wait_for_line(|line| line.contains(text), text)
    }

    /// Ends it in order and returns its exit code and all it said.
    #[track_caller]
    pub fn stop(self) -> (Option<i32>, String) {
        self.process.signal(Signal::TERM);
        let (status, said) = self.wait();
        (status.code(), said)
    }

    /// Kills it.
    pub fn kill(self) {
        self.process.signal(Signal::KILL);
        self.wait();
    }

    /// Waits for its end and returns that and all it said.
    #[track_caller]
    pub fn wait(self) -> (ExitStatus, String) {
        self.process.wait()
    }
}

/// A plugin as the API lists it.
#[derive(Debug)]
pub struct Listed(pub Value);

impl Listed {
    /// A field that is text; empty if it is missing.
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// It is ready.
    #[track_caller]
    pub fn is_ready(&self) {
        if self.text("state") != "Ready" {
            fail(&format!("it is not ready: {:#}", self.0));
        }
    }

    /// It is refused for this reason, in these words, and there is a way out.
    #[track_caller]
    pub fn is_refused(&self, code: RefusalCode, words: &[&str]) {
        let found = (self.text("state"), self.text("code"));
        let missing = words.iter().find(|word| !self.text("reason").contains(**word));
        if found != ("Failed", &code.to_string()) || missing.is_some() {
            fail(&format!("it is not refused as {code} with {words:?}: {:#}", self.0));
        }
        if self.text("wayout").is_empty() {
            fail(&format!("there is no way out: {:#}", self.0));
        }
    }
}
