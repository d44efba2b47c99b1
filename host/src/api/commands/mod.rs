//! The commands, one file each.
//!
//! A new command is a file here with a `COMMAND`, its `mod` line and its line in [`all`]. The file
//! declares what it takes in `params!`, what it answers in `response!`, and runs an
//! `async fn(Call, Params) -> Result<Reply, ApiError>`; a list takes `Listing<Params>` instead.
//! `list_storage_plugins.rs` shows all of it.

use super::command::{Command, CommandTable};

mod attach_volume;
mod create_snapshot;
mod create_storage_pool;
mod create_volume;
mod delete_snapshot;
mod delete_volume;
mod deploy_virtual_machine;
mod destroy_virtual_machine;
mod destroy_volume;
mod detach_volume;
mod expunge_virtual_machine;
mod get_path_for_volume;
mod get_volume_connection;
mod import_volume;
mod list_apis;
mod list_capabilities;
mod list_service_offerings;
mod list_snapshots;
mod list_storage_plugins;
mod list_storage_pools;
mod list_storage_providers;
mod list_virtual_machines;
mod list_volumes;
mod list_volumes_for_import;
mod list_zones;
mod migrate_volume;
mod query_async_job_result;
mod recover_volume;
mod resize_volume;
mod revert_snapshot;
mod start_virtual_machine;
mod stop_virtual_machine;
mod unmanage_volume;
mod update_volume;

/// Every command of the API.
pub(super) const ALL: &[Command] = &[
    attach_volume::COMMAND,
    create_snapshot::COMMAND,
    create_storage_pool::COMMAND,
    create_volume::COMMAND,
    delete_snapshot::COMMAND,
    delete_volume::COMMAND,
    deploy_virtual_machine::COMMAND,
    destroy_virtual_machine::COMMAND,
    destroy_volume::COMMAND,
    detach_volume::COMMAND,
    expunge_virtual_machine::COMMAND,
    get_path_for_volume::COMMAND,
    get_volume_connection::COMMAND,
    import_volume::COMMAND,
    list_apis::COMMAND,
    list_capabilities::COMMAND,
    list_service_offerings::COMMAND,
    list_snapshots::COMMAND,
    list_storage_plugins::COMMAND,
    list_storage_pools::COMMAND,
    list_storage_providers::COMMAND,
    list_virtual_machines::COMMAND,
    list_volumes::COMMAND,
    list_volumes_for_import::COMMAND,
    list_zones::COMMAND,
    migrate_volume::COMMAND,
    query_async_job_result::COMMAND,
    recover_volume::COMMAND,
    resize_volume::COMMAND,
    revert_snapshot::COMMAND,
    start_virtual_machine::COMMAND,
    stop_virtual_machine::COMMAND,
    unmanage_volume::COMMAND,
    update_volume::COMMAND,
];

/// The table of all commands.
pub(super) fn all() -> CommandTable {
    CommandTable::new(ALL.iter().copied())
}
