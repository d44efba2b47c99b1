//! What a plugin asks of the host, from either skin: its memory survives, its messages arrive, and
//! its secrets are seen by nobody.

use storage_plugin_api::Details;
use tests::{Installation, Plugin, Row, Skin, files_below};

const SECRET: &str = "hush-0815-hush";

#[test]
fn what_a_plugin_keeps_with_the_host_survives_a_restart_and_its_secret_is_never_seen() {
    for isolated in [false, true] {
        let row = Row::fault("fault").set("count_starts", true).set("secret", SECRET);
        let row = if isolated { row.isolated() } else { row };
        let place = Installation::with_null().row(row).host_key("log", "trace");
        for start in 0..3 {
            let host = place.start();
            // Under the plugin's name, with the plugin's own target and its key-value pairs.
            let line = host.wait_for_line(&format!("started {start} times before"));
            assert!(line.contains("plugin::fault::fault"), "{line}");
            assert!(line.contains("details=2 kept=true"), "{line}");
            let listed = host.plugin("fault");
            listed.is_ready();
            assert!(!listed.0.to_string().contains(SECRET), "{listed:?}");
            let (code, said) = host.stop();
            assert_eq!(code, Some(0), "{said}");
            assert!(!said.contains(SECRET), "{said}");
        }
        for verb in [&["config", "check", "--output", "json"][..], &["plugins", "list"]] {
            let ended = place.run(verb).with_code(0);
            assert!(!format!("{ended:?}").contains(SECRET), "{ended:?}");
        }
        // At rest it is encrypted, and no copy of it is left in another file.
        for file in data_files(&place) {
            let bytes = std::fs::read(&file).unwrap();
            let found = bytes.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes());
            assert!(!found, "{}", file.display());
        }
    }
}

/// The files in the data directory.
fn data_files(place: &Installation) -> Vec<std::path::PathBuf> {
    let files = files_below(&place.data_dir());
    assert!(files.iter().any(|file| file.ends_with("store.db")), "{files:?}");
    files
}

#[test]
fn a_plugin_does_not_see_what_another_keeps() {
    let counting = |name: &str| Row::fault(name).set("count_starts", true);
    let place = Installation::with_null().row(counting("first"));
    let host = place.start();
    host.wait_for_line("started 0 times before");
    host.stop();
    let mut place = place.row(counting("second"));
    place.replace_row(counting("first").key("enabled", false));
    let host = place.start();
    let line = host.wait_for_line("times before");
    assert!(line.contains("plugin::second"), "{line}");
    host.wait_for_line("started 0 times before");
}

#[test]
fn a_message_below_the_level_of_the_log_does_not_arrive() {
    let row = Row::fault("fault").set("count_starts", true).isolated();
    let host = Installation::with_null().row(row).host_key("log", "warn").start();
    host.plugin("fault").is_ready();
    let (_, said) = host.stop();
    assert!(!said.contains("times before"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn details_and_a_directory_are_to_be_had_in_a_call() {
    for skin in Skin::BOTH {
        let plugin = Plugin::fault(skin).await;
        let details: Details = plugin.create("remember").await.unwrap().details;
        assert_eq!(details.get("remembered"), Some("as it was"), "{skin:?}");
        assert_eq!(details.get("got"), Some("as it was"), "{skin:?}");
        // A library is never unloaded and holds its host, so nobody else takes this away.
        std::fs::remove_dir(details.get("directory").unwrap()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_was_started_again_can_still_ask_the_host() {
    let plugin = Plugin::fault(Skin::Process).await;
    plugin.create("abort").await.unwrap_err();
    plugin.supervisor().up().await;
    let details = plugin.create("remember").await.unwrap().details;
    assert_eq!(details.get("got"), Some("as it was"));
}
