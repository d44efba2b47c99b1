//! `storage-host template download`: what a link leads to, into a file.
//!
//! **Invariant:** the file has its name only when it is whole and has the checksum that the host
//! told; what is not whole is beside it, with `.part` behind the name, and is gone on with.

use super::VerbError;
use super::transfer::{PAUSE, PIECE, TRIES, agent, file_error, show};
use super::wait::Watch;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use ureq::http::{StatusCode, header};

/// A download: what the host says of it, and where it goes.
struct Download<'a> {
    url: &'a str,
    size: u64,
    checksum: Option<&'a str>,
    /// What is not whole.
    part: PathBuf,
    /// What the server called the bytes that are in the part.
    tag: Option<String>,
}

/// Downloads what a link leads to, into a file or a directory; under its own name in this one if
/// none is said. Gives where it is.
///
/// # Errors
/// The file is there; what is missing of it cannot be had; it has another checksum.
pub(super) fn download(
    link: &Value,
    to: Option<&Path>,
    watcher: &mut dyn Watch,
) -> Result<PathBuf, VerbError> {
    let no_link = || VerbError::NoAnswer("the host made no link".to_owned());
    let url = link["url"].as_str().ok_or_else(no_link)?;
    let name = link["filename"].as_str().unwrap_or("download");
    let path = place(to, name);
    if path.exists() {
        return Err(VerbError::File(format!(
            "{} is there already; move it away, or name another file",
            path.display()
        )));
    }
    if !url.starts_with("http://") {
        return Err(VerbError::File(format!(
            "the store hands it out itself, encrypted, which this command does not speak: \
             curl -C - -o {} '{url}'",
            path.display()
        )));
    }
    let checksum = link["checksum"].as_str();
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let mut download = Download {
        url,
        size: link["size"].as_u64().ok_or_else(no_link)?,
        checksum,
        part: part.into(),
        // The host calls bytes by their digest, where it knows that.
        tag: checksum.map(|text| text.chars().filter(char::is_ascii_alphanumeric).collect()),
    };
    download.fetch(watcher)?;
    download.check()?;
    fs::rename(&download.part, &path)
        .map_err(|error| file_error("rename", &download.part, &error))?;
    Ok(path)
}

fn place(to: Option<&Path>, name: &str) -> PathBuf {
    // Whatever the host says, it is a name and no path.
    let name = Path::new(name).file_name().unwrap_or("download".as_ref());
    match to {
        None => PathBuf::from(name),
        Some(directory) if directory.is_dir() => directory.join(name),
        Some(file) => file.to_owned(),
    }
}

impl Download<'_> {
    /// Until all of it is there.
    fn fetch(&mut self, watcher: &mut dyn Watch) -> Result<(), VerbError> {
        let file = OpenOptions::new().create(true).append(true).open(&self.part);
        let file = &mut file.map_err(|error| file_error("write", &self.part, &error))?;
        let mut tries = 0;
        loop {
            let before = self.length(file)?;
            if before == self.size {
                watcher.end();
                return Ok(());
            }
            let why = match self.go_on(file, before, watcher) {
                Ok(()) => "the download broke off".to_owned(),
                Err(Broken::Never(error)) => {
                    watcher.end();
                    return Err(error);
                }
                Err(Broken::Again(why)) => why,
            };
            let after = self.length(file)?;
            tries = if after > before { 0 } else { tries + 1 };
            if after < self.size && (tries == TRIES || !watcher.pause(PAUSE)) {
                watcher.end();
                return Err(VerbError::File(format!(
                    "{after} of {} bytes are in {}, and the same command goes on: {why}",
                    self.size,
                    self.part.display()
                )));
            }
        }
    }

    fn length(&self, file: &File) -> Result<u64, VerbError> {
        let metadata = file.metadata().map_err(|error| file_error("read", &self.part, &error))?;
        Ok(metadata.len())
    }

    /// One request, from where the part ends.
    fn go_on(&mut self, file: &mut File, from: u64, watcher: &mut dyn Watch) -> Result<(), Broken> {
        let mut ask = agent().get(self.url);
        // Without a name for what is there, it cannot be known to be of the same.
        let tag = self.tag.as_ref().filter(|_| from > 0 && from < self.size);
        if let Some(tag) = tag {
            ask = ask
                .header(header::RANGE, format!("bytes={from}-"))
                .header(header::IF_RANGE, format!("\"{tag}\""));
        }
        let mut answer = ask.call().map_err(|error| Broken::Again(error.to_string()))?;
        let mut at = match answer.status() {
            StatusCode::PARTIAL_CONTENT => from,
            StatusCode::OK => {
                self.truncated(file)?;
                0
            }
            StatusCode::NOT_FOUND => {
                return Err(Broken::Never(VerbError::File(
                    "the link does not work any more: it expired, or its object is being changed \
                     or removed; the same command asks for a new one"
                        .to_owned(),
                )));
            }
            other => return Err(Broken::Again(format!("the host answers {other}"))),
        };
        let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        self.tag = tag.map(|tag| tag.trim_matches('"').to_owned());
        let mut bytes = vec![0; PIECE];
        let mut body = answer.body_mut().as_reader();
        loop {
            let read = body.read(&mut bytes).map_err(|error| Broken::Again(error.to_string()))?;
            let Some(piece) = bytes.get(..read).filter(|piece| !piece.is_empty()) else {
                return Ok(());
            };
            file.write_all(piece).map_err(|error| self.never("write", &error))?;
            at += read as u64;
            show(watcher, "downloading", at, self.size);
        }
    }

    /// Begins anew.
    fn truncated(&self, file: &mut File) -> Result<(), Broken> {
        file.set_len(0).map_err(|error| self.never("write", &error))
    }

    fn never(&self, what: &str, error: &std::io::Error) -> Broken {
        Broken::Never(file_error(what, &self.part, error))
    }

    /// Whether what came is what the host has.
    fn check(&self) -> Result<(), VerbError> {
        let Some(wanted) = self.checksum.and_then(|text| text.strip_prefix("{BLAKE3}")) else {
            return Ok(());
        };
        let failed = |error: std::io::Error| file_error("read", &self.part, &error);
        let mut hasher = blake3::Hasher::new();
        let file = File::open(&self.part).map_err(failed)?;
        hasher.update_reader(file).map_err(failed)?;
        let found = hasher.finalize().to_hex();
        if found.as_str() == wanted {
            return Ok(());
        }
        fs::remove_file(&self.part).map_err(|error| file_error("remove", &self.part, &error))?;
        Err(VerbError::File(format!(
            "what came has the checksum {{BLAKE3}}{found}, and the host told {{BLAKE3}}{wanted}: it \
             was changed on its way, and is thrown away; try again"
        )))
    }
}

/// Why a request ended before its end.
enum Broken {
    /// Another one may do.
    Again(String),
    /// None will.
    Never(VerbError),
}
