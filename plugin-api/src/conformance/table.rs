//! The one list of all cases: level, id, on what it runs, the function, what it checks.
//!
//! The documentation of the contract names cases by these ids; `cargo xtask tidy` checks that each
//! name is here. **To add a case** write its function in `cases` and a row here.

use super::cases::{
    abandoned, abilities, access, added, borders, clones, copies, details, extents, hosts, images,
    last, limits, listing, metadata, missing, neighbours, objects, over, resize, resume, schema,
    snapshots, stats, streams, vm_snapshots,
};
use super::failure::Checked;
use super::report::Level;
use super::scene::Scene;
use super::stage::Stage;
use super::subject::Subject;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A running case.
pub(super) type Running = Pin<Box<dyn Future<Output = Checked> + Send>>;

/// A case before it is known what it runs on.
pub(super) struct Row {
    pub(super) level: Level,
    pub(super) id: &'static str,
    pub(super) what: &'static str,
    pub(super) body: Body,
}

/// What a case runs on.
pub(super) enum Body {
    /// The provider as a whole.
    Provider(fn(Arc<Stage>) -> Running),
    /// Each store.
    Store(When, fn(Arc<Scene>) -> Running),
}

/// On which stores a case runs.
pub(super) enum When {
    /// On every store, also on one that could not be added.
    Always,
    /// Where this holds.
    If(fn(&Subject) -> bool),
    /// Once for each parameter.
    Each(fn(&Subject) -> Vec<String>),
    /// After everything else.
    Last,
}

macro_rules! rows {
    ($( $level:ident $id:literal provider $path:path, $what:literal; )*
     $( -- $slevel:ident $sid:literal $when:ident $(($applies:expr))? $spath:path, $swhat:literal; )*) => {
        &[
            $( Row {
                level: Level::$level,
                id: $id,
                what: $what,
                body: Body::Provider(|stage| Box::pin($path(stage))),
            }, )*
            $( Row {
                level: Level::$slevel,
                id: $sid,
                what: $swhat,
                body: Body::Store(When::$when $(($applies))?, |scene| Box::pin($spath(scene))),
            }, )*
        ]
    };
}

/// All cases, in the order in which they run.
pub(super) const ROWS: &[Row] = rows! {
    Metadata "metadata::name_is_stable" provider metadata::name_is_stable,
        "The name is printable, not empty, at most 63 characters, and never changes.";
    Metadata "metadata::types_are_declared" provider metadata::types_are_declared,
        "There is at least one type, none twice, none unknown.";
    Metadata "metadata::some_scope_is_supported" provider metadata::some_scope_is_supported,
        "At least one scope is supported.";
    Metadata "metadata::every_type_has_a_driver" provider metadata::every_type_has_a_driver,
        "Configure succeeds and registers every type; each has its driver and life cycle.";
    Schema "schema::schemas_are_valid" provider schema::schemas_are_valid,
        "Settings and the stores of each type have a schema of an object, free of contradictions.";
    Schema "schema::fields_are_described" provider schema::fields_are_described,
        "Every input field has a title and a description.";
    Schema "schema::secrets_are_marked" provider schema::secrets_are_marked,
        "Every field that is named like a secret is writeOnly.";

    -- Metadata "metadata::limits_are_sensible" Always metadata::limits_are_sensible,
        "Granularity and concurrency are not zero, the largest size is above the smallest.";
    -- Metadata "metadata::primary_takes_raw" If(|s| s.is_primary()) metadata::primary_takes_raw,
        "A primary driver takes raw bytes.";

    -- Happy "happy::store_can_be_added_and_removed" Always added::store_can_be_added_and_removed,
        "A store is initialized, attached, attached again, removed twice, and added again.";
    -- Happy "happy::maintenance_can_be_cancelled" If(|_| true) added::maintenance_can_be_cancelled,
        "Maintenance is entered and cancelled, each twice, and the store is used afterwards.";
    -- Happy "happy::pool_can_be_disabled_and_enabled" If(|s| s.is_primary())
        added::pool_can_be_disabled_and_enabled,
        "A pool is disabled and enabled, each twice.";
    -- Happy "happy::create_describe_delete" If(|_| true) objects::create_describe_delete,
        "What was created is described, by path and by uuid, until it is deleted.";
    -- Happy "happy::create_twice_is_once" If(|_| true) objects::create_twice_is_once,
        "Creating an object again answers the same path and keeps its bytes.";
    -- Happy "happy::delete_of_missing_object_succeeds" If(|_| true)
        objects::delete_of_missing_object_succeeds,
        "Deleting what never was, and what is gone, succeeds.";
    -- Happy "happy::delete_without_path_succeeds" If(|_| true)
        objects::delete_without_path_succeeds,
        "An object of which only the uuid is known is deleted.";
    -- Happy "happy::describe_of_missing_object_is_absent" If(|_| true)
        objects::describe_of_missing_object_is_absent,
        "A missing object is described as absent; it is no error.";
    -- Happy "happy::transfer_objects_name_their_object" If(|_| true)
        objects::transfer_objects_name_their_object,
        "Transfer objects bear the ids of the object and of the store they describe.";
    -- Happy "happy::listing_shows_what_is_there" If(|s| s.can.list_objects)
        listing::listing_shows_what_is_there,
        "An object is listed with its uuid and installation id until it is deleted.";
    -- Happy "happy::listing_pages_are_complete" If(|s| s.can.list_objects)
        listing::listing_pages_are_complete,
        "Small pages show what one large page shows: nothing is missed, nothing comes twice.";
    -- Happy "happy::access_is_granted_and_revoked" If(|s| s.is_primary())
        access::access_is_granted_and_revoked,
        "Access is granted twice with one answer that suffices, and revoked however often.";
    -- Happy "happy::stats_are_sensible" If(|s| s.is_primary()) stats::stats_are_sensible,
        "Used is not above capacity, sizes are those of the volume.";
    -- Happy "happy::image_store_stats_are_sensible"
        If(|s| !s.is_primary() && s.can.storage_stats)
        stats::image_store_stats_are_sensible,
        "Used is not above capacity on an image store either.";
    -- Happy "happy::quality_of_service_is_taken" If(|s| s.can.quality_of_service)
        stats::quality_of_service_is_taken,
        "Limits of a volume are set, and set again.";
    -- Happy "happy::instances_are_made_known" If(|s| s.is_primary())
        hosts::instances_are_made_known,
        "A driver is told of instances and their tags, and asked whether a host has access.";
    -- Happy "happy::host_listener_takes_every_event_twice"
        If(|s| s.is_primary() && s.stage.provider.get_host_listener().is_some())
        hosts::host_listener_takes_every_event_twice,
        "A hypervisor host comes, connects, leaves and goes, and each event may come twice.";
    -- Happy "images::any_format_is_kept_as_it_is" Each(images::other_formats)
        images::any_format_is_kept_as_it_is,
        "An image of another format has the bytes and the length it was written with.";
    -- Happy "images::every_kind_is_kept" Each(images::other_kinds) images::every_kind_is_kept,
        "A volume and a snapshot on an image store live as a template does, or are not held.";
    -- Happy "images::written_over_a_base_keeps_the_rest"
        If(|s| !s.is_primary() && s.moves_bytes() && s.can.write_over)
        over::written_over_a_base_keeps_the_rest,
        "What is not written over a base has its bytes, and the base is not needed any more.";
    -- Happy "images::half_written_is_not_there" If(|s| !s.is_primary() && s.moves_bytes())
        images::half_written_is_not_there,
        "What is half written is not there; what was there before has its old bytes, or is not.";
    -- Happy "happy::extract_url_is_made_and_ended" If(|s| !s.is_primary() && s.can.extract_url)
        images::extract_url_is_made_and_ended,
        "A link for download is made, and ended twice.";

    -- Happy "streams::blank_volume_reads_as_zeros" If(|s| s.is_primary() && s.can.read)
        streams::blank_volume_reads_as_zeros,
        "A blank volume has its size and reads as zeros.";
    -- Happy "streams::bytes_come_back" If(Subject::moves_bytes) streams::bytes_come_back,
        "What was written in uneven chunks is read back whole and in ranges.";
    -- Happy "streams::reader_is_gapless" If(|s| s.can.read) streams::reader_is_gapless,
        "Chunks come in order, without gaps, from the offset asked for to the end.";
    -- Happy "streams::rewriting_leaves_nothing_of_before" If(Subject::moves_bytes)
        streams::rewriting_leaves_nothing_of_before,
        "Writing an object again replaces it: where nothing is written, zeros are read.";
    -- Happy "streams::holes_stay_holes" If(|s| s.moves_bytes() && s.can.sparse)
        streams::holes_stay_holes,
        "A hole that was written as a hole is read as a hole.";
    -- Happy "streams::write_resumes" If(|s| s.moves_bytes() && s.can.resume_write)
        resume::write_resumes,
        "A write that broke off goes on at its checkpoint token, and no byte is lost.";
    -- Happy "streams::digest_is_that_of_the_bytes" If(Subject::moves_bytes)
        streams::digest_is_that_of_the_bytes,
        "A digest that is recorded is that of the bytes, also after they were written again.";
    -- Happy "streams::extents_cover_the_data" If(|s| s.can.extents) extents::extents_cover_the_data,
        "Extents are sorted, disjoint, inside the object, and cover all data.";
    -- Happy "streams::changed_extents_cover_the_changes"
        If(|s| s.is_primary() && s.can.changed_extents && s.can.storage_system_snapshot && s.can.write)
        extents::changed_extents_cover_the_changes,
        "Extents since a snapshot cover what was written since.";

    -- Happy "happy::grow_keeps_the_bytes" If(|s| s.is_primary() && s.can.resize)
        resize::grow_keeps_the_bytes,
        "A volume grows, keeps its bytes, and the new ones are zeros.";
    -- Happy "happy::shrink_with_consent_works" If(|s| s.is_primary() && s.can.resize && s.can.shrink)
        resize::shrink_with_consent_works,
        "A volume shrinks when that is asked for in so many words, and keeps its first bytes.";
    -- Happy "happy::snapshot_keeps_the_bytes" If(snapshots::are_taken_and_bytes_moved)
        snapshots::snapshot_keeps_the_bytes,
        "A snapshot has the bytes of its moment, whatever is written to the volume later.";
    -- Happy "happy::snapshot_twice_is_once" If(snapshots::are_taken)
        snapshots::snapshot_twice_is_once,
        "Taking a snapshot again answers the same path and keeps its bytes.";
    -- Happy "happy::revert_brings_the_bytes_back"
        If(|s| snapshots::are_taken(s) && s.can.can_revert_volume_to_snapshot)
        snapshots::revert_brings_the_bytes_back,
        "Reverting brings bytes and size back, and the snapshot stays.";
    -- Happy "happy::snapshot_outlives_its_volume"
        If(|s| snapshots::are_taken(s) && s.can.snapshots_outlive_volume)
        snapshots::snapshot_outlives_its_volume,
        "A volume with a snapshot is deleted, and the snapshot is still there.";
    -- Happy "happy::clone_is_independent" If(|s| s.is_primary() && s.can.can_create_volume_from_volume)
        clones::clone_is_independent,
        "A clone has the bytes of its source and keeps them when the source is written or deleted.";
    -- Happy "happy::volume_from_snapshot_has_its_bytes"
        If(|s| snapshots::are_taken(s) && s.can.can_create_volume_from_snapshot)
        clones::volume_from_snapshot_has_its_bytes,
        "A volume made from a snapshot has the snapshot's bytes.";
    -- Happy "happy::own_copy_has_the_same_bytes" If(|_| true) copies::own_copy_has_the_same_bytes,
        "A copy that can_copy says yes to has the same bytes; one it says no to is Unsupported.";
    -- Happy "happy::vm_snapshot_strategy_gives_reasons" If(vm_snapshots::has_strategy)
        vm_snapshots::vm_snapshot_strategy_gives_reasons,
        "The strategy says how much it wants an instance snapshot, and why.";
    -- Happy "happy::vm_snapshot_takes_reverts_deletes" If(vm_snapshots::has_strategy)
        vm_snapshots::vm_snapshot_takes_reverts_deletes,
        "An instance snapshot of two volumes is taken, reverted and deleted, each twice.";

    -- Errors "errors::undeclared_ability_is_refused" Each(abilities::undeclared)
        abilities::undeclared_ability_is_refused,
        "An ability that is not declared is refused with Unsupported.";
    -- Errors "errors::bad_details_are_refused" Each(details::bad_inputs)
        details::bad_details_are_refused,
        "Initialize refuses details that lack a required field or hold a wrong value.";
    -- Errors "errors::missing_object_is_not_found" Each(missing::methods)
        missing::missing_object_is_not_found,
        "A method that needs an object says NotFound when it is not there.";
    -- Errors "errors::copy_needs_can_copy" If(|_| true) copies::copy_needs_can_copy,
        "A copy from a store that nobody knows is not offered, and refused with Unsupported.";
    -- Errors "errors::shrink_needs_consent" If(|s| s.is_primary() && s.can.resize)
        resize::shrink_needs_consent,
        "A smaller size without consent is refused, and the volume stays as it is.";
    -- Errors "errors::size_beyond_limits_is_refused" Each(limits::sizes_beyond)
        limits::size_beyond_limits_is_refused,
        "A size outside the declared limits is refused with InvalidArgument.";
    -- Errors "errors::sizes_at_the_limits_work" Each(borders::sizes)
        borders::sizes_at_the_limits_work,
        "The smallest and the largest size, and the next to the smallest, are taken.";
    -- Errors "errors::any_name_is_taken" Each(borders::names) borders::any_name_is_taken,
        "Whatever users call an object: its back-end name follows from its uuid.";
    -- Errors "errors::failed_create_leaves_nothing" Each(limits::ways_to_fail)
        limits::failed_create_leaves_nothing,
        "A create that failed leaves nothing behind.";
    -- Errors "errors::declared_concurrency_holds" If(|_| true) borders::declared_concurrency_holds,
        "As many objects as calls may be under way are made, written, read and deleted at once.";
    -- Errors "errors::write_beyond_the_object_is_refused" If(|s| s.can.write)
        missing::write_beyond_the_object_is_refused,
        "Bytes beyond the size that was announced, or before the last ones, are refused.";
    -- Errors "errors::foreign_token_is_refused" If(|s| s.can.write && s.can.resume_write)
        resume::foreign_token_is_refused,
        "A checkpoint token that is not the driver's is refused with InvalidArgument.";
    -- Errors "errors::broken_off_write_can_be_deleted" If(|s| s.can.write)
        abandoned::broken_off_write_can_be_deleted,
        "A writer that was dropped, or aborted, leaves nothing that delete does not remove.";
    -- Errors "errors::broken_off_read_harms_nothing" If(Subject::moves_bytes)
        abandoned::broken_off_read_harms_nothing,
        "A reader that was dropped leaves the object readable and deletable.";
    -- Errors "errors::cancelled_create_can_be_deleted" If(|_| true)
        abandoned::cancelled_create_can_be_deleted,
        "After a create that was given up, describe tells the truth and delete cleans up.";
    -- Errors "errors::other_installations_are_left_alone" If(|_| true)
        neighbours::other_installations_are_left_alone,
        "What bears another installation id is neither described nor deleted by uuid.";

    -- Happy "happy::nothing_is_left_behind" Last last::nothing_is_left_behind,
        "Nothing that the run made is left, what was there before still is, the store is removed.";
};
