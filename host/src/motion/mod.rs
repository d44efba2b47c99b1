//! Motion: bytes of objects on their way from one driver to another.
//!
//! What it is: the host's own copy, chunk by chunk, with a digest of what passed, and the check
//! that it arrived. What it is not: the decision to copy, the records of source and destination,
//! or the undoing of a copy; those belong to the flow that calls.
//!
//! **Invariant:** a transfer is believed only after [`verify`] has seen the same bytes at the
//! destination.
//!
//! Start reading at [`transfer`].

mod digest;
mod end;
mod transfer;
mod verify;

#[cfg(test)]
mod tests;

pub use digest::{Digest, Hasher};
pub use end::End;
pub use transfer::{Transferred, transfer};
pub use verify::verify;
