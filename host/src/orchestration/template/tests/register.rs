//! What is downloaded, and what is refused of it.

use super::{NOTHING, disk};
use crate::model::{ObjectInStoreState, TemplateState};
use crate::motion::Checksum;
use crate::orchestration::testing::{MIB, World, qcow2, request};
use std::io::Write as _;
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

fn sha256(bytes: &[u8]) -> String {
    let of_nothing: Checksum = format!("{{SHA-256}}{}", "0".repeat(64)).parse().unwrap();
    let mut hasher = of_nothing.hasher();
    hasher.update(bytes);
    hasher.finish().to_string()
}

/// A registration failed: its record says why, and it can be deleted; nothing else is left.
async fn failed(world: &World, template: Uuid, store: Uuid, why: &str) {
    let place = world.place(template, store).await.unwrap();
    assert_eq!(place.state, ObjectInStoreState::Failed);
    let note = place.note.as_ref().unwrap();
    assert!(note.contains(why), "{note}");
    assert_eq!((place.path.as_str(), &place.checkpoint), ("", &None));
    assert_eq!(world.provider.paths(), NOTHING);
    let templates = &world.orchestration.templates;
    assert_eq!(templates.find(template).await.unwrap().state, TemplateState::Active);
    // Whoever wants a volume of it is told the same.
    let pool = world.pool("pool").await;
    let refused = world.volume_of(template, pool).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert!(refused.message.contains(why), "{refused}");
    world.done(templates.delete(&request(), template).await).await;
    assert!(world.place(template, store).await.is_none());
    world.nothing_is_held().await;
    let store = world.orchestration.image_stores.delete(&request(), store).await;
    world.done(store).await;
}

#[tokio::test]
async fn a_checksum_that_is_right_is_kept() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let mut wish = world.registered(&world.file("disk.raw", &disk(7)), ImageFormat::Raw);
    wish.checksum = Some(sha256(&disk(7)));
    let template = world.done(world.register(wish).await).await.object;
    let seen = world.orchestration.templates.find(template).await.unwrap();
    assert_eq!((seen.size_bytes, seen.checksum.clone()), (MIB, Some(sha256(&disk(7)))));
    assert_eq!(seen.origin, None);
    let there = world.place(template, store).await.unwrap();
    assert_eq!((there.state, there.length_bytes), (ObjectInStoreState::Ready, MIB));
    assert!(there.digest.as_ref().unwrap().starts_with("{BLAKE3}"), "{there:?}");
}

#[tokio::test]
async fn a_checksum_that_is_wrong_is_told_with_both() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let mut wish = world.registered(&world.file("disk.raw", &disk(7)), ImageFormat::Raw);
    wish.checksum = Some(sha256(&disk(8)));
    let begun = world.register(wish).await;
    let template = begun.as_ref().unwrap().object;
    let failure = world.undone(begun).await;
    for bytes in [disk(7), disk(8)] {
        let hex = sha256(&bytes).replace("{SHA-256}", "");
        assert!(failure.message.contains(&hex), "{failure}");
    }
    failed(&world, template, store, &sha256(&disk(8)).replace("{SHA-256}", "")).await;
}

#[tokio::test]
async fn a_source_that_is_not_there_is_told() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let url = world.file("disk.raw", b"").replace("disk.raw", "other.raw");
    let begun = world.register(world.registered(&url, ImageFormat::Raw)).await;
    let template = begun.as_ref().unwrap().object;
    let failure = world.undone(begun).await;
    assert_eq!(failure.kind, PluginErrorKind::NotFound);
    failed(&world, template, store, "other.raw").await;
}

#[tokio::test]
async fn a_file_outside_of_what_the_operator_allows_is_told_nothing_about() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let begun = world.register(world.registered("file:///etc/hostname", ImageFormat::Raw)).await;
    let template = begun.as_ref().unwrap().object;
    let failure = world.undone(begun).await;
    assert_eq!(failure.kind, PluginErrorKind::PermissionDenied);
    failed(&world, template, store, &failure.message).await;
}

#[tokio::test]
async fn a_store_that_fills_up_is_told() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    world.provider.fail_late("open_writer", PluginError::capacity_exceeded("the disk is full"));
    let url = world.file("disk.raw", &disk(7));
    let begun = world.register(world.registered(&url, ImageFormat::Raw)).await;
    let template = begun.as_ref().unwrap().object;
    world.undone(begun).await;
    failed(&world, template, store, "the disk is full").await;
}

#[tokio::test]
async fn an_image_of_another_format_than_declared_is_refused() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let url = world.file("disk", &qcow2(&disk(7)).await);
    let begun = world.register(world.registered(&url, ImageFormat::Raw)).await;
    let template = begun.as_ref().unwrap().object;
    let failure = world.undone(begun).await;
    assert_eq!(failure.kind, PluginErrorKind::InvalidArgument);
    failed(&world, template, store, "it is qcow2, and was said to be RAW").await;
}

#[tokio::test]
async fn what_is_packed_is_unpacked_and_its_checksum_is_of_what_is_packed() {
    let world = World::new().await;
    let store = world.image_store("images").await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&disk(7)).unwrap();
    let packed = packed.finish().unwrap();
    let mut wish = world.registered(&world.file("disk.gz", &packed), ImageFormat::Raw);
    wish.checksum = Some(sha256(&packed));
    let template = world.done(world.register(wish.clone()).await).await.object;
    let there = world.place(template, store).await.unwrap();
    assert_eq!(there.length_bytes, MIB);
    assert_eq!(world.provider.bytes(&there.path, MIB - 100, 100), [7; 100]);
    // That of what it unpacks to is not the one that was published.
    wish.checksum = Some(sha256(&disk(7)));
    let failure = world.undone(world.register(wish).await).await;
    assert!(failure.message.contains(&sha256(&packed).replace("{SHA-256}", "")), "{failure}");
}

#[tokio::test]
async fn what_cannot_be_a_registration_is_refused_at_once() {
    let world = World::new().await;
    let wish = world.registered(&world.file("disk.raw", &disk(7)), ImageFormat::Raw);
    let refused = world.register(wish.clone()).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::CapacityExceeded);
    world.image_store("images").await;
    let mut odd = wish.clone();
    odd.checksum = Some("{CRC32}00".to_owned());
    let refused = world.register(odd).await.unwrap_err();
    assert!(refused.message.contains("CRC32"), "{refused}");
    let mut odd = wish;
    odd.url = "gopher://old/disk".to_owned();
    assert_eq!(world.register(odd).await.unwrap_err().kind, PluginErrorKind::InvalidArgument);
    assert_eq!(world.orchestration.templates.list(&Default::default()).await.unwrap().len(), 0);
}
