//! The commands of the frame, over the wire.

use super::harness::TestServer;
use expect_test::{Expect, expect};

#[track_caller]
fn check(command: &str, params: &[(&str, &str)], expected: Expect) {
    let answer = TestServer::start().call(command, params);
    expected.assert_eq(&format!("{} {}", answer.status, answer.body));
}

#[test]
fn provider_is_listed_under_each_of_its_types() {
    check(
        "listStorageProviders",
        &[("type", "image")],
        expect![[
            r#"200 {"liststorageprovidersresponse":{"count":1,"dataStoreProvider":[{"name":"S3","type":"IMAGE"}]}}"#
        ]],
    );
    check(
        "listStorageProviders",
        &[("type", "ImageCACHE")],
        expect![[
            r#"200 {"liststorageprovidersresponse":{"count":1,"dataStoreProvider":[{"name":"S3","type":"ImageCache"}]}}"#
        ]],
    );
    check(
        "listStorageProviders",
        &[("type", "PRIMARY")],
        expect![[r#"200 {"liststorageprovidersresponse":{}}"#]],
    );
    check(
        "listStorageProviders",
        &[("type", "object")],
        expect![[r#"200 {"liststorageprovidersresponse":{}}"#]],
    );
    check(
        "listStorageProviders",
        &[("type", "image"), ("keyword", "s"), ("page", "1"), ("pagesize", "10")],
        expect![[
            r#"200 {"liststorageprovidersresponse":{"count":1,"dataStoreProvider":[{"name":"S3","type":"IMAGE"}]}}"#
        ]],
    );
    check(
        "listStorageProviders",
        &[("type", "image"), ("page", "2"), ("pagesize", "10")],
        expect![[r#"200 {"liststorageprovidersresponse":{"count":1}}"#]],
    );
}

#[test]
fn type_of_providers_must_be_one() {
    check(
        "listStorageProviders",
        &[],
        expect![[
            r#"430 {"liststorageprovidersresponse":{"uuidList":[],"errorcode":430,"cserrorcode":9999,"errortext":"need to specify type: either primary, image, imagecache or object"}}"#
        ]],
    );
    check(
        "listStorageProviders",
        &[("type", "")],
        expect![[
            r#"431 {"liststorageprovidersresponse":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"Invalid value for parameter type: use primary, image, imagecache or object"}}"#
        ]],
    );
    check(
        "listStorageProviders",
        &[("type", "unknown")],
        expect![[
            r#"431 {"liststorageprovidersresponse":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"Invalid value for parameter type: use primary, image, imagecache or object"}}"#
        ]],
    );
}

#[test]
fn plugins_are_listed_with_everything_that_is_known() {
    check(
        "listStoragePlugins",
        &[("kind", "image")],
        expect![[
            r#"200 {"liststoragepluginsresponse":{"count":1,"storageplugin":[{"name":"s3","kind":"image","state":"Ready","provider":"S3","types":"IMAGE,ImageCache","scopes":"REGION","version":"1.2.3","license":"MIT","abi":"0.1","sdk":"0.1.0","rustc":"1.95.0","target":"x86_64-unknown-linux-gnu","glibc":"2.34","isolation":"process","required":true,"path":"/plugins/image/libstorage_image_s3.so","digest":"abababababababababababababababababababababababababababababababab","pid":4711,"restarts":2,"lastend":"signal 11","loadms":12.5}]}}"#
        ]],
    );
    check(
        "listStoragePlugins",
        &[("name", "ceph")],
        expect![[
            r#"200 {"liststoragepluginsresponse":{"count":1,"storageplugin":[{"name":"ceph","kind":"volume","state":"Failed","isolation":"in-process","required":false,"path":"/plugins/volume/libstorage_volume_ceph.so","code":"newer-glibc","reason":"cannot load \"ceph\": needs glibc 2.99","wayout":"build it on an older system"}]}}"#
        ]],
    );
    check(
        "listStoragePlugins",
        &[("keyword", "nothing")],
        expect![[r#"200 {"liststoragepluginsresponse":{}}"#]],
    );
    check(
        "listStoragePlugins",
        &[("kind", "object")],
        expect![[
            r#"431 {"liststoragepluginsresponse":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"Invalid value for parameter kind: use image or volume"}}"#
        ]],
    );
}

#[test]
fn capabilities_are_what_is_true() {
    check(
        "listCapabilities",
        &[],
        expect![[
            r#"200 {"listcapabilitiesresponse":{"capability":{"cloudstackversion":"1.0.0","allowusercreateprojects":false,"dynamicrolesenabled":false,"projectinviterequired":false,"regionsecondaryenabled":false,"securitygroupsenabled":false,"supportELB":"false"}}}"#
        ]],
    );
}
