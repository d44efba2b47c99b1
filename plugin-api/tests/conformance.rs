//! The conformance kit on trial: a sound provider passes every case, directly and through the
//! whole wire; a broken one fails exactly the cases that its flaw belongs to.

#[cfg(test)]
#[path = "conformance/broken.rs"]
mod broken;
#[cfg(test)]
#[path = "conformance/broken_parts.rs"]
mod broken_parts;
#[cfg(test)]
#[path = "conformance/broken_streams.rs"]
mod broken_streams;
#[cfg(test)]
#[path = "../examples/in_memory.rs"]
#[expect(dead_code, reason = "the example has a main of its own")]
mod in_memory;

#[cfg(test)]
mod tests {
    use super::broken::{Broken, Flaw};
    use super::in_memory::InMemory;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;
    use storage_plugin_api::abi::{FfiTransport, HostDispatcher, OpenOptions, RemoteProvider};
    use storage_plugin_api::conformance::{
        Kit, KitOptions, Level, MemoryHost, Refusal, Report, StoreUnderTest,
    };
    use storage_plugin_api::prelude::*;

    fn options(types: &[DataStoreProviderType]) -> KitOptions {
        let mut options = KitOptions::default();
        for provider_type in types {
            let mut store = StoreUnderTest::default();
            store.details.insert("area", provider_type.as_str());
            options.stores.insert(*provider_type, store);
        }
        options
    }

    const BOTH: [DataStoreProviderType; 2] =
        [DataStoreProviderType::Primary, DataStoreProviderType::Image];

    /// What somebody else has on the store.
    const FOREIGN: &str = "PRIMARY/theirs.VOLUME.0190163d-8694-739b-aea5-966c26f8ad91";

    async fn run(provider: Arc<dyn DataStoreProvider>, options: KitOptions) -> Report {
        let mut kit = Kit::prepare(provider, options).await.unwrap();
        let planned: Vec<_> = kit.cases().iter().map(|case| case.id()).collect();
        let mut told = Vec::new();
        let report = kit.run(&mut |case| told.push(case.id.clone())).await;
        assert_eq!(told, planned);
        assert_eq!(report.passed + report.failed, report.cases.len());
        report
    }

    /// The provider behind the wire that a loaded library has.
    async fn wired(provider: impl DataStoreProvider, in_place: bool) -> Arc<RemoteProvider> {
        let host = Arc::new(HostDispatcher::new(Box::new(|_| {})));
        let how = OpenOptions::new("fake", log::LevelFilter::Info, in_place);
        let transport = FfiTransport::of(Arc::new(provider), host, &how);
        let call = CallContext::new(Uuid::new_v4());
        let remote = RemoteProvider::connect(Arc::new(transport), &call).await;
        Arc::new(remote.unwrap())
    }

    fn assert_clean(report: &Report) {
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.left_out, Vec::<String>::new());
        let last = report.cases.last().unwrap();
        assert_eq!(last.id, "happy::nothing_is_left_behind");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_sound_provider_passes_every_level() {
        let memory = InMemory::default();
        let report = run(Arc::new(memory.clone()), options(&BOTH)).await;
        assert_clean(&report);
        let left: Vec<_> = memory.with(|all| all.keys().cloned().collect());
        assert_eq!(left, Vec::<String>::new());
        for level in [Level::Metadata, Level::Schema, Level::Happy, Level::Errors] {
            let cases = report.cases.iter().filter(|case| case.level == level);
            assert!(cases.count() >= 3, "level {level}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_passes_through_the_wire_on_its_own_threads() {
        assert_clean(&run(wired(InMemory::default(), false).await, options(&BOTH)).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_passes_through_the_wire_in_place() {
        assert_clean(&run(wired(InMemory::default(), true).await, options(&BOTH)).await);
    }

    #[tokio::test]
    async fn lower_levels_need_no_store_and_touch_none() {
        for (level, expected) in [(Level::Metadata, 4), (Level::Schema, 7)] {
            let mut options = options(&[]);
            options.level = level;
            let report = run(Arc::new(InMemory::default()), options).await;
            assert!(report.is_clean(), "{report}");
            assert_eq!(report.cases.len(), expected);
            assert_eq!(report.left_out.len(), 2, "{:?}", report.left_out);
        }
        let mut with_store = options(&BOTH);
        with_store.level = Level::Schema;
        let memory = InMemory::default();
        let report = run(Arc::new(memory), with_store).await;
        assert_eq!((report.passed, report.failed), (10, 0), "{report}");
    }

    #[tokio::test]
    async fn what_cannot_be_tested_is_refused() {
        let refusal = |options| async {
            let provider = Arc::new(InMemory::default());
            Kit::prepare(provider, options).await.unwrap_err()
        };
        assert_eq!(refusal(options(&[])).await, Refusal::NoStore);
        let cache = DataStoreProviderType::ImageCache;
        assert_eq!(refusal(options(&[cache])).await, Refusal::NoSuchType(cache));
        let mut bare = options(&BOTH);
        bare.stores.insert(BOTH[1], StoreUnderTest::default());
        let missing = refusal(bare).await;
        assert_eq!(missing.to_string(), "the IMAGE store lacks the required detail \"area\"");
    }

    #[tokio::test]
    async fn a_store_that_is_not_empty_is_refused() {
        let memory = InMemory::default();
        memory.with(|all| all.entry(FOREIGN.to_owned()).or_default().size = 4096);
        let refusal = Kit::prepare(Arc::new(memory.clone()), options(&BOTH)).await.unwrap_err();
        assert_eq!(
            refusal,
            Refusal::NotEmpty {
                provider_type: DataStoreProviderType::Primary,
                objects: 1,
                example: FOREIGN.to_owned(),
            }
        );
        // With leave, it runs, and what was there stays.
        let mut allowed = options(&BOTH);
        allowed.allow_non_empty = true;
        assert_clean(&run(Arc::new(memory.clone()), allowed).await);
        let left: Vec<_> = memory.with(|all| all.keys().cloned().collect());
        assert_eq!(left, [FOREIGN]);
    }

    #[tokio::test]
    async fn a_provider_that_was_configured_is_not_configured_again() {
        let memory = InMemory::default();
        let host = Arc::new(MemoryHost::new("configured"));
        let call = CallContext::new(Uuid::new_v4());
        let services: Arc<dyn HostServices> = Arc::<MemoryHost>::clone(&host);
        memory.configure(&call, Settings::new(), services).await.unwrap();
        let mut configured = options(&BOTH);
        configured.configured = true;
        configured.host = Some(Arc::<MemoryHost>::clone(&host));
        configured.only = Some("::create_".to_owned());
        let report = run(Arc::new(memory), configured).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.cases.len(), 2 * 3);
        assert_eq!(host.registered(), BOTH);
    }

    #[test]
    fn a_report_survives_its_serialisation() {
        let text = r#"{"run":"r","cases":[{"id":"a::b","type":"PRIMARY","level":3,"what":"w",
            "outcome":"failed","why":"because","millis":5}],"passed":0,"failed":1,"left_out":[]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.failures().count(), 1);
        let again = serde_json::to_value(&report).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn a_call_that_blocks_its_thread_fails_its_case_and_no_other() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let broken = Broken::new(Flaw::Blocks);
        let inner = Arc::clone(&broken.0);
        let gate = inner.gate.lock().unwrap();
        let mut options = options(&[DataStoreProviderType::Primary]);
        options.window = Duration::from_millis(500);
        let report = runtime.block_on(run(Arc::new(broken), options));
        drop(gate);
        let failures: Vec<_> = report.failures().collect();
        assert_eq!(failures.len(), 1, "{report}");
        assert_eq!(failures[0].id, "happy::stats_are_sensible");
        assert!(report.to_string().contains("blocks the thread"), "{report}");
    }

    /// The ids of the cases that a broken provider fails.
    async fn failures_of(flaw: Flaw) -> (BTreeSet<String>, Report) {
        let broken = Broken::new(flaw);
        let mut options = options(&[broken.provider_type()]);
        if flaw == Flaw::Hangs {
            options.window = Duration::from_millis(500);
        }
        if flaw == Flaw::WipesTheStore {
            options.allow_non_empty = true;
            broken.memory().with(|all| all.entry(FOREIGN.to_owned()).or_default().size = 4096);
        }
        let report = run(Arc::new(broken), options).await;
        let ids = report.failures().map(|case| case.id.clone()).collect();
        (ids, report)
    }

    #[tokio::test]
    async fn every_flaw_is_caught_by_the_cases_it_belongs_to() {
        let mut wrong = Vec::new();
        for (flaw, expected) in FLAWS {
            let expected = expected.iter().copied().flatten();
            let expected: BTreeSet<String> = expected.map(|id| (*id).to_owned()).collect();
            let (got, report) = failures_of(*flaw).await;
            if got != expected {
                let missed: Vec<_> = expected.difference(&got).collect();
                let surplus: Vec<_> = got.difference(&expected).collect();
                wrong.push(format!("{flaw:?}: missed {missed:?}, surplus {surplus:#?}\n{report}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    /// The cases that compare what was written with what is read.
    const BYTES: &[&str] = &[
        "happy::create_twice_is_once",
        "streams::bytes_come_back",
        "streams::rewriting_leaves_nothing_of_before",
        "streams::write_resumes",
        "happy::grow_keeps_the_bytes",
        "happy::shrink_with_consent_works",
        "happy::snapshot_keeps_the_bytes",
        "happy::snapshot_twice_is_once",
        "happy::revert_brings_the_bytes_back",
        "happy::snapshot_outlives_its_volume",
        "happy::clone_is_independent",
        "happy::volume_from_snapshot_has_its_bytes",
        "happy::vm_snapshot_takes_reverts_deletes",
        "errors::shrink_needs_consent",
        "errors::broken_off_read_harms_nothing",
    ];

    /// Every flaw, and exactly the cases that fail for it.
    const FLAWS: &[(Flaw, &[&[&str]])] = &[
        (Flaw::None, &[]),
        (
            Flaw::AcceptsAnyDetails,
            &[&[
                "errors::bad_details_are_refused[without area]",
                "errors::bad_details_are_refused[wrong capacity_bytes]",
            ]],
        ),
        (
            Flaw::AcceptsAnySize,
            &[&[
                "errors::size_beyond_limits_is_refused[above the largest]",
                "errors::failed_create_leaves_nothing[above the largest]",
            ]],
        ),
        (Flaw::AcceptsForeignTokens, &[&["errors::foreign_token_is_refused"]]),
        (Flaw::AttachesOnlyOnce, &[&["happy::store_can_be_added_and_removed"]]),
        (
            Flaw::BlankIsDirty,
            &[&["happy::create_twice_is_once", "streams::blank_volume_reads_as_zeros"]],
        ),
        (Flaw::CannotConfigure, &[&["metadata::every_type_has_a_driver"]]),
        (Flaw::ChangesItsName, &[&["metadata::name_is_stable"]]),
        (Flaw::ClearsOnSecondCreate, &[&["happy::create_twice_is_once"]]),
        (Flaw::ClonesShareTheirSource, &[&["happy::clone_is_independent"]]),
        (Flaw::ContradictsItself, &[&["schema::schemas_are_valid"]]),
        (
            Flaw::CopiesFromAnywhere,
            &[&["happy::own_copy_has_the_same_bytes", "errors::copy_needs_can_copy"]],
        ),
        (
            Flaw::DeletesOnlyOnce,
            &[&[
                "happy::delete_of_missing_object_succeeds",
                "errors::failed_create_leaves_nothing[above the largest]",
                "errors::failed_create_leaves_nothing[below the smallest]",
                "errors::failed_create_leaves_nothing[a clone of a volume that is gone]",
                "errors::failed_create_leaves_nothing[a volume of a snapshot that is gone]",
                "errors::other_installations_are_left_alone",
            ]],
        ),
        (Flaw::DescribesNoField, &[&["schema::fields_are_described"]]),
        (
            Flaw::DescribesWrongSize,
            &[&[
                "happy::create_describe_delete",
                "streams::reader_is_gapless",
                "streams::extents_cover_the_data",
                "streams::changed_extents_cover_the_changes",
                "happy::grow_keeps_the_bytes",
                "happy::shrink_with_consent_works",
                "happy::revert_brings_the_bytes_back",
                "happy::clone_is_independent",
                "happy::volume_from_snapshot_has_its_bytes",
                "errors::shrink_needs_consent",
            ]],
        ),
        (Flaw::FailsUnderLoad, &[&["errors::declared_concurrency_holds"]]),
        (Flaw::FindsOnlyByPath, &[&["happy::create_describe_delete"]]),
        (Flaw::ForgetsTheBase, &[&["images::written_over_a_base_keeps_the_rest"]]),
        (Flaw::ForgetsToRegister, &[&["metadata::every_type_has_a_driver"]]),
        (
            Flaw::ForgetsToRevert,
            &[&[
                "happy::revert_brings_the_bytes_back",
                "errors::missing_object_is_not_found[revert_snapshot]",
            ]],
        ),
        (Flaw::GrantsDifferently, &[&["happy::access_is_granted_and_revoked"]]),
        (Flaw::GrowsDirty, &[&["happy::grow_keeps_the_bytes"]]),
        (Flaw::Hangs, &[&["happy::stats_are_sensible"]]),
        (
            Flaw::HasATypeTwice,
            &[&["metadata::types_are_declared", "metadata::every_type_has_a_driver"]],
        ),
        (Flaw::HasNoGranularity, &[&["metadata::limits_are_sensible"]]),
        (Flaw::HasNoScope, &[&["metadata::some_scope_is_supported"]]),
        (Flaw::HidesNoSecret, &[&["schema::secrets_are_marked"]]),
        (Flaw::KeepsHalfImages, &[&["images::any_format_is_kept_as_it_is[VMDK]"]]),
        (Flaw::KeepsOldBytes, &[&["streams::rewriting_leaves_nothing_of_before"]]),
        (Flaw::KeepsTheFirstDigest, &[&["streams::digest_is_that_of_the_bytes"]]),
        (Flaw::LeavesGarbage, &[&["happy::nothing_is_left_behind"]]),
        (
            Flaw::LeavesHalfMadeObjects,
            &[&["errors::failed_create_leaves_nothing[above the largest]"]],
        ),
        (Flaw::ListsIncompletely, &[&["happy::listing_pages_are_complete"]]),
        (Flaw::ListsWithoutUuid, &[&["happy::listing_shows_what_is_there"]]),
        (
            Flaw::LocksWhatIsHalfWritten,
            &[&[
                "errors::write_beyond_the_object_is_refused",
                "errors::broken_off_write_can_be_deleted",
                "happy::nothing_is_left_behind",
            ]],
        ),
        (
            Flaw::LosesTheLastByte,
            &[
                BYTES,
                &["errors::declared_concurrency_holds", "streams::digest_is_that_of_the_bytes"],
            ],
        ),
        (
            Flaw::MixesKindsUp,
            &[&["images::every_kind_is_kept[VOLUME]", "images::every_kind_is_kept[SNAPSHOT]"]],
        ),
        (Flaw::NamesAnotherObject, &[&["happy::transfer_objects_name_their_object"]]),
        (
            Flaw::Panics,
            &[&[
                "happy::stats_are_sensible",
                "errors::missing_object_is_not_found[get_volume_stats]",
            ]],
        ),
        (Flaw::RefusesLongNames, &[&["errors::any_name_is_taken[long]"]]),
        (Flaw::RefusesTheSmallest, &[&["errors::sizes_at_the_limits_work[512]"]]),
        (Flaw::ReplicatesUndeclared, &[&["errors::undeclared_ability_is_refused[replication]"]]),
        (Flaw::ResumesFromTheStart, &[&["streams::write_resumes"]]),
        (Flaw::RevertsOneVolumeOnly, &[&["happy::vm_snapshot_takes_reverts_deletes"]]),
        (Flaw::SaysInternalForMissing, &[&["errors::missing_object_is_not_found[grant_access]"]]),
        (Flaw::SeesNeighbours, &[&["errors::other_installations_are_left_alone"]]),
        (Flaw::ShowsWhatIsHalfWritten, &[&["images::half_written_is_not_there"]]),
        (Flaw::ShrinksWithoutConsent, &[&["errors::shrink_needs_consent"]]),
        (Flaw::ShutsNeighboursOutHalfway, &[&["errors::other_installations_are_left_alone"]]),
        (
            Flaw::SkipsHoles,
            &[
                BYTES,
                &[
                    "streams::blank_volume_reads_as_zeros",
                    "streams::reader_is_gapless",
                    "streams::holes_stay_holes",
                ],
            ],
        ),
        (
            Flaw::SnapshotsFollowTheVolume,
            &[&["happy::snapshot_keeps_the_bytes", "happy::snapshot_twice_is_once"]],
        ),
        (Flaw::StaysInMaintenance, &[&["happy::maintenance_can_be_cancelled"]]),
        (Flaw::SwallowsErrors, &[&["errors::write_beyond_the_object_is_refused"]]),
        (Flaw::TakesNoRaw, &[&["metadata::primary_takes_raw"]]),
        (
            Flaw::TellsEmptyChunks,
            &[
                BYTES,
                &[
                    "errors::declared_concurrency_holds",
                    "errors::sizes_at_the_limits_work[512]",
                    "errors::sizes_at_the_limits_work[1024]",
                    "streams::blank_volume_reads_as_zeros",
                    "streams::reader_is_gapless",
                    "streams::holes_stay_holes",
                ],
            ],
        ),
        (
            Flaw::TellsNoReasons,
            &[&[
                "happy::vm_snapshot_strategy_gives_reasons",
                "happy::vm_snapshot_takes_reverts_deletes",
            ]],
        ),
        (Flaw::ForgetsWhatBecameZeros, &[&["streams::changed_extents_cover_the_changes"]]),
        (Flaw::TellsOneExtentOnly, &[&["streams::extents_cover_the_data"]]),
        (Flaw::TellsWrongVirtualSize, &[&["happy::stats_are_sensible"]]),
        (Flaw::TripsOverSecondConnect, &[&["happy::host_listener_takes_every_event_twice"]]),
        (Flaw::UsesMoreThanThereIs, &[&["happy::image_store_stats_are_sensible"]]),
        (
            Flaw::WipesTheStore,
            &[&["happy::store_can_be_added_and_removed", "happy::nothing_is_left_behind"]],
        ),
        (Flaw::WritesHolesAsZeros, &[&["streams::holes_stay_holes"]]),
    ];
}
