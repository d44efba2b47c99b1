//! A plugin that takes the host down with it, although its probe went well: the next start does
//! not load it again.

use rustix::process::Signal;
use std::fs;
use storage_host::loader::RefusalCode;
use tests::{Installation, Row, eventually};

/// An installation whose plugin does this in the host, and not in the probe.
fn place(later: &str) -> Installation {
    let place = Installation::with_null();
    let [flag, trace] = ["flag", "trace"].map(|name| place.file(name).display().to_string());
    let row = Row::fault("fault").set("flag", flag).set("trace", trace).set("later", later);
    place.row(row)
}

#[test]
fn a_plugin_that_aborts_the_host_while_it_is_loaded_is_skipped_at_the_next_start() {
    let mut place = place("abort");
    let ended = place.start_and_fail();
    assert_eq!(ended.code, None, "SIGABRT ends the host: {ended:?}");
    is_refused(&place);
    // Neither being read nor other settings use the marker up.
    place.replace_row(Row::fault("fault"));
    is_refused(&place);
    mend(&place);
    place.start().plugin("fault").is_ready();
}

#[test]
fn a_host_that_is_killed_while_it_loads_a_plugin_skips_it_at_the_next_start() {
    let mut place = place("hang");
    let host = place.launch();
    let trace = place.file("trace");
    eventually("the host configures the plugin", || {
        let lines = fs::read_to_string(&trace).unwrap_or_default();
        lines.contains("later").then_some(())
    });
    host.signal(Signal::KILL);
    host.wait();
    is_refused(&place);
    place.replace_row(Row::fault("fault"));
    mend(&place);
    place.start().plugin("fault").is_ready();
}

fn is_refused(place: &Installation) {
    let host = place.start();
    let words = ["the host ended while it was loading this plugin"];
    host.refuses("fault", RefusalCode::DiedLastTime, &words);
    let way_out = host.plugin("fault").text("wayout").to_owned();
    assert!(way_out.contains("isolation = \"process\""), "{way_out}");
    assert!(way_out.contains("loading/fault"), "{way_out}");
    host.stop();
}

/// Installs another library, as an operator does.
fn mend(place: &Installation) {
    let library = place.library("fault");
    let mut bytes = fs::read(&library).unwrap();
    bytes.extend_from_slice(b"mended");
    let beside = place.file("plugins/volume/new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(beside, library).unwrap();
}
