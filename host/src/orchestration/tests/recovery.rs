//! What outlives a host, or the code of a step, beside the accidents of single calls.

use super::faults::Fault;
use super::scenarios::{blank, two_volumes, write};
use super::world::{Life, World, request};
use crate::model::{Phase, Volume};
use crate::orchestration::Started;
use crate::orchestration::vm_snapshot::CreateVmSnapshot;
use crate::orchestration::volume::CreateVolume;
use uuid::Uuid;

const MIB: u64 = 1 << 20;

fn create(life: &Life, pool: Uuid) -> Started {
    let wish = CreateVolume { zone: Some(life.zone()), ..blank(pool, MIB) };
    life.run(life.orchestration.volumes.create(&request(), wish)).unwrap()
}

#[test]
fn a_wish_to_cancel_outlives_the_host() {
    let world = World::new();
    let life = world.live();
    let pool = life.pool("a");
    life.idle();
    world.faults.plan(0, Fault::DieAfter);
    let begun = create(&life, pool);
    life.run(world.faults.died());
    life.run(life.orchestration.rooms().jobs.cancel(begun.operation)).unwrap();
    life.die();
    world.faults.none();

    let life = world.live();
    let operation = life.rests(begun);
    assert_eq!(operation.phase, Phase::Undone, "{operation:?}");
    assert!(operation.cancel_requested);
    assert!(life.list::<Volume>().is_empty() && world.memory.with(|objects| objects.is_empty()));
    let claims = life.run(life.repository().list_claims()).unwrap();
    assert!(claims.iter().all(|claim| !claim.name.starts_with("cancel:")), "{claims:?}");
    life.die();
}

#[test]
fn what_rests_cannot_be_cancelled() {
    let world = World::new();
    let life = world.live();
    let pool = life.pool("a");
    let begun = create(&life, pool);
    life.done(begun);
    let refused = life.run(life.orchestration.rooms().jobs.cancel(begun.operation)).unwrap_err();
    assert!(refused.message.contains("is done already"), "{refused}");
    life.die();
}

#[test]
fn an_operation_whose_code_broke_goes_on() {
    let world = World::new();
    let life = world.live();
    let pool = life.pool("a");
    life.idle();
    world.faults.plan(0, Fault::Break);
    let begun = create(&life, pool);
    let jobs = &life.orchestration.rooms().jobs;
    let broken = life.run(jobs.wait(begun.operation)).unwrap();
    assert_eq!(broken.phase, Phase::Running);
    assert_eq!(life.run(jobs.recover()).unwrap(), 1);
    life.done(begun);
    assert_eq!(life.run(jobs.recover()).unwrap(), 0);
    life.die();
}

/// What was taken before the host died is of another moment than the rest would be.
#[test]
fn an_instance_snapshot_is_of_one_moment_although_the_host_died_in_between() {
    let world = World::new();
    let life = world.live();
    let ids = two_volumes(&world, &life);
    life.idle();
    world.faults.plan(0, Fault::DieAfter);
    let wish = CreateVmSnapshot { instance: ids[2], ..CreateVmSnapshot::default() };
    let begun = life.run(life.orchestration.vm_snapshots.create(&request(), wish)).unwrap();
    life.run(world.faults.died());
    assert_eq!(world.faults.calls(), ["take_snapshot"]);
    // The guest goes on writing while there is no host.
    write(&world, &life, ids[1], b"later bytes");
    write(&world, &life, ids[3], b"later bytes");
    life.die();
    world.faults.none();

    let life = world.live();
    life.done(begun);
    let picture = life.picture(&world);
    let members: Vec<_> = picture.all("snapshot").map(|(uuid, _)| uuid).collect();
    let bytes = picture.bytes("volume", ids[1]);
    assert_eq!(members.len(), 2);
    for member in members {
        assert_eq!(picture.bytes("snapshot", member), bytes, "{picture:#?}");
    }
    life.die();
}
