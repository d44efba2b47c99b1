//! Transfers whose host is killed in their midst: they go on at the token of the writer, nothing is
//! moved twice, and the digest is that of the whole.

use super::faults::Fault;
use super::scenario::Scenario;
use super::scenarios::transfers::{content, conversion, copies};
use super::threads::in_threads;
use super::world::{Life, World};
use crate::model::{ObjectInStore, Volume};
use std::collections::BTreeSet;

/// The write before which the host dies: the first quarter has its token then, and nothing behind it
/// was written down.
fn fatal(writes: &[usize]) -> usize {
    writes[writes.len() * 5 / 8]
}

fn writes(world: &World) -> Vec<usize> {
    let calls = world.faults.calls().into_iter().enumerate();
    calls.filter(|(_, call)| *call == "write").map(|(number, _)| number).collect()
}

fn paths(world: &World) -> BTreeSet<String> {
    world.memory.with(|objects| objects.keys().cloned().collect())
}

/// Where transfers go on, by the records.
fn checkpoints(life: &Life) -> Vec<u64> {
    let in_store = life.list::<ObjectInStore>().into_iter().filter_map(|one| one.checkpoint);
    let volumes = life.list::<Volume>().into_iter().filter_map(|one| one.checkpoint);
    in_store.chain(volumes).map(|checkpoint| checkpoint.token.offset).collect()
}

/// Dies in the midst of a scenario, and lives again. `meanwhile` is told what was there before it
/// began.
fn killed(scenario: &Scenario, meanwhile: impl FnOnce(&World, &BTreeSet<String>)) -> (World, Life) {
    let (world, life, ids) = scenario.prepared();
    life.rests(life.run((scenario.begin)(&life, &ids)).unwrap());
    let all = writes(&world);
    life.die();

    let (world, life, ids) = scenario.prepared();
    let there = paths(&world);
    world.faults.plan(fatal(&all), Fault::DieBefore);
    let begun = life.run((scenario.begin)(&life, &ids)).unwrap();
    life.run(world.faults.died());
    // Written down is the first of them, and then one now and then.
    assert_eq!(checkpoints(&life), [1 << 20], "{scenario}");
    life.die();
    world.faults.none();
    meanwhile(&world, &there);
    let life = world.live();
    life.done(begun);
    life.idle();
    assert_eq!(checkpoints(&life), [0; 0], "{scenario}");
    let mut come = paths(&world).into_iter().filter(|path| !there.contains(path)).peekable();
    assert!(come.peek().is_some(), "{scenario}");
    let expected = content();
    for path in come {
        let bytes: Vec<u8> = world.memory.with(|objects| {
            objects[&path].blocks.values().flat_map(|block| block.iter().copied()).collect()
        });
        assert!(bytes == expected, "{scenario}: {path} has other bytes");
    }
    let again = writes(&world).len();
    assert_eq!(again, all.len() * 3 / 4, "{scenario}: what was durable is not written again");
    (world, life)
}

#[test]
fn a_copy_goes_on_at_its_token_and_its_source_is_read_only_from_there() {
    in_threads(copies(), |scenario| {
        let (_world, life) = killed(&scenario, |world, there| {
            // Whoever reads it once more has other bytes.
            world.memory.with(|objects| {
                for path in there {
                    objects.get_mut(path).unwrap().put(5, b"read again");
                }
            });
        });
        // What the host moved has the digest of all of it, though no life saw all of it.
        let digest = format!("{{BLAKE3}}{}", blake3::hash(&content()).to_hex());
        for one in life.list::<ObjectInStore>() {
            assert_eq!(one.digest.as_deref(), Some(digest.as_str()), "{scenario}");
        }
        life.die();
    });
}

#[test]
fn an_image_is_converted_once_more_and_written_only_from_its_token() {
    killed(&conversion(), |_, _| ()).1.die();
}

/// What is durable on the destination and is not what was moved is seen at the end.
#[test]
fn what_came_before_the_token_is_verified_with_the_rest() {
    let scenario = copies().remove(0);
    let (world, life, ids) = scenario.prepared();
    let there = paths(&world);
    let calls = {
        let (world, life, ids) = scenario.prepared();
        life.rests(life.run((scenario.begin)(&life, &ids)).unwrap());
        life.die();
        writes(&world)
    };
    world.faults.plan(fatal(&calls), Fault::DieBefore);
    let begun = life.run((scenario.begin)(&life, &ids)).unwrap();
    life.run(world.faults.died());
    life.die();
    world.faults.none();
    world.memory.with(|objects| {
        let come = objects.iter_mut().filter(|(path, _)| !there.contains(*path));
        come.for_each(|(_, object)| object.put(5, b"damaged"));
    });
    let life = world.live();
    let failure = life.rests(begun).failure.unwrap();
    assert!(failure.message.contains("those at the destination"), "{failure:?}");
    assert_eq!(paths(&world), there);
    life.die();
}
