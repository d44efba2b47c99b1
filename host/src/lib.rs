//! The storage plugin host: rooms, and who may know whom, are told in ARCHITECTURE.md.
//!
//! Start reading at [`app`], which wires the rooms together, then [`loader`] and [`registry`].

pub mod app;

pub mod config;
pub mod isolation;
pub mod jobs;
pub mod loader;
pub mod model;
pub mod motion;
pub mod orchestration;
pub mod registry;

pub mod store;

#[cfg(test)]
#[path = "../../plugin-api/examples/in_memory.rs"]
#[expect(dead_code, reason = "the example has a main of its own")]
mod in_memory;

pub mod api;
pub mod cli;
