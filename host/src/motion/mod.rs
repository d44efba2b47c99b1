//! Motion: bytes of objects on their way from one driver to another.
//!
//! What it is: the host's own copy, chunk by chunk, with a digest of what passed, and the check
//! that it arrived; downloads; what images are, and the disks in them. What it is not: the decision to copy, the records of source and destination,
//! or the undoing of a copy; those belong to the flow that calls.
//!
//! **Invariant:** a transfer is believed only after [`verify`] has seen the same bytes at the
//! destination.
//!
//! Start reading at [`transfer`].

mod allowance;
mod byte_stream;
mod checksum;
mod digest;
mod digest_state;
pub mod download;
mod end;
pub mod formats;
mod holes;
mod overlay;
mod random;
mod receive;
mod transfer;
mod verify;
mod wait;

#[cfg(test)]
mod tests;

pub use allowance::{Allowance, Allowances};
pub use byte_stream::{ByteStream, Peeked, Summed};
pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumError, ChecksumHasher};
pub use digest::Hasher;
pub use digest_state::DigestState;
pub use end::End;
pub use holes::{HOLE_BYTES, chunks};
pub use overlay::overlay;
pub use random::{FileRead, ObjectRead, RandomRead};
pub use receive::{ChunkStream, Chunked, KeepNone, KeepToken, Received, Resume, Sink};
pub use storage_plugin_api::digest::Digest;
pub use transfer::{Transferred, transfer};
pub use verify::{read_back, verify};
pub use wait::within;
