//! qemu-img, with a disk to judge by, in a directory of its own.

use libtest_mimic::Failed;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tests::OrFail;

/// No whole number of clusters, of mebibytes, or of any block but a sector.
const DISK_BYTES: u64 = (96 << 20) + (7 << 9);
/// Runs of data in the disk.
pub(crate) const RUNS: u64 = 5;

pub(crate) struct Judge {
    place: TempDir,
}

impl Judge {
    /// A judge, and `disk.raw`: data that packs and data that does not, holes of many sizes.
    pub(crate) fn new() -> Self {
        let judge = Self { place: tempfile::tempdir().or_fail("a directory") };
        let disk = File::create_new(judge.file("disk.raw")).or_fail("create a disk");
        disk.set_len(DISK_BYTES).or_fail("size a disk");
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for (at, length) in [
            (0, 3 << 20),
            ((8 << 20) + 4096, 70_000),
            (16 << 20, 512),
            ((40 << 20) - 1, (5 << 20) + 2),
            (DISK_BYTES - 1000, 1000),
        ] {
            let packs = at == 16 << 20 || at == 0;
            let bytes: Vec<u8> = (0..length)
                .map(|position: usize| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    if packs { (position >> 10) as u8 | 1 } else { state as u8 }
                })
                .collect();
            disk.write_all_at(&bytes, at).or_fail("write a disk");
        }
        judge
    }

    /// A file of this name in its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Runs qemu-img; what it says is the error.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new("qemu-img");
        let ended = command.args(arguments).current_dir(self.place.path()).output();
        let ended = ended.or_fail("run qemu-img");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        if ended.status.success() {
            return Ok(said);
        }
        let error = String::from_utf8_lossy(&ended.stderr);
        Err(format!("qemu-img {}: {said}{error}", arguments.join(" ")).into())
    }

    /// The disk as an image.
    pub(crate) fn convert(&self, format: &str, options: &[&str]) -> PathBuf {
        let image = self.file("image");
        let path = image.display().to_string();
        let arguments = [&["convert", "-f", "raw", "-O", format], options, &["disk.raw", &path]];
        self.run(&arguments.concat()).or_fail("convert a disk");
        image
    }

    /// An image of nothing.
    pub(crate) fn create(&self, format: &str, arguments: &[&str]) -> Result<PathBuf, Failed> {
        self.run(&["create", "-f", "vmdk", "parent.vmdk", "8M"])?;
        let image = self.file("image");
        let place = self.place.path().display().to_string();
        let arguments: Vec<_> = arguments.iter().map(|word| word.replace('$', &place)).collect();
        let mut all = vec!["create", "-f", format];
        all.extend(arguments.iter().map(String::as_str));
        let path = image.display().to_string();
        all.extend([path.as_str(), "8M"]);
        self.run(&all)?;
        Ok(image)
    }

    /// That an image is the disk, and as large.
    pub(crate) fn compare(&self, format: &str, image: &Path) -> Result<(), Failed> {
        let path = image.display().to_string();
        self.run(&["compare", "-f", "raw", "-F", format, "disk.raw", &path])?;
        let size = self.virtual_size(format, image)?;
        if size == DISK_BYTES { Ok(()) } else { Err(format!("it has {size} bytes").into()) }
    }

    /// The size of the disk in an image.
    pub(crate) fn virtual_size(&self, format: &str, image: &Path) -> Result<u64, Failed> {
        let path = image.display().to_string();
        let told = self.run(&["info", "--output=json", "-f", format, &path])?;
        let told: serde_json::Value = serde_json::from_str(&told).or_fail("what qemu-img tells");
        Ok(told["virtual-size"].as_u64().or_fail("a size"))
    }
}

/// The blocks of 512 bytes that a file takes.
pub(crate) fn blocks(path: &Path) -> u64 {
    std::fs::metadata(path).or_fail("stat a file").blocks()
}
