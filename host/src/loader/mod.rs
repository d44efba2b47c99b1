//! The loader: from a row of `plugins.toml` to a provider that answers.
//!
//! ```text
//! locate → digest → object file → (probe, in a child) → marker → dlopen → layout → configure
//! └──── no code of the plugin runs ────┘ └─ it may crash ─┘ └──── in this process ────┘
//! ```
//! Each step either passes or gives one [`Refusal`] in three readable lines; nothing here stops
//! the host. This room and `plugin_api::abi` are the only ones that name `abi_stable`, and this
//! is the only one that opens libraries.
//!
//! **Invariant:** a library is opened at most once per process and never closed.
//!
//! Start reading at [`Loader`].

pub(crate) mod bring_up;
pub mod child;
pub mod confine;
pub mod digest;
pub mod load;
pub mod marker;
pub mod metadata;
pub mod object_file;
pub mod open;
pub mod probe;
pub mod probe_cache;
pub mod refusal;
pub(crate) mod registration;
pub mod services;
pub mod settings;

mod layout;

pub use load::{Inspected, Loader};
pub use refusal::{Refusal, RefusalCode};
