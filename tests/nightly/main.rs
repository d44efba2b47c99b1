//! A vendor builds with the compiler that he has: the documented example, built by a nightly
//! compiler, is loaded by the host of another one.
//!
//! It needs such a compiler, which not every machine has. So there is a test here only where the
//! variable says that there is one; where it is not set, this says what was left out.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use tests::generated::vendor_library;
use tests::{Installation, OrFail, Row, is_set, leave_out};

/// Set to 1 by whoever knows that there is a nightly toolchain.
const VARIABLE: &str = "STORAGE_TESTS_NIGHTLY";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if is_set(VARIABLE) {
        let name = "a_plugin_built_by_a_nightly_compiler_is_loaded";
        return libtest_mimic::run(&arguments, vec![Trial::test(name, test)]).exit_code();
    }
    leave_out(&arguments, &format!("a plugin built by a nightly compiler; set {VARIABLE}=1"))
}

fn test() -> Result<(), Failed> {
    let library = vendor_library(Some("nightly"));
    for isolated in [false, true] {
        let row = Row::with("acme", &library);
        let row = if isolated { row.isolated() } else { row };
        let host = Installation::with_null().row(row).start();
        host.plugin("acme").is_ready();
        let built_with = host.plugin("acme").text("rustc").to_owned();
        if !built_with.contains("nightly") {
            return Err(format!("it was built with {built_with}").into());
        }
        host.plugin("null").is_ready();
    }
    let place = Installation::new();
    let pool = place.file("pool");
    std::fs::create_dir(&pool).or_fail("make a directory");
    let settings = place.file("settings.toml");
    let text = format!("[primary.details]\npath = {pool:?}\n");
    std::fs::write(&settings, text).or_fail("write a settings file");
    let (library, settings) = (library.display().to_string(), settings.display().to_string());
    place.run(&["conformance", &library, "--settings", &settings]).with_code(0);
    Ok(())
}
