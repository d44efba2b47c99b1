//! An image in a file with a file system in it, mounted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{OrFail, eventually};

/// A mounted file system; it is unmounted and removed with this.
#[derive(Debug)]
pub(crate) struct Mount {
    directory: tempfile::TempDir,
    path: PathBuf,
    is_mounted: bool,
}

impl Mount {
    /// A new file system of a kind and a size.
    pub(crate) fn new(kind: &str, bytes: u64) -> Self {
        let directory = tempfile::tempdir().or_fail("make a directory");
        let image = directory.path().join("image");
        let file = File::create_new(&image).or_fail("make an image");
        file.set_len(bytes).or_fail("make an image");
        // Whatever the default of this version is: blocks can be shared.
        let options: &[&str] = if kind == "xfs" { &["-m", "reflink=1"] } else { &[] };
        let mut make = Command::new(format!("mkfs.{kind}"));
        // Where ordinary users look for no programs of the system's.
        let path = std::env::var("PATH").unwrap_or_default();
        run(make.env("PATH", format!("{path}:/usr/sbin:/sbin")).args(options).arg(&image));
        let path = directory.path().canonicalize().or_fail("a path").join("mounted");
        std::fs::create_dir(&path).or_fail("make a directory");
        let mut mount = Self { directory, path, is_mounted: false };
        mount.mount();
        mount
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Mounts it, again.
    pub(crate) fn mount(&mut self) {
        let image = self.directory.path().join("image");
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(&self.path));
        self.is_mounted = true;
    }

    /// Lets nobody write to it, once nobody does any more: a stream that ended is let go a moment
    /// later.
    pub(crate) fn make_read_only(&mut self) {
        eventually("nobody writes to the file system", || {
            let mut mount = Command::new("mount");
            let output = mount.args(["-o", "remount,ro"]).arg(&self.path).output();
            output.or_fail("run mount").status.success().then_some(())
        });
    }

    /// Takes it away, once nobody uses it any more.
    pub(crate) fn unmount(&mut self) {
        eventually("nobody uses the file system", || {
            let output = Command::new("umount").arg(&self.path).output();
            output.or_fail("run umount").status.success().then_some(())
        });
        self.is_mounted = false;
    }

    /// The bytes that are used, everything that is under way included.
    pub(crate) fn used(&self) -> u64 {
        let directory = File::open(&self.path).or_fail("open the mount");
        rustix::fs::syncfs(&directory).or_fail("flush the file system");
        let told = rustix::fs::fstatvfs(&directory).or_fail("ask the file system");
        (told.f_blocks - told.f_bfree) * told.f_frsize
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_mounted {
            // Lazily: a library that is never closed may keep a lock open in there. A failure is told
            // by the directory, which cannot be removed then.
            Command::new("umount").arg("--lazy").arg(&self.path).status().ok();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().or_fail("run a program");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ended = if output.status.success() { Ok(()) } else { Err(said) };
    ended.or_fail(&format!("{command:?}"));
}
