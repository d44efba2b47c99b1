//! What an image is, and whether it is taken: looked at before any library opens it.
//!
//! What it is: the checks that decide whether an image stands for itself. What it is not: the
//! reading of its data; that is imago's, and only for images that passed here.
//!
//! **Invariant:** an image that passed refers to no other file, lies in its bytes, and is a disk of
//! no more than the limit; and so is each file in an archive that passed.

use super::fields::Fields;
use super::kind::{HEAD_BYTES, Kind, TAIL_BYTES, recognise};
use super::refusal::{InspectError, Refusal, RefusalCode};
use super::{archive, iso, qcow2, vdi, vhd, vhdx, vmdk};
use crate::motion::random::RandomRead;
use bytes::Bytes;
use storage_plugin_api::{CallContext, ImageFormat, PluginError};

/// How much an image may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLimits {
    /// The most bytes of the disk in it.
    pub virtual_bytes: u64,
}

/// An image that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it is.
    pub kind: Kind,
    /// The bytes of the file.
    pub physical_bytes: u64,
    /// The bytes of the disk in it; those of the file where it is no disk.
    pub virtual_bytes: u64,
    /// How it becomes the bytes of a disk.
    pub to_raw: ToRaw,
}

/// How an image becomes the bytes of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToRaw {
    /// It has them already, from its first byte on.
    AsItIs,
    /// [`Conversion`](super::Conversion) reads them.
    Converted,
    /// It does not, for this reason.
    Not(String),
}

impl Image {
    pub(super) fn new(kind: Kind, physical_bytes: u64, virtual_bytes: u64, to_raw: ToRaw) -> Self {
        Self { kind, physical_bytes, virtual_bytes, to_raw }
    }

    /// Whether it is of the format that it was said to be.
    ///
    /// # Errors
    /// `OtherFormat`. That matters: what is kept as RAW is read as RAW, whatever it is.
    pub fn expect(&self, declared: ImageFormat) -> Result<(), Refusal> {
        let found = self.kind.format();
        let is_disk_as_is = declared == ImageFormat::Raw && self.kind == Kind::Iso;
        if found == Some(declared) || is_disk_as_is {
            return Ok(());
        }
        let line = format!(
            "it is {}, and was said to be {declared}: say what it is, or offer what was said",
            self.kind.name()
        );
        Err(Refusal::new(RefusalCode::OtherFormat, line))
    }
}

/// Recognises an image, reads its virtual size, and decides whether it is taken.
///
/// # Errors
/// A [`Refusal`]; those of reading.
pub async fn inspect(
    call: &CallContext,
    source: &mut dyn RandomRead,
    limits: &ImageLimits,
) -> Result<Image, InspectError> {
    inspect_at(call, source, limits, Nesting::Outermost).await
}

/// Where an image was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    /// It is the file itself.
    Outermost,
    /// It is in an archive, where no other archive is.
    Inside,
}

pub(super) async fn inspect_at(
    call: &CallContext,
    source: &mut dyn RandomRead,
    limits: &ImageLimits,
    nesting: Nesting,
) -> Result<Image, InspectError> {
    let size = source.size_bytes();
    let head = source.read_at(call, 0, HEAD_BYTES).await?;
    if head.is_empty() {
        return Err(
            Refusal::new(RefusalCode::Empty, "it has no bytes: there is nothing to read").into()
        );
    }
    let tail = match size.checked_sub(TAIL_BYTES as u64) {
        Some(offset) => source.read_at(call, offset, TAIL_BYTES).await?,
        None => Bytes::new(),
    };
    let kinds = recognise(&head, Some(&tail));
    let &[kind] = kinds.as_slice() else {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let line = format!(
            "it is {} at once, and each reader sees another disk in it; convert it to one format",
            names.join(" and ")
        );
        return Err(Refusal::new(RefusalCode::Ambiguous, line).into());
    };
    let mut file = Inspected { call, source, size, head, tail };
    let image = match kind {
        Kind::Raw => Image::new(kind, size, size, ToRaw::AsItIs),
        Kind::Qcow2 => qcow2::vet(&mut file, limits).await?,
        Kind::VhdFixed | Kind::VhdDynamic => vhd::vet(&mut file, kind).await?,
        Kind::Vhdx => vhdx::vet(&mut file).await?,
        Kind::Vmdk => vmdk::vet(&mut file).await?,
        Kind::VmdkDescriptor => return Err(vmdk::refers().into()),
        Kind::Vdi => vdi::vet(&file)?,
        Kind::Iso => iso::vet(&file)?,
        Kind::Ova | Kind::Tar if nesting == Nesting::Inside => {
            let line = "it is an archive in an archive: pack its files into one";
            return Err(Refusal::new(RefusalCode::UnfitArchive, line).into());
        }
        Kind::Ova | Kind::Tar => archive::vet(&mut file, kind, limits).await?,
        Kind::Packed(packing) => {
            let line = format!("it is compressed with {}: unpack it first", packing.name());
            return Err(Refusal::new(RefusalCode::Packed, line).into());
        }
        Kind::Foreign(name) => {
            let line = format!("it is {name}, which is not taken: convert it to qcow2 or raw");
            return Err(Refusal::new(RefusalCode::ForeignFormat, line).into());
        }
    };
    check_virtual_size(&image, limits)?;
    Ok(image)
}

pub(super) fn check_virtual_size(image: &Image, limits: &ImageLimits) -> Result<(), Refusal> {
    match image.virtual_bytes {
        0 => Err(Refusal::new(RefusalCode::Empty, "the disk in it has no bytes: it is of no use")),
        bytes if bytes > limits.virtual_bytes => Err(Refusal::new(
            RefusalCode::DiskTooLarge,
            format!(
                "the disk in it has {bytes} bytes, and at most {} are taken; an administrator may \
                 raise the limit",
                limits.virtual_bytes
            ),
        )),
        _ => Ok(()),
    }
}

/// A file that is being inspected.
pub(super) struct Inspected<'a> {
    call: &'a CallContext,
    source: &'a mut dyn RandomRead,
    /// All its bytes.
    pub(super) size: u64,
    pub(super) head: Bytes,
    pub(super) tail: Bytes,
}

impl Inspected<'_> {
    /// What reads it, for a look at a part of it.
    pub(super) fn reach(&mut self) -> (&CallContext, &mut dyn RandomRead) {
        (self.call, self.source)
    }

    pub(super) fn head(&self, what: &'static str) -> Fields<'_> {
        Fields::new(&self.head, what)
    }

    /// A table: all of it, which has to be there.
    pub(super) async fn table(
        &mut self,
        what: &'static str,
        offset: u64,
        length: u64,
    ) -> Result<Bytes, InspectError> {
        self.check_inside(what, offset, length)?;
        if self.call.is_cancelled() {
            return Err(PluginError::cancelled("cancelled while an image was inspected").into());
        }
        Ok(self.source.read_at(self.call, offset, length as usize).await?)
    }

    /// Refuses what does not lie in the file.
    pub(super) fn check_inside(
        &self,
        what: &'static str,
        offset: u64,
        length: u64,
    ) -> Result<(), Refusal> {
        if offset.checked_add(length).is_some_and(|end| end <= self.size) {
            return Ok(());
        }
        let line = format!(
            "{what} is said to lie at byte {offset} and to have {length}, and the file ends at \
             byte {}: it is cut off, or made to mislead",
            self.size
        );
        Err(Refusal::new(RefusalCode::TableMisplaced, line))
    }
}

/// Refuses a table that no image needs.
pub(super) fn check_table(what: &'static str, length: u64, most: u64) -> Result<(), Refusal> {
    if length <= most {
        return Ok(());
    }
    let line = format!("{what} has {length} bytes, and none needs more than {most}");
    Err(Refusal::new(RefusalCode::TableTooLarge, line))
}
