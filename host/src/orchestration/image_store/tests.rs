//! What happens to image stores: which one takes something new, what keeps them, what is odd there.

use crate::model::{Failure, ImageStore, ImageStoreState, ObjectInStore};
use crate::orchestration::doctor::Severity;
use crate::orchestration::image_store::{AddImageStore, UpdateImageStore};
use crate::orchestration::reconcile::OrphanClass;
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
