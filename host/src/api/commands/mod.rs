//! The commands, one file each.
//!
//! A new command is a file here with a `COMMAND`, its `mod` line and its line in [`all`]. The file
//! declares what it takes in `params!`, what it answers in `response!`, and runs an
//! `async fn(Call, Params) -> Result<Reply, ApiError>`; a list takes `Listing<Params>` instead.
//! `list_storage_plugins.rs` shows all of it.

use super::command::{Command, CommandTable};

mod add_cluster;
mod add_host;
mod add_image_store;
mod adopt_orphan;
mod archive_snapshot;
mod attach_volume;
mod backup_snapshot;
mod cancel_operation;
mod cancel_storage_maintenance;
mod copy_snapshot;
mod copy_template;
mod create_disk_offering;
mod create_pod;
mod create_secondary_staging_store;
mod create_snapshot;
mod create_snapshot_policy;
mod create_storage_pool;
mod create_template;
mod create_vm_snapshot;
mod create_volume;
mod create_zone;
mod delete_cluster;
mod delete_disk_offering;
mod delete_host;
mod delete_image_store;
mod delete_iso;
mod delete_pod;
mod delete_secondary_staging_store;
mod delete_snapshot;
mod delete_snapshot_policies;
mod delete_storage_pool;
mod delete_template;
mod delete_vm_snapshot;
mod delete_volume;
mod delete_zone;
mod deploy_virtual_machine;
mod destroy_virtual_machine;
mod destroy_volume;
mod detach_volume;
mod enable_storage_maintenance;
mod evict_secondary_staging_store;
mod expunge_virtual_machine;
mod extract_iso;
mod extract_snapshot;
mod extract_template;
mod extract_volume;
mod find_storage_pools_for_migration;
mod get_path_for_volume;
mod get_upload_params_for_iso;
mod get_upload_params_for_template;
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
mod list_image_store_candidates;
mod list_image_stores;
mod list_isos;
mod list_operations;
mod list_os_types;
mod list_pods;
mod list_secondary_staging_stores;
mod list_service_offerings;
mod list_snapshot_policies;
mod list_snapshots;
mod list_storage_plugins;
mod list_storage_pools;
mod list_storage_providers;
mod list_storage_tags;
mod list_templates;
mod list_virtual_machines;
mod list_vm_snapshot;
mod list_vm_snapshot_strategies;
mod list_volumes;
mod list_volumes_for_import;
mod list_zones;
mod migrate_resource_to_another_secondary_storage;
mod migrate_secondary_storage_data;
mod migrate_volume;
mod prepare_template;
mod purge_orphans;
mod query_async_job_result;
mod recover_volume;
mod register_iso;
mod register_template;
mod release_image_store_quarantine;
mod release_storage_pool_quarantine;
mod resize_volume;
mod revert_snapshot;
mod revert_to_vm_snapshot;
mod run_snapshot_policy;
mod scan_orphans;
mod start_virtual_machine;
mod stop_virtual_machine;
mod unmanage_volume;
mod update_disk_offering;
mod update_host;
mod update_image_store;
mod update_iso;
mod update_iso_permissions;
mod update_snapshot_policy;
mod update_storage_pool;
mod update_template;
mod update_template_permissions;
mod update_volume;
mod update_zone;

/// Every command of the API.
pub(super) const ALL: &[Command] = &[
    add_cluster::COMMAND,
    add_host::COMMAND,
    add_image_store::COMMAND,
    adopt_orphan::COMMAND,
    archive_snapshot::COMMAND,
    attach_volume::COMMAND,
    backup_snapshot::COMMAND,
    cancel_operation::COMMAND,
    cancel_storage_maintenance::COMMAND,
    copy_snapshot::COMMAND,
    copy_template::COMMAND,
    create_disk_offering::COMMAND,
    create_pod::COMMAND,
    create_secondary_staging_store::COMMAND,
    create_snapshot::COMMAND,
    create_snapshot_policy::COMMAND,
    create_storage_pool::COMMAND,
    create_template::COMMAND,
    create_vm_snapshot::COMMAND,
    create_volume::COMMAND,
    create_zone::COMMAND,
    delete_cluster::COMMAND,
    delete_disk_offering::COMMAND,
    delete_host::COMMAND,
    delete_image_store::COMMAND,
    delete_iso::COMMAND,
    delete_pod::COMMAND,
    delete_secondary_staging_store::COMMAND,
    delete_snapshot::COMMAND,
    delete_snapshot_policies::COMMAND,
    delete_storage_pool::COMMAND,
    delete_template::COMMAND,
    delete_vm_snapshot::COMMAND,
    delete_volume::COMMAND,
    delete_zone::COMMAND,
    deploy_virtual_machine::COMMAND,
    destroy_virtual_machine::COMMAND,
    destroy_volume::COMMAND,
    detach_volume::COMMAND,
    enable_storage_maintenance::COMMAND,
    evict_secondary_staging_store::COMMAND,
    expunge_virtual_machine::COMMAND,
    extract_iso::COMMAND,
    extract_snapshot::COMMAND,
    extract_template::COMMAND,
    extract_volume::COMMAND,
    find_storage_pools_for_migration::COMMAND,
    get_path_for_volume::COMMAND,
    get_upload_params_for_iso::COMMAND,
    get_upload_params_for_template::COMMAND,
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
    list_image_store_candidates::COMMAND,
    list_image_stores::COMMAND,
    list_isos::COMMAND,
    list_operations::COMMAND,
    list_os_types::COMMAND,
    list_pods::COMMAND,
    list_secondary_staging_stores::COMMAND,
    list_service_offerings::COMMAND,
    list_snapshot_policies::COMMAND,
    list_snapshots::COMMAND,
    list_storage_plugins::COMMAND,
    list_storage_pools::COMMAND,
    list_storage_providers::COMMAND,
    list_storage_tags::COMMAND,
    list_templates::COMMAND,
    list_virtual_machines::COMMAND,
    list_vm_snapshot::COMMAND,
    list_vm_snapshot_strategies::COMMAND,
    list_volumes::COMMAND,
    list_volumes_for_import::COMMAND,
    list_zones::COMMAND,
    migrate_resource_to_another_secondary_storage::COMMAND,
    migrate_secondary_storage_data::COMMAND,
    migrate_volume::COMMAND,
    prepare_template::COMMAND,
    purge_orphans::COMMAND,
    query_async_job_result::COMMAND,
    recover_volume::COMMAND,
    register_iso::COMMAND,
    register_template::COMMAND,
    release_image_store_quarantine::COMMAND,
    release_storage_pool_quarantine::COMMAND,
    resize_volume::COMMAND,
    revert_snapshot::COMMAND,
    revert_to_vm_snapshot::COMMAND,
    run_snapshot_policy::COMMAND,
    scan_orphans::COMMAND,
    start_virtual_machine::COMMAND,
    stop_virtual_machine::COMMAND,
    unmanage_volume::COMMAND,
    update_disk_offering::COMMAND,
    update_host::COMMAND,
    update_image_store::COMMAND,
    update_iso::COMMAND,
    update_iso_permissions::COMMAND,
    update_snapshot_policy::COMMAND,
    update_storage_pool::COMMAND,
    update_template::COMMAND,
    update_template_permissions::COMMAND,
    update_volume::COMMAND,
    update_zone::COMMAND,
];

/// The table of all commands.
pub(super) fn all() -> CommandTable {
    CommandTable::new(ALL.iter().copied())
}
