//! What a store's URL says: an NFS export, or a directory of this machine.
//!
//! What it is not: a look at either. Invariant: what is wrong with a URL is told without the
//! password that may be in it.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use storage_plugin_api::{PluginError, PluginResult as Result, shown_url};

/// The schemes of a directory: an ordinary file URL, or the name of CloudStack's pool type.
const OF_DIRECTORIES: [&str; 3] = ["file", "filesystem", "sharedmountpoint"];

const NOT_IN_A_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');

/// Where a store lies, as its URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// An export of an NFS server; somebody mounted it somewhere.
    Export(Export),
    /// A directory of this machine, from the root.
    Directory(PathBuf),
}

/// An export of an NFS server, or a directory in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Export {
    /// In lower case, with its port if one was given.
    host: String,
    /// From the root of the server, without a slash at the end.
    path: PathBuf,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// `InvalidConfig`, with a URL that would be right.
    pub(crate) fn of(url: &str) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(wrong(url, "has no scheme; write nfs://host/path or file:///directory"));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if ["cifs", "smb"].contains(&scheme.as_str()) {
            let why = "is that of an SMB share, which this plugin does not serve; mount the share, \
                       and add its directory: file:///directory";
            return Err(wrong(url, why));
        }
        if host.contains('@') || rest.contains(['?', '#']) {
            let why =
                "holds a user, a query or a fragment, which mean nothing here; leave them out";
            return Err(wrong(url, why));
        }
        if OF_DIRECTORIES.contains(&scheme.as_str()) {
            return of_directory(url, host, path);
        }
        if scheme != "nfs" {
            let why = "has a scheme that this plugin does not know; write nfs://host/path, \
                       file:///directory or SharedMountPoint:///directory";
            return Err(wrong(url, why));
        }
        let is_host = !host.is_empty() && !host.contains(char::is_whitespace);
        if !is_host || path.is_empty() {
            let why = "names no host, or no path; write nfs://host/path";
            return Err(wrong(url, why));
        }
        let path = clean(url, path)?;
        Ok(Self::Export(Export { host: host.to_ascii_lowercase(), path }))
    }
}

impl fmt::Display for Address {
    /// The URL in its one form: what is the same place is the same text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, path) = match self {
            Self::Export(export) => ("nfs", export.host.as_str(), &export.path),
            Self::Directory(path) => ("file", "", path),
        };
        let path = path.to_string_lossy();
        write!(f, "{scheme}://{host}{}", utf8_percent_encode(&path, NOT_IN_A_PATH))
    }
}

impl Export {
    /// Where this export, or a directory in it, lies below another one; `None` where it does not.
    pub(crate) fn below(&self, other: &Self) -> Option<&Path> {
        let below = self.path.strip_prefix(&other.path).ok();
        below.filter(|_| self.host == other.host)
    }
}

fn of_directory(url: &str, host: &str, path: &str) -> Result<Address> {
    if !["", "localhost"].contains(&host.to_ascii_lowercase().as_str()) {
        let why = "names a directory of another machine; write three slashes: file:///directory";
        return Err(wrong(url, why));
    }
    if path.is_empty() {
        return Err(wrong(url, "names no directory; write file:///directory"));
    }
    clean(url, path).map(Address::Directory)
}

/// A path without what a path can be written with in many ways.
fn clean(url: &str, path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(percent_decode_str(path).collect()));
    // `components` drops what doubles a slash or stands still.
    let parts = path.components();
    let leads_back = parts.clone().any(|part| part == Component::ParentDir);
    match path.to_str() {
        Some(text) if !leads_back && !text.contains('\0') => Ok(parts.collect()),
        _ => {
            Err(wrong(url, "has a path that leads back (..) or is no text; write it from the root"))
        }
    }
}

fn wrong(url: &str, why: &str) -> PluginError {
    PluginError::invalid_config(format!("url {:?} {why}", shown_url(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_form() {
        for (url, form) in [
            ("nfs://NAS/export/", "nfs://nas/export"),
            ("NFS://nas:2049//export/./a%20b", "nfs://nas:2049/export/a%20b"),
            ("nfs://nas/", "nfs://nas/"),
            ("nfs://[fd00::1]/e", "nfs://[fd00::1]/e"),
            ("file:///srv//images/", "file:///srv/images"),
            ("SharedMountPoint:///srv/images", "file:///srv/images"),
            ("filesystem://localhost/srv", "file:///srv"),
        ] {
            assert_eq!(Address::of(url).unwrap().to_string(), form);
            assert_eq!(Address::of(form).unwrap(), Address::of(url).unwrap());
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_out_and_without_a_password() {
        for (url, word) in [
            ("nas/export", "no scheme"),
            ("", "no scheme"),
            ("nfs:/nas/export", "no scheme"),
            ("nfs:///export", "nfs://host/path"),
            ("nfs://nas", "nfs://host/path"),
            ("nfs://n as/export", "nfs://host/path"),
            ("nfs://nas/export/../etc", "leads back"),
            ("nfs://nas/a%00b", "no text"),
            ("nfs://nas/a?b=secret", "leave them out"),
            ("nfs://joe:secret@nas/a", "leave them out"),
            ("cifs://nas/share?user=joe&password=secret", "SMB share"),
            ("smb://joe:secret@nas/share", "SMB share"),
            ("file://srv/images", "three slashes"),
            ("file://", "no directory"),
            ("s3://bucket/path", "does not know"),
        ] {
            let error = Address::of(url).unwrap_err().to_string();
            assert!(error.contains(word), "{url:?}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_export_lies_below_another_by_whole_names() {
        let export = |url: &str| match Address::of(url).unwrap() {
            Address::Export(export) => export,
            other => panic!("{other}"),
        };
        let base = export("nfs://nas/export");
        assert_eq!(export("nfs://nas/export/a/b").below(&base), Some(Path::new("a/b")));
        assert_eq!(export("nfs://nas/export").below(&base), Some(Path::new("")));
        assert_eq!(export("nfs://nas/export2").below(&base), None);
        assert_eq!(export("nfs://other/export/a").below(&base), None);
    }
}
