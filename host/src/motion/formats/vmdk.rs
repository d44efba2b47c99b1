//! Vets VMDK: only disks that are one file, by their header and by the text inside.
//!
//! A VMDK may name other files in three places: as a text of its own, in the text that a sparse one
//! carries, and by a capacity of none, at which readers take that text for the disk.

use super::fields::Fields;
use super::image::{Image, Inspected, ToRaw, check_table};
use super::kind::Kind;
use super::refusal::{InspectError, Refusal, RefusalCode, shown};

const SECTOR: u64 = 512;
/// The descriptor of a disk that is one file has a kibibyte.
const MOST_DESCRIPTOR: u64 = 64 << 10;
/// Where readers look for the descriptor, and how far, whatever the header says of it: in sectors.
const DESCRIPTOR_AT: u64 = 1;
const DESCRIPTOR_READ: u64 = 20;
/// By this word they find a parent there, wherever it stands.
const PARENT: &[u8] = b"parentfilenamehint";
/// Where the directory lies that is written last, in a stream.
const AT_END: u64 = u64::MAX;

pub(super) async fn vet(file: &mut Inspected<'_>) -> Result<Image, InspectError> {
    let head = file.head.clone();
    let header = Fields::new(&head, "the header of the VMDK image");
    let mut directory = header.le64(56)?;
    if directory == AT_END {
        directory = footer(file, &header).await?;
    }
    let capacity = check_header(&header)?;
    let tables = check_grains(&header, capacity)?;
    let offset = directory.checked_mul(SECTOR).ok_or_else(absurd)?;
    file.check_inside("the directory of grains", offset, tables)?;
    let descriptor = descriptor(file, &header).await?;
    check_descriptor(&descriptor)?;
    check_raw(file).await?;
    let reason = "no library reads sparse VMDK here; convert it: qemu-img convert -O qcow2";
    let size = capacity.checked_mul(SECTOR).ok_or_else(absurd)?;
    Ok(Image::new(Kind::Vmdk, file.size, size, ToRaw::Not(reason.to_owned())))
}

/// The refusal of a VMDK that is a list of files.
pub(super) fn refers() -> Refusal {
    let line = "it is a text that names the files of the disk, which would be files of this host; \
                convert it to one file: qemu-img convert -O qcow2";
    Refusal::new(RefusalCode::OtherFiles, line)
}

fn absurd() -> Refusal {
    Refusal::new(RefusalCode::HeaderLies, "its VMDK header has numbers that no disk has")
}

/// Answers the sectors of the disk.
fn check_header(header: &Fields<'_>) -> Result<u64, Refusal> {
    let version = header.le32(4)?;
    if !(1..=3).contains(&version) {
        let line = format!("it is a VMDK of version {version}, which is unknown here");
        return Err(Refusal::new(RefusalCode::UnknownFeature, line));
    }
    match header.le64(12)? {
        0 => Err(refers()),
        capacity => Ok(capacity),
    }
}

/// Answers the bytes of the directory of grain tables.
fn check_grains(header: &Fields<'_>, capacity: u64) -> Result<u64, Refusal> {
    let (grain, per_table) = (header.le64(20)?, u64::from(header.le32(44)?));
    let is_fit = grain.is_power_of_two() && (1..=1 << 17).contains(&grain);
    if !is_fit || !(1..=512).contains(&per_table) {
        return Err(absurd());
    }
    let tables = capacity.div_ceil(grain * per_table);
    let length = tables.checked_mul(4).ok_or_else(absurd)?;
    // As qemu has it: 512 Mi entries.
    check_table("the directory of grains", length, 512 << 20)?;
    Ok(length)
}

/// The second header of a stream, before its last sector, which knows where the directory is.
async fn footer(file: &mut Inspected<'_>, header: &Fields<'_>) -> Result<u64, InspectError> {
    let offset = file.size.checked_sub(2 * SECTOR).ok_or_else(absurd)?;
    let bytes = file.table("the footer of the VMDK stream", offset, SECTOR).await?;
    let footer = Fields::new(&bytes, "the footer of the VMDK stream");
    if footer.bytes(0, 4)? != b"KDMV" {
        let line = "its VMDK stream has no footer: it is cut off";
        return Err(Refusal::new(RefusalCode::Truncated, line).into());
    }
    // What was vetted is what a reader sees: all up to the directory.
    if footer.bytes(12, 36)? != header.bytes(12, 36)? || footer.le64(56)? == AT_END {
        let line = "the header and the footer of its VMDK stream contradict each other";
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    Ok(footer.le64(56)?)
}

async fn descriptor(file: &mut Inspected<'_>, header: &Fields<'_>) -> Result<String, InspectError> {
    let sector = header.le64(28)?;
    if sector != DESCRIPTOR_AT {
        let line = format!(
            "its VMDK header says that the descriptor is in sector {sector}, and readers look for \
             it in sector {DESCRIPTOR_AT}; rewrite it: qemu-img convert -O vmdk"
        );
        return Err(Refusal::new(RefusalCode::TableMisplaced, line).into());
    }
    let offset = DESCRIPTOR_AT * SECTOR;
    let length = header.le64(36)?.checked_mul(SECTOR).ok_or_else(absurd)?;
    check_table("the descriptor in the VMDK image", length, MOST_DESCRIPTOR)?;
    let bytes = file.table("the descriptor in the VMDK image", offset, length).await?;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Ok(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
}

/// That no parent is named where readers look, behind the end of the descriptor as well.
async fn check_raw(file: &mut Inspected<'_>) -> Result<(), InspectError> {
    let from = DESCRIPTOR_AT * SECTOR;
    let length = file.size.saturating_sub(from).min(DESCRIPTOR_READ * SECTOR);
    let bytes = file.table("the descriptor in the VMDK image", from, length).await?;
    let names_one = bytes.windows(PARENT.len()).any(|word| word.eq_ignore_ascii_case(PARENT));
    if names_one { Err(parent().into()) } else { Ok(()) }
}

/// That the text inside describes a disk of one file, this one, without a parent.
fn check_descriptor(descriptor: &str) -> Result<(), Refusal> {
    let mut create_type = String::new();
    let mut extents = 0;
    for line in descriptor.lines().map(str::trim) {
        let first = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if matches!(first.as_str(), "RW" | "RDONLY" | "NOACCESS") {
            extents += 1;
            check_extent(line)?;
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "createtype" => value.clone_into(&mut create_type),
                "parentcid" if !value.eq_ignore_ascii_case("ffffffff") => return Err(parent()),
                "parentfilenamehint" => return Err(parent()),
                _ => {}
            }
        }
    }
    let is_one_file = ["monolithicsparse", "streamoptimized"]
        .contains(&create_type.to_ascii_lowercase().as_str());
    if is_one_file && extents == 1 {
        return Ok(());
    }
    let line = format!(
        "its VMDK is of type {} and of {extents} parts; only one file that is monolithicSparse or \
         streamOptimized is taken",
        shown(create_type.as_bytes())
    );
    Err(Refusal::new(RefusalCode::OtherFiles, line))
}

/// `RW 20480 SPARSE "disk.vmdk"`: the file itself, under the name that it once had.
fn check_extent(line: &str) -> Result<(), Refusal> {
    let kind = line.split_whitespace().nth(2).unwrap_or_default();
    let name = line.split('"').nth(1).unwrap_or_default();
    if kind.eq_ignore_ascii_case("SPARSE") && !name.contains(['/', '\\']) {
        return Ok(());
    }
    let line = format!(
        "its VMDK has the part {} in the file {}, which would be a file of this host",
        shown(kind.as_bytes()),
        shown(name.as_bytes())
    );
    Err(Refusal::new(RefusalCode::OtherFiles, line))
}

fn parent() -> Refusal {
    let line = "it is a VMDK of differences to another file; merge it with its parent";
    Refusal::new(RefusalCode::BackingFile, line)
}
