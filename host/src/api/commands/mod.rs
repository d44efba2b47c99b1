//! The commands, one file each.
//!
//! A new command is a file here with a `COMMAND`, its `mod` line and its line in [`all`]. The file
//! declares what it takes in `params!`, what it answers in `response!`, and runs an
//! `async fn(Call, Params) -> Result<Reply, ApiError>`; a list takes `Listing<Params>` instead.
//! `list_storage_plugins.rs` shows all of it.

use super::command::{Command, CommandTable};

mod adopt_orphan;
mod cancel_operation;
mod create_storage_pool;
mod create_volume;
mod delete_volume;
mod list_apis;
mod list_async_jobs;
mod list_capabilities;
mod list_event_types;
mod list_events;
mod list_health_findings;
mod list_operations;
mod list_storage_plugins;
mod list_storage_pools;
mod list_storage_providers;
mod list_volumes;
mod list_zones;
mod purge_orphans;
mod query_async_job_result;
mod scan_orphans;

/// Every command of the API.
pub(super) const ALL: &[Command] = &[
    adopt_orphan::COMMAND,
    cancel_operation::COMMAND,
    create_storage_pool::COMMAND,
    create_volume::COMMAND,
    delete_volume::COMMAND,
    list_apis::COMMAND,
    list_async_jobs::COMMAND,
    list_capabilities::COMMAND,
    list_event_types::COMMAND,
    list_events::COMMAND,
    list_health_findings::COMMAND,
    list_operations::COMMAND,
    list_storage_plugins::COMMAND,
    list_storage_pools::COMMAND,
    list_storage_providers::COMMAND,
    list_volumes::COMMAND,
    list_zones::COMMAND,
    purge_orphans::COMMAND,
    query_async_job_result::COMMAND,
    scan_orphans::COMMAND,
];

/// The table of all commands.
pub(super) fn all() -> CommandTable {
    CommandTable::new(ALL.iter().copied())
}
