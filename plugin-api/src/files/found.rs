//! What is known of a file without opening it.

use rustix::fs::Stat;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Its number in its file system.
    pub inode: u64,
    /// Its length, in bytes.
    pub size: u64,
    /// Space used, in bytes.
    pub physical: u64,
    /// Of the last change of the content: seconds and nanoseconds.
    pub changed: (u64, u64),
    /// How many names it has.
    pub names: u64,
}

impl Found {
    /// What the system tells of a file.
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            inode: number(stat.st_ino),
            size: number(stat.st_size),
            physical: number(stat.st_blocks) * 512,
            changed: (number(stat.st_mtime), number(stat.st_mtime_nsec)),
            names: number(stat.st_nlink),
        }
    }

    /// Changes with every change of the content: another file, another time, another length.
    pub fn generation(&self) -> String {
        let (seconds, nanoseconds) = self.changed;
        format!("{}-{seconds}.{nanoseconds:09}-{}", self.inode, self.size)
    }
}

/// The types of these numbers differ from system to system; none of them is negative.
fn number(value: impl Into<i128>) -> u64 {
    u64::try_from(value.into()).unwrap_or(0)
}
