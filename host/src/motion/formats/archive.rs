//! Vets tar and OVA: that nothing in it would land outside of where it is unpacked, and that each
//! file in it would be taken by itself, if it is a disk.
//!
//! What it is not: the unpacking, or the reading of the description in an OVA.

use super::image::{Image, ImageLimits, Inspected, Nesting, ToRaw, inspect_at};
use super::kind::Kind;
use super::refusal::{InspectError, Refusal, RefusalCode, shown};
use crate::motion::random::RandomRead;
use async_trait::async_trait;
use bytes::Bytes;
use storage_plugin_api::{CallContext, PluginResult};
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: u64 = 512;
const MOST_ENTRIES: usize = 4096;
/// What precedes an entry whose name is long or whose size is large.
const MOST_EXTENSION: u64 = 64 << 10;

pub(super) async fn vet(
    file: &mut Inspected<'_>,
    kind: Kind,
    limits: &ImageLimits,
) -> Result<Image, InspectError> {
    let mut at = 0;
    let mut next = Extended::default();
    for _ in 0..MOST_ENTRIES {
        if at == file.size {
            return Ok(taken(file, kind));
        }
        let block = file.table("an entry of the archive", at, BLOCK).await?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(taken(file, kind));
        }
        let header = Header::from_byte_slice(&block);
        check_sum(header, &block)?;
        let size = match next.size.take() {
            Some(size) => size,
            None => header.entry_size().map_err(|_| unfit("an entry has no size"))?,
        };
        at += BLOCK;
        file.check_inside("an entry of the archive", at, size)?;
        match header.entry_type() {
            EntryType::XHeader | EntryType::GNULongName | EntryType::XGlobalHeader => {
                if size > MOST_EXTENSION {
                    return Err(unfit("the name of an entry is absurdly long").into());
                }
                let bytes = file.table("the name of an entry", at, size).await?;
                next.learn(header.entry_type(), &bytes)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {
                let name = next.name.take().unwrap_or_else(|| header.path_bytes().into_owned());
                check_name(&name)?;
                vet_inside(file, (at, size), &name, limits).await?;
            }
            other => {
                let line = format!("it has an entry of type {other:?}; only files are taken");
                return Err(unfit(&line).into());
            }
        }
        at += size.next_multiple_of(BLOCK);
    }
    Err(unfit(&format!("it has more than {MOST_ENTRIES} entries")).into())
}

/// That a file in it would be taken by itself: whoever unpacks it opens it without another look.
async fn vet_inside(
    file: &mut Inspected<'_>,
    (from, size): (u64, u64),
    name: &[u8],
    limits: &ImageLimits,
) -> Result<(), InspectError> {
    if size == 0 {
        return Ok(());
    }
    let (call, source) = file.reach();
    let mut inside = Inside { source, from, size };
    // An archive in it is refused there, so this ends.
    let looked = Box::pin(inspect_at(call, &mut inside, limits, Nesting::Inside)).await;
    match looked {
        Err(InspectError::Refused(refusal)) => Err(refusal.inside(name).into()),
        looked => looked.map(drop),
    }
}

/// The bytes of an entry.
struct Inside<'a> {
    source: &'a mut dyn RandomRead,
    from: u64,
    size: u64,
}

#[async_trait]
impl RandomRead for Inside<'_> {
    fn size_bytes(&self) -> u64 {
        self.size
    }

    async fn read_at(
        &mut self,
        call: &CallContext,
        offset: u64,
        length: usize,
    ) -> PluginResult<Bytes> {
        let offset = offset.min(self.size);
        let length = (self.size - offset).min(length as u64) as usize;
        self.source.read_at(call, self.from + offset, length).await
    }
}

/// What an entry of names says of the one behind it.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    fn learn(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), Refusal> {
        if kind == EntryType::GNULongName {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            self.name = bytes.get(..end).map(<[u8]>::to_vec);
            return Ok(());
        }
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(|_| unfit("its extended names cannot be read"))?;
            match extension.key_bytes() {
                b"path" => self.name = Some(extension.value_bytes().to_vec()),
                b"size" => {
                    let size = extension.value().ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or_else(|| unfit("an entry has no size"))?);
                }
                b"linkpath" => return Err(unfit("it has links; only files are taken")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn taken(file: &Inspected<'_>, kind: Kind) -> Image {
    let reason = "the disks in an archive are not taken apart here; offer the disk itself";
    Image::new(kind, file.size, file.size, ToRaw::Not(reason.to_owned()))
}

fn check_sum(header: &Header, block: &[u8]) -> Result<(), Refusal> {
    // The sum counts its own field as blanks.
    let own = 148..156;
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if own.contains(&at) { 32 } else { u32::from(*byte) })
        .sum();
    if header.cksum().is_ok_and(|expected| expected == sum) {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::Damaged, "the checksum of an entry of the archive does not fit"))
}

fn check_name(name: &[u8]) -> Result<(), Refusal> {
    let is_out = name.starts_with(b"/")
        || name.contains(&0)
        || name.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..");
    if is_out {
        let line = format!("it has an entry named {}, which leads out of it", shown(name));
        return Err(Refusal::new(RefusalCode::PathEscape, line));
    }
    Ok(())
}

fn unfit(why: &str) -> Refusal {
    Refusal::new(RefusalCode::UnfitArchive, why)
}
