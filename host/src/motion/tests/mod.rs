//! The host's own copy, from one object in memory to another.

mod odd;

use super::{
    Allowance, Allowances, Checksum, Digest, End, Hasher, KeepNone, ObjectRead, RandomRead as _,
    Sink, Transferred, overlay, read_back, transfer, verify,
};
use crate::in_memory::InMemory;
use crate::jobs::{Guard, GuardedCall};
use odd::Odd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::prelude::*;

const MIB: u64 = 1 << 20;

struct Scene {
    memory: InMemory,
    store: StoreContext,
    guard: Guard,
    allowance: Arc<Allowance>,
}

impl Scene {
    fn new() -> Self {
        let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Primary);
        store.details.insert("area", "a");
        store.installation_id = "ours".to_owned();
        let (memory, guard) = (InMemory::default(), Guard::new());
        Self { memory, store: StoreContext::new(store), guard, allowance: Arc::default() }
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
            allowance: Arc::clone(&self.allowance),
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

async fn copy(
    call: &CallContext,
    from: &End<'_>,
    to: &End<'_>,
    size_bytes: u64,
) -> PluginResult<Transferred> {
    transfer(call, from, to, size_bytes, None, &mut KeepNone).await
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
    let moved = copy(&call, &source, &destination, 8 * MIB).await.unwrap();
    let mut plain = vec![0; 8 << 20];
    plain[(3 << 20) + 5..][..4].copy_from_slice(b"here");
    assert_eq!(moved.digest.to_string(), format!("{{BLAKE3}}{}", blake3::hash(&plain).to_hex()));
    let progress = call.progress();
    assert_eq!((progress.done_bytes, progress.total_bytes), (8 * MIB, Some(8 * MIB)));
    let blocks = scene.memory.with_object(&to.path, |object| Ok(object.blocks.len())).unwrap();
    assert_eq!(blocks, 1);
    verify(&call, &destination, &moved.digest, 8 * MIB, None).await.unwrap();
    // Once more over what is there: it begins anew.
    let again = copy(&call, &source, &destination, 8 * MIB).await.unwrap();
    assert_eq!(again.digest, moved.digest);
}

#[tokio::test]
async fn other_bytes_at_the_destination_are_seen() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(MIB).await, scene.volume(MIB).await);
    scene.put(&from, 0, b"bytes");
    let destination = scene.end(&to);
    let moved = copy(&call(), &scene.end(&from), &destination, MIB).await.unwrap();
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
    let refused = copy(&call(), &scene.end(&from), &scene.end(&to), 2 * MIB).await;
    assert_eq!(refused.unwrap_err().kind(), PluginErrorKind::Corrupt);
}

#[tokio::test]
async fn a_cancelled_transfer_ends() {
    let scene = Scene::new();
    let (from, to) = (scene.volume(MIB).await, scene.volume(MIB).await);
    scene.put(&from, 0, b"bytes");
    let call = call();
    call.cancel();
    let refused = copy(&call, &scene.end(&from), &scene.end(&to), MIB).await;
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

#[tokio::test]
async fn a_reader_that_gives_nothing_for_ever_is_refused() {
    let scene = Scene::new();
    let volume = scene.volume(MIB).await;
    for chunk in
        [Chunk::Data { offset: 0, bytes: Vec::new().into() }, Chunk::Hole { offset: 0, length: 0 }]
    {
        let odd = Odd { memory: scene.memory.clone(), chunk, begins_at: 0, knows_tokens: true };
        let end = || End { driver: &odd, ..scene.end(&volume) };
        let refused = read_back(&call(), &end(), MIB, None).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::Corrupt);
        let refused = ObjectRead::new(end(), MIB).read_at(&call(), 0, 5).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::Corrupt);
    }
}

/// What is left of a hole when it is given up is not hashed: the largest one would take for ever.
#[tokio::test]
async fn a_hole_that_is_read_back_gives_others_their_turn_and_can_be_cancelled() {
    let scene = Scene::new();
    let volume = scene.volume(MIB).await;
    let call = call();
    let canceller = call.clone();
    let expected: Checksum = "0".repeat(32).parse().unwrap();
    let mut hasher = expected.hasher();
    let hole = Chunk::Hole { offset: 0, length: u64::MAX };
    let (hashed, ()) = tokio::join!(
        super::digest::each_piece(&call, &hole, |bytes| hasher.update(bytes)),
        async move { canceller.cancel() },
    );
    assert_eq!(hashed.unwrap_err().kind(), PluginErrorKind::Cancelled);
    // Both sums are of the zeros that a hole stands for.
    scene.put(&volume, 5, b"here");
    let mut plain = vec![0; 1 << 20];
    plain[5..9].copy_from_slice(b"here");
    let mut hasher = expected.hasher();
    hasher.update(&plain);
    let sum = hasher.finish();
    let digest = read_back(&self::call(), &scene.end(&volume), MIB, Some(&sum)).await;
    assert_eq!(digest.unwrap().agrees_with(&blake3_of(&plain)), Some(true));
}

fn blake3_of(bytes: &[u8]) -> String {
    format!("{{BLAKE3}}{}", blake3::hash(bytes).to_hex())
}

#[tokio::test]
async fn a_writer_begins_where_it_was_asked_to_or_before() {
    let scene = Scene::new();
    let volume = scene.volume(MIB).await;
    for (begins_at, knows_tokens, token, expected) in [
        (0, true, None, Some(0)),
        (7, true, None, None),
        (7, true, Some(7), Some(7)),
        (0, true, Some(7), Some(0)),
        (8, true, Some(7), None),
        // It forgot the token, and was asked to begin anew.
        (0, false, Some(7), Some(0)),
        (7, false, Some(7), None),
    ] {
        let chunk = Chunk::Hole { offset: 0, length: MIB };
        let odd = Odd { memory: scene.memory.clone(), chunk, begins_at, knows_tokens };
        let end = End { driver: &odd, ..scene.end(&volume) };
        let token = token.map(|offset| CheckpointToken::new(offset, b"state".to_vec()).into());
        let opened = Sink::open(&call(), &end, MIB, token).await;
        match expected {
            Some(offset) => assert_eq!(opened.unwrap().from(), offset),
            None => assert_eq!(opened.unwrap_err().kind(), PluginErrorKind::Corrupt),
        }
    }
}

#[tokio::test]
async fn transfers_of_a_store_share_its_bandwidth() {
    let (allowances, store) = (Allowances::default(), Uuid::new_v4());
    let mut scene = Scene::new();
    scene.allowance = allowances.of(store, Some(4 * MIB));
    let (from, to) = (scene.volume(2 * MIB).await, scene.volume(2 * MIB).await);
    for at in [0, MIB] {
        scene.put(&from, at, &[7; MIB as usize]);
    }
    let begun = Instant::now();
    let (call, source, destination) = (call(), scene.end(&from), scene.end(&to));
    copy(&call, &source, &destination, 2 * MIB).await.unwrap();
    // Read and written on the one store: four mebibytes, of which a tenth second's are at hand.
    assert!(begun.elapsed() >= Duration::from_millis(800), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_changed_is_written_at_the_bandwidth_of_its_destination() {
    let scene = Scene::new();
    let (from, base) = (scene.volume(2 * MIB).await, scene.volume(2 * MIB).await);
    let to = scene.volume(2 * MIB).await;
    scene.put(&from, 0, &[7; MIB as usize]);
    // Reading is free: what takes time is the writing.
    let allowance = Allowances::default().of(Uuid::new_v4(), Some(2 * MIB));
    let (source, destination) = (scene.end(&from), End { allowance, ..scene.end(&to) });
    let begun = Instant::now();
    let over = (base.into(), 2 * MIB);
    let runs = [Extent::new(0_u64, MIB)];
    overlay(&call(), &source, &destination, over, &runs).await.unwrap();
    // Half a second's worth, of which a tenth is at hand.
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_transfer_that_waits_for_bandwidth_hears_a_cancel_and_another_limit() {
    let (allowances, store) = (Allowances::default(), Uuid::new_v4());
    let mut scene = Scene::new();
    scene.allowance = allowances.of(store, Some(64 << 10));
    let (from, to) = (scene.volume(MIB).await, scene.volume(MIB).await);
    scene.put(&from, 0, &[7; MIB as usize]);
    let (source, destination) = (scene.end(&from), scene.end(&to));
    let cancelled = call();
    let canceller = cancelled.clone();
    let begun = Instant::now();
    // It would take half a minute.
    let (ended, ()) = tokio::join!(copy(&cancelled, &source, &destination, MIB), async move {
        tokio::task::yield_now().await;
        canceller.cancel();
    });
    assert_eq!(ended.unwrap_err().kind(), PluginErrorKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let call = call();
    let (ended, ()) = tokio::join!(copy(&call, &source, &destination, MIB), async {
        tokio::task::yield_now().await;
        allowances.of(store, None);
    });
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
