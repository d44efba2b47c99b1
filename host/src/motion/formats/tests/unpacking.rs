//! What comes packed is unpacked, whole and within its limits.

use super::call;
use crate::motion::formats::{Packing, Unpacked, packing};
use crate::motion::{ByteStream, Checksum, Peeked, Summed};
use async_trait::async_trait;
use bytes::Bytes;
use std::io::{Read as _, Write as _};
use storage_plugin_api::{CallContext, PluginErrorKind, PluginResult};

const MIB: usize = 1 << 20;
const ALL: [Packing; 5] = [Packing::Gzip, Packing::Bzip2, Packing::Xz, Packing::Zstd, Packing::Zip];

/// Bytes that come in pieces.
struct Pieces(Bytes, usize);

#[async_trait]
impl ByteStream for Pieces {
    async fn next(&mut self, _: &CallContext) -> PluginResult<Option<Bytes>> {
        let length = self.1.min(self.0.len());
        Ok((length > 0).then(|| self.0.split_to(length)))
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x3f).collect()
}

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 3);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => zstd::stream::encode_all(bytes, 3).unwrap(),
        Packing::Zip => {
            let entry = entry("disk.raw", bytes, Zip { packs: true, follows: false, words: 4 });
            [entry, directory()].concat()
        }
    }
}

/// How an archiver writes a file.
#[derive(Clone, Copy)]
struct Zip {
    packs: bool,
    /// Whether checksum and sizes come behind the bytes, and of how many bytes the sizes are.
    follows: bool,
    words: usize,
}

fn directory() -> Vec<u8> {
    [b"PK\x01\x02".as_slice(), &[0; 80]].concat()
}

fn entry(name: &str, bytes: &[u8], zip: Zip) -> Vec<u8> {
    let packed = match zip.packs {
        true => {
            let mut packed = Vec::new();
            let mut encoder = flate2::read::DeflateEncoder::new(bytes, Default::default());
            encoder.read_to_end(&mut packed).unwrap();
            packed
        }
        false => bytes.to_vec(),
    };
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let sums = |words: usize| {
        let size = |length: usize| (length as u64).to_le_bytes()[..words].to_vec();
        [crc.sum().to_le_bytes().to_vec(), size(packed.len()), size(bytes.len())].concat()
    };
    let flags: u16 = if zip.follows { 8 } else { 0 };
    let method: u16 = if zip.packs { 8 } else { 0 };
    let mut entry = [b"PK\x03\x04\x14\0".as_slice(), &flags.to_le_bytes()].concat();
    entry.extend_from_slice(&method.to_le_bytes());
    entry.extend_from_slice(&[0; 4]);
    entry.extend(if zip.follows { vec![0; 12] } else { sums(4) });
    entry.extend_from_slice(&(name.len() as u16).to_le_bytes());
    entry.extend_from_slice(&[0; 2]);
    entry.extend_from_slice(name.as_bytes());
    entry.extend_from_slice(&packed);
    if zip.follows {
        entry.extend_from_slice(b"PK\x07\x08");
        entry.extend(sums(zip.words));
    }
    entry
}

async fn unpack(packing: Packing, packed: Vec<u8>, most: usize) -> PluginResult<Vec<u8>> {
    let mut unpacked = Unpacked::new(Pieces(packed.into(), 64 << 10), packing, most as u64);
    let mut all = Vec::new();
    while let Some(bytes) = unpacked.next(&call()).await? {
        all.extend_from_slice(&bytes);
    }
    // All of the source was read: its checksum is one of the whole.
    assert_eq!(unpacked.next(&call()).await.unwrap_or_default(), None);
    assert!(unpacked.into_source().0.is_empty());
    Ok(all)
}

#[tokio::test]
async fn every_packing_is_told_by_its_first_bytes_and_unpacked() {
    let plain = content(MIB + 5);
    for kind in ALL {
        let packed = pack(kind, &plain);
        assert_eq!(packing(&packed), Some(kind));
        assert!(unpack(kind, packed, plain.len()).await.unwrap() == plain, "{kind:?}");
        assert_eq!(unpack(kind, pack(kind, b""), 0).await.unwrap(), b"");
    }
    // Files that were packed one after the other are one.
    for kind in [Packing::Gzip, Packing::Bzip2, Packing::Xz, Packing::Zstd] {
        let twice = [pack(kind, b"one"), pack(kind, b"two")].concat();
        assert_eq!(unpack(kind, twice, 6).await.unwrap(), b"onetwo", "{kind:?}");
    }
}

#[tokio::test]
async fn a_checksum_is_one_of_the_file_as_it_came() {
    let packed = pack(Packing::Gzip, b"bytes");
    let sum = |bytes: &[u8]| {
        let any: Checksum = "0".repeat(64).parse().unwrap();
        let mut hasher = any.hasher();
        hasher.update(bytes);
        hasher.finish()
    };
    // What follows the end of the packed bytes counts as well.
    let archive = [pack(Packing::Zip, b"bytes"), vec![7; 3000]].concat();
    for (came, kind) in [(packed, Packing::Gzip), (archive, Packing::Zip)] {
        let expected = sum(&came);
        let stream = Pieces(Bytes::from(came), 30);
        let peeked = Peeked::new(&call(), stream).await.unwrap();
        assert_eq!(packing(peeked.head()), Some(kind));
        let mut unpacked = Unpacked::new(Summed::new(peeked, Some(&expected)), kind, 5);
        assert_eq!(unpacked.next(&call()).await.unwrap().unwrap(), b"bytes"[..]);
        assert_eq!(unpacked.next(&call()).await.unwrap(), None);
        unpacked.into_source().verify().unwrap();
    }
}

#[tokio::test]
async fn what_is_cut_off_or_damaged_is_told() {
    for kind in ALL {
        let packed = pack(kind, &content(MIB / 4));
        let cut = packed[..packed.len() / 2].to_vec();
        let error = unpack(kind, cut, MIB).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Corrupt, "{kind:?}: {error}");
        let mut damaged = packed;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let damaged = unpack(kind, damaged, MIB).await;
        // zstd sums only where it was asked to.
        assert!(kind == Packing::Zstd || damaged.is_err(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_bomb_is_stopped_at_its_limits() {
    let zeros = vec![0; 2 * MIB];
    for kind in ALL {
        let error = unpack(kind, pack(kind, &zeros), MIB).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::InvalidArgument);
        assert!(error.to_string().contains("reason=Bomb"), "{kind:?}: {error}");
    }
    // Within the limit, but of nothing.
    let nothing = pack(Packing::Zstd, &vec![0; 64 * MIB]).repeat(8);
    let error = unpack(Packing::Zstd, nothing, 1 << 40).await.unwrap_err();
    assert!(error.to_string().contains("reason=Bomb"), "{error}");
}

#[tokio::test]
async fn a_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(&content(MIB)).unwrap();
    let error = unpack(Packing::Zstd, encoder.finish().unwrap(), 2 * MIB).await.unwrap_err();
    assert!(error.message().contains("more memory"), "{error}");
}

#[tokio::test]
async fn zip_archives_are_read_as_archivers_write_them() {
    let plain = content(MIB + 7);
    for zip in [
        Zip { packs: false, follows: false, words: 4 },
        Zip { packs: true, follows: true, words: 4 },
        Zip { packs: true, follows: true, words: 8 },
    ] {
        let folder = entry("images/", b"", Zip { packs: false, follows: false, words: 4 });
        let archive = [folder, entry("images/disk.raw", &plain, zip), directory()].concat();
        assert!(unpack(Packing::Zip, archive, plain.len()).await.unwrap() == plain);
    }
}

#[tokio::test]
async fn a_zip_archive_of_other_than_one_plain_file_is_refused() {
    let zip = Zip { packs: true, follows: false, words: 4 };
    let one = entry("a", b"bytes", zip);
    let change = |at: usize, value: u8| {
        let mut changed = [one.clone(), directory()].concat();
        changed[at] = value;
        changed
    };
    for (archive, reason) in [
        ([one.clone(), one.clone(), directory()].concat(), "UnfitArchive"),
        (
            [entry("folder/", b"", Zip { packs: false, ..zip }), directory()].concat(),
            "UnfitArchive",
        ),
        (change(8, 12), "UnfitArchive"),
        (change(6, 1), "Encrypted"),
        // Stored, and of an unknown size.
        (
            [entry("a", b"b", Zip { packs: false, follows: true, words: 4 }), directory()].concat(),
            "UnfitArchive",
        ),
    ] {
        let error = unpack(Packing::Zip, archive, MIB).await.unwrap_err();
        assert!(error.to_string().contains(&format!("reason={reason}")), "{error}");
    }
    let wrong_sum = unpack(Packing::Zip, change(14, 0), MIB).await.unwrap_err();
    assert_eq!(wrong_sum.kind(), PluginErrorKind::Corrupt);
}
