//! The record that every plugin carries about itself, readable without running it.
//!
//! `export_plugin!` places one static in the link section [`ELF_SECTION`] (ELF) or
//! [`MACH_O_SECTION`] (Mach-O): the bytes [`MAGIC`], a JSON object, and a zero byte. This file
//! parses those bytes; finding them is the object file reader's work. Unknown fields are ignored
//! and all but the first three have defaults, so the record can grow either way.
//!
//! The invariant: the record is a vendor's claim, for people to read. No decision to trust a
//! plugin rests on it, and nothing of it can disturb a terminal.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

/// The bytes that open a metadata record.
pub const MAGIC: &[u8] = b"STORAGE-PLUGIN-METADATA\0";
/// The name of the record's section in an ELF file.
pub const ELF_SECTION: &str = ".storage_plugin";
/// The name of the record's section in a Mach-O file.
pub const MACH_O_SECTION: &str = "__storage_plugin";
/// The largest section that is read, in bytes.
pub const SIZE_LIMIT: u64 = 64 * 1024;

/// What a plugin says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginMetadata {
    /// The plugin's crate.
    #[serde(rename = "crate")]
    pub crate_name: String,
    /// The crate's version.
    pub version: String,
    /// The version of the plugin ABI it was built for, as `major.minor`.
    pub abi: String,
    /// The version of `storage-plugin-api` it was built with.
    #[serde(default)]
    pub sdk: String,
    /// The compiler that built it.
    #[serde(default)]
    pub rustc: String,
    /// The target triple it was built for.
    #[serde(default)]
    pub target: String,
    /// The crate's licence.
    #[serde(default)]
    pub license: String,
    /// What it is, in a line.
    #[serde(default)]
    pub description: String,
}

impl PluginMetadata {
    /// Parses the contents of a metadata section.
    ///
    /// # Errors
    /// The section holds no record, or one that cannot be read.
    pub fn parse(section: &[u8]) -> Result<Self, ParseMetadataError> {
        if section.len() as u64 > SIZE_LIMIT {
            return Err(ParseMetadataError::TooLarge(section.len() as u64));
        }
        let record = section.strip_prefix(MAGIC).ok_or(ParseMetadataError::NoMagic)?;
        let end = record.iter().position(|&byte| byte == 0);
        let json = &record[..end.ok_or(ParseMetadataError::Unterminated)?];
        let mut metadata: Self = serde_json::from_slice(json)
            .map_err(|error| ParseMetadataError::NotJson(error.to_string()))?;
        metadata.texts().into_iter().for_each(strip_controls);
        Ok(metadata)
    }

    fn texts(&mut self) -> [&mut String; 8] {
        let Self { crate_name, version, abi, sdk, rustc, target, license, description } = self;
        [crate_name, version, abi, sdk, rustc, target, license, description]
    }
}

impl fmt::Display for PluginMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (plugin ABI {})", self.crate_name, self.version, self.abi)
    }
}

/// Why a metadata section could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseMetadataError {
    /// The section is larger than [`SIZE_LIMIT`]; it has that many bytes.
    TooLarge(u64),
    /// The section does not open with [`MAGIC`].
    NoMagic,
    /// No zero byte ends the record.
    Unterminated,
    /// The record is not the expected JSON object.
    NotJson(String),
}

impl fmt::Display for ParseMetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(size) => {
                write!(f, "its metadata section has {size} bytes, at most {SIZE_LIMIT} are read")
            }
            Self::NoMagic => f.write_str("its metadata section does not hold a metadata record"),
            Self::Unterminated => f.write_str("its metadata record has no end"),
            Self::NotJson(error) => write!(f, "its metadata record cannot be parsed: {error}"),
        }
    }
}

impl std::error::Error for ParseMetadataError {}

/// Removes what could move a cursor, hide text or reorder it.
fn strip_controls(text: &mut String) {
    // Separators and bidirectional marks are not control characters to Rust.
    const REORDERING: [RangeInclusive<char>; 3] =
        ['\u{200e}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    text.retain(|c| !c.is_control() && !REORDERING.iter().any(|range| range.contains(&c)));
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, ParseMetadataError, PluginMetadata};

    fn parse(json: &str) -> Result<PluginMetadata, ParseMetadataError> {
        PluginMetadata::parse(&[MAGIC, json.as_bytes(), b"\0\0padding"].concat())
    }

    #[test]
    fn full_record_is_read() {
        let metadata = parse(
            r#"{"crate":"storage-volume-sample","version":"0.1.0","abi":"0.1","sdk":"0.1.0",
                "rustc":"rustc 1.95.0","target":"x86_64-unknown-linux-gnu","license":"MIT",
                "description":"the tutorial"}"#,
        )
        .unwrap();
        assert_eq!(metadata.to_string(), "storage-volume-sample 0.1.0 (plugin ABI 0.1)");
        assert_eq!(metadata.target, "x86_64-unknown-linux-gnu");
        assert_eq!(metadata.description, "the tutorial");
        let json = serde_json::to_string(&metadata).unwrap();
        assert!(json.starts_with(r#"{"crate":"storage-volume-sample""#), "{json}");
    }

    #[test]
    fn older_and_newer_records_are_read() {
        let metadata = parse(r#"{"crate":"x","version":"1","abi":"0.1","later":[1]}"#).unwrap();
        assert_eq!((metadata.abi.as_str(), metadata.sdk.as_str()), ("0.1", ""));
    }

    #[test]
    fn control_characters_are_stripped() {
        let json = r#"{"crate":"a\u001b[2Jb\n\u202ec","version":"1\u0000","abi":"0.1"}"#;
        let metadata = parse(json).unwrap();
        assert_eq!((metadata.crate_name.as_str(), metadata.version.as_str()), ("a[2Jbc", "1"));
    }

    #[test]
    fn damaged_records_are_told_apart() {
        assert_eq!(PluginMetadata::parse(b""), Err(ParseMetadataError::NoMagic));
        assert_eq!(PluginMetadata::parse(&MAGIC[1..]), Err(ParseMetadataError::NoMagic));
        assert_eq!(PluginMetadata::parse(MAGIC), Err(ParseMetadataError::Unterminated));
        let huge = vec![b' '; 70_000];
        assert_eq!(PluginMetadata::parse(&huge), Err(ParseMetadataError::TooLarge(70_000)));
        for json in ["", "{}", "[]", r#"{"crate":1}"#, r#"{"crate":"x","version":"1"}"#, "\u{7f}"] {
            let error = parse(json).unwrap_err();
            assert!(matches!(error, ParseMetadataError::NotJson(_)), "{json}: {error}");
        }
    }

    #[test]
    fn deeply_nested_record_is_an_error() {
        let json = format!("{{\"crate\":{}", "[".repeat(30_000));
        assert!(matches!(parse(&json), Err(ParseMetadataError::NotJson(_))));
    }
}
