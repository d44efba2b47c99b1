//! Storage pools over a provider that writes down what it is told, and fails on demand.

pub(in crate::orchestration) mod recorder;
pub(in crate::orchestration) mod world;

mod adding;
mod availability;
mod maintenance;
mod removing;
mod updating;
