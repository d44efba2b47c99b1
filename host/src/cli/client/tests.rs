//! The client against a real server, and against everything that is not one.

use super::{Client, ClientError};
use crate::api::credentials::Credentials;
use crate::api::tests::harness::{TestServer, credentials};
use crate::cli::api_command;
use crate::cli::args::Output;
use serde_json::json;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn data_dir(address: SocketAddr, pid: u32, credentials: &Credentials) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = json!({
        "api": format!("http://{address}/client/api"), "console": format!("http://{address}/"),
        "pid": pid,
    });
    fs::write(dir.path().join("endpoint.json"), endpoint.to_string()).unwrap();
    let path = dir.path().join("credentials.json");
    fs::write(&path, serde_json::to_string(credentials).unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

fn client(dir: &TempDir) -> Client {
    Client::discover(dir.path()).unwrap()
}

/// An address that nobody listens on.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn commands_are_called_signed() {
    let server = TestServer::start();
    let dir = data_dir(server.address, std::process::id(), &credentials());
    let client = client(&dir);
    let text = "a b+c~d*e[f](g)!/h=i&j;'é%";
    assert_eq!(client.call("echo", &[("text", text)]).unwrap(), json!({ "text": text }));
    let answer = client.call_text("whoAmI", &[]).unwrap();
    assert_eq!(answer, r#"{"whoamiresponse":{"account":"admin"}}"#);
}

#[test]
fn refusals_are_told_with_their_codes() {
    let server = TestServer::start();
    let dir = data_dir(server.address, std::process::id(), &credentials());
    let error = client(&dir).call("listStorageProviders", &[("type", "x")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "listStorageProviders: Invalid value for parameter type: use primary, image, imagecache \
         or object (error 431/4350)"
    );
    let mut wrong = credentials();
    wrong.apikey.push('x');
    let dir = data_dir(server.address, std::process::id(), &wrong);
    let error = client(&dir).call("whoAmI", &[]).unwrap_err().to_string();
    assert!(error.contains("unable to verify user credentials"), "{error}");
}

#[test]
fn host_that_does_not_run_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let error = Client::discover(dir.path()).unwrap_err();
    assert!(matches!(error, ClientError::NotRunning { .. }));
    let text = error.to_string();
    assert!(text.contains("endpoint.json") && text.contains("storage-host run"), "{text}");

    // A process that has ended and been waited for.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let dir = data_dir(nobody(), pid, &credentials());
    let error = client(&dir).call("whoAmI", &[]).unwrap_err();
    assert!(matches!(error, ClientError::Gone { .. }), "{error:?}");
    assert!(error.to_string().contains(&pid.to_string()), "{error}");

    let dir = data_dir(nobody(), std::process::id(), &credentials());
    let error = client(&dir).call("whoAmI", &[]).unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error:?}");
}

#[test]
fn credentials_that_others_may_read_are_not_used() {
    let dir = data_dir(nobody(), 1, &credentials());
    let path = dir.path().join("credentials.json");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Client::discover(dir.path()).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn server_that_is_not_the_api_is_told() {
    let server = TestServer::start();
    let dir = data_dir(server.address, std::process::id(), &credentials());
    let path = dir.path().join("endpoint.json");
    let text = fs::read_to_string(&path).unwrap().replace("/client/api", "/elsewhere");
    fs::write(path, text).unwrap();
    let error = client(&dir).call("whoAmI", &[]).unwrap_err().to_string();
    assert!(error.contains("404"), "{error}");
}

#[test]
fn any_command_can_be_called_from_a_terminal() {
    let server = TestServer::start();
    let dir = data_dir(server.address, std::process::id(), &credentials());
    let client = client(&dir);
    let run = |arguments: &[&str], output| {
        let arguments: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
        let mut out = Vec::new();
        api_command::run(&client, "listStorageProviders", &arguments, output, &mut out)
            .map(|()| String::from_utf8(out).unwrap())
            .map_err(|error| error.to_string())
    };
    assert_eq!(run(&["type=image"], Output::Table).unwrap(), "NAME  TYPE\nS3    IMAGE\n");
    assert_eq!(run(&["type=primary"], Output::Table).unwrap(), "(nothing)\n");
    assert_eq!(
        run(&["type=image"], Output::Json).unwrap(),
        "{\"liststorageprovidersresponse\":{\"count\":1,\"dataStoreProvider\":[{\"name\":\"S3\",\
         \"type\":\"IMAGE\"}]}}\n"
    );
    let error = run(&["type=image", "hunter2"], Output::Table).unwrap_err();
    assert_eq!(error, "argument 2 of listStorageProviders is not of the form name=value");
}
