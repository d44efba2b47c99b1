//! The host's own copy, from one object in memory to another.

use super::{Digest, End, Hasher, transfer, verify};
use crate::in_memory::InMemory;
use crate::jobs::{Guard, GuardedCall};
use std::time::Duration;
use storage_plugin_api::prelude::*;

const MIB: u64 = 1 << 20;

struct Scene {
    memory: InMemory,
    store: StoreContext,
    guard: Guard,
}

impl Scene {
    fn new() -> Self {
        let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Primary);
        store.details.insert("area", "a");
        store.installation_id = "ours".to_owned();
        let (memory, guard) = (InMemory::default(), Guard::new());
        Self { memory, store: StoreContext::new(store), guard }
    }

    async fn volume(&self, size: u64) -> VolumeInfo {
        let mut volume = VolumeInfo::new(Uuid::new_v4(), "volume", size);
        let call = CallContext::new(Uuid::new_v4());
        let ask = CreateRequest::new(volume.clone());
        volume.path = self.memory.create_async(&call, &self.store, ask).await.unwrap().path;
        volume
    }

    fn end(&self, volume: &VolumeInfo) -> End<'_> {
        let window = Duration::from_secs(60);
        End {
            driver: &self.memory,
            store: &self.store,
            object: volume.clone().into(),
            about: GuardedCall { provider: "In Memory", window, store: None },
            guard: &self.guard,
        }
    }

    fn put(&self, volume: &VolumeInfo, offset: u64, bytes: &[u8]) {
        let put = self.memory.with_object(&volume.path, |object| {
            object.put(offset, bytes);
            Ok(())
        });
        put.unwrap();
    }
}

fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

#[tokio::test]
async fn bytes_and_holes_arrive_and_progress_is_told() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(8 * MIB).await, scene.volume(16 * MIB).await);
    scene.put(&from, 3 * MIB + 5, b"here");
    let call = call();
    let (source, destination) = (scene.end(&from), scene.end(&to));
    let moved = transfer(&call, &source, &destination, 8 * MIB).await.unwrap();
    let mut plain = vec![0; 8 << 20];
    plain[(3 << 20) + 5..][..4].copy_from_slice(b"here");
    assert_eq!(moved.digest.to_string(), format!("{{BLAKE3}}{}", blake3::hash(&plain).to_hex()));
    let progress = call.progress();
    assert_eq!((progress.done_bytes, progress.total_bytes), (8 * MIB, Some(8 * MIB)));
    let blocks = scene.memory.with_object(&to.path, |object| Ok(object.blocks.len())).unwrap();
    assert_eq!(blocks, 1);
    verify(&call, &destination, &moved.digest, 8 * MIB, None).await.unwrap();
    // Once more over what is there: it begins anew.
    let again = transfer(&call, &source, &destination, 8 * MIB).await.unwrap();
    assert_eq!(again.digest, moved.digest);
}

#[tokio::test]
async fn other_bytes_at_the_destination_are_seen() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(MIB).await, scene.volume(MIB).await);
    scene.put(&from, 0, b"bytes");
    let destination = scene.end(&to);
    let moved = transfer(&call(), &scene.end(&from), &destination, MIB).await.unwrap();
    scene.put(&to, MIB - 1, b"!");
    let refused = verify(&call(), &destination, &moved.digest, MIB, None).await.unwrap_err();
    assert_eq!(refused.kind(), PluginErrorKind::Corrupt);
    // A digest that the driver recorded saves reading, if it is of the same kind.
    let recorded = moved.digest.to_string();
    verify(&call(), &destination, &moved.digest, MIB, Some(&recorded)).await.unwrap();
    let other = format!("{{BLAKE3}}{}", blake3::hash(b"other").to_hex());
    let refused = verify(&call(), &destination, &moved.digest, MIB, Some(&other)).await;
    assert_eq!(refused.unwrap_err().kind(), PluginErrorKind::Corrupt);
    let foreign = verify(&call(), &destination, &moved.digest, MIB, Some("{MD5}00")).await;
    assert_eq!(foreign.unwrap_err().kind(), PluginErrorKind::Corrupt);
}

#[tokio::test]
async fn a_source_that_ends_early_is_no_copy() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(MIB).await, scene.volume(2 * MIB).await);
    let refused = transfer(&call(), &scene.end(&from), &scene.end(&to), 2 * MIB).await;
    assert_eq!(refused.unwrap_err().kind(), PluginErrorKind::Corrupt);
}

#[tokio::test]
async fn a_cancelled_transfer_ends() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(MIB).await, scene.volume(MIB).await);
    scene.put(&from, 0, b"bytes");
    let call = call();
    call.cancel();
    let refused = transfer(&call, &scene.end(&from), &scene.end(&to), MIB).await;
    assert_eq!(refused.unwrap_err().kind(), PluginErrorKind::Cancelled);
}

#[tokio::test]
async fn a_hole_counts_as_the_zeros_that_it_stands_for() {
    let digest = async |chunks: Vec<Chunk>| -> PluginResult<Digest> {
        let mut hasher = Hasher::default();
        for chunk in &chunks {
            hasher.take(&call(), chunk).await?;
        }
        hasher.finish(3 * MIB)
    };
    let hole = Chunk::Hole { offset: 0, length: 3 * MIB };
    let zeros =
        |offset, length: u64| Chunk::Data { offset, bytes: vec![0; length as usize].into() };
    let one = digest(vec![hole]).await.unwrap();
    let other = digest(vec![
        zeros(0, MIB),
        Chunk::Hole { offset: MIB, length: 5 },
        zeros(MIB + 5, 2 * MIB - 5),
    ])
    .await
    .unwrap();
    assert_eq!(one, other);
    let gap = digest(vec![zeros(0, MIB), zeros(MIB + 1, MIB)]).await.unwrap_err();
    assert_eq!(gap.kind(), PluginErrorKind::Corrupt);
}
