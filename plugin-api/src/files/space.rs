//! Space and identity of the file system that a directory is on.

use super::Directory;
use crate::error::PluginResult as Result;
use rustix::io::Errno;

/// The space of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// All of it.
    pub capacity: u64,
    /// What cannot be written to any more, what is kept for root included.
    pub used: u64,
}

impl Directory {
    /// The space of the file system that the directory is on.
    ///
    /// # Errors
    /// What the file system says.
    pub fn space(&self) -> Result<Space> {
        let told = rustix::fs::fstatvfs(self.as_file())
            .map_err(|error| self.failed("ask for the space of", "", error))?;
        let unit = told.f_frsize;
        Ok(Space {
            capacity: told.f_blocks.saturating_mul(unit),
            used: told.f_blocks.saturating_sub(told.f_bavail).saturating_mul(unit),
        })
    }

    /// Names the directory wherever it is mounted and whatever it is called: by its file system and
    /// its number in there. `None` for a file system that has no id of its own.
    ///
    /// # Errors
    /// What the file system says.
    pub fn lasting_identity(&self) -> Result<Option<String>> {
        let failed = |error: Errno| self.failed("look at", "", error);
        let told = rustix::fs::fstatvfs(self.as_file()).map_err(failed)?;
        let stat = rustix::fs::fstat(self.as_file()).map_err(failed)?;
        Ok((told.f_fsid != 0).then(|| format!("filesystem-{:x}:{}", told.f_fsid, stat.st_ino)))
    }

    /// As [`lasting_identity`](Self::lasting_identity); by its device, whose number changes from
    /// boot to boot, where the file system has no id.
    ///
    /// # Errors
    /// What the file system says.
    pub fn identity(&self) -> Result<String> {
        if let Some(identity) = self.lasting_identity()? {
            return Ok(identity);
        }
        let stat =
            rustix::fs::fstat(self.as_file()).map_err(|error| self.failed("look at", "", error))?;
        Ok(format!("device-{:x}:{}", stat.st_dev, stat.st_ino))
    }
}
