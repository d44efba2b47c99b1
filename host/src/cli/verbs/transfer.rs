//! Files on their way between this machine and a host.
//!
//! What it is: what downloads and uploads have in common. What it is not: the API; that made the
//! link, and says what the job came to.
//!
//! **Invariant:** a transfer that broke off is gone on with as long as it moves; who tries in vain
//! stops, and what has come stays for the next time.

use super::VerbError;
use super::wait::Watch;
use serde_json::json;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// So often a transfer is tried again that does not move.
pub(super) const TRIES: u32 = 5;
/// The pause before it is.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How many bytes move between two looks at the bar.
pub(super) const PIECE: usize = 256 << 10;

/// What of a file a verb moves, beside the words of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moves {
    /// Nothing.
    Nothing,
    /// A file of this machine to the host.
    Up,
    /// A file of the host to this machine.
    Down,
}

/// What speaks HTTP with a host.
pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(600)))
        .build()
        .into()
}

/// Shows how far a transfer is.
pub(super) fn show(watcher: &mut dyn Watch, phase: &str, done: u64, total: u64) {
    watcher.progress(&json!({ "phase": phase, "donebytes": done, "totalbytes": total }));
}

/// Why something cannot be done with a file of this machine.
pub(super) fn file_error(what: &str, path: &Path, error: &io::Error) -> VerbError {
    VerbError::File(format!("cannot {what} {}: {error}", path.display()))
}

/// A reader that shows how far it is.
pub(super) struct Shown<'a, R> {
    pub(super) reader: R,
    pub(super) watcher: &'a mut dyn Watch,
    pub(super) done: u64,
    pub(super) total: u64,
    /// At how many bytes it is shown next.
    pub(super) next: u64,
}

impl<R: Read> Read for Shown<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.done += read as u64;
        if self.done >= self.next {
            self.next = self.done + PIECE as u64;
            show(self.watcher, "uploading", self.done, self.total);
        }
        Ok(read)
    }
}
