//! What `listApis` says is complete, and is what the commands do.

use super::harness::TestServer;
use crate::api::commands::all;
use expect_test::expect;
use serde_json::Value;
use std::collections::BTreeSet;

#[track_caller]
fn check_text(value: &Value, what: &str) {
    assert!(value.as_str().is_some_and(|text| !text.trim().is_empty()), "{what}: {value}");
}

#[track_caller]
fn check_fields(fields: &Value, command: &str) {
    for field in fields.as_array().unwrap() {
        for key in ["name", "description", "type"] {
            check_text(&field[key], &format!("{key} of a field of {command}"));
        }
        if let Some(nested) = field.get("response") {
            check_fields(nested, command);
        }
    }
}

#[test]
fn every_command_is_documented_in_full() {
    let server = TestServer::start();
    let answer = server.call("listApis", &[("listall", "true")]);
    // Marvin reads the first line only.
    assert!(!answer.body.contains('\n'));
    let inner = answer.inner();
    let apis = inner["api"].as_array().unwrap();
    assert_eq!(inner["count"].as_u64().unwrap(), apis.len() as u64);
    for api in apis {
        let name = api["name"].as_str().unwrap();
        // CloudMonkey makes verb and noun of it.
        let noun = name.find(|c: char| c.is_ascii_uppercase());
        assert!(noun.is_none_or(|at| at > 0) && name.is_ascii(), "{name}");
        check_text(&api["description"], name);
        assert!(api["isasync"].is_boolean() && api["related"].is_string(), "{name}");
        let mut names = BTreeSet::new();
        for param in api["params"].as_array().unwrap() {
            for key in ["name", "description", "type"] {
                check_text(&param[key], &format!("{key} of a parameter of {name}"));
            }
            assert!(param["required"].is_boolean() && param["length"].is_u64(), "{name}: {param}");
            let param = param["name"].as_str().unwrap();
            assert!(names.insert(param), "{name} has {param} twice");
            assert_eq!(param, param.to_ascii_lowercase(), "{name}");
        }
        check_fields(&api["response"], name);
    }
}

#[test]
fn every_command_has_a_name_of_its_own() {
    assert_eq!(all().iter().count(), crate::api::commands::ALL.len());
    let wrappers: BTreeSet<String> = all().iter().map(|command| command.wrapper()).collect();
    assert_eq!(wrappers.len(), crate::api::commands::ALL.len());
}

#[test]
fn every_command_of_the_product_answers_with_objects() {
    for command in all().iter() {
        assert!(!command.response.is_empty(), "{}", command.name);
    }
}

#[test]
fn one_command_can_be_asked_for() {
    let server = TestServer::start();
    let answer = server.call("listApis", &[("name", "listStorageProviders")]);
    expect![[r#"{"listapisresponse":{"count":1,"api":[{"name":"listStorageProviders","description":"Lists storage providers.","isasync":false,"related":"","params":[{"name":"type","description":"the type of storage provider: primary, image, imagecache or object","type":"string","length":255,"required":true},{"name":"keyword","description":"List by keyword: a part of the name, in any letter case","type":"string","length":255,"required":false},{"name":"page","description":"The page to show, from 1; needs pagesize","type":"integer","length":255,"required":false},{"name":"pagesize","description":"How many entries a page has, at most 500; -1 for all, without page","type":"integer","length":255,"required":false}],"response":[{"name":"name","description":"the name of the storage provider","type":"string"},{"name":"type","description":"the type of the storage provider: PRIMARY, IMAGE, ImageCache or OBJECT","type":"string"}]}]}}"#]].assert_eq(&answer.body);
    assert_eq!(server.call("listApis", &[("name", "nothing")]).body, r#"{"listapisresponse":{}}"#);
}
