//! What is known of a file without opening it.

use rustix::fs::Stat;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Space used, in bytes.
    pub(crate) physical: u64,
    /// Of the last change of the content: seconds and nanoseconds.
    pub(crate) changed: (u64, u64),
    pub(crate) names: u64,
}

impl Found {
    /// What the system tells of a file.
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            inode: number(stat.st_ino),
            size: number(stat.st_size),
            physical: number(stat.st_blocks) * 512,
            changed: (number(stat.st_mtime), number(stat.st_mtime_nsec)),
            names: number(stat.st_nlink),
        }
    }

    /// Changes with every change of the content: another file, another time, another length.
    pub(crate) fn generation(&self) -> String {
        let (seconds, nanoseconds) = self.changed;
        format!("{}-{seconds}.{nanoseconds:09}-{}", self.inode, self.size)
    }
}

/// The types of these numbers differ from system to system; none of them is negative.
fn number(value: impl Into<i128>) -> u64 {
    u64::try_from(value.into()).unwrap_or(0)
}
