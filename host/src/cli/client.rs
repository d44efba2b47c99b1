//! The CLI's way to a running host: finds it, signs, asks, and says in plain words what is wrong.
//!
//! What it is not: asynchronous. A verb of the CLI does one thing and ends.
//!
//! **Invariant:** parameters travel in the body, never in a URL, and no error text holds one.

use crate::api::credentials::{self, CredentialsError};
use crate::api::endpoint::{self, Endpoint, EndpointError};
use crate::api::{format_timestamp, sign};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Pid, test_kill_process};
use serde_json::Value;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use storage_plugin_api::Secret;
use ureq::Agent;

/// How long a signature is good for.
const SIGNATURE_AGE: Duration = Duration::from_secs(600);
/// How long the host may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a command may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// The largest answer.
const MAX_ANSWER: u64 = 256 * 1024 * 1024;

/// A way to a running host.
pub struct Client {
    agent: Agent,
    endpoint: Endpoint,
    file: PathBuf,
    apikey: String,
    secretkey: Secret,
}

/// Why a command got no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No host says that it serves.
    #[error(
        "no host is running: {file:?} does not exist. Start one with `storage-host run`, or name \
         the data directory of the one you mean"
    )]
    NotRunning {
        /// The file that a running host writes.
        file: PathBuf,
    },
    /// What the host wrote about itself cannot be read.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The credentials cannot be read.
    #[error("cannot sign in to the host: {0}")]
    Credentials(#[from] CredentialsError),
    /// The host's process is gone.
    #[error(
        "the host is not running: its process {pid} is gone, though {file:?} still names it. It \
         did not end in order; its log says why. Start it with `storage-host run`"
    )]
    Gone {
        /// The file that names it.
        file: PathBuf,
        /// The process it had.
        pid: u32,
    },
    /// The host does not answer.
    #[error(
        "the host does not answer at {api}, though its process {pid} runs: {reason}. It may still \
         be starting, or ending; if {file:?} is a leftover and the process another one, remove it"
    )]
    NoAnswer {
        /// The URL of its API.
        api: String,
        /// Its process.
        pid: u32,
        /// What the connection said.
        reason: String,
        /// The file that names it.
        file: PathBuf,
    },
    /// Something answers that is not the API.
    #[error("{api} does not answer as a storage host does (status {status})")]
    NotTheApi {
        /// The URL.
        api: String,
        /// The HTTP status.
        status: u16,
    },
    /// The host refused the command, or it failed.
    #[error("{command}: {text} (error {code}/{cs_code})")]
    Refused {
        /// The command.
        command: String,
        /// The host's text.
        text: String,
        /// Its error code.
        code: u16,
        /// The code of CloudStack's exception.
        cs_code: i64,
    },
    /// An argument is not a parameter.
    // Without the argument's text: it may be a secret whose name was forgotten.
    #[error("argument {position} of {command} is not of the form name=value")]
    NotAParameter {
        /// The command.
        command: String,
        /// Which argument, from 1.
        position: usize,
    },
    /// The answer cannot be written.
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl Client {
    /// Finds the host that a data directory belongs to.
    ///
    /// # Errors
    /// No host serves, or its credentials cannot be read.
    pub fn discover(data_dir: &Path) -> Result<Self, ClientError> {
        let file = data_dir.join(endpoint::FILE_NAME);
        let endpoint = match endpoint::read(data_dir) {
            Ok(endpoint) => endpoint,
            Err(error) if error.is_not_found() => return Err(ClientError::NotRunning { file }),
            Err(error) => return Err(error.into()),
        };
        let credentials = credentials::load(data_dir)?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // The host is on this machine, whatever proxies the environment names.
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .build()
            .into();
        Ok(Self {
            agent,
            endpoint,
            file,
            apikey: credentials.apikey,
            secretkey: credentials.secretkey,
        })
    }

    /// Where the host serves.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Calls a command and returns what is under its wrapper.
    ///
    /// # Errors
    /// The host does not answer, refuses the command, or fails at it.
    pub fn call(&self, command: &str, params: &[(&str, &str)]) -> Result<Value, ClientError> {
        let text = self.call_text(command, params)?;
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        answer.as_ref().and_then(unwrapped).cloned().ok_or_else(|| self.not_the_api(200))
    }

    /// Calls a command and returns the whole answer as the host wrote it.
    ///
    /// # Errors
    /// The host does not answer, refuses the command, or fails at it.
    pub fn call_text(&self, command: &str, params: &[(&str, &str)]) -> Result<String, ClientError> {
        let form = self.signed_form(command, params);
        let (status, text) = self.post(&form).map_err(|error| self.no_answer(&error))?;
        if status == 200 {
            return Ok(text);
        }
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        let error = answer.as_ref().and_then(unwrapped);
        match error.and_then(|error| error.get("errortext")).and_then(Value::as_str) {
            Some(errortext) => Err(ClientError::Refused {
                command: command.to_owned(),
                text: errortext.to_owned(),
                code: status,
                cs_code: error
                    .and_then(|error| error.get("cserrorcode"))
                    .and_then(Value::as_i64)
                    .unwrap_or(-1),
            }),
            None => Err(self.not_the_api(status)),
        }
    }

    fn signed_form(&self, command: &str, params: &[(&str, &str)]) -> String {
        let expires = format_timestamp(SystemTime::now() + SIGNATURE_AGE);
        let mut all = vec![
            ("apikey", self.apikey.as_str()),
            ("command", command),
            ("expires", expires.as_str()),
            ("response", "json"),
            ("signatureversion", "3"),
        ];
        all.extend_from_slice(params);
        let signature = sign(&all, &self.secretkey);
        all.push(("signature", &signature));
        all.iter()
            .map(|(name, value)| {
                let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                format!("{name}={value}")
            })
            .collect::<Vec<_>>()
            .join("&")
    }

    fn post(&self, form: &str) -> Result<(u16, String), ureq::Error> {
        let mut response = self
            .agent
            .post(&self.endpoint.api)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .send(form)?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
        Ok((status, text))
    }

    fn no_answer(&self, error: &ureq::Error) -> ClientError {
        let pid = self.endpoint.pid;
        if !is_running(pid) {
            return ClientError::Gone { file: self.file.clone(), pid };
        }
        ClientError::NoAnswer {
            api: self.endpoint.api.clone(),
            pid,
            reason: error.to_string(),
            file: self.file.clone(),
        }
    }

    fn not_the_api(&self, status: u16) -> ClientError {
        ClientError::NotTheApi { api: self.endpoint.api.clone(), status }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// What is under the wrapper of an answer.
fn unwrapped(answer: &Value) -> Option<&Value> {
    answer.as_object()?.iter().find(|(key, _)| key.ends_with("response")).map(|(_, value)| value)
}

/// Whether there is a process of this id, whoever's it is.
fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    })
}

#[cfg(test)]
mod tests;
