//! Images byte by byte, as small as their formats allow, to be changed into bad ones.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;

/// The size of the disk in each of them.
pub(super) const DISK: u64 = 8 << 20;
/// A cluster of a qcow2 image.
pub(super) const CLUSTER: usize = 64 << 10;

pub(super) fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

pub(super) fn be32(image: &mut [u8], at: usize, value: u32) {
    put(image, at, &value.to_be_bytes());
}

pub(super) fn be64(image: &mut [u8], at: usize, value: u64) {
    put(image, at, &value.to_be_bytes());
}

pub(super) fn le32(image: &mut [u8], at: usize, value: u32) {
    put(image, at, &value.to_le_bytes());
}

pub(super) fn le64(image: &mut [u8], at: usize, value: u64) {
    put(image, at, &value.to_le_bytes());
}

/// What a cluster of the disk is.
pub(super) enum Cluster {
    Stored(Vec<u8>),
    Packed(Vec<u8>),
}

/// A qcow2 image: header, reference counts, one table of tables, one table of clusters, data.
pub(super) fn qcow2(version: u32, clusters: &[(u64, Cluster)]) -> Vec<u8> {
    let mut image = vec![0; 5 * CLUSTER];
    put(&mut image, 0, b"QFI\xfb");
    be32(&mut image, 4, version);
    be32(&mut image, 20, CLUSTER.trailing_zeros());
    be64(&mut image, 24, DISK);
    be32(&mut image, 36, 1);
    be64(&mut image, 40, 3 * CLUSTER as u64);
    be64(&mut image, 48, CLUSTER as u64);
    be32(&mut image, 56, 1);
    if version == 3 {
        be32(&mut image, 96, 4);
        be32(&mut image, 100, 104);
    }
    be64(&mut image, CLUSTER, 2 * CLUSTER as u64);
    // In use, and by nothing else: the highest bit.
    be64(&mut image, 3 * CLUSTER, (1 << 63) | (4 * CLUSTER as u64));
    for (number, cluster) in clusters {
        let at = image.len() as u64;
        let entry = match cluster {
            Cluster::Stored(bytes) => {
                assert_eq!(bytes.len(), CLUSTER);
                image.extend_from_slice(bytes);
                (1 << 63) | at
            }
            Cluster::Packed(bytes) => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                let mut packed = encoder.finish().unwrap();
                let sectors = packed.len().div_ceil(512) as u64;
                packed.resize(packed.len().next_multiple_of(CLUSTER), 0);
                image.extend_from_slice(&packed);
                // So many bits for the offset, the rest for the sectors behind the first.
                let offset_bits = 62 - (CLUSTER.trailing_zeros() - 8);
                (1 << 62) | ((sectors - 1) << offset_bits) | at
            }
        };
        be64(&mut image, 4 * CLUSTER + *number as usize * 8, entry);
    }
    image
}

/// The footer of a VHD, with its checksum.
pub(super) fn vhd_footer(kind: u32, size: u64) -> Vec<u8> {
    let mut footer = vec![0; 512];
    put(&mut footer, 0, b"conectix");
    be32(&mut footer, 12, 0x0001_0000);
    be64(&mut footer, 16, if kind == 2 { u64::MAX } else { 512 });
    be64(&mut footer, 48, size);
    be32(&mut footer, 60, kind);
    sum(&mut footer);
    footer
}

/// Puts the sum of a VHD's footer right.
pub(super) fn sum(footer: &mut [u8]) {
    be32(footer, 64, 0);
    let sum: u32 = footer[..512].iter().map(|byte| u32::from(*byte)).sum();
    be32(footer, 64, !sum);
}

pub(super) fn vhd_fixed() -> Vec<u8> {
    let mut image = vec![7; DISK as usize];
    image.extend_from_slice(&vhd_footer(2, DISK));
    image
}

pub(super) fn vhd_dynamic() -> Vec<u8> {
    let mut image = vhd_footer(3, DISK);
    image.resize(4096, 0);
    put(&mut image, 512, b"cxsparse");
    be64(&mut image, 512 + 16, 1536);
    be32(&mut image, 512 + 28, 4);
    be32(&mut image, 512 + 32, 2 << 20);
    image.extend_from_slice(&vhd_footer(3, DISK));
    image
}

pub(super) const VHDX_METADATA: usize = 2 << 20;
pub(super) const VHDX_HEADERS: [usize; 2] = [64 << 10, 128 << 10];

pub(super) fn vhdx() -> Vec<u8> {
    let mut image = vec![0; 4 << 20];
    put(&mut image, 0, b"vhdxfile");
    let regions = 192 << 10;
    put(&mut image, regions, b"regi");
    le32(&mut image, regions + 8, 2);
    let mut region = |number: usize, id: &str, offset: u64| {
        let at = regions + 16 + number * 32;
        put(&mut image, at, &id.parse::<uuid::Uuid>().unwrap().to_bytes_le());
        le64(&mut image, at + 16, offset);
        le32(&mut image, at + 24, 1 << 20);
        le32(&mut image, at + 28, 1);
    };
    region(0, "2dc27766-f623-4200-9d64-115e9bfd4a08", 3 << 20);
    region(1, "8b7ca206-4790-4b9a-b8fe-575f050f886e", VHDX_METADATA as u64);
    image.copy_within(regions..regions + (64 << 10), regions + (64 << 10));
    for header in VHDX_HEADERS {
        put(&mut image, header, b"head");
    }
    put(&mut image, VHDX_METADATA, b"metadata");
    vhdx_item(&mut image, 0, "caa16737-fa36-4d43-b3b6-33f0aa44e76b", 0);
    vhdx_item(&mut image, 1, "2fa54224-cd1b-4876-b211-5dbed83bf4b8", DISK);
    image
}

/// An item of a VHDX's metadata; there are as many as the last one that was put.
pub(super) fn vhdx_item(image: &mut [u8], number: usize, id: &str, value: u64) {
    put(image, VHDX_METADATA + 10, &(number as u16 + 1).to_le_bytes());
    let (at, item) = (VHDX_METADATA + 32 + number * 32, (64 << 10) + number * 64);
    put(image, at, &id.parse::<uuid::Uuid>().unwrap().to_bytes_le());
    le32(image, at + 16, item as u32);
    le32(image, at + 20, 8);
    le32(image, at + 24, 4);
    le64(image, VHDX_METADATA + item, value);
}

pub(super) const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=1234abcd\n\
    parentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\n\
    RW 16384 SPARSE \"disk.vmdk\"\n\nddb.adapterType = \"ide\"\n";

pub(super) fn vmdk(descriptor: &str) -> Vec<u8> {
    let mut image = vec![0; 64 << 10];
    put(&mut image, 0, b"KDMV");
    le32(&mut image, 4, 1);
    le64(&mut image, 12, DISK / 512);
    le64(&mut image, 20, 128);
    le64(&mut image, 28, 1);
    le64(&mut image, 36, 20);
    le32(&mut image, 44, 512);
    le64(&mut image, 48, 21);
    le64(&mut image, 56, 26);
    put(&mut image, 512, descriptor.as_bytes());
    image
}

/// A stream, whose directory is named by the footer alone.
pub(super) fn vmdk_stream() -> Vec<u8> {
    let mut image = vmdk(&DESCRIPTOR.replace("monolithicSparse", "streamOptimized"));
    let mut footer = image[..512].to_vec();
    le64(&mut image, 56, u64::MAX);
    le64(&mut footer, 56, 26);
    image.extend_from_slice(&footer);
    image.extend_from_slice(&[0; 512]);
    image
}

pub(super) fn vdi() -> Vec<u8> {
    let mut image = vec![0; 4 << 20];
    put(&mut image, 0, b"<<< a disk >>>\n");
    le32(&mut image, 64, 0xbeda_107f);
    le32(&mut image, 68, 0x0001_0001);
    le32(&mut image, 76, 1);
    le32(&mut image, 340, 512);
    le32(&mut image, 344, 1 << 20);
    le64(&mut image, 368, DISK);
    le32(&mut image, 376, 1 << 20);
    le32(&mut image, 384, 8);
    le32(&mut image, 388, 1);
    image
}

/// An ISO of so many sectors, as its volume says.
pub(super) fn iso(sectors: u32) -> Vec<u8> {
    let mut image = vec![0; 64 << 10];
    let at = 0x8000;
    put(&mut image, at, b"\x01CD001\x01");
    le32(&mut image, at + 80, sectors);
    put(&mut image, at + 128, &2048_u16.to_le_bytes());
    put(&mut image, at + 2048, b"\xffCD001\x01");
    image
}

/// An archive of entries: type, name, bytes.
pub(super) fn tar(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (kind, name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        // As it is: the crate refuses to write what it should refuse to read.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
