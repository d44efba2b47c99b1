//! Who may change a plugin file: only those whom the host trusts with its own process.
//!
//! Trusted are root, the host's own user, and the group of each. The group counts because
//! distributions that give every user a group of his own let it write (umask 002): there a file
//! that was just built is writable by a group with one member. A group that root made for others
//! (`staff`, `dev`) is not trusted, even where the host's user is in it.

use super::{Metadata, MetadataExt, Path, Refusal, RefusalCode, fs, unreadable};

const WORLD_WRITABLE: u32 = 0o002;
const GROUP_WRITABLE: u32 = 0o020;
/// Of a directory: only owners may rename and remove what is in it.
const STICKY: u32 = 0o1000;

/// Whom the host trusts beside root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusted {
    /// The user that it runs as.
    pub(super) user: u32,
    /// The group that it runs as: that user's own, unless it was started in another.
    pub(super) group: u32,
}

impl Trusted {
    /// The user and the group of this process.
    pub(super) fn this() -> Self {
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { user: user.as_raw(), group: group.as_raw() }
    }

    /// Checks the file, its directories up to that of its kind, and the plugin directory.
    ///
    /// # Errors
    /// `WorldWritable`, `GroupWritable`, `WrongOwner` or `Unreadable`.
    pub(super) fn check(
        self,
        root: &Path,
        dir: &Path,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        let between = path.ancestors().skip(1).take_while(|ancestor| ancestor.starts_with(dir));
        for directory in between.chain([root]) {
            let metadata =
                fs::metadata(directory).map_err(|error| unreadable(directory, &error))?;
            // Whoever can rename within one of these directories can replace the file.
            if metadata.mode() & STICKY == 0 {
                self.check_mode(path, directory, "its directory", &metadata)?;
            }
        }
        self.check_mode(path, path, "the file", metadata)?;
        self.check_owner(path, metadata.uid())
    }

    fn check_mode(
        self,
        path: &Path,
        culprit: &Path,
        called: &str,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        let (mode, group) = (metadata.mode() & 0o7777, metadata.gid());
        let (code, why, bit) = if mode & WORLD_WRITABLE != 0 {
            let why = format!("anyone may change {called} {culprit:?} (mode {mode:04o})");
            (RefusalCode::WorldWritable, why, "o-w")
        } else if mode & GROUP_WRITABLE != 0 && group != 0 && group != self.group {
            let why = format!(
                "group {group} may change {called} {culprit:?} (mode {mode:04o}); the host, group \
                 {}, trusts its own group and root's",
                self.group
            );
            (RefusalCode::GroupWritable, why, "g-w")
        } else {
            return Ok(());
        };
        Err(Refusal::new(
            code,
            format!("cannot trust plugin {path:?}"),
            why,
            format!(
                "chmod {bit} {culprit:?}, after making sure that nobody has changed the plugin"
            ),
        ))
    }

    fn check_owner(self, path: &Path, owner: u32) -> Result<(), Refusal> {
        let user = self.user;
        if owner == 0 || owner == user {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::WrongOwner,
            format!("cannot trust plugin {path:?}"),
            format!(
                "it belongs to user {owner}; the host, user {user}, trusts its own files and root's"
            ),
            format!("if you trust it: chown {user} {path:?}"),
        ))
    }
}
