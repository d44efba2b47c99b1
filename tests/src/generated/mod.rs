//! Plugins that no member of the workspace can be: built against another ABI, with another
//! `abi_stable`, by a vendor who has nothing but the contract.
//!
//! Their sources are written below `target/fixtures/`, anew each time, and built with one target
//! directory for all. A source that did not change is not touched, so cargo has nothing to do.

mod abi;
mod vendor;
mod workspace;

pub use abi::{Abi, library_of, other_abi_stable};
pub use vendor::{example, vendor_library};
