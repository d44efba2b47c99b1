//! Vets VHDX: that it has no parent, and that its regions lie in it.

use super::fields::Fields;
use super::image::{Image, Inspected, ToRaw, check_table};
use super::kind::Kind;
use super::refusal::{InspectError, Refusal, RefusalCode};
use uuid::{Uuid, uuid};

const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const HEADER: u64 = 4 << 10;
const REGIONS: [u64; 2] = [192 << 10, 256 << 10];
const REGION_TABLE: u64 = 64 << 10;
const METADATA_TABLE: u64 = 64 << 10;
/// As the format has it.
const MOST_ENTRIES: usize = 2047;
/// A disk of 64 TiB in blocks of 1 MiB.
const MOST_BLOCK_TABLE: u64 = 1 << 30;

const BLOCK_TABLE: Uuid = uuid!("2dc27766-f623-4200-9d64-115e9bfd4a08");
const METADATA: Uuid = uuid!("8b7ca206-4790-4b9a-b8fe-575f050f886e");
const FILE_PARAMETERS: Uuid = uuid!("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
const DISK_SIZE: Uuid = uuid!("2fa54224-cd1b-4876-b211-5dbed83bf4b8");
const PARENT_LOCATOR: Uuid = uuid!("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");
/// The disk's id, and the sizes of its sectors, logical and physical.
const KNOWN: [Uuid; 3] = [
    uuid!("beca12ab-b2e6-4523-93ef-c309e000c746"),
    uuid!("8141bf1d-a96f-4709-ba47-f233a8faab5f"),
    uuid!("cda348c7-445d-4471-9cc9-e9885251c556"),
];
const HAS_PARENT: u32 = 1 << 1;
const IS_REQUIRED: u32 = 1 << 2;

pub(super) async fn vet(file: &mut Inspected<'_>) -> Result<Image, InspectError> {
    check_headers(file).await?;
    let metadata = find_metadata(file).await?;
    let size = read_metadata(file, metadata).await?;
    let reason = "no library reads VHDX here; convert it: qemu-img convert -O qcow2";
    Ok(Image::new(Kind::Vhdx, file.size, size, ToRaw::Not(reason.to_owned())))
}

/// That no log is replayed over what is vetted here. Of its two headers a reader takes the newer
/// one whose checksum fits, so neither may name a log.
async fn check_headers(file: &mut Inspected<'_>) -> Result<(), InspectError> {
    let mut is_there = false;
    for at in HEADERS {
        let bytes = file.table("a header of the VHDX image", at, HEADER).await?;
        let header = Fields::new(&bytes, "a header of the VHDX image");
        if header.bytes(0, 4)? != b"head" {
            continue;
        }
        is_there = true;
        if !header.uuid(48)?.is_nil() {
            let line = "it was not closed: its VHDX has a log that whoever opens it replays; open \
                        and close it where it was written, or rewrite it: qemu-img convert -O qcow2";
            return Err(Refusal::new(RefusalCode::Damaged, line).into());
        }
    }
    let missing = || Refusal::new(RefusalCode::HeaderLies, "its VHDX has no header");
    Ok(is_there.then_some(()).ok_or_else(missing)?)
}

/// The regions of the file; answers where its metadata is.
async fn find_metadata(file: &mut Inspected<'_>) -> Result<u64, InspectError> {
    let [first, second] = REGIONS;
    let bytes = file.table("the table of regions", first, REGION_TABLE).await?;
    let table = Fields::new(&bytes, "the table of regions");
    check_signature(&table, b"regi", "the table of regions")?;
    let mut metadata = None;
    for entry in entries(table.le32(8)? as usize)? {
        let at = 16 + entry * 32;
        let (id, offset, length) =
            (table.uuid(at)?, table.le64(at + 16)?, u64::from(table.le32(at + 24)?));
        file.check_inside("a region of the VHDX image", offset, length)?;
        match id {
            BLOCK_TABLE => check_table("the table of blocks", length, MOST_BLOCK_TABLE)?,
            METADATA => metadata = Some(offset),
            _ if table.le32(at + 28)? & 1 != 0 => return Err(unknown("region", id).into()),
            _ => {}
        }
    }
    if file.table("the copy of the table of regions", second, REGION_TABLE).await? != bytes {
        let line = "the two tables of regions of its VHDX contradict each other, and each reader \
                    takes another one; rewrite it: qemu-img convert -O qcow2";
        return Err(Refusal::new(RefusalCode::HeaderLies, line).into());
    }
    let missing = || Refusal::new(RefusalCode::HeaderLies, "its VHDX has no region of metadata");
    Ok(metadata.ok_or_else(missing)?)
}

/// What the metadata says; answers the size of the disk.
async fn read_metadata(file: &mut Inspected<'_>, region: u64) -> Result<u64, InspectError> {
    let bytes = file.table("the table of metadata", region, METADATA_TABLE).await?;
    let table = Fields::new(&bytes, "the table of metadata");
    check_signature(&table, b"metadata", "the table of metadata")?;
    let mut size = None;
    for entry in entries(usize::from(table.le16(10)?))? {
        let at = 32 + entry * 32;
        let id = table.uuid(at)?;
        let offset = region.saturating_add(u64::from(table.le32(at + 16)?));
        match id {
            FILE_PARAMETERS => {
                let item = file.table("an item of metadata", offset, 8).await?;
                if Fields::new(&item, "the parameters").le32(4)? & HAS_PARENT != 0 {
                    return Err(parent().into());
                }
            }
            DISK_SIZE => {
                let item = file.table("an item of metadata", offset, 8).await?;
                size = Some(Fields::new(&item, "the size of the disk").le64(0)?);
            }
            PARENT_LOCATOR => return Err(parent().into()),
            id if KNOWN.contains(&id) => {}
            id if table.le32(at + 24)? & IS_REQUIRED != 0 => return Err(unknown("item", id).into()),
            _ => {}
        }
    }
    let missing = || Refusal::new(RefusalCode::HeaderLies, "its VHDX does not say its disk's size");
    Ok(size.ok_or_else(missing)?)
}

fn check_signature(
    table: &Fields<'_>,
    signature: &[u8],
    what: &'static str,
) -> Result<(), Refusal> {
    if table.bytes(0, signature.len())? == signature {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::TableMisplaced, format!("{what} is not where it belongs")))
}

fn entries(count: usize) -> Result<std::ops::Range<usize>, Refusal> {
    if count <= MOST_ENTRIES {
        return Ok(0..count);
    }
    let line = format!("a table of its VHDX has {count} entries, and at most {MOST_ENTRIES} fit");
    Err(Refusal::new(RefusalCode::TableTooLarge, line))
}

fn parent() -> Refusal {
    let line = "it is a VHDX of differences to another file; merge it with its parent";
    Refusal::new(RefusalCode::BackingFile, line)
}

fn unknown(what: &str, id: Uuid) -> Refusal {
    let line = format!("it needs a {what} that is unknown here ({id})");
    Refusal::new(RefusalCode::UnknownFeature, line)
}
