//! A vendor's plugin, made from what the documentation says and nothing else: built outside of the
//! workspace, dropped in, enabled by three lines; the host stays as it is.

use crate::conformance::settings_in;
use storage_host::loader::digest::Digest;
use tests::generated::vendor_library;
use tests::{Installation, Row, artifacts};

#[test]
fn the_documented_example_is_built_dropped_in_and_works_in_a_host_that_was_not_touched() {
    let before = Digest::of(&artifacts::host_binary()).unwrap();
    let library = vendor_library(None);
    let place = Installation::with_null().row(Row::with("acme", &library));
    let toml = || std::fs::read_to_string(place.file("plugins.toml")).unwrap();
    {
        let host = place.start();
        let acme = host.plugin("acme");
        acme.is_ready();
        assert_eq!(acme.text("provider"), "Acme");
        assert_eq!(acme.text("version"), "0.1.0");
    }
    let row: Vec<_> =
        toml().lines().rev().take_while(|line| !line.is_empty()).map(str::to_owned).collect();
    assert_eq!(row.len(), 3, "a row is three lines: {row:?}");

    let settings = settings_in(&place);
    let file = place.library("acme").display().to_string();
    let arguments = ["conformance", &file, "--settings", &settings, "--level", "4"];
    let ended = place.run(&arguments).with_code(0);
    for skin in ["Acme (in-process)", "Acme (process)"] {
        assert!(ended.out.contains(skin), "{ended:?}");
    }
    assert!(ended.out.contains(" passed, 0 failed"), "{ended:?}");
    assert_eq!(Digest::of(&artifacts::host_binary()).unwrap(), before, "the host is as it was");
}
