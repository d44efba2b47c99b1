//! Panics of a vendor's code, wherever it runs, in either skin: an error of that call with the
//! panic's text, and everything goes on.

use async_trait::async_trait;
use serde_json::Map;
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CapacityReport, Chunk, DataReader, DataStore, DataStoreProviderType, DetailKey, Details,
    HostServices, HypervisorHost, ListDetailsRequest, ListHostsRequest, OpenReaderRequest,
    OpenWriterRequest, OpenedWriter, PluginError, PluginErrorKind, PluginResult, Secret,
    SetDetailRequest,
};
use tests::{Plugin, Skin, call, chunks_of, eventually, store, volume};

const MIB: u64 = 1 << 20;

/// The error of a panic in a method of the contract.
#[track_caller]
fn is_panic(error: &PluginError, text: &str, of: &str) {
    assert_eq!(error.kind(), PluginErrorKind::Internal, "{of}: {error}");
    assert!(error.message().starts_with("the plugin panicked in "), "{of}: {error}");
    assert!(error.message().ends_with(text), "{of}: {error}");
}

async fn reader(plugin: &Plugin, name: &str) -> Box<dyn DataReader> {
    let request = OpenReaderRequest::new(volume(name, 16 * MIB));
    plugin.driver().open_reader(&call(), &store(), request).await.unwrap()
}

async fn writer(plugin: &Plugin, name: &str) -> OpenedWriter {
    let request = OpenWriterRequest::new(volume(name, 16 * MIB), 16 * MIB);
    plugin.driver().open_writer(&call(), &store(), request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_call_is_an_error_of_that_call_and_the_plugin_goes_on() {
    let acts = [
        ("panic", "create_async: told to panic"),
        ("panic-payload", "create_async: a payload that is not text"),
        ("panic-payload-drop", "create_async: a payload that is not text"),
        ("panic-in-drop", "create_async: told to panic"),
    ];
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        for (act, text) in acts {
            let error = plugin.create(act).await.unwrap_err();
            is_panic(&error, text, &format!("{act}, {skin:?}"));
            plugin.create("any").await.unwrap();
        }
        if skin == Skin::Process {
            assert_eq!(plugin.supervisor().status().restarts, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_crosses_with_everything_it_has() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let error = plugin.create("error").await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::RateLimited, "{skin:?}");
        let after = Some(std::time::Duration::from_millis(1500));
        assert_eq!(error.retry_hint(), storage_plugin_api::Retry::Later { after }, "{skin:?}");
        assert_eq!(
            error.to_string(),
            "create_async: told to fail (volume=error): the outer cause: the inner cause"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_destructor_of_a_cancelled_call_goes_no_further() {
    for skin in Skin::BOTH {
        let plugin = Arc::new(Plugin::fault(skin).await);
        let calling = {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move { plugin.create("panic-on-cancel").await })
        };
        eventually("it began", || plugin.traced("panic-on-cancel began").then_some(()));
        calling.abort();
        assert!(calling.await.unwrap_err().is_cancelled());
        eventually("it was dropped", || plugin.traced("panic-on-cancel dropped").then_some(()));
        plugin.create("any").await.unwrap();
        if skin == Skin::Process {
            assert_eq!(plugin.supervisor().status().restarts, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_reader_is_an_error_of_its_next_chunk() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        for (name, text) in [
            ("panic", "reading a chunk: told to panic"),
            ("panic-payload-drop", "reading a chunk: a payload that is not text"),
        ] {
            let mut reader = reader(&plugin, name).await;
            assert!(matches!(reader.next().await, Ok(Some(Chunk::Data { offset: 0, .. }))));
            let error = reader.next().await.unwrap_err();
            is_panic(&error, text, &format!("{name}, {skin:?}"));
        }
        plugin.create("any").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_writer_is_an_error_of_a_later_chunk_and_of_the_end() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let mut opened = writer(&plugin, "panic").await;
        let mut failed = None;
        for chunk in chunks_of(16 * MIB) {
            if let Err(error) = opened.writer.write(chunk).await {
                failed = Some(error);
                break;
            }
        }
        // A chunk is answered when it is handed over, so the error comes with one of the next.
        is_panic(&failed.unwrap(), "writing a chunk: told to panic", &format!("{skin:?}"));

        let mut opened = writer(&plugin, "finish-panic").await;
        opened.writer.write(chunks_of(MIB).next().unwrap()).await.unwrap();
        let error = opened.writer.finish().await.unwrap_err();
        is_panic(&error, "finishing a write: told to panic", &format!("{skin:?}"));
        plugin.create("any").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_destructor_of_a_stream_goes_no_further() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let mut reader = reader(&plugin, "drop-panic").await;
        reader.next().await.unwrap();
        drop(reader);
        let dropped = |count: usize| {
            let trace = std::fs::read_to_string(plugin.path().join("trace")).unwrap();
            (trace.matches("drop-panic dropped").count() == count).then_some(())
        };
        eventually("the reader is dropped", || dropped(1));
        let mut opened = writer(&plugin, "drop-panic").await;
        opened.writer.write(chunks_of(MIB).next().unwrap()).await.unwrap();
        drop(opened);
        eventually("the writer is dropped", || dropped(2));
        plugin.create("any").await.unwrap();
        if skin == Skin::Process {
            assert_eq!(plugin.supervisor().status().restarts, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_destructor_of_the_provider_goes_no_further() {
    let settings = || Map::from_iter([("panic_in_drop".to_owned(), true.into())]);
    let mut plugin = Plugin::fault_with(Skin::InProcess, settings(), Arc::new(PanickingHost)).await;
    plugin.create("any").await.unwrap();
    plugin.drop_provider();
    assert!(plugin.traced("provider dropped"));
}

#[test]
fn a_host_ends_in_order_with_a_plugin_whose_destructor_panics() {
    for isolated in [false, true] {
        let row = tests::Row::fault("fault").set("panic_in_drop", true);
        let row = if isolated { row.isolated() } else { row };
        let host = tests::Installation::with_null().row(row).start();
        host.plugin("fault").is_ready();
        let (code, said) = host.stop();
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("told to panic"), !isolated, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_hosts_own_services_is_an_error_that_the_plugin_sees() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault_with(skin, Map::new(), Arc::new(PanickingHost)).await;
        let error = plugin.create("ask-host").await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Internal, "{skin:?}: {error}");
        assert!(error.message().ends_with("get_detail: the host's own bug"), "{skin:?}: {error}");
        plugin.create("any").await.unwrap();
    }
}

/// A host whose memory is a bug.
struct PanickingHost;

#[async_trait]
impl HostServices for PanickingHost {
    async fn register_driver(&self, _: DataStoreProviderType) -> PluginResult<()> {
        Ok(())
    }

    async fn get_detail(&self, _: DetailKey) -> PluginResult<Option<Secret>> {
        panic!("the host's own bug")
    }

    async fn set_detail(&self, _: SetDetailRequest) -> PluginResult<()> {
        Ok(())
    }

    async fn remove_detail(&self, _: DetailKey) -> PluginResult<()> {
        Ok(())
    }

    async fn list_details(&self, _: ListDetailsRequest) -> PluginResult<Details> {
        Ok(Details::new())
    }

    async fn find_host(&self, _: Uuid) -> PluginResult<Option<HypervisorHost>> {
        Ok(None)
    }

    async fn list_hosts(&self, _: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        Ok(Vec::new())
    }

    async fn find_store(&self, _: Uuid) -> PluginResult<Option<DataStore>> {
        Ok(None)
    }

    async fn report_capacity(&self, _: CapacityReport) -> PluginResult<()> {
        Ok(())
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        Ok(String::new())
    }
}
