//! The clients that people have, unmodified, against the real host: `cs` from PyPI.
//!
//! There is a test here only where the variable says where the client is; where it is not set,
//! this says what was left out.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tests::{Ended, Host, Installation, OrFail, Provider, leave_out};

/// The path of the program `cs`.
const VARIABLE: &str = "STORAGE_TESTS_CS";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(cs) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        let what = format!("the client cs against the host; set {VARIABLE}=/path/to/cs");
        return leave_out(&arguments, &what);
    };
    let test = |name: &str, test: fn(&Path) -> Result<(), Failed>| {
        let cs = cs.clone();
        Trial::test(name, move || test(&cs))
    };
    let flows = Provider::BOTH.into_iter().flat_map(|provider| {
        let cs = cs.clone();
        ["library", "program"].map(move |skin| {
            let cs = cs.clone();
            let name = format!("cs_as_a_{skin}_runs_every_flow_on_{}", provider.name());
            Trial::test(name, move || runs_flows(&cs, skin, provider))
        })
    });
    let mut tests = vec![
        test("cs_lists_providers_by_get_and_by_post", lists_providers),
        test("cs_reads_the_documentation_of_every_command", reads_documentation),
        test("cs_is_told_what_is_wrong", is_told),
        test("cs_runs_the_script_of_the_readme", runs_readme),
    ];
    tests.extend(flows);
    tests.extend(["library", "program"].map(|skin| {
        let cs = cs.clone();
        let name = format!("cs_as_a_{skin}_registers_backs_up_and_restores");
        Trial::test(name, move || runs_images(&cs, skin))
    }));
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Runs `cs` as a user does: endpoint and keys in the environment.
fn cs(program: &Path, host: &Host, secret: Option<&str>, words: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.args(words);
    sign_in(&mut command, host, secret);
    Ended::of(&mut command)
}

/// Endpoint and keys, where `cs` looks for them.
fn sign_in(command: &mut Command, host: &Host, secret: Option<&str>) {
    let read = |name: &str| -> Value {
        let text = std::fs::read(host.data_dir().join(name)).or_fail(name);
        serde_json::from_slice(&text).or_fail(name)
    };
    let text = |value: &Value, key: &str| value[key].as_str().or_fail(key).to_owned();
    let (endpoint, credentials) = (read("endpoint.json"), read("credentials.json"));
    let secret = secret.map_or_else(|| text(&credentials, "secretkey"), Into::into);
    command
        .env("CLOUDSTACK_ENDPOINT", text(&endpoint, "api"))
        .env("CLOUDSTACK_KEY", text(&credentials, "apikey"))
        .env("CLOUDSTACK_SECRET", secret)
        .env("CLOUDSTACK_POLL_INTERVAL", "0.02");
}

/// The whole list of flows (`flows.py`), by the library or the program.
fn runs_flows(program: &Path, skin: &str, provider: Provider) -> Result<(), Failed> {
    let place = Installation::with_pools();
    let host = place.start();
    let directory = place.file("pool");
    std::fs::create_dir(&directory)?;
    let mut script = script("flows.py", program);
    script.args([skin, provider.name()]).arg(&directory).arg(program);
    ends_well(script, &host)
}

/// From a URL to another zone, and back down (`images.py`), by the library or the program.
fn runs_images(program: &Path, skin: &str) -> Result<(), Failed> {
    let place = Installation::with_images();
    let host = place.start();
    let (_, images) = host.first_image_store();
    let mut script = script("images.py", program);
    script.arg(skin).arg(place.file("pools")).arg(images).arg(program);
    ends_well(script, &host)
}

/// A script of this suite, for the interpreter of the environment that `cs` is installed in.
fn script(name: &str, program: &Path) -> Command {
    let mut command = Command::new(program.with_file_name("python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name));
    command
}

fn ends_well(mut script: Command, host: &Host) -> Result<(), Failed> {
    // Nothing is written beside the scripts.
    sign_in(script.env("PYTHONDONTWRITEBYTECODE", "1"), host, None);
    let ended = Ended::of(&mut script);
    match ended.code {
        Some(0) => Ok(()),
        _ => Err(format!("{}{}", ended.out, ended.err).into()),
    }
}

/// The script in the README, word by word, where a reader would run it.
fn runs_readme(program: &Path) -> Result<(), Failed> {
    let readme = std::fs::read_to_string(tests::artifacts::root().join("README.md"))?;
    let script = readme.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let place = Installation::with_pools();
    let host = place.start();
    let mut command = Command::new(program.with_file_name("python"));
    command.current_dir(place.path()).arg("-c").arg(script.or_fail("the README has a script"));
    // Its answers come at once: the seconds that `cs` waits between two looks are the reader's.
    let ended = Ended::of(&mut command);
    let left = host.list("listVolumes", &[]);
    match (ended.code, left.is_empty()) {
        (Some(0), true) => Ok(()),
        _ => Err(format!("{}{} {left:?}", ended.out, ended.err).into()),
    }
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
