//! The commands of templates and those of ISOs, each on its own kind only.

use super::harness::TestServer;
use serde_json::Value;

/// An image of a kind that waits for its upload.
#[track_caller]
fn offered(server: &TestServer, command: &str, more: &[(&str, &str)]) -> String {
    let zone = server.call("listZones", &[]).inner()["zone"][0]["id"].clone();
    let mut given = vec![("name", "mine"), ("zoneid", zone.as_str().unwrap())];
    given.extend_from_slice(more);
    let answer = server.call(command, &given);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.inner()["getuploadparams"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_command_of_one_kind_leaves_the_other_alone() {
    let (server, world) = TestServer::with_storage();
    server.block_on(world.image_store("i"));
    let template = offered(&server, "getUploadParamsForTemplate", &[("format", "RAW")]);
    let iso = offered(&server, "getUploadParamsForIso", &[]);
    for (own, other, word) in [(&template, &iso, "Template"), (&iso, &template, "Iso")] {
        for what in ["update", "delete", "extract"] {
            let refused = server.call(&format!("{what}{word}"), &[("id", other)]);
            assert_eq!(refused.status, 431, "{}", refused.body);
            let told = refused.inner()["errortext"].as_str().unwrap().to_owned();
            assert!(told.contains("use the command of that name"), "{told}");
        }
        let key = word.to_lowercase();
        let updated = server.call(&format!("update{word}"), &[("id", own), ("name", "yours")]);
        assert_eq!(updated.inner()[&key]["name"], "yours", "{}", updated.body);
        let permissions = format!("update{word}Permissions");
        assert_eq!(server.call(&permissions, &[("id", other), ("isfeatured", "true")]).status, 431);
        assert_eq!(server.call(&permissions, &[("id", own), ("isfeatured", "true")]).status, 200);
        let filter = format!("{key}filter");
        let listed = server.call(&format!("list{word}s"), &[(&filter, "featured")]).inner();
        let ids: Vec<&Value> =
            listed[&key].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [own.as_str()]);
        let wrong = server.call(&format!("list{word}s"), &[(&filter, "mine")]);
        assert!(wrong.body.contains(&filter) && wrong.body.contains("community"), "{}", wrong.body);
    }
}

#[test]
fn a_registration_that_is_sent_again_lists_the_same_template() {
    let (server, world) = TestServer::with_storage();
    server.block_on(world.image_store("i"));
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}/missing.raw", directory.path().display());
    let wish = [
        ("name", "mine"),
        ("displaytext", "mine"),
        ("format", "RAW"),
        ("url", url.as_str()),
        ("clienttoken", "once"),
    ];
    let first = server.call("registerTemplate", &wish);
    let second = server.call("registerTemplate", &wish);
    for answer in [&first, &second] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.inner()["count"], 1, "{}", answer.body);
    }
    let id = |answer: &super::harness::Answer| answer.inner()["template"][0]["id"].clone();
    assert_eq!(id(&first), id(&second));
}
