//! Libraries that pass every look from outside: only a process that opens them can tell, and that
//! process is not the host.

use std::fs;
use storage_host::loader::RefusalCode::{self, *};
use tests::c_library::CLibraries;
use tests::{Installation, Row};

/// What the constructor of a library does, and how it is refused.
const CASES: &[(&str, &str, RefusalCode, &[&str])] = &[
    ("crashes", "*(volatile int *)8 = 1;", CrashedWhileLoading, &["killed by signal 11 (SIGSEGV)"]),
    ("aborts", "abort();", CrashedWhileLoading, &["killed by signal 6 (SIGABRT)"]),
    ("exits", "exit(0);", ExitedWhileLoading, &["exited with status 0"]),
    ("exits-at-once", "_exit(3);", ExitedWhileLoading, &["exited with status 3"]),
    ("loops", "for (;;) {}", HungWhileLoading, &["did not finish within 3s", "was killed"]),
    ("sleeps", "for (;;) pause();", HungWhileLoading, &["did not finish within 3s"]),
    (
        "speaks",
        "write(2, \"no licence found\\n\", 17); _exit(1);",
        ExitedWhileLoading,
        &["its last words: no licence found"],
    ),
    ("does-nothing", "", AbiStableVersion, &["no header of abi_stable"]),
];

#[test]
fn a_constructor_that_misbehaves_ends_the_probe_and_not_the_host() {
    let c = CLibraries::new();
    let rows = CASES.iter().map(|(name, does, ..)| Row::with(name, &c.constructor(name, does)));
    // Short, because two of them take all the time there is.
    let place = Installation::with_null().rows(rows).host_key("probe_timeout", "3s");
    let mut host = place.start();
    for (name, _, code, words) in CASES {
        host.refuses(name, *code, words);
    }
    assert!(host.is_running());
}

#[test]
fn what_a_library_lacks_is_found_when_it_is_opened_and_not_at_some_call() {
    let c = CLibraries::new();
    let code = "int nowhere_defined(void);\nint call(void) { return nowhere_defined(); }\n";
    let undefined = c.plugin("undefined", code, &["-Wl,-z,lazy"]);

    let stub = c.library("gone", "int here(void) { return 1; }\n", &[]);
    let link = format!("-L{}", c.path().display());
    let code = "int here(void);\nint call(void) { return here(); }\n";
    let lacking = c.plugin("lacking", code, &[&link, "-lgone"]);
    fs::remove_file(stub).unwrap();

    let rows = [Row::with("undefined", &undefined), Row::with("lacking", &lacking)];
    let host = Installation::with_null().rows(rows).start();
    host.refuses("undefined", UndefinedSymbol, &["undefined symbol: nowhere_defined"]);
    host.refuses("lacking", MissingLibrary, &["libgone.so", "No such file"]);
}

#[test]
fn a_plugin_whose_own_constructor_panics_is_refused_with_its_words() {
    let place = Installation::with_null().row(Row::fault("fault"));
    let host = place.variable("FAULT_CONSTRUCTOR", "panic").start();
    let words = ["the plugin panicked in the provider's constructor: told to panic"];
    host.refuses("fault", PanickedWhileLoading, &words);
}
