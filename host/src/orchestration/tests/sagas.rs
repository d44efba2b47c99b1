//! The generic tests: each scenario through each accident.

use super::check::check;
use super::faults::Fault;
use super::picture::Picture;
use super::scenario::Scenario;
use super::scenarios::{self, all};
use super::threads::{in_threads, told_by};
use super::world::{Life, World, request};
use crate::model::{ClientToken, Operation, Phase};
use crate::orchestration::RequestContext;
use crate::orchestration::volume::CreateVolume;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

/// Every flow that the engine knows has a scenario.
#[test]
fn every_flow_has_a_scenario() {
    let world = World::new();
    let life = world.live();
    let mut with_scenario: Vec<_> = all().iter().map(|scenario| scenario.flow).collect();
    with_scenario.sort_unstable();
    with_scenario.dedup();
    assert_eq!(life.orchestration.rooms().jobs.flow_names(), with_scenario);
    life.die();
}

#[test]
fn every_flow_succeeds() {
    in_threads(all(), |scenario| {
        let (world, life, ids) = scenario.prepared();
        let before = life.picture(&world);
        let operation = begin(&scenario, &life, &ids);
        assert_eq!(operation.phase, Phase::Done, "{scenario}: {operation:?}");
        let picture = life.picture(&world);
        assert!((scenario.is_done)(&picture, &ids), "{scenario}: {picture:#?}");
        check_named(&scenario.to_string(), &before, &picture);
        life.die();
    });
}

/// Whatever happens to whichever call: the thing is done or it is undone, wholly.
#[test]
fn every_accident_of_volumes_and_snapshots_ends_in_truth() {
    suffer_all(scenarios::volumes());
}

#[test]
fn every_accident_of_pools_ends_in_truth() {
    suffer_all(scenarios::pools());
}

#[test]
fn every_accident_of_hosts_and_instances_ends_in_truth() {
    suffer_all(scenarios::hosts_and_instances());
}

#[test]
fn every_accident_of_instance_snapshots_ends_in_truth() {
    suffer_all(scenarios::vm_snapshots());
}

#[test]
fn every_accident_of_images_ends_in_truth() {
    suffer_all(scenarios::images());
}

#[test]
fn every_accident_of_image_stores_ends_in_truth() {
    suffer_all(scenarios::image_stores());
}

fn suffer_all(scenarios: Vec<Scenario>) {
    let counted = in_threads(scenarios, |scenario| {
        let calls = count(&scenario);
        (scenario, calls)
    });
    let mut cases = Vec::new();
    for (scenario, calls) in counted {
        for fault in Fault::ALL {
            let calls = calls.iter().enumerate();
            cases.extend(calls.map(|(number, call)| (scenario, number, fault, *call)));
        }
    }
    in_threads(cases, |(scenario, number, fault, call)| suffer(&scenario, number, fault, call));
}

fn count(scenario: &Scenario) -> Vec<&'static str> {
    let (world, life, ids) = scenario.prepared();
    begin(scenario, &life, &ids);
    let calls = world.faults.calls();
    life.die();
    calls
}

fn begin(scenario: &Scenario, life: &Life, ids: &[Uuid]) -> Operation {
    let started = life.run((scenario.begin)(life, ids)).unwrap();
    life.rests(started)
}

fn suffer(scenario: &Scenario, number: usize, fault: Fault, call: &str) {
    let what = format!("{scenario}: {fault:?} at call {number}, {call}");
    let (world, life, ids) = scenario.prepared();
    let before = life.picture(&world);
    world.faults.plan(number, fault);
    let mut must_be_done = fault == Fault::Twice;
    let life = match fault {
        Fault::DieBefore | Fault::DieAfter | Fault::FailAndDie => {
            let has_begun = die(scenario, &world, &life, &ids);
            must_be_done = has_begun && fault != Fault::FailAndDie;
            life.die();
            world.faults.none();
            world.live()
        }
        _ => {
            // A refusal before anything began is a truth, too.
            if let Ok(started) = life.run((scenario.begin)(&life, &ids)) {
                life.rests(started);
            }
            life
        }
    };
    life.idle();
    let after = life.picture(&world);
    check_named(&what, &before, &after);
    // A host has left a pool whatever the provider said to that.
    if call != "host_disconnected" {
        // One that was removed is out of every pool by that.
        let mut told = after.told.connected.clone();
        told.retain(|(_, host)| after.record("host", *host).is_some());
        assert_eq!(told, after.host_pools, "{what}: hosts that are connected");
    }
    if !(scenario.is_done)(&after, &ids) {
        let mut expected = before;
        (scenario.undone)(&mut expected, &after, &ids);
        // What providers were told is checked by itself: not all of it can be taken back.
        expected.told.clone_from(&after.told);
        assert_eq!(after, expected, "{what}: neither done nor undone");
        assert!(!must_be_done, "{what}: it was undone, and nothing had failed");
    }
    life.die();
}

/// The host dies by the plan, or at the end of the operation. Whether it had work left then.
fn die(scenario: &Scenario, world: &World, life: &Life, ids: &[Uuid]) -> bool {
    life.run(async {
        let operation = async {
            if let Ok(started) = (scenario.begin)(life, ids).await {
                life.orchestration.rooms().jobs.wait(started.operation).await.unwrap();
            }
        };
        tokio::select! {
            () = world.faults.died() => {}
            () = operation => {}
        }
        !life.repository().unfinished_operations().await.unwrap().is_empty()
    })
}

fn check_named(what: &str, before: &Picture, picture: &Picture) {
    let checked = std::panic::catch_unwind(|| check(before, picture));
    assert!(checked.is_ok(), "{what}: {}; {picture:#?}", told_by(checked.unwrap_err().as_ref()));
}

/// Whether the same request again is about something else: a thing is made, each time a new one.
fn makes_another(scenario: &Scenario) -> bool {
    matches!(scenario.flow, "volume.create" | "template.register" | "extract.create")
        || scenario.way.starts_with("made of")
}

/// Two callers at once: one wins, the other is told who it was.
#[test]
fn of_two_callers_one_wins() {
    let scenarios = all().into_iter().filter(|scenario| !makes_another(scenario));
    in_threads(scenarios.collect(), |scenario| {
        let calls = count(&scenario).len();
        if calls == 0 {
            return;
        }
        let (world, life, ids) = scenario.prepared();
        let before = life.picture(&world);
        // The first is in its middle when the second comes.
        world.faults.hold(calls / 2);
        let (won, lost) = life.run(async {
            tokio::join!((scenario.begin)(&life, &ids), async {
                world.faults.holds().await;
                let lost = (scenario.begin)(&life, &ids).await;
                world.faults.let_go();
                lost
            })
        });
        let lost = lost.map(|lost| panic!("{scenario}: {lost:?}")).unwrap_err();
        use PluginErrorKind::{AlreadyExists, Conflict, InUse, NotFound};
        let told = [AlreadyExists, Conflict, InUse, NotFound];
        assert!(told.contains(&lost.kind), "{scenario}: {lost:?}");
        assert_eq!(life.rests(won.unwrap()).phase, Phase::Done, "{scenario}");
        check_named(&scenario.to_string(), &before, &life.picture(&world));
        life.die();
    });
}

/// The same token: the same object, the same operation, also after a restart.
#[test]
fn the_same_token_is_the_same_operation() {
    let world = World::new();
    let life = world.live();
    let pool = life.pool("a");
    let with_token = |fingerprint: &str| {
        let mut request: RequestContext = request();
        request.caller.token =
            Some(ClientToken { text: "mine".to_owned(), fingerprint: fingerprint.to_owned() });
        request
    };
    let zone = life.zone();
    let wish = || CreateVolume { zone: Some(zone), ..scenarios::blank(pool, 1 << 20) };
    let same = with_token("same");
    let volumes = life.orchestration.volumes.clone();
    let (one, other) = life
        .run(async { tokio::join!(volumes.create(&same, wish()), volumes.create(&same, wish())) });
    assert_eq!(one.as_ref().unwrap(), other.as_ref().unwrap());
    let volume = life.done(one.clone().unwrap());
    assert_eq!(life.list::<crate::model::Volume>().len(), 1);
    life.die();

    let life = world.live();
    let rooms = life.orchestration.rooms();
    let again = life.run(rooms.replayed(&with_token("same"))).unwrap().unwrap();
    assert_eq!((again.operation, again.object), (one.unwrap().operation, volume));
    let refused = life.run(rooms.replayed(&with_token("other"))).unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InvalidArgument);
    life.die();
}
