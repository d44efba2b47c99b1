//! What happens to templates: where they come to be, what keeps them, and what is left of them.

mod register;
mod resume;

use crate::model::{ObjectInStoreState, TemplateState};
use crate::orchestration::Orchestration;
use crate::orchestration::doctor::Severity;
use crate::orchestration::image_store::AddImageStore;
use crate::orchestration::template::{CreateTemplate, RegisterTemplate, TemplateSource};
use crate::orchestration::testing::{MIB, World, qcow2, request};
use crate::orchestration::tests::world::World as Lives;
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use crate::store::Change;
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

const NOTHING: [String; 0] = [];

/// The bytes of a small disk.
fn disk(of: u8) -> Vec<u8> {
    vec![of; MIB as usize]
}

/// A pool, an image store, and a template on it.
async fn with_template(world: &World) -> (Uuid, Uuid, Uuid) {
    let (pool, store) = (world.pool("a").await, world.image_store("images").await);
    (pool, store, world.template("disk.raw", &disk(7)).await)
}

/// Where a template lies on a store.
async fn path(world: &World, template: Uuid, store: Uuid) -> String {
    world.place(template, store).await.unwrap().path.clone()
}

#[test]
fn fifty_volumes_of_one_template_are_one_transfer() {
    let world = Lives::new();
    let life = world.live();
    life.idle();
    let (pool, zone) = (life.pool("a"), life.zone());
    life.image_store("i", zone);
    let wish = RegisterTemplate {
        template: CreateTemplate { name: "disk".to_owned(), ..CreateTemplate::default() },
        url: world.image("disk.raw", &disk(7)),
        format: ImageFormat::Raw,
        checksum: None,
        follow_redirects: false,
        zone,
    };
    let begun = life.run(life.orchestration.templates.register(&request(), wish));
    let template = life.done(begun.unwrap());
    // The transfer stands still until all of them wait for it.
    world.faults.hold(0);
    let begin = || {
        let wish = CreateVolume {
            zone: Some(zone),
            source: Some(VolumeSource::Template(template)),
            pool: Some(pool),
            ..CreateVolume::default()
        };
        life.run(life.orchestration.volumes.create(&request(), wish)).unwrap()
    };
    let mut all = vec![begin()];
    life.run(world.faults.holds());
    all.extend((1..50).map(|_| begin()));
    assert_eq!(world.faults.calls().len(), 1);
    world.faults.let_go();
    for begun in all {
        life.done(begun);
    }
    let calls = world.faults.calls();
    let count = |name: &str| calls.iter().filter(|call| **call == name).count();
    assert_eq!((count("open_writer"), count("create_async")), (1, 51));
    life.die();
}

#[tokio::test]
async fn a_cached_template_has_its_promise_and_serves_many_volumes() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    for _ in 0..3 {
        let volume = world.done(world.volume_of(template, pool).await).await.object;
        let path = world.see(volume).await.path.clone();
        assert_eq!(world.provider.bytes(&path, MIB - 100, 100), [7; 100]);
    }
    let cached = world.place(template, pool).await.unwrap();
    assert_eq!((cached.state, cached.length_bytes), (ObjectInStoreState::Ready, MIB));
    assert_eq!(world.reserved(pool, cached.uuid).await, Some(MIB));
    world.nothing_is_held().await;
    let findings = world.orchestration.doctor.findings().await.unwrap();
    assert!(findings.iter().all(|one| one.severity == Severity::Info), "{findings:?}");
}

#[tokio::test]
async fn a_transfer_that_fails_fails_the_volumes_that_waited_and_leaves_nothing() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    world.provider.fail("open_writer", 1, PluginError::capacity_exceeded("the back end is full"));
    let failure = world.undone(world.volume_of(template, pool).await).await;
    assert_eq!(failure.kind, PluginErrorKind::CapacityExceeded);
    assert!(failure.message.contains("the back end is full"), "{failure}");
    assert!(world.place(template, pool).await.is_none());
    assert_eq!(world.provider.paths().len(), 1, "only the template itself is there");
    // And the next one brings it.
    world.done(world.volume_of(template, pool).await).await;
}

#[tokio::test]
async fn a_pool_that_makes_no_clones_gets_its_bytes_of_the_template_there() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    world.provider.can(|can| can.can_create_volume_from_volume = false);
    let volume = world.done(world.volume_of(template, pool).await).await.object;
    let path = world.see(volume).await.path.clone();
    assert_eq!(world.provider.bytes(&path, MIB - 100, 100), [7; 100]);
    assert!(world.place(template, pool).await.is_some());
}

#[tokio::test]
async fn a_template_that_a_volume_is_made_from_is_not_deleted() {
    let world = World::new().await;
    let (pool, store, template) = with_template(&world).await;
    let templates = &world.orchestration.templates;
    templates.prepare(template, pool).await.unwrap();
    world.provider.hang("create_async");
    world.volume_of(template, pool).await.unwrap();
    world.provider.hangs().await;
    let refused = templates.delete(&request(), template).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("volume.create"), "{refused}");
    assert_eq!(templates.find(template).await.unwrap().state, TemplateState::Active);
    for store in [store, pool] {
        let place = world.place(template, store).await.unwrap();
        assert_eq!(place.state, ObjectInStoreState::Ready);
    }
}

#[tokio::test]
async fn a_template_on_its_way_is_not_deleted() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    world.provider.hang("open_writer");
    let templates = world.orchestration.templates.clone();
    let prepares = tokio::spawn(async move { templates.prepare(template, pool).await });
    world.provider.hangs().await;
    let templates = &world.orchestration.templates;
    let refused = templates.delete(&request(), template).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("on its way to a store"), "{refused}");
    assert_eq!(templates.find(template).await.unwrap().state, TemplateState::Active);
    prepares.abort();
}

#[tokio::test]
async fn a_template_on_its_way_out_comes_to_no_other_store() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    world.provider.hang("delete_async");
    let templates = &world.orchestration.templates;
    templates.delete(&request(), template).await.unwrap();
    world.provider.hangs().await;
    let refused = templates.prepare(template, pool).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert!(world.place(template, pool).await.is_none());
    let refused = world.volume_of(template, pool).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
}

#[tokio::test]
async fn a_template_on_a_store_out_of_reach_is_not_deleted_halfway() {
    let world = World::new().await;
    let (pool, store, template) = with_template(&world).await;
    let templates = &world.orchestration.templates;
    templates.prepare(template, pool).await.unwrap();
    let pools = &world.orchestration.storage_pools;
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    let refused = templates.delete(&request(), template).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert!(refused.message.contains("cancelStorageMaintenance"), "{refused}");
    assert_eq!(templates.find(template).await.unwrap().state, TemplateState::Active);
    world.done(pools.cancel_maintenance(&request(), pool).await).await;
    world.done(templates.delete(&request(), template).await).await;
    assert_eq!(world.provider.paths(), NOTHING);
    assert!(world.place(template, store).await.is_none());
}

#[tokio::test]
async fn a_pool_takes_its_cached_templates_with_it() {
    let world = World::new().await;
    let (pool, store, template) = with_template(&world).await;
    world.orchestration.templates.prepare(template, pool).await.unwrap();
    let cached = world.place(template, pool).await.unwrap();
    let pools = &world.orchestration.storage_pools;
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    world.done(pools.delete(&request(), pool, false).await).await;
    assert_eq!(world.provider.paths(), [path(&world, template, store).await]);
    assert!(world.place(template, pool).await.is_none());
    assert_eq!(world.reserved(pool, cached.uuid).await, None);
    // A pool that comes later gets it anew.
    let other = world.pool("a").await;
    world.done(world.volume_of(template, other).await).await;
}

#[tokio::test]
async fn a_pool_that_could_not_be_removed_knows_which_cached_templates_went() {
    let world = World::new().await;
    let (pool, _, template) = with_template(&world).await;
    let templates = &world.orchestration.templates;
    templates.prepare(template, pool).await.unwrap();
    let other = world.template("other.raw", &disk(9)).await;
    templates.prepare(other, pool).await.unwrap();
    let pools = &world.orchestration.storage_pools;
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    // The first one goes, the second one does not.
    let kept = path(&world, other, pool).await;
    world.provider.keeps(&kept, PluginError::permission_denied("it is locked"));
    let failure = world.undone(pools.delete(&request(), pool, false).await).await;
    assert!(failure.message.contains("it is locked"), "{failure}");
    assert!(world.place(template, pool).await.is_none());
    assert_eq!(path(&world, other, pool).await, kept);
    world.done(pools.cancel_maintenance(&request(), pool).await).await;
    for template in [template, other] {
        world.done(world.volume_of(template, pool).await).await;
    }
}

#[tokio::test]
async fn a_qcow2_image_becomes_raw_on_the_pool() {
    let world = World::new().await;
    let (pool, store) = (world.pool("a").await, world.image_store("images").await);
    let mut bytes = vec![0; 3 * MIB as usize];
    bytes[5..8].copy_from_slice(b"abc");
    bytes[2 * MIB as usize..][..4096].fill(9);
    let image = qcow2(&bytes).await;
    let wish = world.registered(&world.file("disk.qcow2", &image), ImageFormat::Qcow2);
    let template = world.done(world.register(wish).await).await.object;
    let seen = world.orchestration.templates.find(template).await.unwrap();
    assert_eq!((seen.format, seen.size_bytes), (ImageFormat::Qcow2, 3 * MIB));
    assert_eq!(seen.physical_size_bytes, image.len() as u64);
    let there = world.place(template, store).await.unwrap();
    assert_eq!((there.format, there.length_bytes), (ImageFormat::Qcow2, image.len() as u64));

    let volume = world.done(world.volume_of(template, pool).await).await.object;
    let cached = world.place(template, pool).await.unwrap();
    assert_eq!((cached.format, cached.length_bytes), (ImageFormat::Raw, 3 * MIB));
    let volume = world.see(volume).await;
    assert_eq!((volume.format, volume.size_bytes), (ImageFormat::Raw, 3 * MIB));
    assert_eq!(world.provider.bytes(&volume.path, 5, 4), b"abc\0");
    assert_eq!(world.provider.bytes(&volume.path, 2 * MIB, 4097), [&[9; 4096][..], &[0]].concat());
    // What is zero in the disk takes no space.
    assert_eq!(world.provider.blocks(&cached.path), 2);
}

#[tokio::test]
async fn a_template_is_in_a_zone_once() {
    let world = World::new().await;
    let (_, _, template) = with_template(&world).await;
    let templates = &world.orchestration.templates;
    let refused = templates.copy(&request(), template, world.zone).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::AlreadyExists);
    let there = "template \"disk.raw\" is in state Ready on image store \"images\"";
    assert!(refused.message.starts_with(there), "{refused}");
    let other = world.orchestration.zones.create_zone("other", "Advanced").await.unwrap();
    let refused = templates.copy(&request(), template, other).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::CapacityExceeded);
    assert!(refused.message.contains("addImageStore"), "{refused}");
    let way_out = format!("`storage-host explain image-store zoneid={other} format=RAW size=");
    assert!(refused.message.contains(&way_out), "{refused}");
}

#[tokio::test]
async fn a_template_is_read_from_where_it_can_be_reached_although_another_store_is_nearer() {
    let world = World::new().await;
    let (pool, near, template) = with_template(&world).await;
    let Orchestration { image_stores, templates, zones, .. } = &world.orchestration;
    let zone = zones.create_zone("other", "Advanced").await.unwrap();
    let far = AddImageStore { zone: Some(zone), ..world.image_wish("far") };
    world.done(image_stores.add(&request(), far).await).await;
    world.done(templates.copy(&request(), template, zone).await).await;
    let mut store = image_stores.find(near).await.unwrap();
    store.quarantine = Some("it is of another life".to_owned());
    world.rooms().repository.transact(vec![Change::update(&store)]).await.unwrap();
    templates.prepare(template, pool).await.unwrap();
    let there = world.place(template, pool).await.unwrap();
    assert_eq!(there.state, ObjectInStoreState::Ready);
}

#[tokio::test]
async fn a_template_of_a_volume_outlives_it() {
    let world = World::new().await;
    let (pool, store) = (world.pool("a").await, world.image_store("images").await);
    let volume = world.volume(pool, MIB).await;
    world.provider.put(&world.see(volume).await.path, 4096, b"kept");
    let wish = CreateTemplate {
        name: "made".to_owned(),
        source: Some(TemplateSource::Volume(volume)),
        ..CreateTemplate::default()
    };
    let templates = &world.orchestration.templates;
    let template = world.done(templates.create(&request(), wish).await).await.object;
    world.done(world.orchestration.volumes.expunge(&request(), volume).await).await;
    let there = world.place(template, store).await.unwrap();
    assert_eq!(world.provider.bytes(&there.path, 4096, 4), b"kept");
    let seen = templates.find(template).await.unwrap();
    assert_eq!((seen.size_bytes, &seen.checksum), (MIB, &there.digest));
    let volume = world.done(world.volume_of(template, pool).await).await.object;
    assert_eq!(world.provider.bytes(&world.see(volume).await.path, 4096, 4), b"kept");
}
