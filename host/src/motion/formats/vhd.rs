//! Vets VHD: fixed and dynamic ones are taken, differencing ones are not.

use super::fields::Fields;
use super::image::{Image, Inspected, ToRaw, check_table};
use super::kind::Kind;
use super::refusal::{InspectError, Refusal, RefusalCode};

const FOOTER: u64 = 512;
const DYNAMIC_HEADER: u64 = 1024;
/// Disks end at 2 TiB; of blocks of 512 KiB, 4 bytes each, that is 16 MiB.
const MOST_TABLE: u64 = 64 << 20;
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;

pub(super) async fn vet(file: &mut Inspected<'_>, kind: Kind) -> Result<Image, InspectError> {
    let footer = match kind {
        Kind::VhdFixed => file.tail.clone(),
        _ => file.head.clone(),
    };
    let footer = Fields::new(&footer, "the footer of the VHD image");
    check_sum(&footer)?;
    let (size, disk_type) = (footer.be64(48)?, footer.be32(60)?);
    match (kind, disk_type) {
        (Kind::VhdFixed, FIXED) => {
            let there = file.size - FOOTER;
            if size != there {
                let line = format!("its footer says {size} bytes of disk, and there are {there}");
                return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
            }
            // What precedes the footer is the disk.
            Ok(Image::new(kind, file.size, size, ToRaw::AsItIs))
        }
        (Kind::VhdDynamic, DYNAMIC) => {
            check_blocks(file, footer.be64(16)?, size).await?;
            check_copy(file)?;
            let reason = "no library reads dynamic VHD here; convert it: qemu-img convert -O qcow2";
            Ok(Image::new(kind, file.size, size, ToRaw::Not(reason.to_owned())))
        }
        (_, DIFFERENCING) => Err(parent().into()),
        (_, other) => {
            let line = format!("it is a VHD of type {other}, which does not fit its layout");
            Err(Refusal::new(RefusalCode::HeaderLies, line).into())
        }
    }
}

fn parent() -> Refusal {
    let line = "it is a VHD of differences to another file; merge it with its parent";
    Refusal::new(RefusalCode::BackingFile, line)
}

/// The footer's own sum: the complement of all its other bytes.
fn check_sum(footer: &Fields<'_>) -> Result<(), Refusal> {
    let bytes = footer.bytes(0, FOOTER as usize)?;
    let all: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = footer.bytes(64, 4)?.iter().map(|byte| u32::from(*byte)).sum();
    if !(all - own) == footer.be32(64)? {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::Damaged, "the checksum of its footer does not fit"))
}

/// A dynamic one has its footer at its head and at its end, and either is what some reader sees.
fn check_copy(file: &Inspected<'_>) -> Result<(), Refusal> {
    if !file.tail.starts_with(b"conectix") {
        let line = "its dynamic VHD does not end with its footer: it is cut off";
        return Err(Refusal::new(RefusalCode::Truncated, line));
    }
    if !file.head.starts_with(&file.tail) {
        let line = "the footer of its dynamic VHD and the copy at its head contradict each other";
        return Err(Refusal::new(RefusalCode::HeaderLies, line));
    }
    Ok(())
}

async fn check_blocks(
    file: &mut Inspected<'_>,
    offset: u64,
    disk: u64,
) -> Result<(), InspectError> {
    let bytes = file.table("the header of the dynamic VHD", offset, DYNAMIC_HEADER).await?;
    let header = Fields::new(&bytes, "the header of the dynamic VHD");
    if header.bytes(0, 8)? != b"cxsparse" {
        let line = "its footer points to no header of a dynamic VHD";
        return Err(Refusal::new(RefusalCode::TableMisplaced, line).into());
    }
    let (table, entries) = (header.be64(16)?, u64::from(header.be32(28)?));
    let block = u64::from(header.be32(32)?);
    // Where a parent would be named: its id, its name, and eight ways to find it.
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if !is_zero(header.bytes(40, 16)?) || !is_zero(header.bytes(576, 8 * 24)?) {
        return Err(parent().into());
    }
    if !block.is_power_of_two() || !(512..=256 << 20).contains(&block) {
        let line = format!("its blocks have {block} bytes");
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    if entries.saturating_mul(block) < disk {
        let line =
            format!("its {entries} blocks of {block} bytes are less than its disk of {disk}");
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    check_table("the table of blocks", entries * 4, MOST_TABLE)?;
    Ok(file.check_inside("the table of blocks", table, entries * 4)?)
}
