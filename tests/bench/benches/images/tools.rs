//! What people would use by hand, and a file system that shares blocks.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds that something took, and seconds of processor time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

/// Runs a program that writes a file, and syncs the file, as the host does.
pub(crate) fn run(command: &mut Command, written: &Path) -> Result<Cost> {
    let (cpu, begun) = (children()?, Instant::now());
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    File::open(written)?.sync_all()?;
    Ok(Cost { wall: begun.elapsed().as_secs_f64(), cpu: children()? - cpu })
}

/// Waits until the disk has everything, so that nobody pays for what others wrote, and touches free
/// memory: a hypervisor takes back what nobody uses, and whoever writes the next file would pay for
/// getting it again, several times what the writing costs.
pub(crate) fn settle() -> Result<()> {
    const TOUCHED: usize = 5 << 30;
    Command::new("sync").status()?;
    drop(std::hint::black_box(vec![1_u8; TOUCHED]));
    Ok(())
}

/// Whether a program is installed.
pub(crate) fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The processor time of all programs that were run.
fn children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").context("a stat line")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = fields[13].parse::<u64>()? + fields[14].parse::<u64>()?;
    // USER_HZ is 100 on every Linux there is.
    Ok(ticks as f64 / 100.0)
}

/// XFS in a file, mounted; gone with this.
#[derive(Debug)]
pub(crate) struct XfsMount {
    path: PathBuf,
}

impl XfsMount {
    /// Makes one.
    ///
    /// # Errors
    /// Whoever is not root cannot mount; without xfsprogs there is none.
    pub(crate) fn new(directory: &Path, bytes: u64) -> Result<Self> {
        let (image, path) = (directory.join("xfs.image"), directory.join("xfs"));
        File::create(&image)?.set_len(bytes)?;
        std::fs::create_dir(&path)?;
        let search = std::env::var("PATH").unwrap_or_default();
        let mut make = Command::new("mkfs.xfs");
        make.env("PATH", format!("{search}:/usr/sbin:/sbin")).args(["-q", "-m", "reflink=1"]);
        run(make.arg(&image), &image).context("mkfs.xfs")?;
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&path), &image)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for XfsMount {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.path).status().ok();
    }
}
