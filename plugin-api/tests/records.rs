//! Records as bytes: what crosses comes back, what is newer is skipped, what is older is completed.

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use std::time::Duration;
    use storage_plugin_api::abi::{CallHeader, ErrorRecord, OpenOptions, decode, encode};
    use storage_plugin_api::prelude::*;

    /// A record after its way to the other side.
    fn across<T: Serialize + serde::de::DeserializeOwned>(record: &T) -> T {
        decode(&encode(record).unwrap()).unwrap()
    }

    fn volume() -> VolumeInfo {
        let mut volume = VolumeInfo::new(Uuid::from_u128(1), "data", 1 << 30);
        volume.path = "area/volume".to_owned();
        volume.details.insert("lun", "7");
        volume.passphrase = Some(Secret::new("open sesame"));
        volume.quality_of_service.iops_read = Rate::sustained(500);
        volume
    }

    #[test]
    fn records_come_back_as_they_were() {
        let volume = volume();
        assert_eq!(across(&volume), volume);
        for object in [
            DataObject::from(volume.clone()),
            TemplateInfo::new(Uuid::from_u128(2), "centos", ImageFormat::Qcow2, 1 << 31).into(),
            SnapshotInfo::new(Uuid::from_u128(3), "monday", volume.clone()).into(),
        ] {
            assert_eq!(across(&object), object);
            let mut request = CreateRequest::new(object.clone());
            request.source = CreateSource::Volume(volume.clone());
            assert_eq!(across(&request), request);
        }
        let mut store = DataStore::new(Uuid::from_u128(4), DataStoreRole::Image);
        store.scope = Scope::zone(Uuid::from_u128(5));
        store.details.insert("secretkey", "s3cr3t");
        assert_eq!(across(&store), store);
        let mut can = DataStoreCapabilities::raw_only();
        can.vm_tags_needed = vec!["backup".to_owned()];
        assert_eq!(across(&can), can);
        let token = CheckpointToken::new(1 << 40, vec![0, 159, 146, 150]);
        assert_eq!(across(&token), token);
    }

    #[test]
    fn store_descriptions_keep_their_kind() {
        let store = DataStore::new(Uuid::from_u128(4), DataStoreRole::Primary);
        for to in [
            DataStoreTo::Primary(PrimaryDataStoreTo::of(&store, StoragePoolType::Rbd)),
            DataStoreTo::Nfs(NfsTo::new(store.uuid, "nfs://a/b".into(), DataStoreRole::Image)),
            DataStoreTo::S3(S3To::default()),
            DataStoreTo::Swift(SwiftTo::default()),
            DataStoreTo::Driver(DriverTo::new(store.uuid, store.role, "x://".into())),
        ] {
            assert_eq!(across(&to), to);
        }
    }

    #[derive(Serialize)]
    struct NewerVolume {
        uuid: Uuid,
        size_bytes: u64,
        format: &'static str,
        /// A field of a version to come.
        shine: Vec<u8>,
        also: std::collections::BTreeMap<String, u64>,
    }

    fn newer(format: &'static str) -> VolumeInfo {
        let record = NewerVolume {
            uuid: Uuid::from_u128(9),
            size_bytes: 512,
            format,
            shine: vec![1, 2, 3],
            also: [("more".to_owned(), 1)].into(),
        };
        decode(&encode(&record).unwrap()).unwrap()
    }

    #[test]
    fn an_unknown_field_is_ignored_and_a_missing_one_defaulted() {
        let volume = newer("RAW");
        assert_eq!(volume.size_bytes, 512);
        let expected = VolumeInfo::new(Uuid::from_u128(9), "", 512);
        assert_eq!(volume, expected);
    }

    #[test]
    fn an_unknown_word_is_unknown() {
        assert_eq!(newer("QCOW9").format, ImageFormat::Unknown);
        assert_eq!(newer("qcow2").format, ImageFormat::Qcow2);
        assert_eq!(across(&"IMAGE".to_owned()), "IMAGE");
        let word: DataStoreProviderType = decode(&encode(&"TAPE").unwrap()).unwrap();
        assert_eq!(word, DataStoreProviderType::Unknown);
        assert!("TAPE".parse::<DataStoreProviderType>().is_err());
    }

    #[derive(Serialize)]
    struct OlderCreate {
        object: DataObject,
    }

    #[test]
    fn a_request_of_an_older_host_is_completed() {
        let object = DataObject::from(volume());
        let bytes = encode(&OlderCreate { object: object.clone() });
        let request: CreateRequest = decode(&bytes.unwrap()).unwrap();
        assert_eq!(request, CreateRequest::new(object));
        assert_eq!(request.source, CreateSource::Blank);
    }

    #[test]
    fn a_record_without_what_it_must_have_is_an_error() {
        let error = decode::<CreateRequest>(&encode(&()).unwrap()).unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Internal);
        assert!(error.to_string().contains("CreateRequest"), "{error}");
        assert!(decode::<VolumeInfo>(&[0xc1, 0xff]).is_err());
        assert!(decode::<VolumeInfo>(&[]).is_err());
    }

    #[test]
    fn errors_come_back_as_they_were() {
        for retry in [
            Retry::Never,
            Retry::Exhausted,
            Retry::Later { after: None },
            Retry::Later { after: Some(Duration::from_millis(1500)) },
        ] {
            for kind in PluginErrorKind::ALL {
                let error = PluginError::new(*kind, "cannot open the pool")
                    .retry(retry)
                    .with("pool", "rbd")
                    .with("host", "10.0.0.1")
                    .in_operation("create_async")
                    .caused_by_text("connection refused")
                    .caused_by_text("");
                let back = PluginError::from(ErrorRecord::from(error.clone()));
                assert_eq!(back, error);
                assert_eq!(back.to_string(), error.to_string());
            }
        }
    }

    #[test]
    fn a_kind_of_error_from_the_future_is_internal() {
        let error = PluginError::new(PluginErrorKind::Unknown, "too hot");
        let back = PluginError::from(ErrorRecord::from(error));
        assert_eq!(back.kind(), PluginErrorKind::Internal);
        assert_eq!(back.message(), "too hot");
    }

    #[test]
    fn a_call_keeps_its_context_and_its_cell() {
        let call = CallContext::new(Uuid::from_u128(6))
            .attempt_number(3)
            .no_progress_window(Duration::from_secs(7))
            .with_log_target("plugins::fake");
        let over_there = CallHeader::new(1, 103, &call).context();
        assert_eq!(over_there.operation_id(), call.operation_id());
        assert_eq!(over_there.attempt(), 3);
        assert_eq!(over_there.window(), Duration::from_secs(7));
        assert_eq!(over_there.log_target(), "plugins::fake");
        over_there.report_progress(10, Some(20));
        assert_eq!(call.progress().done_bytes, 10);
        assert_eq!(call.progress().total_bytes, Some(20));
        call.cancel();
        assert!(over_there.is_cancelled());
        let plain = CallContext::new(Uuid::from_u128(6));
        let over_there = CallHeader::new(1, 103, &plain).context();
        assert_eq!(over_there.log_target(), plain.log_target());
    }

    #[test]
    fn the_options_of_open_hold_the_level_as_a_number() {
        let options = OpenOptions::new("fake", log::LevelFilter::Info, true);
        assert_eq!((options.log_level, options.in_place), (3, true));
        let off = OpenOptions::new("fake", log::LevelFilter::Off, false);
        assert_eq!((off.log_level, off.in_place), (0, false));
    }

    #[test]
    fn secrets_cross_and_are_not_shown() {
        let volume = across(&volume());
        let secret = volume.passphrase.clone().unwrap();
        assert_eq!(secret.expose(), "open sesame");
        assert!(!format!("{volume:?}").contains("sesame"));
        let mut store = DataStore::new(Uuid::nil(), DataStoreRole::Image);
        store.details.insert("secretkey", "s3cr3t");
        assert!(!format!("{:?}", across(&store)).contains("s3cr3t"));
    }
}
