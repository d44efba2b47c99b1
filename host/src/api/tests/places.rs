//! Zones, pods, clusters, hosts, disk offerings and pools, over the wire.

use super::harness::TestServer;
use serde_json::{Value, json};

impl TestServer {
    /// What a command answers under a key.
    #[track_caller]
    fn made(&self, command: &str, params: &[(&str, &str)], key: &str) -> Value {
        let answer = self.call(command, params);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.inner()[key].clone()
    }

    /// The status and text of a refusal.
    #[track_caller]
    fn refused(&self, command: &str, params: &[(&str, &str)]) -> (u16, String) {
        let answer = self.call(command, params);
        assert_ne!(answer.status, 200, "{}", answer.body);
        (answer.status, answer.inner()["errortext"].as_str().unwrap().to_owned())
    }

    #[track_caller]
    fn succeeds(&self, command: &str, params: &[(&str, &str)]) {
        assert_eq!(self.call(command, params).inner(), json!({ "success": true }), "{command}");
    }
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

#[test]
fn places_are_made_listed_and_removed_from_the_inside_out() {
    let server = TestServer::start();
    let zone = server.made("createZone", &[("name", "north"), ("networktype", "basic")], "zone");
    assert_eq!(
        (&zone["networktype"], &zone["allocationstate"]),
        (&json!("Basic"), &json!("Enabled"))
    );
    let zone = id(&zone);
    let pod = server.made("createPod", &[("name", "rack"), ("zoneid", &zone)], "pod");
    assert_eq!(pod["zonename"], "north");
    let pod = id(&pod);
    let cluster = server.made(
        "addCluster",
        &[
            ("zoneid", &zone),
            ("podid", &pod),
            ("clustername", "c"),
            ("hypervisor", "kvm"),
            ("clustertype", "CloudManaged"),
        ],
        "cluster",
    );
    assert_eq!(cluster["hypervisortype"], "KVM");
    let cluster = id(&cluster);
    let host = server.made(
        "addHost",
        &[
            ("zoneid", &zone),
            ("podid", &pod),
            ("clusterid", &cluster),
            ("hypervisor", "KVM"),
            ("url", "http://kvm1:16509/"),
            ("wwpns", "50:01,50:02"),
        ],
        "host",
    );
    assert_eq!(
        (&host["name"], &host["ipaddress"], &host["wwpns"]),
        (&json!("kvm1"), &json!("kvm1"), &json!("50:01,50:02"))
    );
    let host = id(&host);
    for (command, key) in [
        ("listZones", "zone"),
        ("listPods", "pod"),
        ("listClusters", "cluster"),
        ("listHosts", "host"),
    ] {
        let listed = server.call(command, &[("id", "1")]).inner();
        assert_eq!((&listed["count"], listed[key].as_array().unwrap().len()), (&json!(1), 1));
        assert_eq!(server.call(command, &[("keyword", "zzz")]).inner(), json!({}));
    }
    assert_eq!(server.call("listHosts", &[("zoneid", "-1")]).inner(), json!({}));

    let (status, text) = server.refused("deleteZone", &[("id", &zone)]);
    assert_eq!((status, text.contains("pod \"rack\"")), (536, true), "{text}");
    let (_, text) = server.refused("deletePod", &[("id", &pod)]);
    assert!(text.contains("cluster \"c\""), "{text}");
    let (_, text) = server.refused("deleteCluster", &[("id", &cluster)]);
    assert!(text.contains("host \"kvm1\""), "{text}");

    server.succeeds("deleteHost", &[("id", &host), ("forced", "true")]);
    server.succeeds("deleteCluster", &[("id", &cluster)]);
    server.succeeds("deletePod", &[("id", &pod)]);
    server.succeeds("deleteZone", &[("id", &zone)]);
    assert_eq!(server.call("listZones", &[]).inner(), json!({}));
}

#[test]
fn places_are_renamed_and_closed() {
    let server = TestServer::start();
    let zone = id(&server.made("createZone", &[("name", "north")], "zone"));
    server.made("createZone", &[("name", "south")], "zone");
    let (status, text) = server.refused("updateZone", &[("id", &zone), ("name", "south")]);
    assert_eq!((status, text.contains("\"south\" already")), (431, true), "{text}");
    let changed = server.made(
        "updateZone",
        &[("id", &zone), ("name", "east"), ("allocationstate", "Disabled")],
        "zone",
    );
    assert_eq!(
        (&changed["name"], &changed["allocationstate"]),
        (&json!("east"), &json!("Disabled"))
    );
    let (status, _) = server.refused("updateZone", &[("id", &zone), ("allocationstate", "x")]);
    assert_eq!(status, 431);
    let (status, text) = server.refused("createZone", &[("name", "x"), ("networktype", "flat")]);
    assert_eq!((status, text.contains("Basic or Advanced")), (431, true), "{text}");
}

#[test]
fn a_host_is_disabled_and_enabled() {
    let server = TestServer::start();
    let zone = id(&server.made("createZone", &[("name", "z")], "zone"));
    let pod = id(&server.made("createPod", &[("name", "p"), ("zoneid", &zone)], "pod"));
    let cluster = id(&server.made(
        "addCluster",
        &[("zoneid", &zone), ("podid", &pod), ("clustername", "c"), ("hypervisor", "KVM")],
        "cluster",
    ));
    let params = [("zoneid", zone.as_str()), ("podid", &pod), ("clusterid", &cluster)];
    let (_, text) = server.refused("addHost", &[&params[..], &[("hypervisor", "KVM")]].concat());
    assert!(text.contains("needs a name"), "{text}");
    let all = [&params[..], &[("hypervisor", "KVM"), ("name", "h")]].concat();
    let host = id(&server.made("addHost", &all, "host"));
    for (word, state) in [("Disable", "Disabled"), ("Enable", "Enabled")] {
        let params = [("id", host.as_str()), ("allocationstate", word)];
        assert_eq!(server.made("updateHost", &params, "host")["resourcestate"], state);
        let listed = server.call("listHosts", &[("resourcestate", state)]).inner();
        assert_eq!(listed["count"], 1);
    }
    let (status, _) = server.refused("updateHost", &[("id", &host), ("allocationstate", "maybe")]);
    assert_eq!(status, 431);
}

#[test]
fn disk_offerings_are_made_changed_and_withdrawn() {
    let server = TestServer::start();
    let made = server.made(
        "createDiskOffering",
        &[
            ("name", "fast"),
            ("displaytext", "Fast"),
            ("disksize", "5"),
            ("tags", "ssd,fast"),
            ("miniops", "10"),
            ("maxiops", "20"),
            ("provisioningtype", "fat"),
        ],
        "diskoffering",
    );
    assert_eq!(made["disksize"], 5);
    assert_eq!((&made["iscustomized"], &made["tags"]), (&json!(false), &json!("ssd,fast")));
    assert_eq!((&made["maxiops"], &made["provisioningtype"]), (&json!(20), &json!("fat")));
    let offering = id(&made);
    let custom = server.made(
        "createDiskOffering",
        &[("name", "any"), ("displaytext", "Any"), ("customized", "true")],
        "diskoffering",
    );
    assert_eq!((&custom["disksize"], &custom["iscustomized"]), (&json!(0), &json!(true)));
    for wrong in [
        vec![("name", "x"), ("customized", "true"), ("disksize", "1")],
        vec![("name", "x"), ("customized", "false")],
        vec![("name", "x"), ("disksize", "0")],
        vec![("name", "x"), ("miniops", "2"), ("maxiops", "1")],
        vec![("name", "x"), ("provisioningtype", "y")],
        vec![("name", "fast")],
    ] {
        assert_eq!(server.refused("createDiskOffering", &wrong).0, 431, "{wrong:?}");
    }
    let changed = server.made(
        "updateDiskOffering",
        &[("id", &offering), ("displaytext", "Faster"), ("state", "Inactive")],
        "diskoffering",
    );
    assert_eq!(
        (&changed["displaytext"], &changed["state"]),
        (&json!("Faster"), &json!("Inactive"))
    );
    assert_eq!(server.call("listDiskOfferings", &[]).inner()["count"], 1);
    assert_eq!(server.call("listDiskOfferings", &[("state", "all")]).inner()["count"], 2);
    server.succeeds("deleteDiskOffering", &[("id", &offering)]);
    assert_eq!(server.call("listDiskOfferings", &[("state", "all")]).inner()["count"], 1);
}

#[test]
fn commands_about_pools_answer_as_clients_expect() {
    let server = TestServer::start();
    assert_eq!(server.call("listStorageTags", &[]).body, r#"{"liststoragetagsresponse":{}}"#);
    assert_eq!(server.call("listStoragePools", &[]).body, r#"{"liststoragepoolsresponse":{}}"#);
    assert_eq!(server.call("listStoragePools", &[("hostid", "-1")]).inner(), json!({}));
    let nobody = "5e7f6d31-3c1e-4f4e-9d4d-000000000000";
    for command in [
        "updateStoragePool",
        "enableStorageMaintenance",
        "cancelStorageMaintenance",
        "deleteStoragePool",
        "releaseStoragePoolQuarantine",
        "findStoragePoolsForMigration",
    ] {
        let (status, text) = server.refused(command, &[("id", nobody)]);
        assert_eq!((status, text.contains("entity does not exist")), (431, true), "{text}");
        let (status, text) = server.refused(command, &[]);
        assert_eq!((status, text.contains("due to missing parameter id")), (431, true), "{text}");
    }
}
