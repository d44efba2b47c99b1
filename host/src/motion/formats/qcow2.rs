//! Vets QCOW2: that it stands alone, and that its tables lie in it.

use super::fields::Fields;
use super::image::{Image, ImageLimits, Inspected, ToRaw, check_table, check_virtual_size};
use super::kind::Kind;
use super::refusal::{InspectError, Refusal, RefusalCode, shown};

const V2_HEADER: u64 = 72;
const V3_HEADER: u64 = 104;
/// As qemu has it: 32 MiB of entries.
const MOST_L1: u64 = 32 << 20;
/// As qemu has it.
const MOST_REFCOUNT_TABLE: u64 = 8 << 20;
/// Nobody keeps more states of a disk in its file; qemu itself stops at 65,536.
const MOST_SNAPSHOTS: u32 = 128;
/// Where the table of a guest's clusters lies, in an entry of the first table.
const L2_OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

const DIRTY: u64 = 1 << 0;
const CORRUPT: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
const COMPRESSION: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;

const DATA_FILE_NAME: u32 = 0x4441_5441;
const ENCRYPTION: u32 = 0x0537_be77;

pub(super) async fn vet(
    file: &mut Inspected<'_>,
    limits: &ImageLimits,
) -> Result<Image, InspectError> {
    let head = file.head.clone();
    let header = Fields::new(&head, "the header of the qcow2 image");
    let version = header.be32(4)?;
    let features = if version == 2 { 0 } else { header.be64(72)? };
    check_alone(&header, features)?;
    check_extensions(&header, version)?;
    let cluster_bits = header.be32(20)?;
    if !(9..=21).contains(&cluster_bits) {
        let line = format!("its clusters have 2^{cluster_bits} bytes; they have 2^9 to 2^21");
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    let image = Image::new(Kind::Qcow2, file.size, header.be64(24)?, to_raw(features));
    // Before the tables, whose size follows from it.
    check_virtual_size(&image, limits)?;
    check_refcounts(file, &header, cluster_bits)?;
    check_snapshots(file, &header)?;
    check_l1(file, &header, cluster_bits, features).await?;
    Ok(image)
}

/// That no other file and no key is needed, and that nothing in it is unknown.
fn check_alone(header: &Fields<'_>, features: u64) -> Result<(), Refusal> {
    let backing = header.be64(8)?;
    if backing != 0 {
        let length = (header.be32(16)? as usize).min(1023);
        let name = usize::try_from(backing).ok().and_then(|at| header.bytes(at, length).ok());
        let line = format!(
            "it is to be read over the image {}, which would be a file of this host; flatten it: \
             qemu-img convert -O qcow2",
            name.map_or_else(|| "at an absurd offset".to_owned(), shown)
        );
        return Err(Refusal::new(RefusalCode::BackingFile, line));
    }
    if features & DATA_FILE != 0 {
        return Err(data_file());
    }
    if header.be32(32)? != 0 {
        return Err(encrypted());
    }
    if features & CORRUPT != 0 {
        let line = "it is marked as corrupt; repair it: qemu-img check -r all";
        return Err(Refusal::new(RefusalCode::Damaged, line));
    }
    let unknown = features & !(DIRTY | CORRUPT | DATA_FILE | COMPRESSION | EXTENDED_L2);
    if unknown != 0 {
        let line = format!("it needs features that are unknown here (bits {unknown:#x})");
        return Err(Refusal::new(RefusalCode::UnknownFeature, line));
    }
    if features & COMPRESSION != 0 && header.u8(104)? > 1 {
        let line = format!("it is compressed by method {}, which is unknown", header.u8(104)?);
        return Err(Refusal::new(RefusalCode::UnknownFeature, line));
    }
    Ok(())
}

fn data_file() -> Refusal {
    let line = "its data is in another file, which would be a file of this host; convert it: \
                qemu-img convert -O qcow2";
    Refusal::new(RefusalCode::OtherFiles, line)
}

fn encrypted() -> Refusal {
    let line = "it is encrypted, and nobody here has the key; convert it without encryption";
    Refusal::new(RefusalCode::Encrypted, line)
}

/// The parts behind the header, up to the one that ends them.
fn check_extensions(header: &Fields<'_>, version: u32) -> Result<(), Refusal> {
    let length = if version == 2 { V2_HEADER } else { u64::from(header.be32(100)?) };
    let is_whole = version == 2 || (length >= V3_HEADER && length.is_multiple_of(8));
    if !is_whole || length > 4096 {
        let line = format!("its header says that it has {length} bytes");
        return Err(Refusal::new(RefusalCode::HeaderLies, line));
    }
    if version == 3 && header.be32(96)? > 6 {
        let line = format!("its reference counts have 2^{} bits; at most 2^6", header.be32(96)?);
        return Err(Refusal::new(RefusalCode::HeaderLies, line));
    }
    let mut at = length as usize;
    // A header without an end of its parts ends where the file does, or the first cluster.
    while let (Ok(kind), Ok(length)) = (header.be32(at), header.be32(at + 4)) {
        match kind {
            0 => break,
            DATA_FILE_NAME => return Err(data_file()),
            ENCRYPTION => return Err(encrypted()),
            _ => at = at.saturating_add(8).saturating_add(length as usize).next_multiple_of(8),
        }
    }
    Ok(())
}

fn check_refcounts(
    file: &Inspected<'_>,
    header: &Fields<'_>,
    cluster_bits: u32,
) -> Result<(), Refusal> {
    let (offset, clusters) = (header.be64(48)?, u64::from(header.be32(56)?));
    let length = clusters << cluster_bits;
    check_table("the table of reference counts", length, MOST_REFCOUNT_TABLE)?;
    check_aligned("the table of reference counts", offset, cluster_bits)?;
    file.check_inside("the table of reference counts", offset, length)
}

fn check_snapshots(file: &Inspected<'_>, header: &Fields<'_>) -> Result<(), Refusal> {
    let (count, offset) = (header.be32(60)?, header.be64(64)?);
    if count > MOST_SNAPSHOTS {
        let line = format!(
            "it has {count} snapshots inside, and at most {MOST_SNAPSHOTS} are taken; remove \
             them: qemu-img snapshot -d"
        );
        return Err(Refusal::new(RefusalCode::TooManySnapshots, line));
    }
    // The least that each of them has.
    if count > 0 {
        file.check_inside("the snapshots", offset, u64::from(count) * 40)
    } else {
        Ok(())
    }
}

fn check_aligned(what: &'static str, offset: u64, cluster_bits: u32) -> Result<(), Refusal> {
    if offset != 0 && offset.trailing_zeros() >= cluster_bits {
        return Ok(());
    }
    let line = format!("{what} lies at byte {offset}, where no cluster begins");
    Err(Refusal::new(RefusalCode::TableMisplaced, line))
}

/// The first table, and that what it points to is there.
async fn check_l1(
    file: &mut Inspected<'_>,
    header: &Fields<'_>,
    cluster_bits: u32,
    features: u64,
) -> Result<(), InspectError> {
    let (entries, offset) = (u64::from(header.be32(36)?), header.be64(40)?);
    check_table("the table of tables", entries * 8, MOST_L1)?;
    let entry_bits = if features & EXTENDED_L2 == 0 { 3 } else { 4 };
    let covered = (1 << cluster_bits) * (1_u64 << (cluster_bits - entry_bits));
    let needed = header.be64(24)?.div_ceil(covered);
    if entries < needed {
        let line =
            format!("its table of tables has {entries} entries, and its disk needs {needed}");
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    check_aligned("the table of tables", offset, cluster_bits)?;
    let table = file.table("the table of tables", offset, entries * 8).await?;
    for entry in table.chunks_exact(8) {
        let entry = Fields::new(entry, "the table of tables").be64(0)? & L2_OFFSET;
        if entry != 0 {
            check_aligned("a table of clusters", entry, cluster_bits)?;
            file.check_inside("a table of clusters", entry, 1 << cluster_bits)?;
        }
    }
    Ok(())
}

/// What imago does not read, an operator's qemu-img does.
fn to_raw(features: u64) -> ToRaw {
    let why = |what: &str| {
        ToRaw::Not(format!(
            "{what}, which cannot be read here; rewrite it: qemu-img convert -O qcow2 -o \
             compression_type=zlib,extended_l2=off"
        ))
    };
    match features {
        0 => ToRaw::Converted,
        features if features & EXTENDED_L2 != 0 => why("its clusters have parts (extended_l2)"),
        features if features & COMPRESSION != 0 => why("its clusters are compressed with zstd"),
        _ => why("it was not closed (its dirty bit is set)"),
    }
}
