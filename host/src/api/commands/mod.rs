//! The commands, one file each.
//!
//! A new command is a file here with a `COMMAND`, its `mod` line and its line in [`all`]. The file
//! declares what it takes in `params!`, what it answers in `response!`, and runs an
//! `async fn(Call, Params) -> Result<Reply, ApiError>`; a list takes `Listing<Params>` instead.
//! `list_storage_plugins.rs` shows all of it.

use super::command::{Command, CommandTable};

mod add_cluster;
mod add_host;
mod cancel_storage_maintenance;
mod create_disk_offering;
mod create_pod;
mod create_storage_pool;
mod create_volume;
mod create_zone;
mod delete_cluster;
mod delete_disk_offering;
mod delete_host;
mod delete_pod;
mod delete_storage_pool;
mod delete_volume;
mod delete_zone;
mod enable_storage_maintenance;
mod find_storage_pools_for_migration;
mod list_apis;
mod list_capabilities;
mod list_clusters;
mod list_disk_offerings;
mod list_hosts;
mod list_pods;
mod list_storage_plugins;
mod list_storage_pools;
mod list_storage_providers;
mod list_storage_tags;
mod list_volumes;
mod list_zones;
mod query_async_job_result;
mod release_storage_pool_quarantine;
mod update_disk_offering;
mod update_host;
mod update_storage_pool;
mod update_zone;

/// Every command of the API.
pub(super) const ALL: &[Command] = &[
    add_cluster::COMMAND,
    add_host::COMMAND,
    cancel_storage_maintenance::COMMAND,
    create_disk_offering::COMMAND,
    create_pod::COMMAND,
    create_storage_pool::COMMAND,
    create_volume::COMMAND,
    create_zone::COMMAND,
    delete_cluster::COMMAND,
    delete_disk_offering::COMMAND,
    delete_host::COMMAND,
    delete_pod::COMMAND,
    delete_storage_pool::COMMAND,
    delete_volume::COMMAND,
    delete_zone::COMMAND,
    enable_storage_maintenance::COMMAND,
    find_storage_pools_for_migration::COMMAND,
    list_apis::COMMAND,
    list_capabilities::COMMAND,
    list_clusters::COMMAND,
    list_disk_offerings::COMMAND,
    list_hosts::COMMAND,
    list_pods::COMMAND,
    list_storage_plugins::COMMAND,
    list_storage_pools::COMMAND,
    list_storage_providers::COMMAND,
    list_storage_tags::COMMAND,
    list_volumes::COMMAND,
    list_zones::COMMAND,
    query_async_job_result::COMMAND,
    release_storage_pool_quarantine::COMMAND,
    update_disk_offering::COMMAND,
    update_host::COMMAND,
    update_storage_pool::COMMAND,
    update_zone::COMMAND,
];

/// The table of all commands.
pub(super) fn all() -> CommandTable {
    CommandTable::new(ALL.iter().copied())
}
