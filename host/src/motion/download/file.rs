//! A source that is a file of this host, in a directory that the operator allowed for it.
//!
//! **Invariant:** no link is followed out of an allowed directory, not even one that is put there
//! between the check and the opening.

use super::identity::SourceIdentity;
use super::policy::SourcePolicy;
use super::settings::DownloadRequest;
use bytes::{Bytes, BytesMut};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginResult};

pub(super) struct FileSource {
    file: Arc<File>,
    request: DownloadRequest,
    identity: SourceIdentity,
    length: u64,
    at: u64,
}

impl FileSource {
    pub(super) async fn open(
        policy: &SourcePolicy,
        request: DownloadRequest,
    ) -> PluginResult<Self> {
        let (policy, path) = (policy.clone(), request.url.file_path()?);
        let opened = blocking(move || open_inside(&policy, &path));
        let file = opened.await.map_err(|error| error.with("source", &request.url))?;
        let (length, identity) = identity(&file, &request)?;
        request.check_size(length)?;
        let (at, known) = request.resume.clone().unwrap_or_default();
        if at > 0 && !known.is_proven(&identity) {
            let how = known.difference(&identity).unwrap_or_else(|| "its time is not known".into());
            return Err(changed(&request, &how));
        }
        Ok(Self { file: Arc::new(file), request, identity, length, at })
    }

    pub(super) fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    pub(super) async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("the operation was cancelled"));
        }
        if self.at >= self.length {
            // Whoever writes to it meanwhile mixes two versions.
            let (_, now) = identity(&self.file, &self.request)?;
            return match self.identity.difference(&now) {
                Some(how) => Err(changed(&self.request, &how)),
                None => Ok(None),
            };
        }
        let (file, at) = (Arc::clone(&self.file), self.at);
        let aligned = CHUNK_BYTES as u64 - at % CHUNK_BYTES as u64;
        let wanted = aligned.min(self.length - at) as usize;
        let read = blocking(move || {
            let mut bytes = BytesMut::zeroed(wanted);
            let read = file.read_exact_at(&mut bytes, at);
            read.map(|()| bytes.freeze()).map_err(|error| PluginError::from_io("read", &error))
        });
        let bytes = read.await.map_err(|error| error.with("source", &self.request.url))?;
        self.at += bytes.len() as u64;
        Ok(Some(bytes))
    }
}

fn changed(request: &DownloadRequest, how: &str) -> PluginError {
    PluginError::conflict(format!(
        "{} changed while it was read: {how}; the download has to begin anew",
        request.url
    ))
}

/// A file's own words for a version: there is no clock like its own.
fn identity(file: &File, request: &DownloadRequest) -> PluginResult<(u64, SourceIdentity)> {
    let metadata = file
        .metadata()
        .map_err(|error| PluginError::from_io("stat", &error).with("source", &request.url))?;
    let tag = format!("\"{}-{}\"", metadata.dev(), metadata.ino());
    let modified = format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec());
    let length = metadata.len();
    Ok((
        length,
        SourceIdentity { length: Some(length), etag: Some(tag), last_modified: Some(modified) },
    ))
}

/// Opens a file step by step from the allowed directory down; a link on the way ends it.
fn open_inside(policy: &SourcePolicy, path: &Path) -> PluginResult<File> {
    let canonical = path.canonicalize().map_err(|error| missing(policy, path, &error))?;
    let (directory, rest) = policy.check_file(&canonical)?;
    let io = |error: rustix::io::Errno| PluginError::from_io("open", &error.into());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut at =
        rustix::fs::open(&directory, flags | OFlags::DIRECTORY, Mode::empty()).map_err(io)?;
    let mut parts = rest.components().peekable();
    while let Some(part) = parts.next() {
        // A pipe would keep whoever opens it waiting for a writer.
        let kind = if parts.peek().is_some() { OFlags::DIRECTORY } else { OFlags::NONBLOCK };
        at = rustix::fs::openat(&at, part.as_os_str(), flags | kind, Mode::empty()).map_err(io)?;
    }
    let file = File::from(at);
    let metadata = file.metadata().map_err(|error| PluginError::from_io("stat", &error))?;
    if !metadata.is_file() {
        return Err(PluginError::invalid_argument("it is no regular file"));
    }
    Ok(file)
}

/// Whether there is a file outside is nobody's business: what cannot be opened is told only where
/// what there is of its path leads inside.
fn missing(policy: &SourcePolicy, path: &Path, error: &std::io::Error) -> PluginError {
    let reached = path.ancestors().skip(1).find_map(|above| above.canonicalize().ok());
    match reached.map(|reached| policy.check_file(&reached.join("file"))) {
        Some(Ok(_)) => PluginError::from_io("open", error),
        _ => policy.outside(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> PluginResult<T> + Send + 'static,
) -> PluginResult<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PluginError::internal(format!("reading a file broke off: {error}")))?
}
