//! The commands of volumes, snapshots and instances, over the wire: envelopes, job results, what
//! is refused and how, and where secrets are shown.

use super::harness::{Answer, TestServer};
use crate::model::{ClientToken, Host, HostState, Journal, Operation, Phase, RecordKind};
use crate::orchestration::testing::{MIB, World, request};
use crate::store::Change;
use serde_json::Value;
use uuid::Uuid;

pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) world: World,
    pool: Uuid,
}

impl Scene {
    pub(super) fn new() -> Self {
        let (server, world) = TestServer::with_storage();
        let pool = server.block_on(world.pool("a"));
        Self { server, world, pool }
    }

    pub(super) fn volume(&self) -> String {
        self.server.block_on(self.world.volume(self.pool, MIB)).to_string()
    }

    fn path(&self, volume: &str) -> String {
        self.server.block_on(self.world.see(volume.parse().unwrap())).path.clone()
    }

    pub(super) fn call(&self, command: &str, params: &[(&str, &str)]) -> Answer {
        self.server.call(command, params)
    }

    /// Calls an asynchronous command and gives what its job says at the end.
    #[track_caller]
    pub(super) fn job(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let answer = self.call(command, params);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let job = answer.inner()["jobid"].as_str().unwrap().to_owned();
        let jobs = &self.world.rooms().jobs;
        self.server.block_on(jobs.wait(job.parse().unwrap())).unwrap();
        self.call("queryAsyncJobResult", &[("jobid", &job)]).inner()
    }

    #[track_caller]
    pub(super) fn done(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let job = self.job(command, params);
        assert_eq!(job["jobstatus"], 1, "{job}");
        job["jobresult"].clone()
    }

    #[track_caller]
    pub(super) fn refused(
        &self,
        command: &str,
        params: &[(&str, &str)],
        status: u16,
        code: i64,
        text: &str,
    ) {
        let answer = self.call(command, params);
        assert_eq!(answer.status, status, "{}", answer.body);
        let inner = answer.inner();
        assert_eq!(inner["cserrorcode"], code, "{inner}");
        assert!(inner["errortext"].as_str().unwrap().contains(text), "{inner}");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_secrets_of_a_connection_are_shown_where_they_are_asked_for_only() {
    let scene = Scene::new();
    let volume = scene.volume();
    let zone = scene.world.zone.to_string();
    let deployed = scene.done("deployVirtualMachine", &[("zoneid", &zone), ("name", "vm1")]);
    let instance = deployed["virtualmachine"]["id"].as_str().unwrap();
    let attached = scene.done("attachVolume", &[("id", &volume), ("virtualmachineid", instance)]);
    let attached = &attached["volume"];
    assert_eq!((&attached["deviceid"], &attached["vmname"]), (&1.into(), &"vm1".into()));
    let connection = &attached["connection"];
    assert_eq!(connection["protocol"], "file");
    assert_eq!(connection["path"], format!("/memory/{}", scene.path(&volume)));
    assert_eq!(connection["chapinitiatorsecret"], "chap-s3cret");
    let listed = scene.call("listVolumes", &[("virtualmachineid", instance)]);
    assert_eq!(listed.inner()["count"], 1);
    assert!(!listed.body.contains("s3cret") && !listed.body.contains("connection"));
    let told = scene.call("getVolumeConnection", &[("id", &volume)]).inner();
    let told = &told["volumeconnection"];
    assert_eq!(told["virtualmachineid"], instance);
    assert_eq!(&told["connection"], connection);
    // Nor does the list of jobs tell them; the job that attached the volume does.
    assert!(!scene.call("listAsyncJobs", &[]).body.contains("s3cret"));
    let attach = [("flow", "volume.attach")];
    let operation = scene.call("listOperations", &attach).inner()["operation"][0].clone();
    let job = [("jobid", operation["id"].as_str().unwrap())];
    assert!(scene.call("queryAsyncJobResult", &job).body.contains("s3cret"));
    // Also by the instance and its device.
    let detached = scene.done("detachVolume", &[("virtualmachineid", instance), ("deviceid", "1")]);
    let detached = &detached["volume"];
    assert_eq!(detached["id"], volume.as_str());
    // Clients look whether the key is there.
    assert!(!keys(detached).contains(&"virtualmachineid") && !keys(detached).contains(&"deviceid"));
    scene.refused("getVolumeConnection", &[("id", &volume)], 431, 4350, "not attached");
    // Attached again it is another attachment, which the first job has no business with.
    let again = scene.done("attachVolume", &[("id", &volume), ("virtualmachineid", instance)]);
    assert_eq!(again["volume"]["connection"]["chapinitiatorsecret"], "chap-s3cret");
    let first = scene.call("queryAsyncJobResult", &job);
    assert!(!first.body.contains("s3cret") && !first.body.contains("connection"), "{}", first.body);
}

#[test]
fn minus_one_names_no_object() {
    let scene = Scene::new();
    let zone = scene.world.zone.to_string();
    let create = [("name", "v"), ("sizebytes", "1048576"), ("zoneid", &zone)];
    for parameter in ["storageid", "snapshotid", "sourcevolumeid", "diskofferingid"] {
        let params = [&create[..], &[(parameter, "-1")]].concat();
        scene.refused("createVolume", &params, 431, 4350, "entity does not exist");
    }
    let deploy = [("zoneid", &*zone), ("startvm", "false")];
    let deployed = scene.done("deployVirtualMachine", &deploy);
    let id = deployed["virtualmachine"]["id"].as_str().unwrap();
    let params = [("id", id), ("hostid", "-1")];
    scene.refused("startVirtualMachine", &params, 431, 4350, "entity does not exist");
    // All pools are meant by leaving it away, and by nothing else.
    for storage in ["-1", "", " "] {
        let params = [("storageid", storage)];
        scene.refused("scanOrphans", &params, 431, 4350, "entity does not exist");
        let params = [("storageid", storage), ("dryrun", "false")];
        scene.refused("purgeOrphans", &params, 431, 4350, "entity does not exist");
    }
    // A list with it is empty.
    let listed = scene.call("listVirtualMachines", &[("hostid", "-1")]);
    assert_eq!(listed.body, r#"{"listvirtualmachinesresponse":{}}"#);
}

#[test]
fn a_stopped_instance_is_on_no_host() {
    let scene = Scene::new();
    let zone = scene.world.zone.to_string();
    let deployed = scene.done("deployVirtualMachine", &[("zoneid", &zone)]);
    let instance = &deployed["virtualmachine"];
    let host = [("hostid", instance["hostid"].as_str().unwrap())];
    assert_eq!(scene.call("listVirtualMachines", &host).inner()["count"], 1);
    scene.done("stopVirtualMachine", &[("id", instance["id"].as_str().unwrap())]);
    let listed = scene.call("listVirtualMachines", &host);
    assert_eq!(listed.body, r#"{"listvirtualmachinesresponse":{}}"#);
}

#[test]
fn hosts_are_filtered_by_the_state_that_is_shown() {
    let scene = Scene::new();
    let host = scene.server.block_on(scene.world.add_host("leaving")).to_string();
    let all = scene.call("listHosts", &[("id", &host)]).inner();
    assert_eq!(all["host"][0]["state"], "Up");
    let repository = &scene.world.rooms().repository;
    let found = repository.find::<Host>(host.parse().unwrap());
    let mut stored = scene.server.block_on(found).unwrap().unwrap();
    stored.state = HostState::Removing;
    let changes = vec![Change::update(&stored)];
    scene.server.block_on(repository.transact(changes)).unwrap();
    let count = |state| {
        let listed = scene.call("listHosts", &[("id", &host), ("state", state)]).inner();
        listed["count"].as_u64().unwrap_or_default()
    };
    assert_eq!((count("Up"), count("removed")), (0, 1));
}

#[test]
fn a_token_is_declared_where_it_holds_and_refused_where_it_does_not() {
    let scene = Scene::new();
    let volume = scene.volume();
    for command in crate::api::command_table().iter() {
        assert!(command.begins || !command.is_async, "{} begins a job", command.name);
        let declares = command.params().any(|param| param.name == "clienttoken");
        assert_eq!(declares, command.begins, "{}", command.name);
    }
    // A command that answers when it is done takes one, too.
    let delete = [("id", volume.as_str()), ("clienttoken", "once")];
    assert_eq!(scene.call("deleteVolume", &delete).status, 200);
    assert_eq!(scene.call("deleteVolume", &delete).status, 200);
    let token = ("clienttoken", "word");
    scene.refused("listVolumes", &[token], 431, 4350, "takes no clienttoken");
    scene.refused("purgeOrphans", &[token], 431, 4350, "takes no clienttoken");
    // Cut, these would be one.
    let long = "x".repeat(256);
    let params = [("id", volume.as_str()), ("clienttoken", &long)];
    scene.refused("deleteVolume", &params, 431, 4350, "max allowed length 255");
}

#[test]
fn volumes_are_resized_renamed_destroyed_and_recovered() {
    let scene = Scene::new();
    let volume = scene.volume();
    let id = ("id", volume.as_str());
    let resized = scene.done("resizeVolume", &[id, ("size", "1")]);
    assert_eq!(resized["volume"]["size"], 1_u64 << 30);
    scene.refused("resizeVolume", &[id, ("sizebytes", "1048576")], 431, 4350, "shrinkok=true");
    let shrunk = scene.done("resizeVolume", &[id, ("sizebytes", "1048576"), ("shrinkok", "true")]);
    assert_eq!(shrunk["volume"]["size"], MIB);
    scene.refused("resizeVolume", &[id], 431, 4350, "give the new size");
    let renamed = scene.done("updateVolume", &[id, ("name", "data")]);
    assert_eq!(renamed["volume"]["name"], "data");
    let path = scene.call("getPathForVolume", &[("volumeid", &volume)]).inner();
    assert_eq!(path["path"]["path"], scene.path(&volume));
    let destroyed = scene.done("destroyVolume", &[id]);
    assert_eq!((&destroyed["volume"]["state"]), &Value::from("Destroy"));
    assert_eq!(destroyed["volume"]["destroyed"], true);
    let recovered = scene.call("recoverVolume", &[id]).inner();
    assert_eq!(recovered["volume"]["state"], "Ready");
    let expunged = scene.done("destroyVolume", &[id, ("expunge", "true")]);
    assert_eq!(expunged["volume"]["state"], "Expunged");
    assert_eq!(scene.call("listVolumes", &[]).body, r#"{"listvolumesresponse":{}}"#);
    scene.refused("recoverVolume", &[id], 431, 4350, "entity does not exist");
}

#[test]
fn volumes_move_between_pools() {
    let scene = Scene::new();
    let volume = scene.volume();
    let pool = scene.server.block_on(scene.world.pool("b")).to_string();
    let params = [("volumeid", volume.as_str()), ("storageid", pool.as_str())];
    let moved = scene.done("migrateVolume", &params);
    assert_eq!(moved["volume"]["storageid"], pool.as_str());
    assert_eq!((&moved["volume"]["storage"]), &Value::from("b"));
    scene.refused("migrateVolume", &params, 431, 4350, "already");
}

#[test]
fn snapshots_are_made_listed_reverted_and_deleted() {
    let scene = Scene::new();
    let volume = scene.volume();
    assert_eq!(scene.call("listSnapshots", &[]).body, r#"{"listsnapshotsresponse":{}}"#);
    let answer = scene.call("createSnapshot", &[("volumeid", &volume), ("name", "s1")]).inner();
    assert_eq!(keys(&answer), ["id", "jobid"]);
    let job = answer["jobid"].as_str().unwrap().parse().unwrap();
    scene.server.block_on(scene.world.rooms().jobs.wait(job)).unwrap();
    let snapshot = answer["id"].as_str().unwrap();
    let second = scene.done("createSnapshot", &[("volumeid", &volume)]);
    assert_eq!(second["snapshot"]["parent"], snapshot);
    assert_eq!(second["snapshot"]["parentname"], "s1");
    let count = |params: &[(&str, &str)]| {
        scene.call("listSnapshots", params).inner()["count"].as_u64().unwrap_or_default()
    };
    assert_eq!(count(&[]), 2);
    assert_eq!(count(&[("name", "s1")]), 1);
    assert_eq!(count(&[("id", snapshot)]), 1);
    assert_eq!(count(&[("ids", snapshot)]), 1);
    assert_eq!(count(&[("volumeid", &volume), ("keyword", "S1")]), 1);
    assert_eq!(count(&[("volumeid", "-1")]), 0);
    assert_eq!(count(&[("storageid", &scene.pool.to_string()), ("locationtype", "primary")]), 2);
    assert_eq!(count(&[("snapshottype", "RECURRING")]), 0);
    assert_eq!(count(&[("intervaltype", "manual")]), 2);
    for word in ["snapshottype", "intervaltype", "locationtype"] {
        assert_eq!(scene.call("listSnapshots", &[(word, "PRIMARRY")]).status, 431, "{word}");
    }
    let listed = scene.call("listSnapshots", &[("id", snapshot)]).inner();
    let listed = &listed["snapshot"][0];
    assert_eq!((&listed["state"], &listed["volumeid"]), (&"BackedUp".into(), &volume[..].into()));
    assert_eq!((&listed["virtualsize"], &listed["revertable"]), (&MIB.into(), &true.into()));
    let reverted = scene.done("revertSnapshot", &[("id", snapshot)]);
    assert_eq!(reverted["snapshot"]["id"], snapshot);
    let deleted = scene.done("deleteSnapshot", &[("id", snapshot)]);
    assert_eq!(deleted.to_string(), r#"{"success":true}"#);
    assert_eq!(count(&[]), 1);
    scene.refused("deleteSnapshot", &[("id", snapshot)], 431, 4350, "entity does not exist");
}

#[test]
fn instances_are_what_clients_of_storage_need_of_them() {
    let scene = Scene::new();
    let none = r#"{"listvirtualmachinesresponse":{}}"#;
    assert_eq!(scene.call("listVirtualMachines", &[]).body, none);
    let zone = scene.world.zone.to_string();
    let params = [
        ("zoneid", zone.as_str()),
        ("name", "vm1"),
        ("serviceofferingid", "whatever"),
        ("templateid", "whatever"),
    ];
    let answer = scene.call("deployVirtualMachine", &params).inner();
    assert_eq!(keys(&answer), ["id", "jobid"]);
    let job = answer["jobid"].as_str().unwrap().parse().unwrap();
    scene.server.block_on(scene.world.rooms().jobs.wait(job)).unwrap();
    let id = answer["id"].as_str().unwrap();
    let listed = scene.call("listVirtualMachines", &[("state", "running")]).inner();
    let listed = &listed["virtualmachine"][0];
    assert_eq!((&listed["id"], &listed["state"]), (&id.into(), &"Running".into()));
    assert_eq!((&listed["nic"], &listed["hostname"]), (&Value::Array(vec![]), &"host1".into()));
    let stopped = scene.done("stopVirtualMachine", &[("id", id)]);
    assert_eq!(stopped["virtualmachine"]["state"], "Stopped");
    assert!(!keys(&stopped["virtualmachine"]).contains(&"hostid"));
    scene.refused("stopVirtualMachine", &[("id", id)], 431, 4350, "has to be Running");
    let started = scene.done("startVirtualMachine", &[("id", id)]);
    assert_eq!(started["virtualmachine"]["state"], "Running");
    let destroyed = scene.done("destroyVirtualMachine", &[("id", id)]);
    assert_eq!(destroyed["virtualmachine"]["state"], "Destroyed");
    let expunged = scene.done("expungeVirtualMachine", &[("id", id)]);
    assert_eq!(expunged.to_string(), r#"{"success":true}"#);
    assert_eq!(scene.call("listVirtualMachines", &[]).body, none);
    let offerings = scene.call("listServiceOfferings", &[]).inner();
    assert_eq!(offerings["serviceoffering"][0]["memory"], 1024);
}

#[test]
fn volumes_are_imported_and_released() {
    let scene = Scene::new();
    let pool = scene.pool.to_string();
    let storage = ("storageid", pool.as_str());
    let none = r#"{"listvolumesforimportresponse":{}}"#;
    assert_eq!(scene.call("listVolumesForImport", &[storage]).body, none);
    scene.world.provider.foreign("a/theirs", 2 * MIB);
    let listed = scene.call("listVolumesForImport", &[storage]).inner();
    assert_eq!(listed["volumesforimport"][0]["path"], "a/theirs");
    assert_eq!(listed["volumesforimport"][0]["virtualsize"], 2 * MIB);
    let params = [storage, ("path", "a/theirs"), ("name", "adopted")];
    let imported = scene.done("importVolume", &params);
    let id = imported["volume"]["id"].as_str().unwrap();
    assert_eq!(imported["volume"]["size"], 2 * MIB);
    let twice = scene.job("importVolume", &params);
    assert_eq!((&twice["jobstatus"], &twice["jobresultcode"]), (&2.into(), &431.into()));
    let released = scene.done("unmanageVolume", &[("id", id)]);
    assert_eq!(released.to_string(), r#"{"success":true}"#);
    assert_eq!(scene.call("listVolumes", &[]).body, r#"{"listvolumesresponse":{}}"#);
    assert_eq!(scene.world.provider.paths(), ["a/theirs"]);
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let scene = Scene::new();
    let volume = scene.volume();
    let id = ("id", volume.as_str());
    scene.refused("detachVolume", &[], 431, 4350, "virtualmachineid together with deviceid");
    scene.refused("detachVolume", &[id], 431, 4350, "not attached to any instance");
    scene.refused("attachVolume", &[id], 431, 9999, "missing parameter virtualmachineid");
    let nobody = Uuid::new_v4().to_string();
    let params = [id, ("virtualmachineid", nobody.as_str())];
    scene.refused("attachVolume", &params, 431, 4350, "entity does not exist");
    scene.refused("createSnapshot", &[], 431, 9999, "missing parameter volumeid");
    let zone = scene.world.zone.to_string();
    let deployed = scene.done("deployVirtualMachine", &[("zoneid", &zone)]);
    let instance = deployed["virtualmachine"]["id"].as_str().unwrap();
    let params = [id, ("virtualmachineid", instance), ("deviceid", "-3")];
    scene.refused("attachVolume", &params, 431, 4350, "is not the number of a device");
    scene.done("attachVolume", &[id, ("virtualmachineid", instance)]);
    let other = scene.volume();
    let params = [("id", other.as_str()), ("virtualmachineid", instance), ("deviceid", "1")];
    scene.refused("attachVolume", &params, 536, 4375, "has a volume already");
    scene.refused("destroyVolume", &[id], 536, 4375, "detach it first");
    scene.refused("deleteVolume", &[id], 536, 4375, "detach it first");
}

#[test]
fn a_repeat_at_the_same_moment_gets_its_own_job_and_not_that_the_volume_is_in_use() {
    let scene = Scene::new();
    let volume = scene.volume().parse().unwrap();
    let token = ClientToken { text: "once".to_owned(), fingerprint: "same".to_owned() };
    let mut request = request();
    request.caller.token = Some(token);
    let earlier = Operation {
        uuid: Uuid::new_v4(),
        flow: "volume.update".to_owned(),
        flow_version: 1,
        state: "{}".to_owned(),
        position: 0,
        phase: Phase::Running,
        attempt: 1,
        failure: None,
        waiting_for: None,
        cancel_requested: false,
        caller: request.caller.clone(),
        command: request.command.clone(),
        object: Some((RecordKind::Volume, volume)),
        journal: Journal::default(),
        epoch: 1,
        created_us: 0,
        updated_us: 0,
    };
    // The first one has begun, after the second one looked whether there is one.
    let claim = |name: String| Change::Claim { name, holder: earlier.uuid };
    let name = format!("token:{}:{}:once", request.caller.account, request.command);
    let changes = vec![
        claim(name),
        claim(format!("object:{volume}")),
        Change::Begin(Box::new(earlier.clone())),
    ];
    scene.server.block_on(scene.world.rooms().repository.transact(changes)).unwrap();
    let volumes = &scene.world.orchestration.volumes;
    let begun = scene.server.block_on(volumes.rename(&request, volume, "new".to_owned())).unwrap();
    assert_eq!((begun.operation, begun.object), (earlier.uuid, volume));
}
