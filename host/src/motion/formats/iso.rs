//! Vets ISO 9660 and UDF: that the file is as long as its volume.

use super::image::{Image, Inspected, ToRaw};
use super::kind::Kind;
use super::refusal::{Refusal, RefusalCode};

const SECTOR: usize = 2048;
const FIRST: usize = 16;
/// Descriptors, before one ends them.
const MOST: usize = 32;
const PRIMARY: u8 = 1;
const END: u8 = 255;
/// What writers count in at the end of a track and do not always write.
const RUN_OUT: u64 = 150 * SECTOR as u64;

pub(super) fn vet(file: &Inspected<'_>) -> Result<Image, Refusal> {
    let head = file.head("the descriptors of the ISO volume");
    for sector in FIRST..FIRST + MOST {
        let at = sector * SECTOR;
        let Ok(name) = head.bytes(at + 1, 5) else {
            break;
        };
        match (name, head.u8(at)?) {
            (b"CD001", PRIMARY) => {
                let blocks = u64::from(head.le32(at + 80)?);
                let length = blocks * u64::from(head.le16(at + 128)?);
                if length > file.size + RUN_OUT {
                    let line = format!(
                        "its volume has {length} bytes, and the file ends after {}: it is cut off",
                        file.size
                    );
                    return Err(Refusal::new(RefusalCode::Truncated, line));
                }
                break;
            }
            (b"CD001", END) => break,
            _ => {}
        }
    }
    Ok(Image::new(Kind::Iso, file.size, file.size, ToRaw::AsItIs))
}
