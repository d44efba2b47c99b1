//! Good images are taken with their size; each bad one is refused for its own reason.

use super::made::{
    CLUSTER, Cluster, DESCRIPTOR, DISK, VHDX_HEADERS, VHDX_METADATA, be32, be64, iso, le32, le64,
    put, qcow2, sum, tar, vdi, vhd_dynamic, vhd_fixed, vhd_footer, vhdx, vhdx_item, vmdk,
    vmdk_stream,
};
use super::{LIMITS, call, look, refused, taken};
use crate::motion::formats::{ImageLimits, InspectError, Kind, RefusalCode, ToRaw, inspect};
use bytes::Bytes;
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use tar::EntryType;

/// An image, changed.
fn with(mut image: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut image);
    image
}

#[tokio::test]
async fn good_images_are_taken_with_the_size_of_their_disk() {
    let stored = [(0, Cluster::Stored(vec![7; CLUSTER]))];
    let ova: &[_] = &[(EntryType::Regular, "vm.ovf", &b"<Envelope/>"[..])];
    let plain: &[_] = &[
        (EntryType::Directory, "images/", &b""[..]),
        (EntryType::Regular, "images/..disk", &b"bytes"[..]),
    ];
    let (disk, none) = (vmdk_stream(), Vec::new());
    let with_disk: &[_] = &[
        (EntryType::Regular, "vm.ovf", &b"<Envelope/>"[..]),
        (EntryType::Regular, "vm-disk1.vmdk", &disk),
        (EntryType::Regular, "vm.nvram", &none),
    ];
    for (image, kind, format) in [
        (vec![7; 100], Kind::Raw, ImageFormat::Raw),
        (qcow2(2, &stored), Kind::Qcow2, ImageFormat::Qcow2),
        (qcow2(3, &stored), Kind::Qcow2, ImageFormat::Qcow2),
        (vhd_fixed(), Kind::VhdFixed, ImageFormat::Vhd),
        (vhd_dynamic(), Kind::VhdDynamic, ImageFormat::Vhd),
        (vhdx(), Kind::Vhdx, ImageFormat::Vhdx),
        (vmdk(DESCRIPTOR), Kind::Vmdk, ImageFormat::Vmdk),
        (vmdk_stream(), Kind::Vmdk, ImageFormat::Vmdk),
        (vdi(), Kind::Vdi, ImageFormat::Vdi),
        (iso(32), Kind::Iso, ImageFormat::Iso),
        (tar(ova), Kind::Ova, ImageFormat::Ova),
        (tar(plain), Kind::Tar, ImageFormat::Tar),
        (tar(with_disk), Kind::Ova, ImageFormat::Ova),
    ] {
        let physical_bytes = image.len() as u64;
        let image = taken(image).await;
        let is_file = matches!(kind, Kind::Raw | Kind::Iso | Kind::Ova | Kind::Tar);
        let disk = if is_file { physical_bytes } else { DISK };
        assert_eq!((image.kind, image.virtual_bytes), (kind, disk));
        assert_eq!(image.physical_bytes, physical_bytes);
        image.expect(format).unwrap();
        let as_it_is = matches!(kind, Kind::Raw | Kind::Iso | Kind::VhdFixed);
        assert_eq!(image.to_raw == ToRaw::AsItIs, as_it_is, "{kind:?}");
        assert_eq!(image.to_raw == ToRaw::Converted, kind == Kind::Qcow2, "{kind:?}");
    }
}

#[tokio::test]
async fn an_image_is_what_it_is_said_to_be() {
    let iso = taken(iso(32)).await;
    iso.expect(ImageFormat::Raw).unwrap();
    let refused = taken(qcow2(3, &[])).await.expect(ImageFormat::Raw).unwrap_err();
    assert_eq!(refused.code(), RefusalCode::OtherFormat);
    assert_eq!(
        taken(vec![7; 9]).await.expect(ImageFormat::Iso).unwrap_err().code(),
        refused.code()
    );
    // What a flow makes of it.
    let error = PluginError::from(refused);
    assert_eq!(error.kind(), PluginErrorKind::InvalidArgument);
    assert!(error.to_string().ends_with("(reason=OtherFormat)"), "{error}");
}

#[tokio::test]
async fn a_disk_over_the_limit_is_refused() {
    let limits = ImageLimits { virtual_bytes: DISK - 1 };
    for image in [qcow2(3, &[]), vhd_fixed(), vhdx(), vmdk(DESCRIPTOR), vdi()] {
        let refused = inspect(&call(), &mut Bytes::from(image), &limits).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code(), RefusalCode::DiskTooLarge);
    }
    let absurd = with(qcow2(3, &[]), |image| be64(image, 24, LIMITS.virtual_bytes + 1));
    assert_eq!(refused(absurd).await, RefusalCode::DiskTooLarge);
    let none = with(qcow2(3, &[]), |image| be64(image, 24, 0));
    assert_eq!(refused(none).await, RefusalCode::Empty);
}

#[tokio::test]
async fn bad_qcow2_is_refused() {
    let bad = |change: fn(&mut Vec<u8>)| with(qcow2(3, &[]), change);
    for (image, code) in [
        (
            bad(|image| {
                be64(image, 8, 512);
                be32(image, 16, 17);
                put(image, 512, b"/etc/passwd\x1b[2J\n");
            }),
            RefusalCode::BackingFile,
        ),
        (bad(|image| be64(image, 8, u64::MAX)), RefusalCode::BackingFile),
        (bad(|image| image[79] = 0b100), RefusalCode::OtherFiles),
        // Its name alone, without the bit.
        (
            bad(|image| {
                be32(image, 104, 0x4441_5441);
                be32(image, 108, 11);
                put(image, 112, b"/etc/passwd");
            }),
            RefusalCode::OtherFiles,
        ),
        (bad(|image| be32(image, 32, 1)), RefusalCode::Encrypted),
        (bad(|image| be32(image, 32, 2)), RefusalCode::Encrypted),
        (bad(|image| be32(image, 104, 0x0537_be77)), RefusalCode::Encrypted),
        (bad(|image| image[79] = 0b10), RefusalCode::Damaged),
        (bad(|image| image[72] = 1), RefusalCode::UnknownFeature),
        (
            bad(|image| {
                image[79] = 0b1000;
                image[104] = 2;
            }),
            RefusalCode::UnknownFeature,
        ),
        (bad(|image| be32(image, 4, 4)), RefusalCode::ForeignFormat),
        (bad(|image| be32(image, 20, 63)), RefusalCode::HeaderLies),
        (bad(|image| be32(image, 96, 7)), RefusalCode::HeaderLies),
        (bad(|image| be32(image, 100, 103)), RefusalCode::HeaderLies),
        // The tables: too small for the disk, too large, outside, upon the header, unaligned.
        (bad(|image| be64(image, 24, 1 << 32)), RefusalCode::HeaderLies),
        (bad(|image| be32(image, 36, u32::MAX)), RefusalCode::TableTooLarge),
        (bad(|image| be64(image, 40, 1 << 40)), RefusalCode::TableMisplaced),
        (bad(|image| be64(image, 40, 0)), RefusalCode::TableMisplaced),
        (bad(|image| be64(image, 40, 8)), RefusalCode::TableMisplaced),
        (bad(|image| be64(image, 3 * CLUSTER, (1 << 63) | (1 << 40))), RefusalCode::TableMisplaced),
        (bad(|image| be64(image, 3 * CLUSTER, (1 << 63) | 512)), RefusalCode::TableMisplaced),
        (bad(|image| be32(image, 56, u32::MAX)), RefusalCode::TableTooLarge),
        (bad(|image| be64(image, 48, 1 << 40)), RefusalCode::TableMisplaced),
        (bad(|image| be32(image, 60, u32::MAX)), RefusalCode::TooManySnapshots),
        (
            bad(|image| {
                be32(image, 60, 1);
                be64(image, 64, u64::MAX);
            }),
            RefusalCode::TableMisplaced,
        ),
        (bad(|image| image.truncate(60)), RefusalCode::Truncated),
        (bad(|image| image.truncate(3 * CLUSTER)), RefusalCode::TableMisplaced),
    ] {
        assert_eq!(refused(image).await, code);
    }
}

#[tokio::test]
async fn qcow2_that_no_library_reads_is_taken_and_says_so() {
    for (features, what) in [(0b1, "dirty"), (0b1000, "zstd"), (0b10000, "extended_l2")] {
        let image = taken(with(qcow2(3, &[]), |image| {
            image[79] = features;
            image[104] = u8::from(features == 0b1000);
        }))
        .await;
        let ToRaw::Not(reason) = image.to_raw else {
            panic!("{:?}", image.to_raw);
        };
        assert!(reason.contains(what), "{reason}");
    }
}

#[tokio::test]
async fn bad_vhd_is_refused() {
    let fixed = |kind, size| [vec![7; DISK as usize], vhd_footer(kind, size)].concat();
    let dynamic = |change: fn(&mut Vec<u8>)| with(vhd_dynamic(), change);
    for (image, code) in [
        (fixed(2, DISK + 512), RefusalCode::HeaderLies),
        (fixed(2, u64::MAX), RefusalCode::HeaderLies),
        (fixed(3, DISK), RefusalCode::HeaderLies),
        (fixed(4, DISK), RefusalCode::BackingFile),
        (dynamic(|image| image[100] ^= 1), RefusalCode::Damaged),
        (
            dynamic(|image| {
                be32(image, 60, 4);
                sum(image);
            }),
            RefusalCode::BackingFile,
        ),
        // A parent that only the header names.
        (dynamic(|image| image[512 + 40] = 1), RefusalCode::BackingFile),
        (dynamic(|image| put(image, 512 + 576, b"W2ku")), RefusalCode::BackingFile),
        (dynamic(|image| be32(image, 512 + 28, 3)), RefusalCode::HeaderLies),
        (dynamic(|image| be32(image, 512 + 28, u32::MAX)), RefusalCode::TableTooLarge),
        (dynamic(|image| be32(image, 512 + 32, 3)), RefusalCode::HeaderLies),
        (dynamic(|image| be64(image, 512 + 16, u64::MAX)), RefusalCode::TableMisplaced),
        (
            dynamic(|image| {
                be64(image, 16, 1 << 40);
                sum(image);
            }),
            RefusalCode::TableMisplaced,
        ),
        (dynamic(|image| put(image, 512, b"nosparse")), RefusalCode::TableMisplaced),
        // Another disk for whoever reads the footer at the end, and none at all there.
        (
            dynamic(|image| {
                be64(image, 4096 + 48, 2 * DISK);
                sum(&mut image[4096..]);
            }),
            RefusalCode::HeaderLies,
        ),
        (dynamic(|image| image.truncate(4096)), RefusalCode::Truncated),
    ] {
        assert_eq!(refused(image).await, code);
    }
}

#[tokio::test]
async fn bad_vhdx_is_refused() {
    let bad = |change: fn(&mut Vec<u8>)| with(vhdx(), change);
    let regions = 192 << 10;
    for (image, code) in [
        (
            bad(|image| vhdx_item(image, 0, "caa16737-fa36-4d43-b3b6-33f0aa44e76b", 2 << 32)),
            RefusalCode::BackingFile,
        ),
        (
            bad(|image| vhdx_item(image, 2, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c", 0)),
            RefusalCode::BackingFile,
        ),
        (
            bad(|image| vhdx_item(image, 2, "11111111-f623-4200-9d64-115e9bfd4a08", 0)),
            RefusalCode::UnknownFeature,
        ),
        (with(vhdx(), |image| image[regions + 16] ^= 1), RefusalCode::UnknownFeature),
        (with(vhdx(), |image| le64(image, regions + 32, u64::MAX)), RefusalCode::TableMisplaced),
        (with(vhdx(), |image| le32(image, regions + 8, u32::MAX)), RefusalCode::TableTooLarge),
        (with(vhdx(), |image| put(image, regions, b"none")), RefusalCode::TableMisplaced),
        (bad(|image| put(image, VHDX_METADATA, b"none")), RefusalCode::TableMisplaced),
        (bad(|image| le32(image, VHDX_METADATA + 32 + 16, u32::MAX)), RefusalCode::TableMisplaced),
        (bad(|image| image.truncate(1 << 20)), RefusalCode::TableMisplaced),
        // Another disk for whoever reads the second table, a log that would be replayed.
        (bad(|image| le64(image, (256 << 10) + 48, 1 << 20)), RefusalCode::HeaderLies),
        (bad(|image| image[VHDX_HEADERS[0] + 48] = 1), RefusalCode::Damaged),
        (bad(|image| image[VHDX_HEADERS[1] + 63] = 1), RefusalCode::Damaged),
        (
            bad(|image| VHDX_HEADERS.into_iter().for_each(|at| image[at] = 0)),
            RefusalCode::HeaderLies,
        ),
    ] {
        assert_eq!(refused(image).await, code);
    }
    // The parameters' second word has the bit of the parent.
    let one = with(vhdx(), |image| {
        vhdx_item(image, 0, "caa16737-fa36-4d43-b3b6-33f0aa44e76b", 0);
    });
    assert_eq!(refused(one).await, RefusalCode::HeaderLies, "it says no size any more");
}

#[tokio::test]
async fn bad_vmdk_is_refused() {
    let text = |from: &str, to: &str| vmdk(&DESCRIPTOR.replace(from, to));
    let extent = "SPARSE \"disk.vmdk\"";
    for (image, code) in [
        (DESCRIPTOR.as_bytes().to_vec(), RefusalCode::OtherFiles),
        // Of a capacity of none, readers take the text for the disk.
        (with(vmdk(DESCRIPTOR), |image| le64(image, 12, 0)), RefusalCode::OtherFiles),
        (text("monolithicSparse", "monolithicFlat"), RefusalCode::OtherFiles),
        (text("monolithicSparse", "twoGbMaxExtentSparse"), RefusalCode::OtherFiles),
        (text("createType", "other"), RefusalCode::OtherFiles),
        (text(extent, "FLAT \"disk.vmdk\" 0"), RefusalCode::OtherFiles),
        (text(extent, "SPARSE \"/etc/passwd\""), RefusalCode::OtherFiles),
        (text(extent, "SPARSE \"..\\passwd\""), RefusalCode::OtherFiles),
        (text(extent, "SPARSE \"a\"\nRW 1 SPARSE \"b\""), RefusalCode::OtherFiles),
        (text("RW 16384", "# RW 16384"), RefusalCode::OtherFiles),
        (text("parentCID=ffffffff", "parentCID=00000001"), RefusalCode::BackingFile),
        (text("CID=1234abcd", "parentFileNameHint=\"a\""), RefusalCode::BackingFile),
        (with(vmdk(DESCRIPTOR), |image| le32(image, 4, 9)), RefusalCode::UnknownFeature),
        (with(vmdk(DESCRIPTOR), |image| le64(image, 12, u64::MAX)), RefusalCode::TableTooLarge),
        (with(vmdk(DESCRIPTOR), |image| le64(image, 20, 3)), RefusalCode::HeaderLies),
        (with(vmdk(DESCRIPTOR), |image| le32(image, 44, 0)), RefusalCode::HeaderLies),
        (with(vmdk(DESCRIPTOR), |image| le64(image, 28, 1 << 40)), RefusalCode::TableMisplaced),
        (with(vmdk(DESCRIPTOR), |image| le64(image, 36, 1 << 40)), RefusalCode::TableTooLarge),
        (with(vmdk(DESCRIPTOR), |image| le64(image, 56, 1 << 40)), RefusalCode::TableMisplaced),
        (with(vmdk_stream(), |image| image.truncate(64 << 10)), RefusalCode::Truncated),
        // The footer has another disk than the header.
        (with(vmdk_stream(), |image| le64(image, (64 << 10) + 12, 1)), RefusalCode::HeaderLies),
        (with(vmdk(DESCRIPTOR), |image| put(image, 0, b"COWD")), RefusalCode::ForeignFormat),
        // A good text where the header says, and another one where readers look.
        (
            with(vmdk("parentFileNameHint=\"/etc/passwd\""), |image| {
                le64(image, 28, 41);
                put(image, 41 * 512, DESCRIPTOR.as_bytes());
            }),
            RefusalCode::TableMisplaced,
        ),
        // Behind the end of the text, and in a case of its own.
        (
            with(vmdk(DESCRIPTOR), |image| put(image, 5000, b"PARENTfilenamehint=\"a\"")),
            RefusalCode::BackingFile,
        ),
        (b"\n#\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n".to_vec(), RefusalCode::OtherFiles),
    ] {
        assert_eq!(refused(image).await, code);
    }
}

#[tokio::test]
async fn bad_vdi_is_refused() {
    let bad = |change: fn(&mut Vec<u8>)| with(vdi(), change);
    for (image, code) in [
        (bad(|image| le32(image, 76, 4)), RefusalCode::BackingFile),
        (bad(|image| image[424] = 1), RefusalCode::BackingFile),
        (bad(|image| image[455] = 1), RefusalCode::BackingFile),
        (bad(|image| le32(image, 68, 0x0002_0001)), RefusalCode::UnknownFeature),
        (bad(|image| le32(image, 384, 7)), RefusalCode::HeaderLies),
        (bad(|image| le32(image, 376, 0)), RefusalCode::HeaderLies),
        (bad(|image| le32(image, 388, 9)), RefusalCode::HeaderLies),
        (bad(|image| le32(image, 384, u32::MAX)), RefusalCode::TableTooLarge),
        (bad(|image| le32(image, 340, u32::MAX)), RefusalCode::TableMisplaced),
        (bad(|image| le32(image, 388, 4)), RefusalCode::TableMisplaced),
    ] {
        assert_eq!(refused(image).await, code);
    }
}

#[tokio::test]
async fn bad_archives_and_volumes_are_refused() {
    let entry = |name: &str| tar(&[(EntryType::Regular, name, b"bytes")]);
    let link = |kind| tar(&[(EntryType::Regular, "a", b""), (kind, "b", b"")]);
    let holding = |disk: Vec<u8>| {
        tar(&[(EntryType::Regular, "vm.ovf", b"<Envelope/>"), (EntryType::Regular, "d", &disk)])
    };
    let pax = |text: &[u8]| {
        tar(&[(EntryType::XHeader, "x", text), (EntryType::Regular, "plain", b"bytes")])
    };
    for (image, code) in [
        (entry("/etc/passwd"), RefusalCode::PathEscape),
        (entry("a/../../b"), RefusalCode::PathEscape),
        (entry("a\\..\\..\\b"), RefusalCode::PathEscape),
        (pax(b"20 path=/etc/passwd\n"), RefusalCode::PathEscape),
        (
            tar(&[
                (EntryType::GNULongName, "././@LongLink", b"../../long\0"),
                (EntryType::Regular, "short", b"bytes"),
            ]),
            RefusalCode::PathEscape,
        ),
        (pax(b"17 linkpath=/etc\n"), RefusalCode::UnfitArchive),
        (pax(b"14 size=many\n\n"), RefusalCode::UnfitArchive),
        (pax(b"21 size=999999999999\n"), RefusalCode::TableMisplaced),
        (link(EntryType::Symlink), RefusalCode::UnfitArchive),
        (link(EntryType::Link), RefusalCode::UnfitArchive),
        (link(EntryType::Char), RefusalCode::UnfitArchive),
        // What is in it is looked at as if it came alone.
        (holding(with(qcow2(3, &[]), |image| be64(image, 8, 512))), RefusalCode::BackingFile),
        (holding(DESCRIPTOR.as_bytes().to_vec()), RefusalCode::OtherFiles),
        (holding(with(vdi(), |image| le64(image, 368, u64::MAX))), RefusalCode::HeaderLies),
        (holding(entry("a")), RefusalCode::UnfitArchive),
        (with(entry("a"), |image| image[0] = b'b'), RefusalCode::Damaged),
        (with(entry("a"), |image| image.truncate(514)), RefusalCode::TableMisplaced),
        (iso(1 << 20), RefusalCode::Truncated),
        (Vec::new(), RefusalCode::Empty),
        (b"\x1f\x8b\x08".to_vec(), RefusalCode::Packed),
        (b"LUKS\xba\xbe".to_vec(), RefusalCode::ForeignFormat),
        (b"<!DOCTYPE html><p>404".to_vec(), RefusalCode::ForeignFormat),
        (with(iso(32), |image| put(image, 0, &qcow2(3, &[])[..512])), RefusalCode::Ambiguous),
        ([qcow2(3, &[]), vhd_footer(2, 5 * CLUSTER as u64)].concat(), RefusalCode::Ambiguous),
    ] {
        assert_eq!(refused(image).await, code);
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_read_is_not_called_bad() {
    let call = call();
    call.cancel();
    let error = inspect(&call, &mut Bytes::from(qcow2(3, &[])), &LIMITS).await.unwrap_err();
    assert!(
        matches!(&error, InspectError::Unread(error) if error.kind() == PluginErrorKind::Cancelled)
    );
    assert!(look(qcow2(3, &[])).await.is_ok());
}
