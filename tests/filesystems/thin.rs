//! qcow2 volumes on top of templates, on a file system that shares no blocks: what they cost, and
//! what qemu-img makes of them. It judges; nothing of the product uses it.

use crate::mount::Mount;
use crate::pool::{BYTE, GIB, MIB, Pool};
use libtest_mimic::Failed;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use storage_plugin_api::{PluginErrorKind, VolumeInfo};
use tests::{OrFail, Skin, expect, run};

/// Runs qemu-img in a pool's directory; what it says is the error.
fn qemu_img(directory: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("qemu-img");
    let ended = command.args(arguments).current_dir(directory).output().or_fail("run qemu-img");
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr)).into())
}

/// The image is whole, lies on what it should lie on, and nothing in it is lost.
fn is_sound(directory: &Path, image: &str, template: Option<&str>) -> Result<(), Failed> {
    let told = qemu_img(directory, &["check", "--output=json", "-f", "qcow2", image])?;
    let told: Value = serde_json::from_str(&told).or_fail("what qemu-img says");
    let wrong: u64 = ["check-errors", "corruptions", "leaks"]
        .iter()
        .map(|field| told[field].as_u64().unwrap_or(0))
        .sum();
    expect(wrong == 0, || told.to_string())?;
    let told = qemu_img(directory, &["info", "--output=json", "--backing-chain", image])?;
    let chain: Value = serde_json::from_str(&told).or_fail("what qemu-img says");
    let (of, format) = (&chain[0]["backing-filename"], &chain[0]["backing-filename-format"]);
    expect(of.as_str() == template, || told.clone())?;
    expect(template.is_none() || format == "raw", || told.clone())
}

/// Two images hold the same disk; behind the end of the shorter one there are zeros.
fn are_same(directory: &Path, (one, of): (&str, &str), other: (&str, &str)) -> Result<(), Failed> {
    let arguments = ["compare", "-f", of, "-F", other.1, one, other.0];
    qemu_img(directory, &arguments).map(drop)
}

fn qemu_io(directory: &Path, image: &str, command: &str) -> Result<(), Failed> {
    let mut qemu_io = Command::new("qemu-io");
    let ended = qemu_io.args(["-f", "qcow2", "-c", command, image]).current_dir(directory).output();
    let ended = ended.or_fail("run qemu-io");
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    expect(ended.status.success() && !said.contains("failed"), || format!("{command}: {said}"))
}

pub(crate) fn chains_are_sound() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", 8 * GIB);
        let at = mount.path().join("pool");
        let pool = Pool::new(&at, &[("volume_format", "auto")]).await?;
        let template = pool.template(GIB, &[0, GIB / 2, GIB - MIB]).await?;
        let base = template.install_path.as_str();
        let root = pool.volume_of(&template, 2 * GIB).await?;
        is_sound(&at, &root.path, Some(base))?;
        are_same(&at, (&root.path, "qcow2"), (base, "raw"))?;

        // A guest writes, a snapshot is taken, the guest writes on: each keeps its own.
        qemu_io(&at, &root.path, "write -P 7 512M 3M")?;
        let snapshot = pool.snapshot(&root).await?;
        are_same(&at, (&root.path, "qcow2"), (&snapshot.path, "qcow2"))?;
        qemu_io(&at, &root.path, "write -P 8 1M 1M")?;
        expect(are_same(&at, (&root.path, "qcow2"), (&snapshot.path, "qcow2")).is_err(), || {
            "a snapshot follows its volume".to_owned()
        })?;
        let clone = pool.clone_of(snapshot.clone()).await?;
        for (image, byte) in [(&root.path, 7), (&clone.path, 7), (&snapshot.path, 7)] {
            is_sound(&at, image, Some(base))?;
            qemu_io(&at, image, &format!("read -P {byte} 512M 3M"))?;
        }

        // Sizes, down into the template and up again, whose bytes do not come back.
        for size in [3 * GIB, GIB / 2 + MIB + 512, 3 * GIB] {
            pool.resize(&root, size).await?;
            is_sound(&at, &root.path, Some(base))?;
        }
        for read in ["read -P 0 514M 1G", "read -P 0 2G 1G"] {
            qemu_io(&at, &root.path, read)?;
        }
        pool.revert(&snapshot).await?;
        is_sound(&at, &root.path, Some(base))?;
        are_same(&at, (&root.path, "qcow2"), (&snapshot.path, "qcow2"))?;

        // What comes by a writer needs no template, and the last of the others lets it go.
        pool.write(&root, 3, &[0, GIB]).await?;
        is_sound(&at, &root.path, None)?;
        qemu_io(&at, &root.path, "read -P 3 1G 1M")?;
        expect(pool.first_byte_at(&clone, 0).await? == BYTE, || "the clone is lost".to_owned())?;
        let kept = pool.delete(template.clone()).await;
        let kind = kept.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::InUse), || format!("delete the template: {kind:?}"))?;
        pool.delete(clone).await?;
        pool.delete(snapshot).await?;
        pool.delete(template).await?;
        is_sound(&at, &root.path, None)
    })
}

/// Not how long it takes, which says little in a test: what it writes and what it reads, in a process
/// in which no other test is at work.
pub(crate) fn a_template_of_any_size_is_as_quick() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", 8 * GIB);
        let at = mount.path().join("pool");
        let pool = Pool::within(Skin::Process, &at, &[("volume_format", "qcow2")]).await?;
        let mut costs = Vec::new();
        for size in [64 * MIB, 2 * GIB] {
            let offsets: Vec<_> = (0..size / MIB).map(|at| at * MIB).collect();
            let template = pool.template(size, &offsets).await?;
            let (used, moved) = (mount.used(), pool.moved());
            for _ in 0..8 {
                pool.volume_of(&template, 4 * GIB).await?;
            }
            costs.push((mount.used().saturating_sub(used), pool.moved() - moved));
        }
        for (used, moved) in &costs {
            expect(*used <= 8 * MIB, || format!("eight volumes take {used} bytes"))?;
            expect(*moved <= 16 * MIB, || format!("eight volumes move {moved} bytes"))?;
        }
        Ok(())
    })
}

pub(crate) fn what_a_guest_has_open_is_let_alone() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", GIB);
        let at = mount.path().join("pool");
        let pool = Pool::new(&at, &[("volume_format", "qcow2")]).await?;
        let template = pool.template(64 * MIB, &[0]).await?;
        let root = pool.volume_of(&template, 64 * MIB).await?;
        let before = pool.snapshot(&root).await?;
        let mut guest = Guest::start(&at, &root);
        let refused = [
            pool.snapshot(&root).await.map(drop),
            pool.resize(&root, 128 * MIB).await,
            pool.revert(&before).await,
            pool.write(&root, 1, &[0]).await,
        ];
        for answer in refused {
            let error = answer.err().ok_or("an image is changed under a guest")?;
            let is_told = error.to_string().contains("stop the instance");
            expect(error.kind() == PluginErrorKind::InUse && is_told, || error.to_string())?;
        }
        guest.stop();
        pool.snapshot(&root).await?;
        pool.resize(&root, 128 * MIB).await?;
        is_sound(&at, &root.path, Some(&template.install_path))
    })
}

/// A program that has an image open as an emulator has.
struct Guest(std::process::Child);

impl Guest {
    fn start(directory: &Path, image: &VolumeInfo) -> Self {
        let mut command = Command::new("qemu-io");
        command.args(["-f", "qcow2", &image.path]).current_dir(directory);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut guest = Self(started.or_fail("start qemu-io"));
        let mut asked = guest.0.stdin.as_ref().or_fail("its input");
        asked.write_all(b"read 0 512\n").or_fail("ask it");
        let answers = guest.0.stdout.take().or_fail("its output");
        let mut lines = BufReader::new(answers).lines().map_while(Result::ok);
        lines.find(|line| line.contains("read 512")).or_fail("it read from the image");
        guest
    }

    fn stop(&mut self) {
        // Its input ends, and so does it.
        drop(self.0.stdin.take());
        self.0.wait().or_fail("wait for qemu-io");
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended before.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
