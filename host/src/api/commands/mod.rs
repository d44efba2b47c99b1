//! The commands, one file each.
//!
//! A new command is a file here with a `COMMAND`, its `mod` line and its line in [`all`]. The file
//! declares what it takes in `params!`, what it answers in `response!`, and runs an
//! `async fn(Call, Params) -> Result<Reply, ApiError>`; a list takes `Listing<Params>` instead.
//! `list_storage_plugins.rs` shows all of it.

use super::command::{Command, CommandTable};

mod add_cluster;
mod add_host;
mod adopt_orphan;
mod attach_volume;
mod cancel_operation;
mod cancel_storage_maintenance;
mod create_disk_offering;
mod create_pod;
mod create_snapshot;
mod create_storage_pool;
mod create_volume;
mod create_zone;
mod delete_cluster;
mod delete_disk_offering;
mod delete_host;
mod delete_pod;
mod delete_snapshot;
mod delete_storage_pool;
mod delete_volume;
mod delete_zone;
mod deploy_virtual_machine;
mod destroy_virtual_machine;
mod destroy_volume;
mod detach_volume;
mod enable_storage_maintenance;
mod expunge_virtual_machine;
mod find_storage_pools_for_migration;
mod get_path_for_volume;
mod get_volume_connection;
mod import_volume;
mod list_apis;
mod list_async_jobs;
mod list_capabilities;
mod list_clusters;
mod list_disk_offerings;
mod list_event_types;
mod list_events;
mod list_health_findings;
mod list_hosts;
mod list_operations;
mod list_pods;
mod list_service_offerings;
mod list_snapshots;
mod list_storage_plugins;
mod list_storage_pools;
mod list_storage_providers;
mod list_storage_tags;
mod list_virtual_machines;
mod list_volumes;
mod list_volumes_for_import;
mod list_zones;
mod migrate_volume;
mod purge_orphans;
mod query_async_job_result;
mod recover_volume;
mod release_storage_pool_quarantine;
mod resize_volume;
mod revert_snapshot;
mod scan_orphans;
mod start_virtual_machine;
mod stop_virtual_machine;
mod unmanage_volume;
mod update_disk_offering;
mod update_host;
mod update_storage_pool;
mod update_volume;
mod update_zone;

/// Every command of the API.
pub(super) const ALL: &[Command] = &[
    add_cluster::COMMAND,
    add_host::COMMAND,
    adopt_orphan::COMMAND,
    attach_volume::COMMAND,
    cancel_operation::COMMAND,
    cancel_storage_maintenance::COMMAND,
    create_disk_offering::COMMAND,
    create_pod::COMMAND,
    create_snapshot::COMMAND,
    create_storage_pool::COMMAND,
    create_volume::COMMAND,
    create_zone::COMMAND,
    delete_cluster::COMMAND,
    delete_disk_offering::COMMAND,
    delete_host::COMMAND,
    delete_pod::COMMAND,
    delete_snapshot::COMMAND,
    delete_storage_pool::COMMAND,
    delete_volume::COMMAND,
    delete_zone::COMMAND,
    deploy_virtual_machine::COMMAND,
    destroy_virtual_machine::COMMAND,
    destroy_volume::COMMAND,
    detach_volume::COMMAND,
    enable_storage_maintenance::COMMAND,
    expunge_virtual_machine::COMMAND,
    find_storage_pools_for_migration::COMMAND,
    get_path_for_volume::COMMAND,
    get_volume_connection::COMMAND,
    import_volume::COMMAND,
    list_apis::COMMAND,
    list_async_jobs::COMMAND,
    list_capabilities::COMMAND,
    list_clusters::COMMAND,
    list_disk_offerings::COMMAND,
    list_event_types::COMMAND,
    list_events::COMMAND,
    list_health_findings::COMMAND,
    list_hosts::COMMAND,
    list_operations::COMMAND,
    list_pods::COMMAND,
    list_service_offerings::COMMAND,
    list_snapshots::COMMAND,
    list_storage_plugins::COMMAND,
    list_storage_pools::COMMAND,
    list_storage_providers::COMMAND,
    list_storage_tags::COMMAND,
    list_virtual_machines::COMMAND,
    list_volumes::COMMAND,
    list_volumes_for_import::COMMAND,
    list_zones::COMMAND,
    migrate_volume::COMMAND,
    purge_orphans::COMMAND,
    query_async_job_result::COMMAND,
    recover_volume::COMMAND,
    release_storage_pool_quarantine::COMMAND,
    resize_volume::COMMAND,
    revert_snapshot::COMMAND,
    scan_orphans::COMMAND,
    start_virtual_machine::COMMAND,
    stop_virtual_machine::COMMAND,
    unmanage_volume::COMMAND,
    update_disk_offering::COMMAND,
    update_host::COMMAND,
    update_storage_pool::COMMAND,
    update_volume::COMMAND,
    update_zone::COMMAND,
];

/// The table of all commands.
pub(super) fn all() -> CommandTable {
    CommandTable::new(ALL.iter().copied())
}
