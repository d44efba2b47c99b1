//! Vets VDI: that it has no parent, and that its table lies in it.

use super::image::{Image, Inspected, ToRaw, check_table};
use super::kind::Kind;
use super::refusal::{Refusal, RefusalCode};

const VERSION: u32 = 0x0001_0001;
const DYNAMIC: u32 = 1;
const FIXED: u32 = 2;
/// As qemu has it: a disk of 512 TiB in blocks of 1 MiB.
const MOST_TABLE: u64 = 2 << 30;

pub(super) fn vet(file: &Inspected<'_>) -> Result<Image, Refusal> {
    let header = file.head("the header of the VDI image");
    let lies = |line: String| Err(Refusal::new(RefusalCode::HeaderLies, line));
    let version = header.le32(68)?;
    if version != VERSION {
        let line = format!("it is a VDI of version {version:#x}, which is unknown here");
        return Err(Refusal::new(RefusalCode::UnknownFeature, line));
    }
    // The images it is linked to and below which it lies.
    let is_linked = header.bytes(424, 32)?.iter().any(|byte| *byte != 0);
    let kind = header.le32(76)?;
    if is_linked || !matches!(kind, DYNAMIC | FIXED) {
        let line = "it is a VDI of differences to another file; merge it with its parent";
        return Err(Refusal::new(RefusalCode::BackingFile, line));
    }
    let (table, data) = (u64::from(header.le32(340)?), u64::from(header.le32(344)?));
    let (size, block) = (header.le64(368)?, u64::from(header.le32(376)?));
    let (blocks, allocated) = (u64::from(header.le32(384)?), u64::from(header.le32(388)?));
    if !block.is_power_of_two() || block < 512 {
        return lies(format!("its blocks have {block} bytes"));
    }
    if blocks * block < size || allocated > blocks {
        return lies(format!(
            "its {blocks} blocks of {block} bytes, {allocated} of them there, do not fit its disk \
             of {size}"
        ));
    }
    check_table("the table of blocks", blocks * 4, MOST_TABLE)?;
    file.check_inside("the table of blocks", table, blocks * 4)?;
    file.check_inside("the blocks", data, allocated * block)?;
    let reason = "no library reads VDI here; convert it: qemu-img convert -O qcow2";
    Ok(Image::new(Kind::Vdi, file.size, size, ToRaw::Not(reason.to_owned())))
}
