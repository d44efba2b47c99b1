//! What happens to image stores: which one takes something new, what keeps them, what is odd there.

use crate::model::{
    ExtractLink, Failure, ImageStore, ImageStoreState, ObjectInStore, ObjectInStoreState,
};
use crate::orchestration::Policy;
use crate::orchestration::doctor::Severity;
use crate::orchestration::image_store::{
    AddImageStore, MigrateImages, Migrated, MigrationType, UpdateImageStore,
};
use crate::orchestration::reconcile::OrphanClass;
use crate::orchestration::template::RegisterTemplate;
use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Change, Filter};
use storage_plugin_api::{DataStoreRole, ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

/// The bytes of a small disk.
fn disk() -> Vec<u8> {
    vec![7; MIB as usize]
}

async fn update(world: &World, store: Uuid, change: impl FnOnce(&mut ImageStore)) {
    let mut stored = world.orchestration.image_stores.find(store).await.unwrap();
    change(&mut stored.record);
    world.rooms().repository.transact(vec![Change::update(&stored)]).await.unwrap();
}

/// Waits until an image store is connected, or is known not to be.
async fn settled(world: &World, store: Uuid) -> bool {
    world.rooms().connected.is_settled(store, true).await
}

async fn cannot_register(world: &World) -> Failure {
    let url = world.file("disk.raw", &disk());
    world.register(world.registered(&url, ImageFormat::Raw)).await.unwrap_err()
}

#[tokio::test]
async fn an_image_store_with_objects_is_not_deleted_and_they_are_named() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let template = world.template("disk.raw", &disk()).await;
    let stores = &world.orchestration.image_stores;
    let refused = stores.delete(&request(), store).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("template \"disk.raw\""), "{refused}");
    world.done(world.orchestration.templates.delete(&request(), template).await).await;
    world.done(stores.delete(&request(), store).await).await;
    assert_eq!(stores.find(store).await.unwrap_err().kind, PluginErrorKind::NotFound);
    assert_eq!(world.provider.calls("delete_data_store"), 1);
    // Its back end and its name are free again.
    world.image_store("images").await;
}

#[tokio::test]
async fn a_failed_removal_leaves_it_in_use() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    world.provider.fail("delete_data_store", 1, PluginError::permission_denied("it is locked"));
    let stores = &world.orchestration.image_stores;
    world.undone(stores.delete(&request(), store).await).await;
    assert_eq!(stores.find(store).await.unwrap().state, ImageStoreState::Up);
    world.template("disk.raw", &disk()).await;
}

#[tokio::test]
async fn nothing_comes_to_a_store_that_is_being_removed_and_a_cancelled_removal_puts_it_back() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let stores = &world.orchestration.image_stores;
    world.provider.hang("delete_data_store");
    let begun = stores.delete(&request(), store).await.unwrap();
    world.provider.hangs().await;
    let zone = stores.find(store).await.unwrap().scope.zone_id.unwrap();
    let rooms = world.rooms();
    let refused = rooms.image_store_for(zone, ImageFormat::Raw, MIB).await.unwrap_err().failure;
    assert!(refused.message.contains("is in state Removing"), "{refused}");
    let again = stores.delete(&request(), store).await.unwrap_err();
    assert_eq!(again.kind, PluginErrorKind::Conflict, "{again}");
    // The call that was given up took effect all the same.
    world.provider.fail("attach_zone", 1, PluginError::not_found("it has no mark"));
    let asked = world.provider.calls("initialize");
    rooms.jobs.cancel(begun.operation).await.unwrap();
    world.undone(Ok(begun)).await;
    assert_eq!(stores.find(store).await.unwrap().state, ImageStoreState::Up);
    assert_eq!(world.provider.calls("initialize"), asked + 1);
    world.template("disk.raw", &disk()).await;
    world.nothing_is_held().await;
}

#[tokio::test]
async fn one_back_end_is_one_store_and_whose_it_is_is_told() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let again = AddImageStore { name: Some("again".to_owned()), ..world.image_wish("images") };
    let stores = &world.orchestration.image_stores;
    let refused = world.undone(stores.add(&request(), again).await).await;
    assert_eq!(refused.kind, PluginErrorKind::AlreadyExists);
    assert!(refused.message.contains("image store \"images\""), "{refused}");
    assert!(refused.message.contains(&store.to_string()), "{refused}");
    assert_eq!(stores.list(&Filter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_takes_nothing_new_is_passed_over_with_the_reason() {
    let world = World::new().await;
    let (full, read_only) = (world.image_store("full").await, world.image_store("fixed").await);
    let odd = world.image_store("odd").await;
    let cache = AddImageStore { role: DataStoreRole::ImageCache, ..world.image_wish("cache") };
    world.done(world.orchestration.image_stores.add(&request(), cache).await).await;
    update(&world, full, |store| store.used_bytes = store.capacity_bytes).await;
    let wish = UpdateImageStore { read_only: Some(true), ..UpdateImageStore::default() };
    world.orchestration.image_stores.update(read_only, wish).await.unwrap();
    update(&world, odd, |store| store.quarantine = Some("a twin".to_owned())).await;
    let refused = cannot_register(&world).await;
    assert_eq!(refused.kind, PluginErrorKind::CapacityExceeded);
    for reason in ["\"full\" has used", "\"fixed\" is read-only", "\"odd\" is in quarantine"] {
        assert!(refused.message.contains(reason), "{refused}");
    }
    assert!(!refused.message.contains("cache"), "{refused}");
    // Of several that do, it is the one with the most room.
    world.image_store("busy").await;
    let free = world.image_store("free").await;
    for store in world.orchestration.image_stores.list(&Filter::default()).await.unwrap() {
        if store.name == "busy" {
            update(&world, store.uuid, |store| store.used_bytes = store.capacity_bytes / 2).await;
        }
    }
    let template = world.template("disk.raw", &disk()).await;
    assert!(world.place(template, free).await.is_some());
}

#[tokio::test]
async fn what_is_odd_on_an_image_store_is_told_and_leftovers_go() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let gone = world.template("gone.raw", &disk()).await;
    let path = world.place(gone, store).await.unwrap().path.clone();
    world.done(world.orchestration.templates.delete(&request(), gone).await).await;
    world.provider.foreign(&path, MIB);
    let stranger = Uuid::new_v4();
    let of_stranger = path.replace(&gone.to_string(), &stranger.to_string());
    world.provider.foreign(&of_stranger, MIB);
    world.provider.foreign("images/of-somebody-else", MIB);
    let lost = world.template("lost.raw", &disk()).await;
    let of_lost = world.place(lost, store).await.unwrap().path.clone();
    world.provider.memory.with(|objects| objects.remove(&of_lost).unwrap());
    let alive = world.template("alive.raw", &disk()).await;
    let of_alive = world.place(alive, store).await.unwrap().path.clone();

    let reconcile = &world.orchestration.reconcile;
    let scan = reconcile.scan(Some(store)).await.unwrap().remove(0);
    assert_eq!((&scan.problem, scan.name.as_str()), (&None, "images"));
    assert_eq!((scan.ours, scan.foreign), (3, 1));
    let mut found: Vec<_> = scan
        .orphans
        .iter()
        .map(|orphan| (orphan.class, orphan.object, orphan.name.as_deref()))
        .collect();
    found.sort_by_key(|(class, ..)| format!("{class:?}"));
    assert_eq!(
        found,
        [
            (OrphanClass::Leftover, Some(gone), Some("gone.raw")),
            (OrphanClass::Missing, Some(lost), Some("lost.raw")),
            (OrphanClass::Unknown, Some(stranger), None),
        ]
    );
    let purged = reconcile.purge(&request(), Some(store), false).await.unwrap();
    assert_eq!((purged.len(), &purged[0].failure), (1, &None));
    let mut left = ["images/of-somebody-else".to_owned(), of_stranger, of_alive];
    left.sort();
    assert_eq!(world.provider.paths(), left);
}

#[tokio::test]
async fn a_start_of_the_host_connects_image_stores_again() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    world.template("before.raw", &disk()).await;
    assert_eq!(world.provider.calls("attach_zone"), 1);
    world.provider.fail("attach_zone", 1, PluginError::unavailable("no route"));
    let world = world.restarted().await;
    // The first attempt fails, and it is tried again.
    assert!(!settled(&world, store).await);
    let told = world.orchestration.image_stores.find(store).await.unwrap();
    let told = world.orchestration.image_stores.unavailable(&told.record);
    assert!(told.is_none_or(|why| why.contains("no route")));
    let template = world.template("after.raw", &disk()).await;
    assert!(world.place(template, store).await.is_some());
    assert_eq!(world.provider.calls("attach_zone"), 3);
}

#[tokio::test]
async fn an_image_store_of_somebody_else_is_quarantined_and_left_alone() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let template = world.template("disk.raw", &disk()).await;
    let pool = world.pool("a").await;
    world.provider.fail("attach_zone", 1, PluginError::conflict("a twin was here"));
    let world = world.restarted().await;
    let stores = &world.orchestration.image_stores;
    let quarantined = async {
        while stores.find(store).await.unwrap().quarantine.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), quarantined).await.unwrap();
    let (reads, deletes) =
        (world.provider.calls("open_reader"), world.provider.calls("delete_async"));
    let refused = cannot_register(&world).await;
    assert!(refused.message.contains("is in quarantine"), "{refused}");
    let refused = world.undone(world.volume_of(template, pool).await).await;
    assert!(refused.message.contains("a twin was here"), "{refused}");
    let templates = &world.orchestration.templates;
    let refused = templates.delete(&request(), template).await.unwrap_err();
    assert!(refused.message.contains("a twin was here"), "{refused}");
    let problem = world.orchestration.reconcile.scan(Some(store)).await.unwrap().remove(0).problem;
    assert!(problem.unwrap().message.contains("a twin was here"));
    assert_eq!(world.provider.calls("open_reader"), reads);
    // What came to be on the pool for the volume was taken away again.
    assert_eq!(world.place(template, pool).await, None::<crate::model::Stored<ObjectInStore>>);
    assert!(world.provider.calls("delete_async") >= deletes);
    let findings = world.orchestration.doctor.findings().await.unwrap();
    let found = findings.iter().find(|one| one.object == Some(store)).unwrap();
    assert_eq!(found.severity, Severity::Error);
    assert!(found.what.contains("a twin was here"), "{found:?}");
    // It stays so: the next start does not ask the back end once more.
    let asked = world.provider.calls("attach_zone");
    let world = world.restarted().await;
    assert!(!settled(&world, store).await);
    assert_eq!(world.provider.calls("attach_zone"), asked);
}

#[tokio::test]
async fn a_bandwidth_is_kept_until_it_is_lifted() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let stores = &world.orchestration.image_stores;
    let limit = |bandwidth| {
        stores.update(store, UpdateImageStore { bandwidth, ..UpdateImageStore::default() })
    };
    assert_eq!(limit(Some(1 << 20)).await.unwrap().bandwidth, Some(1 << 20));
    let refused = limit(Some(9)).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InvalidArgument);
    assert!(refused.message.contains("9 bytes a second"), "{refused}");
    assert_eq!(limit(None).await.unwrap().bandwidth, Some(1 << 20));
    assert_eq!(limit(Some(0)).await.unwrap().bandwidth, None);
}

/// Templates with these bytes on a store, in this order.
async fn templates(world: &World, number: usize) -> Vec<Uuid> {
    let mut made = Vec::new();
    for number in 0..number {
        made.push(world.template(&format!("disk-{number}.raw"), &disk()).await);
    }
    made
}

async fn evacuate(world: &World, source: Uuid, to: &[Uuid]) -> Migrated {
    let wish =
        MigrateImages { source, destinations: to.to_vec(), migration: MigrationType::Complete };
    let begun = world.orchestration.image_stores.migrate(&request(), wish).await;
    let begun = world.done(begun).await;
    let operation = world.rooms().jobs.find(begun.operation).await.unwrap();
    Migrated::of(&operation).unwrap()
}

#[tokio::test]
async fn weight_decides_before_room_and_an_explanation_says_so() {
    let world = World::new().await;
    world.image_store("plain").await;
    let wish = AddImageStore { weight: Some(200), ..world.image_wish("heavy") };
    let stores = &world.orchestration.image_stores;
    let heavy = world.done(stores.add(&request(), wish).await).await.object;
    update(&world, heavy, |store| store.used_bytes = store.capacity_bytes / 2).await;
    let template = world.template("disk.raw", &disk()).await;
    assert!(world.place(template, heavy).await.is_some());
    let told = stores.explain(world.zone, ImageFormat::Raw, MIB).await.unwrap();
    let told: Vec<_> =
        told.iter().map(|one| (one.store.name.as_str(), one.verdict.rank.is_some())).collect();
    assert_eq!(told, [("heavy", true), ("plain", true)]);
    // A driver that stores no such bytes is passed over before any move.
    let told = stores.explain(world.zone, ImageFormat::Vhd, MIB).await.unwrap();
    assert!(told[0].verdict.rank.is_none());
    assert!(told[0].verdict.reason.contains("takes no VHD bytes"), "{told:?}");
    let writes = world.provider.calls("create_async");
    let url = world.file("disk.vhd", &disk());
    let refused = world.register(world.registered(&url, ImageFormat::Vhd)).await.unwrap_err();
    assert!(refused.message.contains("takes no VHD bytes"), "{refused}");
    assert_eq!(world.provider.calls("create_async"), writes);
}

#[tokio::test]
async fn an_evacuated_store_is_empty_takes_nothing_new_and_can_be_removed() {
    let world = World::new().await;
    let source = world.image_store("old").await;
    let all = templates(&world, 3).await;
    let other = world.image_store("new").await;
    let migrated = evacuate(&world, source, &[]).await;
    assert_eq!((migrated.moved, migrated.message().as_str()), (3, "3 of 3 objects were moved"));
    for template in &all {
        let place = world.place(*template, other).await.unwrap();
        assert_eq!(place.state, ObjectInStoreState::Ready);
        assert!(place.path.starts_with("new/"), "{place:?}");
        assert!(world.place(*template, source).await.is_none());
    }
    let stores = &world.orchestration.image_stores;
    assert!(stores.find(source).await.unwrap().read_only);
    world.done(stores.delete(&request(), source).await).await;
    world.nothing_is_held().await;
    // What came is used as before.
    let pool = world.pool("a").await;
    world.done(world.volume_of(all[0], pool).await).await;
}

#[tokio::test]
async fn bytes_that_changed_on_the_source_stay_there_and_it_is_told() {
    let world = World::new().await;
    let source = world.image_store("old").await;
    let all = templates(&world, 2).await;
    let other = world.image_store("new").await;
    let path = world.place(all[0], source).await.unwrap().path.clone();
    world.provider.put(&path, 0, b"rotten");
    let migrated = evacuate(&world, source, &[other]).await;
    assert_eq!((migrated.moved, migrated.stay.len()), (1, 1));
    let message = migrated.message();
    assert!(message.starts_with("1 of 2 objects were moved; 1 stay: template"), "{message}");
    assert!(message.contains("the bytes changed since, and stay where they are"), "{message}");
    assert!(world.place(all[0], source).await.is_some());
    assert!(world.place(all[0], other).await.is_none());
    let stores = &world.orchestration.image_stores;
    let refused = stores.delete(&request(), source).await.unwrap_err();
    assert!(refused.message.contains("template \"disk-0.raw\""), "{refused}");
}

#[tokio::test]
async fn who_reads_from_the_source_is_waited_for() {
    let world = World::new().await;
    let source = world.image_store("old").await;
    let template = templates(&world, 1).await.remove(0);
    let other = world.image_store("new").await;
    let place = world.place(template, source).await.unwrap();
    let reader = Uuid::new_v4();
    let claim = || (format!("use:{}:{reader}", place.uuid), reader);
    let (name, holder) = claim();
    let repository = &world.rooms().repository;
    repository.transact(vec![Change::Claim { name, holder }]).await.unwrap();
    let wish =
        MigrateImages { source, destinations: vec![other], migration: MigrationType::Complete };
    let begun = world.orchestration.image_stores.migrate(&request(), wish).await.unwrap();
    // The copy is there, and the source is not given up: somebody reads it.
    let copied = async {
        while world.provider.paths().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), copied).await.unwrap();
    assert_eq!(
        world.place(template, source).await.unwrap().state,
        ObjectInStoreState::Ready,
        "it is read from there"
    );
    let (name, holder) = claim();
    repository.transact(vec![Change::Unclaim { name, holder }]).await.unwrap();
    world.done(Ok(begun)).await;
    assert!(world.place(template, source).await.is_none());
}

#[tokio::test]
async fn a_link_for_download_leads_to_where_the_bytes_went() {
    let world = World::new().await;
    let source = world.image_store("old").await;
    let template = templates(&world, 1).await.remove(0);
    let other = world.image_store("new").await;
    let begun = world.orchestration.extracts.template(&request(), template, None).await;
    let link = world.done(begun).await.object;
    evacuate(&world, source, &[other]).await;
    let repository = &world.rooms().repository;
    let link = repository.find::<ExtractLink>(link).await.unwrap().unwrap();
    let place = world.place(template, other).await.unwrap();
    assert_eq!((link.store, link.place), (other, Some(place.uuid)));
    assert!(world.orchestration.extracts.open(&link.token).await.unwrap().is_some());
}

#[tokio::test]
async fn a_migration_goes_where_what_is_moved_is_read_from() {
    let world = World::new().await;
    let source = world.image_store("old").await;
    let template = templates(&world, 1).await.remove(0);
    let stores = &world.orchestration.image_stores;
    let request = request();
    let migrate = |destinations: Vec<Uuid>, migration| {
        stores.migrate(&request, MigrateImages { source, destinations, migration })
    };
    let refused = migrate(Vec::new(), MigrationType::Complete).await.unwrap_err();
    assert!(refused.message.contains("there is no other image store"), "{refused}");
    let refused = migrate(vec![source], MigrationType::Complete).await.unwrap_err();
    assert!(refused.message.contains("cannot take what is on"), "{refused}");
    let zone = world.orchestration.zones.create_zone("far", "Advanced").await.unwrap();
    let far = AddImageStore { zone: Some(zone), ..world.image_wish("far") };
    let far = world.done(stores.add(&request, far).await).await.object;
    let refused = migrate(vec![far], MigrationType::Complete).await.unwrap_err();
    assert!(refused.message.contains("of the same zone or of the region"), "{refused}");
    let near = world.image_store("near").await;
    let nobody = MigrationType::Chosen(vec![Uuid::nil()]);
    let refused = migrate(vec![near], nobody).await.unwrap_err();
    assert!(refused.message.contains("is not on image store \"old\""), "{refused}");
    world.done(migrate(vec![near], MigrationType::Chosen(vec![template])).await).await;
    assert!(world.place(template, near).await.is_some());
    assert!(!stores.find(source).await.unwrap().read_only);
}

#[tokio::test]
async fn a_quarantined_image_store_is_released_and_a_takeover_needs_an_epoch() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let stores = &world.orchestration.image_stores;
    let refused = stores.release_quarantine(&request(), store, true).await.unwrap_err();
    assert!(refused.message.contains("is in no quarantine"), "{refused}");
    update(&world, store, |store| store.quarantine = Some("a twin".to_owned())).await;
    let twin = || PluginError::conflict("a twin was here").with("epoch", 9_000);
    world.provider.fail("attach_zone", 1, twin());
    let refused = world.undone(stores.release_quarantine(&request(), store, false).await).await;
    assert!(refused.message.contains("release it with takeover=true"), "{refused}");
    world.provider.fail("attach_zone", 1, PluginError::conflict("a twin was here"));
    let refused = world.undone(stores.release_quarantine(&request(), store, true).await).await;
    assert!(refused.message.contains("does not say from which epoch"), "{refused}");
    world.provider.fail("attach_zone", 1, twin());
    world.done(stores.release_quarantine(&request(), store, true).await).await;
    assert_eq!(stores.find(store).await.unwrap().quarantine, None);
    assert!(world.rooms().repository.epoch() > 9_000);
    world.template("disk.raw", &disk()).await;
}

#[tokio::test]
async fn how_full_a_store_is_comes_from_its_driver() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    world.template("disk.raw", &disk()).await;
    let stores = &world.orchestration.image_stores;
    assert_eq!(stores.find(store).await.unwrap().used_bytes, 0);
    stores.refresh_usage(store).await.unwrap();
    assert_eq!(stores.find(store).await.unwrap().used_bytes, MIB);
    // A library of before declares the ability, and has no such method.
    let old = PluginError::unsupported("no method 304");
    world.provider.fail("get_image_store_stats", 1, old);
    stores.refresh_usage(store).await.unwrap();
    assert_eq!(stores.find(store).await.unwrap().used_bytes, MIB);
}

/// A template in another zone, a pool of the zone, an image cache of the zone.
async fn with_cache(world: &World) -> (Uuid, Uuid, Uuid) {
    let stores = &world.orchestration.image_stores;
    let zone = world.orchestration.zones.create_zone("far", "Advanced").await.unwrap();
    let far = AddImageStore { zone: Some(zone), ..world.image_wish("far") };
    world.done(stores.add(&request(), far).await).await;
    let wish = AddImageStore { role: DataStoreRole::ImageCache, ..world.image_wish("cache") };
    let cache = world.done(stores.add(&request(), wish).await).await.object;
    let wish = world.registered(&world.file("disk.raw", &disk()), ImageFormat::Raw);
    let begun = world.register(RegisterTemplate { zone, ..wish }).await;
    (world.done(begun).await.object, world.pool("a").await, cache)
}

#[tokio::test]
async fn pools_of_a_zone_are_filled_through_its_cache_which_is_filled_once() {
    let world = World::new().await;
    let (template, pool, cache) = with_cache(&world).await;
    let other = world.pool("b").await;
    let templates = &world.orchestration.templates;
    let (one, two) =
        tokio::join!(templates.prepare(template, pool), templates.prepare(template, other));
    one.unwrap();
    two.unwrap();
    let cached = world.place(template, cache).await.unwrap();
    assert_eq!(cached.state, ObjectInStoreState::Ready);
    assert!(cached.last_used_us.is_some());
    for pool in [pool, other] {
        assert!(world.place(template, pool).await.is_some());
    }
    // Once to the cache, and from there to each pool.
    assert_eq!(world.provider.calls("open_writer"), 1 + 1 + 2);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_cache_that_fails_is_no_hindrance() {
    let world = World::new().await;
    let (template, pool, cache) = with_cache(&world).await;
    let full = PluginError::capacity_exceeded("no space left");
    world.provider.fail("create_async", 1, full);
    world.done(world.volume_of(template, pool).await).await;
    assert!(world.place(template, cache).await.is_none());
    assert!(world.place(template, pool).await.is_some());
}

#[tokio::test]
async fn what_is_in_use_stays_in_a_cache_and_the_rest_goes_when_it_is_emptied_or_removed() {
    let world = World::new().await;
    let (template, pool, cache) = with_cache(&world).await;
    world.orchestration.templates.prepare(template, pool).await.unwrap();
    let cached = world.place(template, cache).await.unwrap();
    let reader = Uuid::new_v4();
    let claim = || (format!("use:{}:{reader}", cached.uuid), reader);
    let repository = &world.rooms().repository;
    let (name, holder) = claim();
    repository.transact(vec![Change::Claim { name, holder }]).await.unwrap();
    let stores = &world.orchestration.image_stores;
    assert_eq!(stores.empty_cache(cache).await.unwrap(), (0, 1));
    let refused = stores.delete(&request(), cache).await.unwrap_err();
    assert!(refused.message.contains("they are in use now"), "{refused}");
    let (name, holder) = claim();
    repository.transact(vec![Change::Unclaim { name, holder }]).await.unwrap();
    world.done(stores.delete(&request(), cache).await).await;
    assert!(world.place(template, cache).await.is_none());
    assert!(world.place(template, pool).await.is_some());
    assert!(!world.provider.paths().iter().any(|path| path.starts_with("cache/")));
}

#[tokio::test]
async fn a_cache_forgets_what_nobody_used_for_long() {
    let mut policy = Policy::default();
    policy.image_cache.max_age = std::time::Duration::ZERO;
    let world = World::with_policy(policy).await;
    let (template, pool, cache) = with_cache(&world).await;
    world.orchestration.templates.prepare(template, pool).await.unwrap();
    let mut cached = world.place(template, cache).await.unwrap();
    cached.last_used_us = Some(1);
    world.rooms().repository.transact(vec![Change::update(&cached)]).await.unwrap();
    assert_eq!(world.orchestration.image_stores.sweep_caches().await.unwrap(), 1);
    assert!(world.place(template, cache).await.is_none());
    // The only bytes there are stay.
    assert_eq!(world.orchestration.templates.places(template).await.unwrap().len(), 2);
}
