//! The directory of a store, opened: every file is reached through it, by a name without a path.
//!
//! What it is not: it knows no object and no mark. Invariant: no symbolic link is followed.

use super::Found;
use crate::error::{PluginError, PluginResult as Result};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A disk may hold secrets: what runs an instance is given its file when the instance starts.
const OWNER_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

/// An open directory. Every name that is given to it is a single component.
#[derive(Debug)]
pub struct Directory {
    file: File,
    path: PathBuf,
}

impl Directory {
    /// Opens the directory of a store. A link in its path would lead elsewhere: it is refused.
    ///
    /// # Errors
    /// `Unavailable` where nothing is there.
    pub fn open(path: &Path) -> Result<Self> {
        match open_directory(path) {
            Ok(file) => Ok(Self { file, path: path.to_owned() }),
            Err(Errno::NOENT) => Err(PluginError::unavailable(format!(
                "the directory {path:?} is not there: is it mounted?"
            ))),
            Err(Errno::LOOP) => Err(PluginError::permission_denied(format!(
                "a symbolic link was put into the path {path:?}"
            ))),
            Err(error) => Err(PluginError::from_io(format!("cannot open {path:?}"), &error.into())),
        }
    }

    /// The same open directory once more.
    ///
    /// # Errors
    /// What the system says: too many files are open.
    pub fn try_clone(&self) -> Result<Self> {
        let file = self.file.try_clone().map_err(|error| self.failed("open", "", error))?;
        Ok(Self { file, path: self.path.clone() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as a file: for what is asked of a file system.
    pub fn as_file(&self) -> &File {
        &self.file
    }

    /// The error of doing something to a file in here.
    pub fn failed(&self, doing: &str, name: &str, error: impl Into<io::Error>) -> PluginError {
        PluginError::from_io(format!("cannot {doing} {:?}", self.path.join(name)), &error.into())
    }

    /// What is known of a file; `None` where there is none.
    ///
    /// # Errors
    /// `PermissionDenied` for a link, a directory, or anything else that is no ordinary file.
    pub fn look(&self, name: &str) -> Result<Option<Found>> {
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() => {
                Ok(Some(Found::of(&stat)))
            }
            Ok(_) => Err(self.no_file(name)),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(self.failed("look at", name, error)),
        }
    }

    fn no_file(&self, name: &str) -> PluginError {
        let path = self.path.join(name);
        PluginError::permission_denied(format!("{path:?} is not an ordinary file"))
    }

    /// Opens a file that is there, for reading it.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied` for a link.
    pub fn open_to_read(&self, name: &str) -> Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a file that is there, for reading it, with what is known of it: of what was opened,
    /// not of what has the name by then.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied` for what is no ordinary file.
    pub fn open_found(&self, name: &str) -> Result<(File, Found)> {
        let file = self.open_to_read(name)?;
        let stat = rustix::fs::fstat(&file).map_err(|error| self.failed("look at", name, error))?;
        if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(self.no_file(name));
        }
        Ok((file, Found::of(&stat)))
    }

    /// Opens a file that is there, for reading and writing it.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied` for a link.
    pub fn open_to_write(&self, name: &str) -> Result<File> {
        self.open_file(name, OFlags::RDWR)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> Result<File> {
        self.openat(name, flags).map_err(|error| match error {
            Errno::NOENT | Errno::NAMETOOLONG => {
                PluginError::not_found(format!("{:?} is not there", self.path.join(name)))
            }
            Errno::LOOP => self.no_file(name),
            error => self.failed("open", name, error),
        })
    }

    /// Opens a file, or makes it, empty; nobody but its owner may read it.
    ///
    /// # Errors
    /// `PermissionDenied` for a link; what the file system says.
    pub fn open_or_make(&self, name: &str) -> Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// Makes a file that is not there yet; nobody but its owner may read it.
    ///
    /// # Errors
    /// `AlreadyExists`; what the file system says.
    pub fn make(&self, name: &str) -> Result<File> {
        self.openat(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
            .map_err(|error| self.failed("make", name, error))
    }

    // A pipe in the place of a file would block its opener for ever without NONBLOCK.
    fn openat(&self, name: &str, flags: OFlags) -> rustix::io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        rustix::fs::openat(&self.file, name, flags, OWNER_ONLY).map(File::from)
    }

    /// A nameless file, for trying something out.
    ///
    /// # Errors
    /// What the system says: not every file system has such.
    pub fn nameless(&self) -> io::Result<File> {
        Ok(self.openat(".", OFlags::RDWR | OFlags::TMPFILE)?)
    }

    /// All names in here but those that begin with a dot.
    ///
    /// # Errors
    /// What the file system says.
    pub fn names(&self) -> Result<Vec<String>> {
        let failed = |error: Errno| self.failed("list", "", error);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.file).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().to_str()
                && !name.starts_with('.')
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Waits until the names in here are on the disk.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| self.failed("flush", "", error))
    }

    /// Removes the name of a file; whether there was one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn unlink(&self, name: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(false),
            Err(error) => Err(self.failed("remove", name, error)),
        }
    }

    /// Gives a file another name; whatever has that name takes the file's. Where that cannot be, or
    /// nothing has it, the file takes the name alone; whether they changed.
    pub(super) fn exchange(&self, from: &str, to: &str) -> Result<bool> {
        match change_names(&self.file, from, to) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.rename(from, to).map(|()| false)
            }
            Err(error) => Err(self.failed("rename", from, error)),
        }
    }

    /// Gives a file another name, over whatever has that name.
    ///
    /// # Errors
    /// `NotFound`; what the file system says.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        rustix::fs::renameat(&self.file, from, &self.file, to)
            .map_err(|error| self.failed("rename", from, error))
    }

    /// Opens a directory in here; `None` where there is none.
    ///
    /// # Errors
    /// `PermissionDenied` for a link, or anything else that is no directory.
    pub fn below(&self, name: &str) -> Result<Option<Self>> {
        let path = self.path.join(name);
        match rustix::fs::openat(&self.file, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => Ok(Some(Self { file: File::from(file), path })),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                Err(PluginError::permission_denied(format!("{path:?} is not a directory")))
            }
            Err(error) => Err(self.failed("open", name, error)),
        }
    }

    /// Opens a directory in here, or makes it; whether it was made.
    ///
    /// # Errors
    /// Those of [`below`](Self::below); what the file system says.
    pub fn below_or_make(&self, name: &str) -> Result<(Self, bool)> {
        let made = match rustix::fs::mkdirat(&self.file, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(self.failed("make", name, error)),
        };
        let below = self.below(name)?.ok_or_else(|| {
            PluginError::conflict(format!("{:?} was removed as it was made", self.path.join(name)))
        })?;
        Ok((below, made))
    }

    /// Removes a directory in here, if it is empty; whether it is gone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn prune(&self, name: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => Ok(false),
            Err(error) => Err(self.failed("remove", name, error)),
        }
    }
}

#[cfg(target_os = "linux")]
fn change_names(directory: &File, one: &str, other: &str) -> rustix::io::Result<()> {
    let exchange = rustix::fs::RenameFlags::EXCHANGE;
    rustix::fs::renameat_with(directory, one, directory, other, exchange)
}

#[cfg(not(target_os = "linux"))]
fn change_names(_: &File, _: &str, _: &str) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(target_os = "linux")]
fn open_directory(path: &Path) -> rustix::io::Result<File> {
    use rustix::fs::{CWD, ResolveFlags, openat2};
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(CWD, path, DIRECTORY, Mode::empty(), resolve) {
        // Before Linux 5.6, and under some filters of system calls.
        Err(Errno::NOSYS | Errno::PERM) => open_last_directory(path),
        opened => opened.map(File::from),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_directory(path: &Path) -> rustix::io::Result<File> {
    open_last_directory(path)
}

/// Without the system's help only a link at the end of the path is seen.
fn open_last_directory(path: &Path) -> rustix::io::Result<File> {
    rustix::fs::open(path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()).map(File::from)
}
