//! The harness of the end-to-end tests: the real binary, real libraries, no sleeping.
//!
//! ```text
//! Installation  a directory with plugins.toml, libraries and data      → start() → Host
//! Host          the real binary, serving; asked through its API        → plugins(), stop(), kill()
//! Plugin        one library in either skin, called through the traits  → create(), driver()
//! ```
//! What the tests load is built when it is first asked for, by a nested `cargo build` with the
//! profile of the running test: nothing is ever stale. Libraries that no member of the workspace
//! can be (another ABI, another `abi_stable`, a vendor's own crate, C) are generated under the
//! target directory.
//!
//! Everything here panics on the first surprise and says what it saw: it is for tests only.

pub mod artifacts;
pub mod c_library;
mod fail;
mod files;
pub mod generated;
mod host;
mod images;
mod installation;
mod plugin;
mod pools;
mod process;
mod source;
mod suite;
mod wait;

pub use fail::OrFail;
pub use files::{files_below, objects_below};
pub use host::{Ended, Host, Listed};
pub use images::Images;
pub use installation::{Installation, Row};
pub use plugin::{Plugin, Skin, call, chunks_of, memory_host, store, volume};
pub use pools::{Pool, Provider, text};
pub use process::{Running, bytes_moved, open_files, process_is_there, signal};
pub use source::Source;
pub use suite::{expect, is_set, leave_out, run};
pub use wait::{LONG, eventually};
