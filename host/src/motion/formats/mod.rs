//! Formats: what an image is, whether it is taken, and the bytes of the disk in it.
//!
//! What it is: small checks of headers before any library opens an image, unpacking, and
//! conversion by the crate imago. What it is not: an image format of our own; where no kept crate
//! reads a format, its images are recognised, vetted and stored as they are.
//!
//! **Invariant:** nothing opens an image that [`inspect`] has not taken, and nothing at all opens
//! what an image refers to.
//!
//! ```text
//! download ── packing(head) ── Unpacked ── the file ── inspect ── Image ── Conversion ── raw
//! ```

mod archive;
mod convert;
mod fields;
mod image;
mod iso;
mod kind;
mod pieces;
mod qcow2;
mod qcow2_file;
mod refusal;
mod storage;
mod unpack;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;
mod zip;

#[cfg(test)]
mod tests;

pub use convert::Conversion;
pub use image::{Image, ImageLimits, ToRaw, inspect};
pub use kind::{HEAD_BYTES, Kind, Packing, TAIL_BYTES, packing, recognise};
pub use qcow2_file::Qcow2File;
pub use refusal::{InspectError, Refusal, RefusalCode};
pub use unpack::Unpacked;
