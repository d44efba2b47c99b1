//! What a file is, by its content; its name says nothing.

use storage_plugin_api::ImageFormat;

/// How many of a file's first bytes tell what it is.
pub const HEAD_BYTES: usize = 128 << 10;
/// How many of its last bytes do.
pub const TAIL_BYTES: usize = 512;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing that is known: the bytes of a disk as they are.
    Raw,
    /// QEMU copy on write, version 2 or 3.
    Qcow2,
    /// Virtual PC, fixed.
    VhdFixed,
    /// Virtual PC, dynamic or differencing.
    VhdDynamic,
    /// Hyper-V.
    Vhdx,
    /// VMware, sparse or stream-optimised.
    Vmdk,
    /// VMware, a text that names the files of the disk.
    VmdkDescriptor,
    /// VirtualBox.
    Vdi,
    /// ISO 9660 or UDF.
    Iso,
    /// An archive that begins with the description of a virtual appliance.
    Ova,
    /// An archive.
    Tar,
    /// One of the wrappers that a download is unpacked from.
    Packed(Packing),
    /// A format that is not taken, by its name.
    Foreign(&'static str),
}

/// What a file is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// A zip archive of one file.
    Zip,
}

impl Packing {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }
}

impl Kind {
    /// The format, in CloudStack's words.
    pub fn format(self) -> Option<ImageFormat> {
        Some(match self {
            Self::Raw => ImageFormat::Raw,
            Self::Qcow2 => ImageFormat::Qcow2,
            Self::VhdFixed | Self::VhdDynamic => ImageFormat::Vhd,
            Self::Vhdx => ImageFormat::Vhdx,
            Self::Vmdk | Self::VmdkDescriptor => ImageFormat::Vmdk,
            Self::Vdi => ImageFormat::Vdi,
            Self::Iso => ImageFormat::Iso,
            Self::Ova => ImageFormat::Ova,
            Self::Tar => ImageFormat::Tar,
            Self::Packed(Packing::Zip) => ImageFormat::Zip,
            Self::Packed(_) | Self::Foreign(_) => return None,
        })
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::VhdFixed => "fixed VHD",
            Self::VhdDynamic => "dynamic VHD",
            Self::Vhdx => "VHDX",
            Self::Vmdk => "VMDK",
            Self::VmdkDescriptor => "VMDK descriptor",
            Self::Vdi => "VDI",
            Self::Iso => "ISO",
            Self::Ova => "OVA",
            Self::Tar => "tar",
            Self::Packed(packing) => packing.name(),
            Self::Foreign(name) => name,
        }
    }
}

/// What begins with which bytes.
const HEADS: [(&[u8], Kind); 22] = [
    (b"QFI\xfb\0\0\0\x02", Kind::Qcow2),
    (b"QFI\xfb\0\0\0\x03", Kind::Qcow2),
    (b"QFI\xfb", Kind::Foreign("qcow of another version than 2 and 3")),
    (b"conectix", Kind::VhdDynamic),
    (b"vhdxfile", Kind::Vhdx),
    (b"KDMV", Kind::Vmdk),
    (b"# Disk DescriptorFile", Kind::VmdkDescriptor),
    (b"# Disk Descriptor File", Kind::VmdkDescriptor),
    (b"COWD", Kind::Foreign("VMDK of version 3")),
    (b"\x1f\x8b", Kind::Packed(Packing::Gzip)),
    (b"BZh", Kind::Packed(Packing::Bzip2)),
    (b"\xfd7zXZ\0", Kind::Packed(Packing::Xz)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Packing::Zstd)),
    (b"PK\x03\x04", Kind::Packed(Packing::Zip)),
    (b"PK\x05\x06", Kind::Foreign("an empty zip archive")),
    (b"QED\0", Kind::Foreign("QED")),
    (b"WithoutFreeSpace", Kind::Foreign("Parallels")),
    (b"WithouFreSpacExt", Kind::Foreign("Parallels")),
    (b"LUKS\xba\xbe", Kind::Foreign("LUKS, an encrypted disk")),
    (b"7z\xbc\xaf\x27\x1c", Kind::Foreign("7z")),
    (b"Rar!\x1a\x07", Kind::Foreign("RAR")),
    (b"<!DOCTYPE html", Kind::Foreign("a web page")),
];

/// Everything that a file is, by its first and last bytes: one thing, usually. `Raw` alone where it
/// is nothing else.
///
/// `tail` are its last [`TAIL_BYTES`], where they are there; a fixed VHD is told by nothing else.
pub fn recognise(head: &[u8], tail: Option<&[u8]>) -> Vec<Kind> {
    let mut kinds: Vec<_> = HEADS
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|row| row.1)
        .into_iter()
        .collect();
    if kinds.is_empty() && is_vmdk_descriptor(head) {
        kinds.push(Kind::VmdkDescriptor);
    }
    if head.get(64..68) == Some(&[0x7f, 0x10, 0xda, 0xbe]) {
        kinds.push(Kind::Vdi);
    }
    if is_tar(head) {
        let name = head.get(..100).unwrap_or_default();
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let is_ova =
            name.get(..end).is_some_and(|name| name.to_ascii_lowercase().ends_with(b".ovf"));
        kinds.push(if is_ova { Kind::Ova } else { Kind::Tar });
    }
    if has_volume_descriptor(head) {
        kinds.push(Kind::Iso);
    }
    match tail {
        Some(tail) if tail.starts_with(b"conectix") && !kinds.contains(&Kind::VhdDynamic) => {
            kinds.push(Kind::VhdFixed);
        }
        Some(tail) if tail.starts_with(b"koly") => kinds.push(Kind::Foreign("an image of macOS")),
        _ => {}
    }
    if kinds.is_empty() {
        kinds.push(Kind::Raw);
    }
    kinds
}

/// What a download is, by its first bytes alone, as far as that decides whether it is unpacked.
pub fn packing(head: &[u8]) -> Option<Packing> {
    match recognise(head, None).first() {
        Some(Kind::Packed(packing)) => Some(*packing),
        _ => None,
    }
}

/// Readers take any text for a VMDK whose first line, behind comments and blank ones, is one of
/// `version=1` to `version=3`.
fn is_vmdk_descriptor(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let Some((key, version)) = first.and_then(|line| line.split_at_checked(b"version".len()))
    else {
        return false;
    };
    let version = version.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii);
    key.eq_ignore_ascii_case(b"version") && matches!(version, Some([b'1'..=b'3']))
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// ISO 9660 and UDF keep their descriptors from the 17th sector of 2 KiB on.
fn has_volume_descriptor(head: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"CD001", b"BEA01", b"NSR02", b"NSR03"];
    let name = head.get(0x8001..0x8006);
    name.is_some_and(|name| NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        for (magic, kind) in HEADS {
            let head = [magic, &[0; 64]].concat();
            assert_eq!(recognise(&head, None)[0], kind, "{magic:?}");
        }
        assert_eq!(recognise(b"", None), [Kind::Raw]);
        assert_eq!(recognise(&[0; HEAD_BYTES], Some(&[0; TAIL_BYTES])), [Kind::Raw]);
        assert_eq!(recognise(b"boot", Some(b"conectix\0")), [Kind::VhdFixed]);
        assert_eq!(recognise(b"conectix", Some(b"conectix")), [Kind::VhdDynamic]);
        assert_eq!(packing(b"\x1f\x8b\x08"), Some(Packing::Gzip));
        assert_eq!(packing(b"QFI\xfb\0\0\0\x03"), None);
    }

    #[test]
    fn a_file_of_several_formats_is_told_as_such() {
        let mut head = vec![0; HEAD_BYTES];
        head[0x8001..0x8006].copy_from_slice(b"CD001");
        assert_eq!(recognise(&head, None), [Kind::Iso]);
        head[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        assert_eq!(recognise(&head, Some(b"conectix")), [Kind::Qcow2, Kind::Iso, Kind::VhdFixed]);
    }

    #[test]
    fn a_text_that_readers_take_for_a_vmdk_is_one() {
        for text in [
            "version=1\ncreateType=\"monolithicFlat\"\n",
            "\n  \r\n# anything\r\n#\n  version=3\r\n",
            "Version = 2",
            "# Disk DescriptorFile",
        ] {
            assert_eq!(recognise(text.as_bytes(), None), [Kind::VmdkDescriptor], "{text}");
        }
        for text in ["version=4\n", "a\nversion=1\n", "version=10\n", "versions=1", "#\n", "\n"] {
            assert_eq!(recognise(text.as_bytes(), None), [Kind::Raw], "{text}");
        }
    }
}
