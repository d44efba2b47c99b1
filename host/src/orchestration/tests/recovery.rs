//! What outlives a host, or the code of a step, beside the accidents of single calls.

use super::faults::Fault;
use super::scenarios::blank;
use super::world::{Life, World, request};
use crate::model::{Phase, Volume};
use crate::orchestration::Started;
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
