//! Why an image is not taken.

use std::fmt;
use storage_plugin_api::PluginError;

/// What is wrong with an image, to branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// It has no bytes, or is a disk of none.
    Empty,
    /// It ends before what its header says of it.
    Truncated,
    /// Its header contradicts itself.
    HeaderLies,
    /// A table lies outside of the file, or where the format allows none.
    TableMisplaced,
    /// A table is larger than any image needs.
    TableTooLarge,
    /// The disk in it is larger than the limit.
    DiskTooLarge,
    /// It is to be read together with another image, below it.
    BackingFile,
    /// Its bytes are in another file, or it names other files.
    OtherFiles,
    /// It is encrypted.
    Encrypted,
    /// It needs a feature or a version that nobody here knows.
    UnknownFeature,
    /// Whoever wrote it last marked it as damaged.
    Damaged,
    /// It has more snapshots inside than any image needs.
    TooManySnapshots,
    /// It is of a format that is not taken at all.
    ForeignFormat,
    /// It is of several formats at once: who reads it decides what it is.
    Ambiguous,
    /// It is of another format than it was said to be.
    OtherFormat,
    /// An archive that would write outside of where it is unpacked.
    PathEscape,
    /// An archive that is not of one file, or has links and devices.
    UnfitArchive,
    /// It is compressed, and has to be unpacked first.
    Packed,
    /// It unpacks to more than its size explains, or than the limit.
    Bomb,
}

/// An image that is not taken: why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: RefusalCode,
    line: String,
}

impl Refusal {
    pub(super) fn new(code: RefusalCode, line: impl Into<String>) -> Self {
        Self { code, line: line.into() }
    }

    /// The refusal of an archive in which a file of this name is refused.
    pub(super) fn inside(self, name: &[u8]) -> Self {
        let line = format!("the file {} in it is not taken: {}", shown(name), self.line);
        Self { line, ..self }
    }

    /// What is wrong.
    pub fn code(&self) -> RefusalCode {
        self.code
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for PluginError {
    fn from(refusal: Refusal) -> Self {
        let line = format!("the image is not taken: {}", refusal.line);
        PluginError::invalid_argument(line).with("reason", format_args!("{:?}", refusal.code))
    }
}

/// Why an image was not inspected to its end.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It is not taken.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// It could not be read.
    #[error("{0}")]
    Unread(#[from] PluginError),
}

impl InspectError {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unread(_) => None,
        }
    }
}

impl From<InspectError> for PluginError {
    fn from(error: InspectError) -> Self {
        match error {
            InspectError::Refused(refusal) => refusal.into(),
            InspectError::Unread(error) => error,
        }
    }
}

/// A name out of an image, fit for a message: it was written by whoever made the image.
pub(super) fn shown(name: &[u8]) -> String {
    const MOST: usize = 80;
    let text = String::from_utf8_lossy(name.get(..MOST).unwrap_or(name));
    let more = if name.len() > MOST { "…" } else { "" };
    format!("\"{}{more}\"", text.escape_debug())
}
