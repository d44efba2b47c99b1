//! The composition root: builds every room from the configuration and wires them together.
//!
//! Nothing imports this module but the command line. What a running host is made of, and in which
//! order it starts and stops, is told here and nowhere else.

mod first_pool;
mod plugins;
mod run;
mod services;

pub use plugins::{load_plugins, look_at_plugins};
pub use run::{Started, run, start};
pub use services::PluginServices;
