//! Plugins that were built with another version of the contract: additions load both ways, what
//! breaks is refused with the reason.

use serde_json::Map;
use storage_host::loader::RefusalCode;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{CallContext, DataStoreProvider, OpenReaderRequest};
use tests::generated::{Abi, library_of, other_abi_stable};
use tests::{Installation, Plugin, Row, Skin, memory_host, store, volume};

#[tokio::test(flavor = "multi_thread")]
async fn an_older_and_a_newer_plugin_work_in_both_skins() {
    for abi in [Abi::Older, Abi::Newer] {
        for skin in Skin::BOTH {
            let mut plugin =
                Plugin::load_file(skin, &library_of(abi), Map::new(), memory_host()).await;
            assert_eq!(plugin.provider().get_name(), abi.provider());
            plugin.create("any").await.unwrap();
            let request = OpenReaderRequest::new(volume("any", 1 << 20));
            let call = CallContext::new(Uuid::new_v4());
            let mut reader = plugin.driver().open_reader(&call, &store(), request).await.unwrap();
            assert_eq!(
                reader.next().await.unwrap().unwrap().length(),
                1 << 20,
                "{abi:?}, {skin:?}"
            );
            drop(reader);
            // An older one has no way to end its threads; that must not matter.
            plugin.drop_provider();
        }
    }
}

#[test]
fn additions_load_both_ways_and_what_breaks_is_refused_for_what_it_is() {
    let row = |name: &str, abi| Row::with(name, &library_of(abi));
    let host = Installation::with_null()
        .rows([row("older", Abi::Older), row("newer", Abi::Newer).isolated()])
        .rows([row("changed", Abi::Changed), row("breaking", Abi::Breaking)])
        .row(Row::with("other", &other_abi_stable()))
        .host_key("log", "debug")
        .start();
    for name in ["older", "newer"] {
        host.plugin(name).is_ready();
    }
    let words = ["its types differ from this host's", "too many fields"];
    host.refuses("changed", RefusalCode::LayoutMismatch, &words);
    // Three lines for people, not a thousand; those are in the log, for who asks for them.
    let reason = host.plugin("changed").text("reason").to_owned();
    assert!(reason.len() < 1000 && reason.contains("in CallHeader"), "{reason}");
    host.wait_for_line("layout report of a refused plugin");
    let words = ["built for ABI 0.2.0", "this host has ABI 0.1.0"];
    host.refuses("breaking", RefusalCode::AbiVersion, &words);
    let words = ["built with abi_stable 0.10", "this host has 0.11"];
    host.refuses("other", RefusalCode::AbiStableVersion, &words);
}
