//! The peers' test: many clients, a host that is killed in the middle, and nothing lost.
//!
//! Control planes that people run leave volumes "in error", "creating" for ever, or without a
//! record after such a night. Here each call that got no answer is sent again with its token, and
//! then every call has exactly one volume and every file an owner.

use rustix::process::Signal;
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage_host::cli::client::ClientError;
use tests::{Host, Installation, Pool, Provider, eventually, text};

const CLIENTS: usize = 16;
const CALLS: usize = 100;
/// The host dies as soon as so many calls were accepted.
const DIES_AFTER: usize = 50;

#[test]
fn a_hundred_calls_and_a_kill_make_a_hundred_volumes_on_the_sample() {
    each_call_has_one_volume(Provider::Sample);
}

#[test]
fn a_hundred_calls_and_a_kill_make_a_hundred_volumes_on_a_filesystem() {
    each_call_has_one_volume(Provider::Filesystem);
}

fn each_call_has_one_volume(provider: Provider) {
    let place = Installation::with_pools();
    let host = place.start();
    let pool = place.add_pool(&host, "pool", provider);

    let accepted = accepted_before_the_kill(&host, &pool);
    let (status, _) = host.wait();
    assert_eq!(rustix_signal(status), Some(9), "it was killed, and did not end by itself");
    assert!(accepted.len() >= DIES_AFTER, "{} were accepted", accepted.len());
    // Otherwise nothing would be sent again, and the tokens would not be put to the test.
    assert!(accepted.len() < CALLS, "the kill came after the last answer");

    let host = place.start();
    // What goes on from before does so by itself; new calls want a pool that is connected.
    eventually("the pool is connected", || {
        let found = host.findings();
        (!found.iter().any(|one| one.contains("is not connected"))).then_some(())
    });
    // A call that got an answer is never sent again, so that its promise stands for itself.
    let answered: BTreeSet<usize> = accepted.iter().map(|(call, _)| *call).collect();
    let mut jobs = accepted;
    for call in (0..CALLS).filter(|call| !answered.contains(call)) {
        jobs.push((call, create(&host, &pool, call).expect("the host lives")));
    }
    let mut volumes = BTreeSet::new();
    for (call, job) in &jobs {
        let done = host.wait_for_job(job).unwrap_or_else(|why| panic!("call {call}: {why}"));
        volumes.insert(text(&done["volume"], "id"));
    }
    assert_eq!(volumes.len(), CALLS, "no two calls have one volume");

    let listed = host.list("listVolumes", &[]);
    let names: BTreeSet<String> = listed.iter().map(|volume| text(volume, "name")).collect();
    assert_eq!((listed.len(), names.len()), (CALLS, CALLS), "no call has two volumes");
    let odd: Vec<_> = listed.iter().filter(|volume| volume["state"] != "Ready").collect();
    assert!(odd.is_empty(), "{odd:?}");
    rests_in_order(&host, &pool);
    assert_eq!(pool.files().len(), CALLS);

    for volume in volumes {
        host.job("deleteVolume", &[("id", &volume)]).unwrap();
    }
    rests_in_order(&host, &pool);
    assert!(pool.files().is_empty());
    assert!(host.list("listVolumes", &[]).is_empty());
}

/// Sends all calls from many threads and kills the host in the middle. Answers the calls that were
/// accepted, each with its job.
fn accepted_before_the_kill(host: &Host, pool: &Pool) -> Vec<(usize, String)> {
    let (next, accepted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(CLIENTS);
    let client = || {
        start.wait();
        let mut jobs = Vec::new();
        loop {
            let call = next.fetch_add(1, Ordering::Relaxed);
            if call >= CALLS {
                return jobs;
            }
            let Some(job) = create(host, pool, call) else { continue };
            jobs.push((call, job));
            if accepted.fetch_add(1, Ordering::Relaxed) + 1 == DIES_AFTER {
                host.process().signal(Signal::KILL);
            }
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// The job of a call; `None` where the host is gone.
fn create(host: &Host, pool: &Pool, call: usize) -> Option<String> {
    let (name, token) = (format!("volume-{call}"), format!("token-{call}"));
    let wish = [
        ("name", &*name),
        ("sizebytes", "1048576"),
        ("storageid", &pool.id),
        ("zoneid", &pool.zone),
        ("clienttoken", &token),
    ];
    match host.try_api("createVolume", &wish) {
        Ok(answer) => Some(text(&answer, "jobid")),
        Err(why @ ClientError::Refused { .. }) => panic!("call {call}: {why}"),
        Err(_) => None,
    }
}

/// Nothing runs, nothing is stuck, nothing is wrong, and each file has its owner.
#[track_caller]
fn rests_in_order(host: &Host, pool: &Pool) {
    eventually("nothing runs any more", || {
        let operations = host.list("listOperations", &[]);
        operations
            .iter()
            .all(|one| one["phase"] == "done" || one["phase"] == "undone")
            .then_some(())
    });
    let failed = host.list("listOperations", &[("phase", "undone")]);
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(host.findings(), Vec::<String>::new());
    assert_eq!(host.list("scanOrphans", &[]), Vec::<serde_json::Value>::new());
    host.agrees_with(pool);
}

fn rustix_signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}
