//! The disk that comes out of an image is the one that is in it.

use super::made::{CLUSTER, Cluster, DISK, be64, qcow2, vhd_fixed, vhdx};
use super::{LIMITS, call, taken};
use crate::in_memory::InMemory;
use crate::jobs::{Guard, GuardedCall};
use crate::motion::formats::{Conversion, Image, Qcow2File, inspect};
use crate::motion::{End, FileRead, ObjectRead, RandomRead};
use bytes::Bytes;
use std::time::Duration;
use storage_plugin_api::prelude::*;

fn cluster(seed: u8) -> Vec<u8> {
    (0..CLUSTER).map(|at| (at >> 3) as u8 ^ seed).collect()
}

/// Reads a disk; answers its bytes, and how many of them came as holes.
async fn read(source: &mut dyn RandomRead, image: &Image) -> PluginResult<(Vec<u8>, u64)> {
    let mut conversion = Conversion::new(source, image)?;
    let (mut disk, mut holes) = (Vec::new(), 0);
    while let Some(chunk) = conversion.next(&call()).await? {
        assert_eq!(chunk.offset(), disk.len() as u64);
        match chunk {
            Chunk::Data { bytes, .. } => {
                assert!(!bytes.is_empty() && bytes.len() <= storage_plugin_api::CHUNK_BYTES);
                disk.extend_from_slice(&bytes);
            }
            Chunk::Hole { length, .. } => {
                holes += length;
                disk.resize(disk.len() + length as usize, 0);
            }
        }
    }
    Ok((disk, holes))
}

#[tokio::test]
async fn stored_and_packed_clusters_and_holes_come_in_their_places() {
    let clusters = [
        (0, Cluster::Stored(cluster(1))),
        (1, Cluster::Stored(cluster(2))),
        (3, Cluster::Packed(cluster(3))),
        // In the file elsewhere than the ones before it.
        (5, Cluster::Stored(cluster(4))),
        (6, Cluster::Stored(vec![0; CLUSTER])),
        (127, Cluster::Packed(cluster(5))),
    ];
    let mut expected = vec![0; DISK as usize];
    for (number, cluster) in &clusters {
        let (Cluster::Stored(bytes) | Cluster::Packed(bytes)) = cluster;
        expected[*number as usize * CLUSTER..][..CLUSTER].copy_from_slice(bytes);
    }
    for version in [2, 3] {
        let image = qcow2(version, &clusters);
        let taken = taken(image.clone()).await;
        let (disk, holes) = read(&mut Bytes::from(image), &taken).await.unwrap();
        assert!(disk == expected);
        // What was written as zeros is one, too.
        assert_eq!(holes, DISK - 5 * CLUSTER as u64);
    }
}

#[tokio::test]
async fn bytes_that_are_a_disk_already_are_read_as_they_are() {
    let image = vhd_fixed();
    let taken = taken(image.clone()).await;
    let (disk, _) = read(&mut Bytes::from(image.clone()), &taken).await.unwrap();
    assert!(disk == image[..DISK as usize]);
}

#[tokio::test]
async fn an_image_that_no_library_reads_is_refused_with_the_reason() {
    let image = vhdx();
    let taken = taken(image.clone()).await;
    let refused = Conversion::new(&mut Bytes::from(image), &taken).unwrap_err();
    assert_eq!(refused.kind(), PluginErrorKind::Unsupported);
    assert!(refused.message().contains("qemu-img convert"), "{refused}");
}

#[tokio::test]
async fn clusters_outside_of_the_file_are_told() {
    let entry = |entry: u64| {
        let mut image = qcow2(3, &[(0, Cluster::Stored(cluster(1)))]);
        be64(&mut image, 4 * CLUSTER + 8, entry);
        image
    };
    for image in [
        entry((1 << 63) | (1 << 40)),
        // Decompressed from where nothing is, and from what is none.
        entry((1 << 62) | (1 << 40)),
        entry((1 << 62) | (5 * CLUSTER as u64)),
    ] {
        let taken = taken(image.clone()).await;
        let refused = read(&mut Bytes::from(image), &taken).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::Corrupt, "{refused}");
    }
    // The last cluster alone may be cut: its rest is zeros.
    let mut image = qcow2(3, &[(0, Cluster::Stored(cluster(1)))]);
    image.truncate(image.len() - 10);
    let taken = taken(image.clone()).await;
    let (disk, _) = read(&mut Bytes::from(image), &taken).await.unwrap();
    assert_eq!(disk[..CLUSTER - 10], cluster(1)[..CLUSTER - 10]);
    assert_eq!(disk[CLUSTER - 10..CLUSTER], [0; 10]);
}

#[tokio::test]
async fn an_image_that_changed_since_it_was_vetted_reaches_nothing() {
    let before = qcow2(3, &[]);
    let taken = taken(before.clone()).await;
    let mut backed = before.clone();
    be64(&mut backed, 8, 512);
    backed[19] = 11;
    backed[512..523].copy_from_slice(b"/etc/passwd");
    let (disk, holes) = read(&mut Bytes::from(backed), &taken).await.unwrap();
    assert_eq!((disk.len() as u64, holes), (DISK, DISK));
    let mut larger = before;
    be64(&mut larger, 24, DISK / 2);
    let refused = read(&mut Bytes::from(larger), &taken).await.unwrap_err();
    assert_eq!(refused.kind(), PluginErrorKind::Corrupt);
}

#[tokio::test]
async fn a_given_up_conversion_ends_its_threads() {
    let clusters: Vec<_> = (0..128).map(|at| (at, Cluster::Packed(cluster(at as u8)))).collect();
    let image = qcow2(3, &clusters);
    let taken = taken(image.clone()).await;
    let mut source = Bytes::from(image);
    let mut conversion = Conversion::new(&mut source, &taken).unwrap();
    conversion.next(&call()).await.unwrap();
    let given_up = call();
    given_up.cancel();
    // What is ready is handed on; then it is over.
    let error = loop {
        match conversion.next(&given_up).await {
            Ok(chunk) => assert!(chunk.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), PluginErrorKind::Cancelled);
    // The end of the runtime waits for its threads: this test ends, or they do not.
    drop(conversion);
}

#[tokio::test]
async fn a_disk_that_is_written_as_qcow2_reads_back() {
    let file = tempfile::tempfile().unwrap();
    let mut written = Qcow2File::create(file, DISK);
    let data = Bytes::from([cluster(1), cluster(2)].concat());
    let tail = Bytes::from_static(b"tail");
    for chunk in [
        Chunk::Hole { offset: 0, length: 1 << 20 },
        Chunk::Data { offset: 1 << 20, bytes: data.clone() },
        Chunk::Data { offset: DISK - 4, bytes: tail.clone() },
    ] {
        written.write(chunk).await.unwrap();
    }
    let mut source = FileRead::new(written.finish().await.unwrap()).unwrap();
    assert!(source.size_bytes() < DISK / 4);
    let image = inspect(&call(), &mut source, &LIMITS).await.unwrap();
    assert_eq!(image.virtual_bytes, DISK);
    let (disk, holes) = read(&mut source, &image).await.unwrap();
    assert!(disk[1 << 20..][..data.len()] == data && disk[DISK as usize - 4..] == tail);
    assert_eq!(holes, DISK - 3 * CLUSTER as u64);
    assert!(disk[..1 << 20].iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told() {
    let place = tempfile::NamedTempFile::new().unwrap();
    let mut written = Qcow2File::create(std::fs::File::open(place.path()).unwrap(), DISK);
    let chunk = |offset| Chunk::Data { offset, bytes: Bytes::from_static(b"bytes") };
    let mut failed = None;
    for offset in 0..8 {
        if let Err(error) = written.write(chunk(offset * 8)).await {
            failed = Some(error);
            break;
        }
    }
    assert!(failed.unwrap().to_string().contains("write a qcow2 image"));
    let unfinished = written.finish().await.unwrap_err();
    assert!(unfinished.to_string().contains("a write of it failed before"), "{unfinished}");
}

#[tokio::test]
async fn an_image_on_a_store_is_read_through_its_driver() {
    let memory = InMemory::default();
    let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Image);
    store.details.insert("area", "a");
    store.installation_id = "ours".to_owned();
    let (store, guard) = (StoreContext::new(store), Guard::new());
    let clusters: Vec<_> = (0..40).map(|at| (at * 3, Cluster::Stored(cluster(at as u8)))).collect();
    let image = qcow2(3, &clusters);
    let mut volume = VolumeInfo::new(Uuid::new_v4(), "image", image.len() as u64);
    let ask = CreateRequest::new(volume.clone());
    volume.path = memory.create_async(&call(), &store, ask).await.unwrap().path;
    let put = memory.with_object(&volume.path, |object| {
        object.put(0, &image);
        Ok(())
    });
    put.unwrap();
    let end = End {
        driver: &memory,
        store: &store,
        object: volume.into(),
        about: GuardedCall { provider: "In Memory", window: Duration::from_secs(60), store: None },
        guard: &guard,
        allowance: Default::default(),
    };
    let mut object = ObjectRead::new(end, image.len() as u64);
    // Forth, back, over a border, on, beyond the end.
    for (offset, length) in [(0, 10), (CLUSTER, 5), (3, 3 << 20), (3, 9), (image.len() - 2, 5)] {
        let bytes = object.read_at(&call(), offset as u64, length).await.unwrap();
        assert!(bytes == image[offset..image.len().min(offset + length)]);
    }
    let taken = inspect(&call(), &mut object, &LIMITS).await.unwrap();
    let (from_store, _) = read(&mut object, &taken).await.unwrap();
    let (from_memory, _) = read(&mut Bytes::from(image), &taken).await.unwrap();
    assert!(from_store == from_memory && from_store.len() as u64 == DISK);
}
