//! Tests of the API: the wire as clients see it, over real TCP.

pub(crate) mod harness;

mod commands;
mod documentation;
mod envelopes;
mod extracts;
mod files;
mod images;
mod operations;
mod parameters;
mod places;
mod signatures;
mod transport;
mod uploads;
mod vm_snapshots;
mod volumes;
