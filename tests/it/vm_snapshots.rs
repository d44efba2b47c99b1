//! Instance snapshots on the real binary: volumes of two plugins, and one that fails.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use tests::{Host, Installation, Pool, Provider, Row, text};

const MIB: u64 = 1 << 20;

/// An instance that is stopped.
fn instance(host: &Host) -> String {
    let zone = host.only_zone();
    let wish =
        [("zoneid", &*zone), ("name", "web"), ("hypervisor", "Simulator"), ("startvm", "false")];
    text(&host.done("deployVirtualMachine", &wish), "id")
}

/// A volume of the instance; its id.
fn attached(host: &Host, pool: &Pool, name: &str, instance: &str) -> String {
    let volume = host.create_volume(pool, name, MIB);
    host.done("attachVolume", &[("id", &volume), ("virtualmachineid", instance)]);
    volume
}

/// Where a volume lies.
fn path(host: &Host, pool: &Pool, volume: &str) -> PathBuf {
    pool.directory.join(text(&host.list("listVolumes", &[("id", volume)])[0], "path"))
}

/// Bytes all over a disk.
fn fill(path: &PathBuf, byte: u8) -> Vec<u8> {
    let bytes = vec![byte; MIB as usize];
    fs::File::options().write(true).open(path).unwrap().write_all_at(&bytes, 0).unwrap();
    bytes
}

/// Who would take a snapshot of an instance, as the command line tells people.
fn explained(place: &Installation, options: &[&str], code: i32) -> String {
    let words = [&["explain", "vm-snapshot", "web"], options].concat();
    place.run(&words).with_code(code).out
}

#[test]
fn both_disks_of_an_instance_are_as_before_and_nothing_is_left() {
    let place = Installation::with_pools();
    let host = place.start();
    let pools = Provider::BOTH.map(|provider| place.add_pool(&host, provider.name(), provider));
    let instance = instance(&host);
    let volumes = [
        attached(&host, &pools[0], "one", &instance),
        attached(&host, &pools[1], "other", &instance),
    ];
    let paths = [path(&host, &pools[0], &volumes[0]), path(&host, &pools[1], &volumes[1])];
    let before = [fill(&paths[0], 1), fill(&paths[1], 2)];

    let told = explained(&place, &[], 0);
    let said = |who: &str| {
        let line = told.lines().find(|line| line.starts_with(who));
        line.unwrap_or_else(|| panic!("nothing of {who}: {told}")).to_owned()
    };
    assert!(said("Host").contains("DEFAULT"), "{told}");
    assert!(said("Host").contains("true"), "{told}");
    assert!(said("Sample").contains("CANT_HANDLE"), "{told}");
    assert!(said("Sample").contains("of provider \"Filesystem\""), "{told}");
    explained(&place, &["--quiescevm"], 1);

    let wish = [("virtualmachineid", &*instance), ("name", "before")];
    let group = host.done("createVMSnapshot", &wish);
    assert_eq!((&*text(&group, "state"), &*text(&group, "strategy")), ("Ready", "Host"));
    assert!(host.list("listSnapshots", &[]).is_empty());
    let members = host.list("listSnapshots", &[("snapshottype", "GROUP")]);
    assert_eq!(members.len(), 2, "{members:?}");
    let group = text(&group, "id");
    for path in &paths {
        fill(path, 9);
    }
    let reverted = host.done("revertToVMSnapshot", &[("vmsnapshotid", &group)]);
    assert_eq!(text(&reverted, "id"), instance);
    for (path, before) in paths.iter().zip(&before) {
        assert!(fs::read(path).unwrap() == *before, "{} has other bytes", path.display());
    }

    let refused = host.job("deleteSnapshot", &[("id", &text(&members[0], "id"))]).unwrap_err();
    assert!(text(&refused, "errortext").contains("instance snapshot \"before\""), "{refused}");
    let refused = host.job("destroyVirtualMachine", &[("id", &instance)]).unwrap_err();
    assert!(text(&refused, "errortext").contains("\"before\""), "{refused}");
    host.job("deleteVMSnapshot", &[("vmsnapshotid", &group)]).unwrap();
    for pool in &pools {
        host.agrees_with(pool);
        assert_eq!(pool.files().len(), 1, "the volume alone");
    }
    assert!(host.list("scanOrphans", &[]).is_empty());
    assert!(host.findings().is_empty(), "{:?}", host.findings());
}

#[test]
fn the_strategy_of_the_plugin_wins_where_all_volumes_are_its_own() {
    for isolated in [false, true] {
        let row = Row::of("sample", "sample");
        let row = if isolated { row.isolated() } else { row };
        let place = Installation::new().row(row).storage_key("used_threshold", 1.0);
        let host = place.start();
        let pool = place.add_pool(&host, "pool", Provider::Sample);
        let instance = instance(&host);
        let volumes = ["one", "other"].map(|name| attached(&host, &pool, name, &instance));
        let paths = volumes.each_ref().map(|volume| path(&host, &pool, volume));
        let before = [fill(&paths[0], 1), fill(&paths[1], 2)];
        let told = explained(&place, &[], 0);
        let sample = told.lines().find(|line| line.starts_with("Sample")).unwrap();
        assert!(sample.contains("HIGHEST") && sample.contains("true"), "{told}");
        let group = host.done("createVMSnapshot", &[("virtualmachineid", &instance)]);
        assert_eq!(text(&group, "strategy"), "Sample");
        let group = text(&group, "id");
        for path in &paths {
            fill(path, 9);
        }
        host.done("revertToVMSnapshot", &[("vmsnapshotid", &group)]);
        for (path, before) in paths.iter().zip(&before) {
            assert!(fs::read(path).unwrap() == *before, "{} has other bytes", path.display());
        }
        host.job("deleteVMSnapshot", &[("vmsnapshotid", &group)]).unwrap();
        host.agrees_with(&pool);
        assert_eq!(pool.files().len(), 2, "the volumes alone");
    }
}

#[test]
fn of_a_group_whose_member_fails_nothing_remains() {
    let place = Installation::with_pools();
    let trace = place.file("trace");
    let row = Row::fault("fault").set("trace", trace.display().to_string());
    let place = place.row(row);
    let host = place.start();
    let good = place.add_pool(&host, "good", Provider::Filesystem);
    let added = host.api(
        "createStoragePool",
        &[("name", "bad"), ("url", "fault://x/y"), ("zoneid", &good.zone), ("provider", "Fault")],
    );
    let bad = Pool { id: text(&added["storagepool"], "id"), ..good.clone() };
    let instance = instance(&host);
    attached(&host, &good, "one", &instance);
    attached(&host, &bad, "snapshot-error-and-done", &instance);

    let failed = host.job("createVMSnapshot", &[("virtualmachineid", &instance)]).unwrap_err();
    let told = text(&failed, "errortext");
    assert!(told.contains("told to fail") && told.contains("snapshot-error-and-done"), "{told}");
    assert!(host.list("listVMSnapshot", &[]).is_empty());
    assert!(host.list("scanOrphans", &[("storageid", &good.id)]).is_empty());
    assert!(host.list("listSnapshots", &[("snapshottype", "GROUP")]).is_empty());
    host.agrees_with(&good);
    assert_eq!(good.files().len(), 1, "the volume alone");
    let trace = fs::read_to_string(trace).unwrap();
    let count = |word: &str| trace.lines().filter(|line| line.ends_with(word)).count();
    assert_eq!((count("is there"), count("is gone")), (2, 1), "{trace}");
    for volume in host.list("listVolumes", &[]) {
        assert_eq!(text(&volume, "state"), "Ready");
    }
    assert!(host.findings().is_empty(), "{:?}", host.findings());
}
