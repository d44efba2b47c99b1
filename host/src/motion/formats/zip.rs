//! Unpacks a zip archive of one file, from its first byte on.
//!
//! The directory of a zip lies at its end, so libraries want all of it first. An archive of one
//! file is simple enough without: a header, deflated bytes that know their own end, a checksum.

use super::kind::Packing;
use super::refusal::{InspectError, Refusal, RefusalCode, shown};
use super::unpack::{Input, broken, pump};
use bytes::Bytes;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::io::Read as _;
use storage_plugin_api::PluginError;

const ENTRY: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const ENCRYPTED: u16 = 1 << 0;
const SIZES_FOLLOW: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Where a size is too large for its field.
const IN_EXTRA: u64 = 0xffff_ffff;
const ZIP64: u16 = 1;

/// A file in the archive, as its header tells.
struct Entry {
    flags: u16,
    method: u16,
    checksum: u32,
    packed: u64,
    name: Vec<u8>,
}

type Take<'a> = dyn FnMut(Bytes) -> Result<(), InspectError> + 'a;

pub(super) fn unpack(mut input: Input, take: &mut Take<'_>) -> Result<(), InspectError> {
    let mut signature = array(&mut input)?;
    while signature == ENTRY {
        let entry = Entry::read(&mut input)?;
        let is_directory = entry.name.ends_with(b"/") && entry.packed == 0;
        if !is_directory {
            return entry.unpack(input, take);
        }
        signature = array(&mut input)?;
    }
    Err(unfit("it has no file in it").into())
}

fn unfit(why: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::UnfitArchive, format!("of the zip archive: {}", why.into()))
}

fn array<const N: usize>(input: &mut Input) -> Result<[u8; N], InspectError> {
    let mut array = [0; N];
    input.read_exact(&mut array).map_err(|error| broken(Packing::Zip, &error))?;
    Ok(array)
}

fn half(input: &mut Input) -> Result<u16, InspectError> {
    array(input).map(u16::from_le_bytes)
}

fn word(input: &mut Input) -> Result<u32, InspectError> {
    array(input).map(u32::from_le_bytes)
}

impl Entry {
    /// What follows its signature.
    fn read(input: &mut Input) -> Result<Self, InspectError> {
        half(input)?;
        let (flags, method) = (half(input)?, half(input)?);
        // When it was written.
        word(input)?;
        let checksum = word(input)?;
        let (mut packed, unpacked) = (u64::from(word(input)?), u64::from(word(input)?));
        let (name, extra) = (half(input)?, half(input)?);
        let mut read = |length: u16| {
            let mut bytes = vec![0; usize::from(length)];
            input.read_exact(&mut bytes).map_err(|error| broken(Packing::Zip, &error))?;
            Ok::<_, InspectError>(bytes)
        };
        let (name, extra) = (read(name)?, read(extra)?);
        if packed == IN_EXTRA {
            packed = large(&extra, unpacked == IN_EXTRA).ok_or_else(|| unfit("it has no size"))?;
        }
        if flags & ENCRYPTED != 0 {
            let line = format!("the file {} is encrypted in its archive", shown(&name));
            return Err(Refusal::new(RefusalCode::Encrypted, line).into());
        }
        Ok(Self { flags, method, checksum, packed, name })
    }

    fn unpack(&self, input: Input, take: &mut Take<'_>) -> Result<(), InspectError> {
        let mut sum = Crc::new();
        let mut summed = |bytes: Bytes| {
            sum.update(&bytes);
            take(bytes)
        };
        let input = match self.method {
            DEFLATED => {
                let mut decoder = DeflateDecoder::new(input);
                pump(Packing::Zip, &mut decoder, &mut summed)?;
                decoder.into_inner()
            }
            STORED if self.flags & SIZES_FOLLOW == 0 => {
                let mut part = input.take(self.packed);
                pump(Packing::Zip, &mut part, &mut summed)?;
                if part.limit() > 0 {
                    let end = std::io::ErrorKind::UnexpectedEof.into();
                    return Err(broken(Packing::Zip, &end));
                }
                part.into_inner()
            }
            method => {
                let line = format!(
                    "the file {} is packed by method {method}; use deflate",
                    shown(&self.name)
                );
                return Err(unfit(line).into());
            }
        };
        self.finish(input, sum.sum())
    }

    /// That the bytes are those that were packed, and that no other file follows.
    fn finish(&self, mut input: Input, sum: u32) -> Result<(), InspectError> {
        let mut expected = self.checksum;
        let mut signature: [u8; 4] = array(&mut input)?;
        if self.flags & SIZES_FOLLOW != 0 {
            // Its own signature may be left out, and its sizes may have four bytes or eight.
            expected = match signature {
                DESCRIPTOR => word(&mut input)?,
                checksum => u32::from_le_bytes(checksum),
            };
            array::<8>(&mut input)?;
            signature = array(&mut input)?;
            if ![ENTRY, DIRECTORY].contains(&signature) {
                array::<4>(&mut input)?;
                signature = array(&mut input)?;
            }
        }
        if sum != expected {
            let line = format!("the checksum of {} in its archive does not fit", shown(&self.name));
            return Err(PluginError::corrupt(line).into());
        }
        if signature == ENTRY {
            return Err(unfit("it has more than one file in it; pack the image alone").into());
        }
        Ok(())
    }
}

/// The packed size of a large file: the second number, or the first where that is the only one.
fn large(mut extra: &[u8], is_second: bool) -> Option<u64> {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let field = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
        let (body, next) = rest.split_at_checked(usize::from(field(2)?))?;
        if field(0)? == ZIP64 {
            let at = if is_second { 8 } else { 0 };
            return Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?));
        }
        extra = next;
    }
    None
}
