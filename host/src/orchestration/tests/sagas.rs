//! The generic tests: each scenario through each accident.

use super::faults::Fault;
use super::scenario::{Scenario, check};
use super::scenarios::all;
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
    for scenario in all() {
        let (world, life, ids) = scenario.prepared();
        let operation = begin(&scenario, &life, &ids);
        assert_eq!(operation.phase, Phase::Done, "{}: {operation:?}", scenario.flow);
        let picture = life.picture(&world);
        assert!((scenario.is_done)(&picture, &ids), "{}: {picture:#?}", scenario.flow);
        check(&picture);
        life.die();
    }
}

/// Whatever happens to whichever call: the thing is done or it is undone, wholly.
#[test]
fn every_accident_at_every_call_ends_in_truth() {
    for scenario in all() {
        let calls = count(&scenario);
        for fault in Fault::ALL {
            for (number, call) in calls.iter().enumerate() {
                suffer(&scenario, number, fault, call);
            }
        }
    }
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
    let what = format!("{}: {fault:?} at call {number}, {call}", scenario.flow);
    let (world, life, ids) = scenario.prepared();
    let before = life.picture(&world);
    world.faults.plan(number, fault);
    let life = match fault {
        Fault::DieBefore | Fault::DieAfter => {
            die_and_live_again(&what, scenario, &world, life, &ids)
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
    check_named(&what, &after);
    if !(scenario.is_done)(&after, &ids) {
        let mut expected = before;
        (scenario.undone)(&mut expected, &ids);
        assert_eq!(after, expected, "{what}: neither done nor undone");
        let must_be_done = matches!(fault, Fault::DieBefore | Fault::DieAfter | Fault::Twice);
        assert!(!must_be_done, "{what}: it was undone, and nothing had failed");
    }
    life.die();
}

fn die_and_live_again(
    what: &str,
    scenario: &Scenario,
    world: &World,
    life: Life,
    ids: &[Uuid],
) -> Life {
    life.run(async {
        tokio::select! {
            () = world.faults.died() => {}
            ended = async {
                let started = (scenario.begin)(&life, ids).await.unwrap();
                life.orchestration.rooms().jobs.wait(started.operation).await
            } => panic!("{what}: the host should have died, and: {ended:?}"),
        }
    });
    life.die();
    world.faults.none();
    world.live()
}

fn check_named(what: &str, picture: &super::world::Picture) {
    let checked = std::panic::catch_unwind(|| check(picture));
    assert!(checked.is_ok(), "{what}: see above; {picture:#?}");
}

/// Two callers at once: one wins, the other is told who it was.
#[test]
fn of_two_callers_one_wins() {
    for scenario in all().into_iter().filter(|scenario| !scenario.flow.ends_with(".create")) {
        let (world, life, ids) = scenario.prepared();
        let (one, other) = life.run(async {
            tokio::join!((scenario.begin)(&life, &ids), (scenario.begin)(&life, &ids))
        });
        let (won, lost) = match (one, other) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => panic!("{}: {both:?}", scenario.flow),
        };
        let told = [PluginErrorKind::InUse, PluginErrorKind::Conflict, PluginErrorKind::NotFound];
        assert!(told.contains(&lost.kind), "{}: {lost:?}", scenario.flow);
        assert_eq!(life.rests(won).phase, Phase::Done, "{}", scenario.flow);
        check(&life.picture(&world));
        life.die();
    }
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
    let wish = || CreateVolume { zone: Some(zone), ..super::scenarios::blank(pool, 1 << 20) };
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
