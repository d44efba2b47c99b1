//! The plugins `filesystem` and `nfs` on real file systems: those that share blocks, one that does
//! not, one that is full, read-only, not mounted. Each is an image in a file, mounted for one test.
//!
//! Mounting takes root and loop devices, which not every machine has. So there is a test here only
//! where the variable says so; where it is not set, this says what was left out. To run it by hand,
//! in a mount namespace of its own, so that nothing stays mounted whatever happens:
//!
//! ```text
//! STORAGE_TESTS_FILESYSTEMS=1 unshare --mount cargo test -p tests --test filesystems
//! ```

mod images;
mod mount;
mod pool;
mod thin;

use crate::mount::Mount;
use crate::pool::{GIB, MIB, Pool};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use storage_plugin_api::{PluginErrorKind, ProvisioningType};
use tests::{Installation, OrFail, artifacts, expect, is_set, leave_out, run};

/// Set to 1 by whoever knows that this machine mounts images.
const VARIABLE: &str = "STORAGE_TESTS_FILESYSTEMS";

/// The file systems, and whether they share blocks.
const KINDS: [(&str, bool); 3] = [("xfs", true), ("btrfs", true), ("ext4", false)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !is_set(VARIABLE) {
        let what = format!("the plugins filesystem and nfs on XFS and Btrfs; set {VARIABLE}=1");
        return leave_out(&arguments, &what);
    }
    let mut tests = vec![
        Trial::test("a_full_file_system_says_so_and_keeps_nothing", is_full),
        Trial::test("a_write_to_a_full_image_store_goes_on_once_there_is_room", images::is_full),
        Trial::test("a_read_only_image_store_is_read_and_says_what_it_is", images::is_read_only),
        Trial::test("an_image_store_that_is_not_mounted_takes_nothing", images::is_not_mounted),
        Trial::test("qcow2_volumes_on_a_template_are_sound_for_qemu", thin::chains_are_sound),
        Trial::test(
            "a_volume_is_made_of_a_template_of_any_size_for_the_same",
            thin::a_template_of_any_size_is_as_quick,
        ),
        Trial::test(
            "an_image_that_a_guest_has_open_is_let_alone",
            thin::what_a_guest_has_open_is_let_alone,
        ),
        Trial::test("a_store_is_gone_while_it_is_not_mounted_and_comes_back", is_not_mounted),
    ];
    for (kind, shares) in KINDS {
        for plugin in ["volume-filesystem", "image-nfs"] {
            let name = format!("every_case_of_{plugin}_passes_on_{kind}_in_both_skins");
            tests.push(Trial::test(name, move || passes(plugin, kind, "")));
        }
        let name = format!("every_case_passes_with_qcow2_volumes_on_{kind}_in_both_skins");
        let thin = "volume_format = \"qcow2\"\n";
        tests.push(Trial::test(name, move || passes("volume-filesystem", kind, thin)));
        let name = if shares { "shares_its_blocks" } else { "is_copied" };
        tests.push(Trial::test(format!("a_clone_of_a_gibibyte_on_{kind}_{name}"), move || {
            run(clones(kind, shares))
        }));
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn passes(plugin: &str, kind: &str, details: &str) -> Result<(), Failed> {
    let mount = Mount::new(kind, GIB);
    let place = Installation::with_null();
    let settings = place.file("settings.toml");
    let path = mount.path().join("pool");
    let text = match plugin {
        "image-nfs" => format!("[image]\nurl = \"file://{}\"\n", path.display()),
        _ => format!("[primary.details]\npath = {path:?}\n{details}"),
    };
    std::fs::write(&settings, text).or_fail("write a settings file");
    let library = artifacts::library(&format!("storage-{plugin}")).display().to_string();
    let settings = settings.display().to_string();
    place.run(&["conformance", &library, "--settings", &settings, "--level", "4"]).with_code(0);
    // The store that was made there is removed again.
    expect(!path.exists(), || "the pool is left".to_owned())
}

/// Not how long it takes, which says little in a test, but what it uses.
async fn clones(kind: &str, shares: bool) -> Result<(), Failed> {
    let mount = Mount::new(kind, 8 * GIB);
    let pool = Pool::new(&mount.path().join("pool"), &[("reflink", "auto")]).await?;
    let declared = pool.capabilities().await.constant_time_clone;
    expect(declared == shares, || format!("constant_time_clone is {declared} on {kind}"))?;
    let insists = Pool::new(&mount.path().join("other"), &[("reflink", "always")]).await;
    let is_told = insists.as_ref().err().map(|error| error.kind());
    let expected = (!shares).then_some(PluginErrorKind::InvalidConfig);
    expect(is_told == expected, || format!("reflink = always: {is_told:?} on {kind}"))?;

    let volume = pool.full_volume(GIB).await?;
    let before = mount.used();
    let snapshot = pool.snapshot(&volume).await?;
    let clone = pool.clone_of(snapshot.clone()).await?;
    pool.revert(&snapshot).await?;
    let more = mount.used().saturating_sub(before);
    if shares {
        expect(more <= MIB, || format!("a snapshot, a clone and a revert take {more} bytes"))?;
    } else {
        expect(more >= 2 * GIB, || format!("a snapshot and a clone take only {more} bytes"))?;
    }

    // What is written to one is not seen in the other.
    let before = mount.used();
    pool.write(&clone, 1, &[GIB / 2]).await?;
    expect(pool.first_byte_at(&volume, GIB / 2).await? == pool::BYTE, || {
        "a write to the clone is seen in the volume".to_owned()
    })?;
    expect(pool.first_byte_at(&clone, GIB / 2).await? == 1, || "a write is lost".to_owned())?;
    // The clone is written whole: it lets go of what it had.
    let more = mount.used().saturating_sub(before);
    expect(more <= 8 * MIB, || format!("writing a megabyte takes {more} bytes"))?;

    if shares {
        let never = pool.with("reflink", "never");
        let before = mount.used();
        never.clone_of(snapshot).await?;
        let more = mount.used().saturating_sub(before);
        expect(more >= GIB - MIB, || format!("a clone that is to be a copy takes {more} bytes"))?;
    }
    Ok(())
}

fn is_full() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", 64 * MIB);
        let pool = Pool::new(&mount.path().join("pool"), &[("preallocation", "falloc")]).await?;
        let fat = pool.create(128 * MIB, ProvisioningType::Fat).await;
        let kind = fat.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::CapacityExceeded), || format!("fat: {kind:?}"))?;
        let objects = pool.list().await?;
        expect(objects.is_empty(), || format!("it left {objects:?}"))?;

        // A copy that does not fit leaves nothing either, and what was there stays whole.
        let volume = pool.full_volume(32 * MIB).await?;
        let copied = pool.snapshot(&volume).await;
        let kind = copied.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::CapacityExceeded), || format!("copy: {kind:?}"))?;
        let files = std::fs::read_dir(mount.path().join("pool")).or_fail("list").count();
        // The volume, the mark, the room for the next mark, and the lock.
        expect(files == 4, || format!("{files} files are left"))?;
        let last = pool.first_byte_at(&volume, 32 * MIB - 1).await?;
        expect(last == pool::BYTE, || "the volume lost a byte".to_owned())
    })
}

fn is_not_mounted() -> Result<(), Failed> {
    run(async {
        let mut mount = Mount::new("ext4", 64 * MIB);
        // The mount point itself is the store: below it there is an empty directory.
        let pool = Pool::new(mount.path(), &[]).await?;
        let volume = pool.create(MIB, ProvisioningType::Thin).await?;
        // The lock of a living host would keep the disk busy.
        pool.maintain().await?;
        mount.unmount();
        let described = pool.is_there(&volume).await;
        let error = described.err().ok_or("an unmounted store is described")?;
        let is_said = error.to_string().contains("is it mounted?");
        expect(error.kind() == PluginErrorKind::Unavailable && is_said, || error.to_string())?;
        let created = pool.create(MIB, ProvisioningType::Thin).await;
        expect(created.is_err(), || "a volume is made below the mount point".to_owned())?;
        let below = std::fs::read_dir(mount.path()).or_fail("list").count();
        expect(below == 0, || format!("{below} files lie below the mount point"))?;
        mount.mount();
        expect(pool.is_there(&volume).await?, || "the volume did not come back".to_owned())
    })
}
