//! What happens to instance snapshots: state, chain, and bytes in the provider.

use super::{CreateVmSnapshot, Strategy};
use crate::model::{
    Attachment, Failure, GROUP, Instance, Snapshot, SnapshotState, Stored, VmSnapshot,
    VmSnapshotState, VolumeState,
};
use crate::orchestration::instance::DeployInstance;
use crate::orchestration::testing::{MIB, World, request};
use crate::orchestration::volume::{CreateVolume, ResizeVolume, VolumeSource};
use crate::orchestration::{RequestContext, Started};
use crate::store::{Change, Filter, Key};
use storage_plugin_api::{
    HypervisorType, PluginError, PluginErrorKind, PluginResult, StrategyPriority, StrategyVerdict,
    VmSnapshotType,
};
use uuid::Uuid;

/// An instance that is stopped, with a volume on each of two pools.
struct Scene {
    world: World,
    instance: Uuid,
    volumes: [Uuid; 2],
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let wish = DeployInstance { zone: world.zone, stopped: true, ..DeployInstance::default() };
        let instances = &world.orchestration.instances;
        let instance = world.done(instances.deploy(&request(), wish).await).await.object;
        let (one, other) = (world.pool("a").await, world.pool("b").await);
        let volumes = [world.volume(one, MIB).await, world.volume(other, MIB).await];
        let scene = Self { world, instance, volumes };
        for volume in volumes {
            scene.attach(volume).await;
        }
        scene
    }

    async fn attach(&self, volume: Uuid) {
        let volumes = &self.world.orchestration.volumes;
        let begun = volumes.attach(&request(), volume, self.instance, None).await;
        self.world.done(begun).await;
    }

    async fn detach(&self, volume: Uuid) {
        let begun = self.world.orchestration.volumes.detach(&request(), volume).await;
        self.world.done(begun).await;
    }

    /// Writes into both volumes.
    async fn write(&self, bytes: &[u8; 4]) {
        for volume in self.volumes {
            self.world.provider.put(&self.world.see(volume).await.path, 0, bytes);
        }
    }

    /// What both volumes hold.
    async fn read(&self) -> Vec<Vec<u8>> {
        let mut read = Vec::new();
        for volume in self.volumes {
            read.push(self.world.provider.bytes(&self.world.see(volume).await.path, 0, 4));
        }
        read
    }

    async fn begin(&self, wish: CreateVmSnapshot) -> Result<Started, Failure> {
        let wish = CreateVmSnapshot { instance: self.instance, ..wish };
        self.world.orchestration.vm_snapshots.create(&request(), wish).await
    }

    async fn take(&self) -> Uuid {
        let begun = self.begin(CreateVmSnapshot::default()).await;
        self.world.done(begun).await.object
    }

    async fn delete(&self, group: Uuid) -> Result<Started, Failure> {
        self.world.orchestration.vm_snapshots.delete(&request(), group).await
    }

    async fn revert(&self, group: Uuid) -> Result<Started, Failure> {
        self.world.orchestration.vm_snapshots.revert(&request(), group).await
    }

    async fn see(&self, group: Uuid) -> Stored<VmSnapshot> {
        let repository = &self.world.rooms().repository;
        repository.find_any::<VmSnapshot>(Key::Uuid(group)).await.unwrap().unwrap()
    }

    async fn member(&self, group: Uuid, number: usize) -> Stored<Snapshot> {
        let member = Key::Uuid(self.see(group).await.members[number]);
        self.world.rooms().repository.find_any::<Snapshot>(member).await.unwrap().unwrap()
    }

    /// Changes the record of the instance behind everybody's back.
    async fn change(&self, change: impl FnOnce(&mut Instance)) {
        let mut instance = self.world.orchestration.instances.find(self.instance).await.unwrap();
        change(&mut instance);
        self.world.rooms().repository.transact(vec![Change::update(&instance)]).await.unwrap();
    }
}

fn verdict(priority: StrategyPriority) -> PluginResult<StrategyVerdict> {
    Ok(StrategyVerdict::new(priority, "because"))
}

#[tokio::test]
async fn a_group_is_of_all_volumes_and_puts_all_of_them_back() {
    let scene = Scene::new().await;
    scene.write(b"then").await;
    let group = scene.take().await;
    scene.write(b"now!").await;
    let seen = scene.see(group).await;
    assert_eq!((seen.state, seen.current, &seen.strategy), (VmSnapshotState::Ready, true, &None));
    for (number, volume) in scene.volumes.into_iter().enumerate() {
        let member = scene.member(group, number).await;
        assert_eq!((member.volume.uuid, member.state), (volume, SnapshotState::BackedUp));
        assert_eq!((&*member.snapshot_type, member.vm_snapshot), (GROUP, Some(group)));
        assert_eq!(scene.world.provider.bytes(&member.path, 0, 4), b"then");
    }
    scene.world.done(scene.revert(group).await).await;
    assert_eq!(scene.read().await, [b"then", b"then"]);
    for volume in scene.volumes {
        assert_eq!(scene.world.see(volume).await.state, VolumeState::Ready);
    }
    scene.world.done(scene.delete(group).await).await;
    let seen = scene.see(group).await;
    assert!(seen.removed_us.is_some() && seen.state == VmSnapshotState::Removed);
    assert_eq!(scene.world.provider.paths().len(), 2);
    assert_eq!(scene.read().await, [b"then", b"then"]);
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn a_member_that_fails_voids_the_group() {
    let scene = Scene::new().await;
    scene.world.provider.fail_late("take_snapshot", PluginError::internal("lost the answer"));
    let begun = scene.begin(CreateVmSnapshot::default()).await;
    let group = begun.as_ref().unwrap().object;
    let failure = scene.world.undone(begun).await;
    assert!(failure.message.contains("volume \"volume-"), "{failure}");
    let seen = scene.see(group).await;
    assert!(seen.removed_us.is_some() && seen.state == VmSnapshotState::Error);
    let left = scene.world.rooms().repository.list::<Snapshot>(&Filter::default()).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(scene.world.provider.paths().len(), 2);
    for volume in scene.volumes {
        assert_eq!(scene.world.see(volume).await.state, VolumeState::Ready);
    }
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn memory_quiescence_and_guests_that_run_are_refused_with_the_reason() {
    let scene = Scene::new().await;
    let quiesce = CreateVmSnapshot { quiesce_vm: true, ..CreateVmSnapshot::default() };
    let refused = scene.begin(quiesce).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unsupported);
    assert!(refused.message.contains("without quiescevm=true"), "{refused}");
    let memory = || CreateVmSnapshot { memory: true, ..CreateVmSnapshot::default() };
    let refused = scene.begin(memory()).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    let instances = &scene.world.orchestration.instances;
    scene.world.done(instances.start(&request(), scene.instance, None).await).await;
    let refused = scene.begin(memory()).await.unwrap_err();
    assert!(refused.message.contains("without snapshotmemory=true"), "{refused}");
    let refused = scene.begin(CreateVmSnapshot::default()).await.unwrap_err();
    assert!(refused.message.contains("is Running on KVM"), "{refused}");
    // One that is a record only writes nothing.
    scene.change(|instance| instance.hypervisor = HypervisorType::Simulator).await;
    let group = scene.take().await;
    let refused = scene.revert(group).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("stop it first"), "{refused}");
    scene.world.done(instances.stop(&request(), scene.instance).await).await;
    scene.world.done(scene.revert(group).await).await;
}

#[tokio::test]
async fn the_strategy_of_a_provider_wins_by_its_priority_alone() {
    let scene = Scene::new().await;
    let explain = || async {
        let vm_snapshots = &scene.world.orchestration.vm_snapshots;
        let verdicts = vm_snapshots.explain(scene.instance, false, false).await.unwrap();
        let winner = verdicts.iter().find(|verdict| verdict.wins).unwrap().strategy.clone();
        (winner, verdicts.last().unwrap().clone())
    };
    let vendor = Strategy::Provider("In Memory".to_owned());
    assert_eq!(explain().await.0, Strategy::Host);
    for (priority, wins) in [
        (StrategyPriority::CantHandle, false),
        (StrategyPriority::Default, false),
        (StrategyPriority::Hypervisor, true),
        (StrategyPriority::Highest, true),
        (StrategyPriority::Unknown, false),
    ] {
        scene.world.provider.says(verdict(priority));
        let (winner, said) = explain().await;
        assert_eq!(winner == vendor, wins, "{priority}");
        assert_eq!((said.strategy, &*said.reason), (vendor.clone(), "because"));
    }
    scene.world.provider.says(Err(PluginError::internal("it is confused")));
    let (winner, said) = explain().await;
    assert_eq!((winner, said.priority), (Strategy::Host, StrategyPriority::CantHandle));
    assert!(said.reason.contains("it is confused"), "{said:?}");
}

#[tokio::test]
async fn the_strategy_that_took_a_group_does_all_of_it() {
    let scene = Scene::new().await;
    scene.world.provider.says(verdict(StrategyPriority::Highest));
    scene.write(b"then").await;
    let group = scene.take().await;
    scene.write(b"now!").await;
    let seen = scene.see(group).await;
    assert_eq!(seen.strategy.as_deref(), Some("In Memory"));
    let member = scene.member(group, 1).await;
    assert_eq!(scene.world.provider.bytes(&member.path, 0, 4), b"then");
    // Whatever it would say today.
    scene.world.provider.says(verdict(StrategyPriority::CantHandle));
    scene.world.done(scene.revert(group).await).await;
    assert_eq!(scene.read().await, [b"then", b"then"]);
    scene.world.done(scene.delete(group).await).await;
    let calls = |method| scene.world.provider.calls(method);
    assert_eq!(
        (calls("take_vm_snapshot"), calls("revert_vm_snapshot"), calls("delete_vm_snapshot")),
        (1, 1, 1)
    );
    assert_eq!((calls("take_snapshot"), calls("revert_snapshot")), (0, 0));
    assert_eq!(scene.world.provider.paths().len(), 2);
}

#[tokio::test]
async fn a_strategy_that_fails_leaves_nothing() {
    let scene = Scene::new().await;
    scene.world.provider.says(verdict(StrategyPriority::Highest));
    scene.world.provider.fail_late("take_vm_snapshot", PluginError::internal("lost the answer"));
    scene.world.undone(scene.begin(CreateVmSnapshot::default()).await).await;
    assert_eq!(scene.world.provider.paths().len(), 2);
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn members_come_and_go_with_their_group_alone() {
    let scene = Scene::new().await;
    let wish = CreateVmSnapshot { name: Some("before".to_owned()), ..CreateVmSnapshot::default() };
    let group = scene.world.done(scene.begin(wish.clone()).await).await.object;
    let member = scene.member(group, 0).await;
    let snapshots = &scene.world.orchestration.snapshots;
    for refused in [
        snapshots.delete(&request(), member.uuid).await.unwrap_err(),
        snapshots.revert(&request(), member.uuid).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind, PluginErrorKind::Conflict);
        assert!(refused.message.contains("instance snapshot \"before\""), "{refused}");
    }
    let refused = scene.begin(wish).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::AlreadyExists);
    // A volume can be made of one.
    let wish = CreateVolume {
        source: Some(VolumeSource::Snapshot(member.uuid)),
        ..CreateVolume::default()
    };
    let volumes = &scene.world.orchestration.volumes;
    scene.world.done(volumes.create(&request(), wish).await).await;
    let instances = &scene.world.orchestration.instances;
    for expunge in [false, true] {
        let refused = instances.destroy(&request(), scene.instance, expunge).await.unwrap_err();
        assert_eq!(refused.kind, PluginErrorKind::InUse);
        assert!(refused.message.contains("\"before\""), "{refused}");
    }
    scene.world.done(scene.delete(group).await).await;
    scene.world.done(instances.destroy(&request(), scene.instance, true).await).await;
}

#[tokio::test]
async fn the_chain_of_an_instance_has_one_current_and_no_gaps() {
    let scene = Scene::new().await;
    let (first, second, third) = (scene.take().await, scene.take().await, scene.take().await);
    let current = || async {
        let all = scene.world.orchestration.vm_snapshots.list(&Filter::default()).await.unwrap();
        all.into_iter().filter(|one| one.current).map(|one| one.uuid).collect::<Vec<_>>()
    };
    assert_eq!(scene.see(third).await.parent, Some(second));
    scene.world.done(scene.delete(second).await).await;
    assert_eq!(scene.see(third).await.parent, Some(first));
    assert_eq!(scene.member(third, 0).await.parent, Some(scene.member(first, 0).await.uuid));
    assert_eq!(current().await, [third]);
    scene.world.done(scene.revert(first).await).await;
    assert_eq!(current().await, [first]);
    let fourth = scene.take().await;
    assert_eq!(scene.see(fourth).await.parent, Some(first));
    scene.world.done(scene.delete(fourth).await).await;
    assert_eq!(current().await, [first]);
    assert_eq!(scene.see(third).await.state, VmSnapshotState::Ready);
}

#[tokio::test]
async fn a_volume_that_came_or_went_since_is_named() {
    let scene = Scene::new().await;
    let group = scene.take().await;
    let [first, second] = scene.volumes;
    scene.detach(second).await;
    let refused = scene.revert(group).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    let name = |volume: Uuid| format!("volume-{volume}");
    assert!(refused.message.contains(&format!("detached: \"{}\"", name(second))), "{refused}");
    let pool = scene.world.see(first).await.pool.unwrap();
    let third = scene.world.volume(pool, MIB).await;
    scene.attach(third).await;
    let refused = scene.revert(group).await.unwrap_err();
    assert!(refused.message.contains(&format!("attached: \"{}\"", name(third))), "{refused}");
    assert_eq!(scene.see(group).await.state, VmSnapshotState::Ready);
    scene.detach(third).await;
    scene.attach(second).await;
    scene.world.done(scene.revert(group).await).await;

    let volumes = &scene.world.orchestration.volumes;
    scene.detach(second).await;
    scene.world.done(volumes.migrate(&request(), second, pool).await).await;
    scene.attach(second).await;
    let refused = scene.revert(group).await.unwrap_err();
    assert!(refused.message.contains("moved to another storage pool"), "{refused}");
    scene.detach(second).await;
    scene.world.done(volumes.expunge(&request(), second).await).await;
    let refused = scene.revert(group).await.unwrap_err();
    assert!(refused.message.contains(&format!("removed: \"{}\"", name(second))), "{refused}");
}

#[tokio::test]
async fn memory_is_the_affair_of_a_strategy_that_says_that_it_can() {
    let scene = Scene::new().await;
    let instances = &scene.world.orchestration.instances;
    scene.world.done(instances.start(&request(), scene.instance, None).await).await;
    scene.world.provider.says(verdict(StrategyPriority::Hypervisor));
    let wish = CreateVmSnapshot { memory: true, ..CreateVmSnapshot::default() };
    let group = scene.world.done(scene.begin(wish).await).await.object;
    assert_eq!(scene.see(group).await.snapshot_type, VmSnapshotType::DiskAndMemory);
    scene.world.done(instances.stop(&request(), scene.instance).await).await;
    let refused = scene.revert(group).await.unwrap_err();
    assert!(refused.message.contains("start it first"), "{refused}");
    scene.world.done(instances.start(&request(), scene.instance, None).await).await;
    scene.world.done(scene.revert(group).await).await;
}

#[tokio::test]
async fn a_revert_goes_on_until_every_volume_is_as_it_was() {
    let scene = Scene::new().await;
    scene.write(b"then").await;
    let group = scene.take().await;
    scene.write(b"now!").await;
    let [first, _] = scene.volumes;
    let wish = ResizeVolume { size_bytes: Some(2 * MIB), ..ResizeVolume::default() };
    let volumes = &scene.world.orchestration.volumes;
    scene.world.done(volumes.resize(&request(), first, wish).await).await;
    // Not worth another try anywhere else: here there is no way back.
    scene.world.provider.fail("revert_snapshot", 2, PluginError::internal("half-way"));
    scene.world.done(scene.revert(group).await).await;
    assert_eq!(scene.read().await, [b"then", b"then"]);
    let seen = scene.world.see(first).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, MIB));
    assert_eq!(scene.world.reserved(seen.pool.unwrap(), first).await, Some(MIB));
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn a_revert_that_lacks_a_part_changes_nothing() {
    let scene = Scene::new().await;
    scene.write(b"then").await;
    let group = scene.take().await;
    scene.write(b"now!").await;
    let path = scene.member(group, 1).await.path.clone();
    scene.world.provider.memory.with(|all| all.remove(&path)).unwrap();
    let failure = scene.world.undone(scene.revert(group).await).await;
    assert_eq!(failure.kind, PluginErrorKind::NotFound);
    assert_eq!(scene.read().await, [b"now!", b"now!"]);
    assert_eq!(scene.see(group).await.state, VmSnapshotState::Ready);
    for volume in scene.volumes {
        assert_eq!(scene.world.see(volume).await.state, VolumeState::Ready);
    }
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn a_group_of_which_a_part_is_held_can_be_deleted_again_and_nothing_else() {
    let scene = Scene::new().await;
    let group = scene.take().await;
    scene.world.provider.fail("delete_async", 1, PluginError::in_use("two clones need it"));
    let failure = scene.world.undone(scene.delete(group).await).await;
    assert_eq!(failure.kind, PluginErrorKind::InUse);
    let seen = scene.see(group).await;
    assert_eq!(seen.state, VmSnapshotState::Error);
    assert!(seen.note.as_ref().unwrap().contains("two clones need it"), "{:?}", seen.note);
    assert_eq!(scene.member(group, 0).await.state, SnapshotState::BackedUp);
    assert_eq!(scene.member(group, 1).await.state, SnapshotState::Destroyed);
    let refused = scene.revert(group).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    scene.world.done(scene.delete(group).await).await;
    assert_eq!(scene.world.provider.paths().len(), 2);
}

#[tokio::test]
async fn nothing_happens_to_instance_and_volumes_while_a_group_is_taken() {
    let scene = Scene::new().await;
    scene.world.provider.hang("take_snapshot");
    let begun = scene.begin(CreateVmSnapshot::default()).await.unwrap();
    scene.world.provider.hangs().await;
    let volumes = &scene.world.orchestration.volumes;
    let wish = ResizeVolume { size_bytes: Some(2 * MIB), ..ResizeVolume::default() };
    let request = &RequestContext::system("test");
    let instances = &scene.world.orchestration.instances;
    let refused = [
        volumes.resize(request, scene.volumes[1], wish).await,
        volumes.detach(request, scene.volumes[0]).await,
        instances.start(request, scene.instance, None).await,
        instances.destroy(request, scene.instance, true).await,
        scene.begin(CreateVmSnapshot::default()).await,
        scene.world.orchestration.snapshots.create(request, scene.volumes[1], None).await,
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        let refused = refused.unwrap_err();
        let told = [PluginErrorKind::InUse, PluginErrorKind::Conflict].contains(&refused.kind);
        assert!(told, "{number}: {refused:?}");
    }
    scene.world.rooms().jobs.cancel(begun.operation).await.unwrap();
    scene.world.undone(Ok(begun)).await;
    let attachments = &scene.world.rooms().repository;
    assert_eq!(attachments.list::<Attachment>(&Filter::default()).await.unwrap().len(), 2);
    scene.world.nothing_is_held().await;
}

#[tokio::test]
async fn the_doctor_tells_of_a_group_that_is_not_whole() {
    let scene = Scene::new().await;
    let group = scene.take().await;
    let doctor = &scene.world.orchestration.doctor;
    let about = |findings: Vec<crate::orchestration::doctor::Finding>, object| {
        findings.into_iter().filter(|one| one.object == Some(object)).count()
    };
    let member = scene.member(group, 0).await;
    assert_eq!(about(doctor.findings().await.unwrap(), group), 0);
    let repository = &scene.world.rooms().repository;
    repository.transact(vec![Change::remove(&member.record)]).await.unwrap();
    assert_eq!(about(doctor.findings().await.unwrap(), group), 1);
    let other = scene.member(group, 1).await.uuid;
    let vm_snapshot = scene.see(group).await.record;
    repository.transact(vec![Change::remove(&vm_snapshot)]).await.unwrap();
    assert_eq!(about(doctor.findings().await.unwrap(), other), 1);
}
