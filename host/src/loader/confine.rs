//! Which file a plugin row means, and whether the host may touch it at all.
//!
//! A row names a file, never a path: it must lie directly in the directory of its kind, below
//! the plugin directory. That directory also holds the plugins' crate sources, in
//! sub-directories; the loader never descends into them. Nothing of the file is read here.
//!
//! The invariant: a [`Located`] file lies, symbolic links resolved, under the directory of its
//! kind; it is a regular file of a sane size that only root and the host's own user, or the group
//! of either, can change (`writers` says why the group). It holds at the moment of looking:
//! [`Located::recheck`] asks again, right before loading.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use self::writers::Trusted;
use super::refusal::{Refusal, RefusalCode};

mod writers;

/// The largest plugin file, in bytes: 30 times the largest known plugin.
pub const SIZE_LIMIT: u64 = 512 * 1024 * 1024;
/// How many of a directory's libraries a refusal lists.
const LISTED: usize = 20;

/// A plugin file that passed confinement, and its identity at that moment.
///
/// Two rows with equal `dev` and `ino` mean the same file. All fields together are a key under
/// which the result of a probe may be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Located {
    /// The file, symbolic links resolved.
    pub path: PathBuf,
    /// The device that holds it.
    pub dev: u64,
    /// Its inode.
    pub ino: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When its contents last changed.
    pub mtime: SystemTime,
}

impl Located {
    /// Checks that the file is still the one that was located: the last step before loading it.
    ///
    /// # Errors
    /// `Missing` or `Unreadable` — it is gone, was replaced or was written to.
    pub fn recheck(&self) -> Result<(), Refusal> {
        let metadata = fs::metadata(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let now = Self::new(self.path.clone(), &metadata)?;
        if now == *self {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::Unreadable,
            format!("cannot load plugin {:?}", self.path),
            format!(
                "it changed while it was being checked ({} bytes, now {})",
                self.size, now.size
            ),
            "wait until it is installed, then load it again; install by renaming a complete copy",
        ))
    }

    fn new(path: PathBuf, metadata: &Metadata) -> Result<Self, Refusal> {
        let mtime = metadata.modified().map_err(|error| unreadable(&path, &error))?;
        let (dev, ino, size) = (metadata.dev(), metadata.ino(), metadata.len());
        Ok(Self { path, dev, ino, size, mtime })
    }
}

/// Finds the file that a plugin row of `kind` (`image`, `volume`) calls `file_name`.
///
/// # Errors
/// `OutsideDirectory`, `Missing`, `NotAFile`, `WorldWritable`, `GroupWritable`, `WrongOwner`,
/// `TooLarge`, `Truncated` (it is empty) or `Unreadable`.
pub fn locate(plugin_dir: &Path, kind: &str, file_name: &str) -> Result<Located, Refusal> {
    locate_as(Trusted::this(), plugin_dir, kind, file_name)
}

/// The names of the libraries that lie directly in the directory of `kind`, sorted; none if
/// there is no such directory.
pub fn candidates(plugin_dir: &Path, kind: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(plugin_dir.join(kind)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("lib"))
        .filter(|name| name.ends_with(".so") || name.ends_with(".dylib"))
        .collect();
    names.sort();
    names
}

/// [`locate`] for a host that trusts these.
fn locate_as(
    trusted: Trusted,
    plugin_dir: &Path,
    kind: &str,
    file_name: &str,
) -> Result<Located, Refusal> {
    for name in [kind, file_name] {
        check_own_name(name, plugin_dir)?;
    }
    let (root, dir, path) = resolve(plugin_dir, kind, file_name)?;
    let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
    if !metadata.is_file() {
        return Err(Refusal::new(
            RefusalCode::NotAFile,
            format!("cannot load plugin {path:?}"),
            "it is not a regular file",
            "name the compiled library, which lies directly in the directory",
        ));
    }
    trusted.check(&root, &dir, &path, &metadata)?;
    check_size(&path, metadata.len())?;
    Located::new(path, &metadata)
}

fn check_own_name(name: &str, plugin_dir: &Path) -> Result<(), Refusal> {
    let mut components = Path::new(name).components();
    let only = (components.next(), components.next());
    let bare = matches!(only, (Some(Component::Normal(own)), None) if own == name);
    if bare && !name.contains(['\\', '\0']) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::OutsideDirectory,
        format!("cannot load plugin {name:?}"),
        "it is not a bare file name: plugins are named, not addressed",
        format!(
            "install the library in its kind's directory below {plugin_dir:?} and give its name"
        ),
    ))
}

/// Resolves symbolic links: the plugin directory, the directory of the kind, and the file.
fn resolve(
    plugin_dir: &Path,
    kind: &str,
    file_name: &str,
) -> Result<(PathBuf, PathBuf, PathBuf), Refusal> {
    let named = plugin_dir.join(kind).join(file_name);
    let missing = |why: String| {
        Refusal::new(
            RefusalCode::Missing,
            format!("cannot find plugin {named:?}"),
            why,
            "build and install it with `cargo xtask stage`, or correct the name in plugins.toml",
        )
    };
    let directory = |path: &Path| {
        fs::canonicalize(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(format!("there is no directory {path:?}")),
            _ => unreadable(path, &error),
        })
    };
    let (root, dir) = (directory(plugin_dir)?, directory(&plugin_dir.join(kind))?);
    let path = fs::canonicalize(&named).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(why_missing(&named, plugin_dir, kind)),
        _ => unreadable(&named, &error),
    })?;
    if path.starts_with(&dir) && path != dir {
        return Ok((root, dir, path));
    }
    Err(Refusal::new(
        RefusalCode::OutsideDirectory,
        format!("cannot load plugin {named:?}"),
        format!("it is a symbolic link that leads to {path:?}, outside {dir:?}"),
        "copy the library itself into the directory",
    ))
}

fn why_missing(named: &Path, plugin_dir: &Path, kind: &str) -> String {
    if let Ok(target) = fs::read_link(named) {
        return format!("it is a symbolic link to {target:?}, which does not exist");
    }
    let names = candidates(plugin_dir, kind);
    match names.len() {
        0 => "there is no such file, nor any other library in its directory".to_owned(),
        1..=LISTED => format!("there is no such file; there is: {}", names.join(", ")),
        more => {
            let shown = names[..LISTED].join(", ");
            format!("there is no such file; there is: {shown}, and {} more", more - LISTED)
        }
    }
}

fn check_size(path: &Path, size: u64) -> Result<(), Refusal> {
    match size {
        0 => Err(Refusal::new(
            RefusalCode::Truncated,
            format!("cannot load plugin {path:?}"),
            "the file is empty",
            "install it again: copy to a temporary name beside it, then rename",
        )),
        1..=SIZE_LIMIT => Ok(()),
        _ => Err(Refusal::new(
            RefusalCode::TooLarge,
            format!("cannot load plugin {path:?}"),
            format!("the file has {size} bytes, a plugin may have {SIZE_LIMIT}"),
            "strip the debug information (`strip = \"symbols\"` in the build profile)",
        )),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::NotFound => RefusalCode::Missing,
        _ => RefusalCode::Unreadable,
    };
    Refusal::new(
        code,
        format!("cannot look at {path:?}"),
        error.to_string(),
        "check that the file is there, and its permissions and those of its directories",
    )
}

#[cfg(test)]
mod tests;
