//! The limit of the pool, space that is set aside, figures.

use super::*;

fn limited(ground: &Ground, bytes: u64) -> Pool {
    Pool::new(ground.store_with(&[("capacity_bytes", &bytes.to_string())]))
}

#[test]
fn what_does_not_fit_below_the_limit_is_refused_and_leaves_nothing() {
    let ground = Ground::new();
    let store = limited(&ground, 10 * MIB);
    let (first, second) = (volume(6 * MIB), volume(4 * MIB));
    ground.create(&store, first.clone()).unwrap();
    refused(ground.create(&store, volume(4 * MIB + 512)), Kind::CapacityExceeded, &["4194304"]);
    ground.create(&store, second.clone()).unwrap();
    let before = ground.files();
    assert_eq!(before.len(), 2);

    // Everything that makes something larger is counted.
    refused(ground.create(&store, volume(512)), Kind::CapacityExceeded, &[]);
    refused(ground.resize(&store, &second, 5 * MIB, false), Kind::CapacityExceeded, &[]);
    refused(ground.snapshot(&store, &snapshot_of(&second)), Kind::CapacityExceeded, &[]);
    let clone = ground.create_from(&store, volume(512), CreateSource::Volume(second.clone()));
    refused(clone, Kind::CapacityExceeded, &[]);
    assert_eq!(ground.files(), before);

    // What changes nothing, or frees something, goes on.
    ground.create(&store, first.clone()).unwrap();
    ground.resize(&store, &second, 4 * MIB, false).unwrap();
    ground.write(&store, second.clone(), 4 * MIB, &[(0, filled(1, MIB))]);
    ground.resize(&store, &second, 2 * MIB, true).unwrap();
    ground.create(&store, volume(2 * MIB)).unwrap();
    ground.delete(&store, first).unwrap();
    ground.create(&store, volume(6 * MIB)).unwrap();
}

#[test]
fn a_template_is_counted_when_its_size_is_known() {
    let ground = Ground::new();
    let store = limited(&ground, 2 * MIB);
    let template = TemplateInfo::new(Uuid::new_v4(), "t", ImageFormat::Raw, 0);
    ground.create(&store, template.clone()).unwrap();
    let answer = ground.open_writer(&store, template.clone(), 3 * MIB, None);
    refused(answer.map(drop), Kind::CapacityExceeded, &[]);
    assert!(!ground.describe(&store, template).present);
}

#[test]
fn many_at_once_do_not_pass_the_limit_together() {
    let ground = Ground::new();
    let store = limited(&ground, 10 * MIB);
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..16).map(|_| scope.spawn(|| ground.create(&store, volume(MIB)).is_ok())).collect();
        threads.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!((made, ground.files().len()), (10, 10));
}

#[test]
fn the_limit_is_changed_and_lasts() {
    let mut ground = Ground::new();
    let store = limited(&ground, 4 * MIB);
    ground.create(&store, volume(3 * MIB)).unwrap();
    let update = |ground: &Ground, bytes| {
        let mut request = UpdatePoolRequest::new();
        request.capacity_bytes = Some(bytes);
        run(ground.life_cycle().update_storage_pool(&call(), &store, request))
    };
    refused(update(&ground, 2 * MIB), Kind::InvalidArgument, &["3145728"]);
    refused(ground.create(&store, volume(2 * MIB)), Kind::CapacityExceeded, &[]);
    update(&ground, 5 * MIB).unwrap();
    ground = ground.restarted();
    ground.create(&store, volume(2 * MIB)).unwrap();
    let stats = run(ground.driver().get_storage_stats(&call(), &store)).unwrap();
    assert_eq!(stats.capacity_bytes, 5 * MIB);
    assert!(stats.used_bytes < MIB, "{stats:?}");
}

#[test]
fn a_store_cannot_be_added_with_less_than_it_holds() {
    let ground = Ground::new();
    let store = ground.store_with(&[]);
    ground.create(&Pool::new(store.clone()), volume(2 * MIB)).unwrap();
    let mut smaller = store;
    smaller.details.insert("capacity_bytes", MIB.to_string());
    refused(ground.initialize(&smaller), Kind::InvalidArgument, &["capacity_bytes"]);
}

#[test]
fn figures_are_those_of_the_file_system_and_of_the_file() {
    let ground = Ground::new();
    let store = ground.store();
    let volume = volume(64 * MIB);
    ground.create(&store, volume.clone()).unwrap();
    ground.write(&store, volume.clone(), 64 * MIB, &[(MIB, filled(1, MIB))]);
    let stats = run(ground.driver().get_volume_stats(&call(), &store, volume.clone())).unwrap();
    assert_eq!(stats.virtual_size_bytes, 64 * MIB);
    assert!((MIB..2 * MIB).contains(&stats.physical_size_bytes), "{stats:?}");
    let stats = run(ground.driver().get_storage_stats(&call(), &store)).unwrap();
    assert!(stats.used_bytes > 0 && stats.used_bytes <= stats.capacity_bytes, "{stats:?}");
    let reserve = run(ground.driver().get_volume_size_required_on_pool(
        &call(),
        &store,
        SizeOnPoolRequest::new(5_u64),
    ));
    assert_eq!(reserve.unwrap(), 5);
}

#[test]
fn only_fat_volumes_are_set_aside_and_only_where_that_is_wanted() {
    let ground = Ground::new();
    let fat = || {
        let mut fat = volume(8 * MIB);
        fat.provisioning_type = ProvisioningType::Fat;
        fat
    };
    let physical = |store: &Pool, of: &VolumeInfo| {
        ground.describe(store, of.clone()).physical_size_bytes.unwrap()
    };
    let off = ground.store_with(&[]);
    let (sparse, thin) = (fat(), volume(8 * MIB));
    let store = Pool::new(off.clone());
    ground.create(&store, sparse.clone()).unwrap();
    assert!(physical(&store, &sparse) < MIB);

    let mut on = off;
    on.details.insert("preallocation", "falloc");
    let store = Pool::new(on);
    let whole = fat();
    ground.create(&store, whole.clone()).unwrap();
    ground.create(&store, thin.clone()).unwrap();
    assert!(physical(&store, &whole) >= 8 * MIB && physical(&store, &thin) < MIB);
    // It stays so whatever is done to it.
    ground.write(&store, whole.clone(), 8 * MIB, &[(0, filled(1, MIB))]);
    assert!(physical(&store, &whole) >= 8 * MIB);
    ground.resize(&store, &whole, 16 * MIB, false).unwrap();
    assert!(physical(&store, &whole) >= 16 * MIB);
    let clone = fat();
    ground.create_from(&store, clone.clone(), CreateSource::Volume(thin)).unwrap();
    assert!(physical(&store, &clone) >= 8 * MIB);
    let snapshot = snapshot_of(&clone);
    ground.snapshot(&store, &snapshot).unwrap();
    ground.revert(&store, &snapshot).unwrap();
    assert!(physical(&store, &clone) >= 8 * MIB);
}

#[test]
fn sizes_are_whole_sectors_within_the_limits() {
    let ground = Ground::new();
    let store = ground.store();
    let can = run(ground.driver().get_capabilities(&call(), &store)).unwrap();
    let limits = can.limits;
    for size in [0, 1, 511, 513, limits.max_size_bytes + 512, u64::MAX] {
        refused(ground.create(&store, volume(size)), Kind::InvalidArgument, &["512"]);
    }
    let one = volume(512);
    ground.create(&store, one.clone()).unwrap();
    refused(ground.resize(&store, &one, 700, false), Kind::InvalidArgument, &["512"]);
    ground.create(&store, volume(limits.max_size_bytes)).unwrap();
    assert_eq!(ground.files().len(), 2);
}

#[test]
fn two_attempts_at_one_file_reserve_until_the_last_ends() {
    let ground = Ground::new();
    let store = limited(&ground, 4 * MIB);
    let place = crate::details::Place::of(&store).unwrap();
    let directory = files::Directory::open(&ground.pool()).unwrap();
    let quotas = crate::quota::Quotas::default();
    let reserve = |file| quotas.reserve(&place, (&directory, Some(4 * MIB)), file, 3 * MIB);
    let first = reserve("a").unwrap();
    let second = reserve("a").unwrap();
    drop(first);
    refused(reserve("b"), Kind::CapacityExceeded, &[]);
    drop(second);
    reserve("b").unwrap();
}
