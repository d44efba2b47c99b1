//! The clients that people have, unmodified, against the real host: `cs` from PyPI.
//!
//! There is a test here only where the variable says where the client is; where it is not set,
//! this says what was left out.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tests::{Ended, Host, Installation, OrFail};

/// The path of the program `cs`.
const VARIABLE: &str = "STORAGE_TESTS_CS";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(cs) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        let left_out =
            format!("left out: the client cs against the host; set {VARIABLE}=/path/to/cs");
        // Nobody listens if this fails.
        writeln!(std::io::stderr(), "{left_out}").ok();
        return libtest_mimic::run(&arguments, Vec::new()).exit_code();
    };
    let test = |name: &str, test: fn(&Path) -> Result<(), Failed>| {
        let cs = cs.clone();
        Trial::test(name, move || test(&cs))
    };
    let tests = vec![
        test("cs_lists_providers_by_get_and_by_post", lists_providers),
        test("cs_reads_the_documentation_of_every_command", reads_documentation),
        test("cs_is_told_what_is_wrong", is_told),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Runs `cs` as a user does: endpoint and keys in the environment.
fn cs(program: &Path, host: &Host, secret: Option<&str>, words: &[&str]) -> Ended {
    let read = |name: &str| -> Value {
        let text = std::fs::read(host.data_dir().join(name)).or_fail(name);
        serde_json::from_slice(&text).or_fail(name)
    };
    let text = |value: &Value, key: &str| value[key].as_str().or_fail(key).to_owned();
    let (endpoint, credentials) = (read("endpoint.json"), read("credentials.json"));
    let mut command = Command::new(program);
    command
        .args(words)
        .env("CLOUDSTACK_ENDPOINT", text(&endpoint, "api"))
        .env("CLOUDSTACK_KEY", text(&credentials, "apikey"))
        .env(
            "CLOUDSTACK_SECRET",
            secret.map_or_else(|| text(&credentials, "secretkey"), Into::into),
        );
    Ended::of(&mut command)
}

fn lists_providers(program: &Path) -> Result<(), Failed> {
    let host = Installation::with_null().start();
    for post in [&[][..], &["--post"][..]] {
        let words = [post, &["listStorageProviders", "type=primary"]].concat();
        let answer = cs(program, &host, None, &words).with_code(0).json();
        let provider = &answer["dataStoreProvider"][0];
        if provider["name"] != "Null" || provider["type"] != "PRIMARY" {
            return Err(format!("it lists {answer}").into());
        }
    }
    Ok(())
}

fn reads_documentation(program: &Path) -> Result<(), Failed> {
    let host = Installation::with_null().start();
    let answer = cs(program, &host, None, &["listApis"]).with_code(0).json();
    let count = answer["api"].as_array().map_or(0, Vec::len);
    if count == 0 || answer["count"] != count {
        return Err(format!("it documents {count} of {}", answer["count"]).into());
    }
    Ok(())
}

fn is_told(program: &Path) -> Result<(), Failed> {
    let host = Installation::with_null().start();
    let check = |ended: Ended, words: &str| {
        let ended = ended.with_code(1);
        let said = format!("{}{}", ended.out, ended.err);
        if said.contains(words) { Ok(()) } else { Err(Failed::from(format!("it said {said}"))) }
    };
    let list = ["listStorageProviders", "type=primary"];
    check(cs(program, &host, Some("wrong"), &list), "unable to verify user credentials")?;
    let unknown = ["listStorageProviders", "type=tape"];
    check(cs(program, &host, None, &unknown), "use primary, image")?;
    check(cs(program, &host, None, &["listNothing"]), "432")
}
