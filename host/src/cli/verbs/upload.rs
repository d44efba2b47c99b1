//! `storage-host template upload`: a file of this machine becomes a template.
//!
//! **Invariant:** an upload that broke off is gone on with by the same command: what the host
//! offered is kept beside the file, readable by its owner only, until the file is taken.

use super::VerbError;
use super::transfer::{PAUSE, Shown, TRIES, agent, file_error};
use super::wait::Watch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use ureq::SendBody;
use ureq::http::StatusCode;

/// What the host offered, for a file as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    offer: Value,
    size: u64,
    modified_ns: u128,
    /// What it is to become.
    wish: Vec<(String, String)>,
}

/// A file on its way up.
pub(super) struct Upload {
    path: PathBuf,
    file: File,
    kept: Kept,
    /// Where the host is now.
    origin: Option<String>,
}

impl Upload {
    /// A file that is to become something: as an earlier call of the same command left it, or
    /// anew, by the offer that `ask` gets.
    ///
    /// # Errors
    /// The file cannot be read, or is empty; those of `ask`.
    pub(super) fn begin(
        path: &Path,
        wish: &[(String, String)],
        origin: Option<String>,
        ask: impl FnOnce() -> Result<Value, VerbError>,
    ) -> Result<Self, VerbError> {
        let failed = |error: std::io::Error| file_error("read", path, &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Err(VerbError::File(format!("{} is no file with bytes", path.display())));
        }
        let modified = metadata.modified().map_err(failed)?;
        let modified_ns =
            modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let kept =
            Kept { offer: Value::Null, size: metadata.len(), modified_ns, wish: wish.to_vec() };
        let earlier = fs::read_to_string(beside(path)).ok();
        let earlier = earlier.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        let is_same = |one: &Kept| {
            (one.size, one.modified_ns, &one.wish) == (kept.size, kept.modified_ns, &kept.wish)
        };
        if let Some(earlier) = earlier.filter(is_same) {
            let upload = Self { path: path.to_owned(), file, kept: earlier, origin };
            if upload.offset()?.is_some() {
                return Ok(upload);
            }
            // The offer has ended.
            return Self { kept, ..upload }.offered(ask);
        }
        Self { path: path.to_owned(), file, kept, origin }.offered(ask)
    }

    fn offered(
        mut self,
        ask: impl FnOnce() -> Result<Value, VerbError>,
    ) -> Result<Self, VerbError> {
        self.kept.offer = ask()?;
        if let Err(error) = self.keep() {
            // It goes on within this call all the same.
            super::say_error(&format!(
                "an upload that breaks off begins anew: {}: {error}",
                beside(&self.path).display()
            ));
        }
        Ok(self)
    }

    fn keep(&self) -> std::io::Result<()> {
        let text = serde_json::to_vec(&self.kept)?;
        let path = beside(&self.path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(path)?.write_all(&text)
    }

    fn text(&self, key: &str) -> Result<&str, VerbError> {
        let missing = || VerbError::NoAnswer(format!("the host offered no {key}"));
        self.kept.offer[key].as_str().ok_or_else(missing)
    }

    /// Where it is sent to.
    fn url(&self) -> Result<String, VerbError> {
        let url = self.text("postURL")?;
        let path = url.find("/upload/").and_then(|at| url.get(at..));
        Ok(match (&self.origin, path) {
            (Some(origin), Some(path)) => format!("{origin}{path}"),
            _ => url.to_owned(),
        })
    }

    /// Where the host wants to go on; `None` where the offer has ended.
    fn offset(&self) -> Result<Option<u64>, VerbError> {
        let ask = agent()
            .head(self.url()?)
            .header("X-Metadata", self.text("metadata")?)
            .header("X-Expires", self.text("expires")?)
            .header("X-Signature", self.text("signature")?);
        let answer = ask.call().map_err(|error| VerbError::File(format!("no answer: {error}")))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => {
                return Err(VerbError::File(format!("the host answers {status}; try again later")));
            }
        }
        let offset = answer.headers().get("upload-offset").and_then(|it| it.to_str().ok());
        Ok(offset.and_then(|offset| offset.parse().ok()))
    }

    /// Sends the file, from where the host wants it, until all of it is there. Gives the job that
    /// looks into it.
    ///
    /// # Errors
    /// The host refuses it, or does not answer any more.
    pub(super) fn send(mut self, watcher: &mut dyn Watch) -> Result<String, VerbError> {
        let (mut last, mut tries) = (None, 0);
        let sent = loop {
            let why = match self.offset() {
                Ok(Some(offset)) => {
                    tries = if last.is_some_and(|last| offset <= last) { tries + 1 } else { 0 };
                    last = Some(offset);
                    match self.part(offset, watcher) {
                        Ok(Sent::Whole(job)) => break Ok(job),
                        Ok(Sent::Refused(why)) => {
                            self.forget();
                            break Err(VerbError::File(format!("the host refuses it: {why}")));
                        }
                        Ok(Sent::Partly(why)) => why,
                        Err(error) => break Err(error),
                    }
                }
                Ok(None) => {
                    self.forget();
                    let why = "the offer to upload it has ended; the same command begins anew";
                    break Err(VerbError::File(why.to_owned()));
                }
                Err(error) => {
                    tries += 1;
                    error.to_string()
                }
            };
            if tries >= TRIES || !watcher.pause(PAUSE) {
                break Err(VerbError::File(format!(
                    "{} of {} bytes were sent, and the same command goes on: {why}",
                    last.unwrap_or_default(),
                    self.kept.size
                )));
            }
        };
        watcher.end();
        if sent.is_ok() {
            self.forget();
        }
        sent
    }

    fn part(&mut self, offset: u64, watcher: &mut dyn Watch) -> Result<Sent, VerbError> {
        let (total, path) = (self.kept.size, self.path.clone());
        let failed = |error: std::io::Error| file_error("read", &path, &error);
        self.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let ask = agent()
            .put(self.url()?)
            .header("X-Metadata", self.text("metadata")?)
            .header("X-Expires", self.text("expires")?)
            .header("X-Signature", self.text("signature")?)
            .header("Content-Type", "application/octet-stream")
            .header("Content-Length", (total - offset).to_string())
            .header("Content-Range", format!("bytes {offset}-{}/{total}", total - 1));
        let reader = std::io::Read::take(&self.file, total - offset);
        let mut reader = Shown { reader, watcher, done: offset, total, next: 0 };
        let mut answer = match ask.send(SendBody::from_reader(&mut reader)) {
            Ok(answer) => answer,
            Err(error) => return Ok(Sent::Partly(error.to_string())),
        };
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        let told: Value = serde_json::from_str(&body).unwrap_or_default();
        let why = told["errortext"].as_str().unwrap_or("the upload broke off").to_owned();
        Ok(match answer.status() {
            StatusCode::CREATED => {
                let job = told["jobid"].as_str();
                let missing = || VerbError::NoAnswer("the host told no job".to_owned());
                Sent::Whole(job.ok_or_else(missing)?.to_owned())
            }
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Sent::Refused(why),
            _ => Sent::Partly(why),
        })
    }

    /// Nothing of it is gone on with.
    fn forget(&self) {
        // One that cannot be removed is of an offer that has ended: the next call sees that.
        fs::remove_file(beside(&self.path)).ok();
    }
}

enum Sent {
    Whole(String),
    Partly(String),
    Refused(String),
}

/// Where an offer is kept.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".upload");
    name.into()
}
