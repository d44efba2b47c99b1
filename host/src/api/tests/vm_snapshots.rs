//! The commands of instance snapshots, over the wire: keys as clients look for them, job results,
//! what is refused and how.

use super::volumes::Scene;
use serde_json::Value;
use storage_plugin_api::{StrategyPriority, StrategyVerdict};

/// An instance that is stopped, with one volume.
fn instance(scene: &Scene) -> String {
    let zone = scene.world.zone.to_string();
    let wish = [("zoneid", &*zone), ("name", "web"), ("startvm", "false")];
    let deployed = scene.done("deployVirtualMachine", &wish);
    let instance = deployed["virtualmachine"]["id"].as_str().unwrap().to_owned();
    let volume = scene.volume();
    scene.done("attachVolume", &[("id", &volume), ("virtualmachineid", &instance)]);
    instance
}

fn list(scene: &Scene, command: &str, params: &[(&str, &str)], key: &str) -> Vec<Value> {
    let inner = scene.call(command, params).inner();
    inner[key].as_array().cloned().unwrap_or_default()
}

#[test]
fn instance_snapshots_come_and_go_under_the_keys_that_clients_look_for() {
    let scene = Scene::new();
    let instance = instance(&scene);
    let wish = [("virtualmachineid", &*instance), ("name", "before"), ("description", "safe")];
    let made = scene.done("createVMSnapshot", &wish);
    let first = &made["vmsnapshot"];
    for (key, expected) in [
        ("name", "before"),
        ("displayname", "before"),
        ("description", "safe"),
        ("state", "Ready"),
        ("type", "Disk"),
        ("virtualmachineid", &instance),
        ("virtualmachinename", "web"),
        ("hypervisor", "KVM"),
        ("strategy", "Host"),
    ] {
        assert_eq!(first[key], expected, "{key} of {first}");
    }
    assert!(first["current"] == true && first.get("parent").is_none(), "{first}");
    let id = first["id"].as_str().unwrap();
    let second = scene.done("createVMSnapshot", &wish[..1]);
    let second = &second["vmsnapshot"];
    assert_eq!((&second["parent"], &second["parentName"]), (&first["id"], &"before".into()));

    let all = |params: &[(&str, &str)]| list(&scene, "listVMSnapshot", params, "vmSnapshot");
    assert_eq!(all(&[("virtualmachineid", &instance)]).len(), 2);
    assert_eq!(all(&[("name", "before"), ("state", "Ready")])[0]["id"], id);
    assert_eq!(all(&[("vmsnapshotid", id)])[0]["current"], false);
    assert_eq!(
        scene.call("listVMSnapshot", &[("name", "x")]).body,
        r#"{"listvmsnapshotresponse":{}}"#
    );

    let reverted = scene.done("revertToVMSnapshot", &[("vmsnapshotid", id)]);
    assert_eq!(reverted["virtualmachine"]["id"], instance.as_str());
    assert_eq!(all(&[("vmsnapshotid", id)])[0]["current"], true);
    let deleted = scene.done("deleteVMSnapshot", &[("vmsnapshotid", id)]);
    assert_eq!(deleted["success"], true);
    assert!(all(&[("name", "before")]).is_empty());
}

#[test]
fn members_are_listed_where_they_are_asked_for_and_only_there() {
    let scene = Scene::new();
    let instance = instance(&scene);
    let made = scene.done("createVMSnapshot", &[("virtualmachineid", &instance)]);
    let made = &made["vmsnapshot"];
    let snapshots = |params: &[(&str, &str)]| list(&scene, "listSnapshots", params, "snapshot");
    assert!(snapshots(&[]).is_empty() && snapshots(&[("snapshottype", "RECURRING")]).is_empty());
    let member = &snapshots(&[("snapshottype", "group")])[0];
    assert_eq!(member["vmsnapshotid"], made["id"]);
    assert_eq!(made["snapshots"][0], member["id"]);
    let id = member["id"].as_str().unwrap();
    assert_eq!(snapshots(&[("id", id)]).len(), 1);
    scene.refused("deleteSnapshot", &[("id", id)], 431, 4350, "deleteVMSnapshot");
    scene.refused("revertSnapshot", &[("id", id)], 431, 4350, "revertToVMSnapshot");
}

#[test]
fn who_asks_for_what_nobody_can_is_told_why() {
    let scene = Scene::new();
    let instance = instance(&scene);
    let of = ("virtualmachineid", &*instance);
    let quiesce = [of, ("quiescevm", "true")];
    scene.refused("createVMSnapshot", &quiesce, 431, 4555, "without quiescevm=true");
    let explain = |params: &[(&str, &str)]| {
        list(&scene, "listVMSnapshotStrategies", params, "vmsnapshotstrategy")
    };
    let said = explain(&quiesce);
    assert_eq!((said.len(), &said[0]["priority"]), (1, &"CANT_HANDLE".into()));
    assert_eq!((&said[0]["strategy"], &said[0]["wins"]), (&"Host".into(), &false.into()));
    let verdict = StrategyVerdict::new(StrategyPriority::Highest, "it is mine");
    scene.world.provider.says(Ok(verdict));
    let said = explain(&[of]);
    assert_eq!((&said[0]["priority"], &said[0]["wins"]), (&"DEFAULT".into(), &false.into()));
    assert_eq!(
        (&said[1]["strategy"], &said[1]["reason"], &said[1]["wins"]),
        (&"In Memory".into(), &"it is mine".into(), &true.into())
    );
    let made = scene.done("createVMSnapshot", &[of]);
    assert_eq!(made["vmsnapshot"]["strategy"], "In Memory");
}
