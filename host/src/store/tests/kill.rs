//! A process that is killed in the middle of its work has lost nothing that it acknowledged.
//!
//! The test starts itself as another process, told by a variable what to be there.

use std::{
    collections::HashMap,
    env,
    io::{self, BufRead, BufReader, Write},
    iter,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Builder;
use uuid::Uuid;

use super::{
    get, own, set,
    suite::{event, pod},
    temporary,
};
use crate::{
    model::Pod,
    store::{Change, EventFilter, Refused, Repository, Store, StoreError},
};

/// The data directory for the other process.
const DIRECTORY: &str = "STORE_TEST_DIRECTORY";
/// What its keys begin with.
const ROUND: &str = "STORE_TEST_ROUND";
const ACKNOWLEDGED: &str = "acknowledged ";
const WRITERS: usize = 8;
const ROUNDS: usize = 20;

/// Writes until it is killed, or until a change fails: then it says so.
fn be_the_other_process(directory: &Path) {
    let round = env::var(ROUND).unwrap();
    let store = Store::open(directory).unwrap();
    let runtime = Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let repository = store.repository();
            let round = round.clone();
            writers.spawn(async move {
                for number in 0_u64.. {
                    // Half of them overwrite, so that old pages change too.
                    let key = match writer % 2 {
                        0 => format!("{round}-{writer}"),
                        _ => format!("{round}-{writer}-{number}"),
                    };
                    let value = format!("{number} {}", "x".repeat(500));
                    match set(&*repository, own(&key), &value).await {
                        Ok(()) => say(&format!("{ACKNOWLEDGED}{key} {number}")),
                        Err(StoreError::Stopped { .. }) => return say("stopped"),
                        Err(error @ StoreError::Write { .. }) => say(&format!("failed {error}")),
                        Err(error) => return say(&format!("unexpected {error}")),
                    }
                }
            });
        }
        while writers.join_next().await.is_some() {}
    });
}

/// Past the harness, which keeps what tests print.
fn say(text: &str) {
    writeln!(io::stdout(), "{text}").unwrap();
}

fn other_process(mut command: Command, test: &str, directory: &Path, round: usize) -> Child {
    let module = module_path!().split_once("::").unwrap().1;
    command
        .args(["--exact", &format!("{module}::{test}"), "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a process said, line by line, until the last that is whole.
fn lines(process: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut output = BufReader::new(process.stdout.take().unwrap());
    iter::from_fn(move || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    })
}

/// The newest number of each key that was acknowledged.
#[derive(Default)]
struct Acknowledged(HashMap<String, u64>);

impl Acknowledged {
    fn remember(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix(ACKNOWLEDGED) {
            let (key, number) = rest.split_once(' ').unwrap();
            self.0.insert(key.to_owned(), number.parse().unwrap());
        }
    }

    fn assert_kept(&self, directory: &Path) {
        let store = Store::open(directory).unwrap();
        let repository = store.repository();
        let runtime = Builder::new_current_thread().build().unwrap();
        for (key, number) in &self.0 {
            let value = runtime.block_on(get(&*repository, &own(key)));
            let kept = value.as_deref().and_then(|value| value.split_once(' '));
            let kept = kept.map(|(number, _)| number.parse().unwrap());
            // A change whose acknowledgement did not arrive any more may be there.
            assert!(kept >= Some(*number), "{key}: {kept:?} is kept, {number} was acknowledged");
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_point() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return be_the_other_process(Path::new(&directory));
    }
    let test = "what_was_acknowledged_survives_a_kill_at_any_point";
    let directory = temporary();
    let mut acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let command = Command::new(env::current_exe().unwrap());
        let mut process = other_process(command, test, directory.path(), round);
        let mut lines = lines(&mut process);
        let before_the_kill = usize::try_from(getrandom::u32().unwrap() % 200).unwrap();
        for line in lines.by_ref().take(before_the_kill) {
            acknowledged.remember(&line);
        }
        process.kill().unwrap();
        lines.for_each(|line| acknowledged.remember(&line));
        process.wait().unwrap();
        acknowledged.assert_kept(directory.path());
    }
    assert!(acknowledged.0.len() > ROUNDS, "it was always killed too early");
}

/// Makes transactions of several parts until it is killed.
fn be_the_process_that_transacts(directory: &Path) {
    let store = Store::open(directory).unwrap();
    let runtime = Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            let repository = store.repository();
            writers.spawn(async move {
                loop {
                    let pod = pod(&"x".repeat(500), Uuid::new_v4());
                    let (name, holder) = (pod.uuid.to_string(), pod.uuid);
                    let changes = vec![
                        Change::insert(&pod),
                        Change::Claim { name: name.clone(), holder },
                        Change::Reserve { store: Uuid::nil(), owner: holder, bytes: 7 },
                        Change::Event(event(&name)),
                    ];
                    repository.transact(changes).await.unwrap();
                    say(&format!("{ACKNOWLEDGED}{name}"));
                    // One that is refused after most of its work, between the others.
                    let refused = repository.transact(vec![
                        Change::Event(event("refused")),
                        Change::Reserve { store: Uuid::nil(), owner: Uuid::new_v4(), bytes: 7 },
                        Change::insert(&pod),
                    ]);
                    assert!(matches!(refused.await, Err(Refused::Exists { .. })));
                }
            });
        }
        while writers.join_next().await.is_some() {}
    });
}

/// Everything that is there is there wholly.
async fn assert_whole(repository: &dyn Repository, acknowledged: &[Uuid]) {
    let pods = repository.list::<Pod>(&Default::default()).await.unwrap();
    let mut uuids: Vec<_> = pods.iter().map(|pod| pod.uuid).collect();
    uuids.sort_unstable();
    for uuid in acknowledged {
        assert!(uuids.binary_search(uuid).is_ok(), "{uuid} was acknowledged and is not there");
    }
    let claims = repository.list_claims().await.unwrap();
    let mut claimed: Vec<_> = claims.iter().map(|claim| claim.holder).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, uuids);
    let promised = repository.reservations(Uuid::nil()).await.unwrap();
    let mut owners: Vec<_> = promised.iter().map(|(owner, _)| *owner).collect();
    owners.sort_unstable();
    assert_eq!(owners, uuids);
    let sum = repository.capacity(Uuid::nil()).await.unwrap().reserved;
    assert_eq!(sum, 7 * uuids.len() as u64);
    let events = repository.list_events(&EventFilter::default()).await.unwrap();
    let mut told: Vec<Uuid> =
        events.iter().map(|one| one.event.description.parse().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, uuids);
    let numbers: Vec<_> = events.iter().rev().map(|one| one.number).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_transaction_survives_a_kill_wholly_or_not_at_all() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return be_the_process_that_transacts(Path::new(&directory));
    }
    let test = "a_transaction_survives_a_kill_wholly_or_not_at_all";
    let directory = temporary();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let command = Command::new(env::current_exe().unwrap());
        let mut process = other_process(command, test, directory.path(), round);
        let mut lines = lines(&mut process);
        let mut remember = |line: String| {
            let uuid = line.strip_prefix(ACKNOWLEDGED).map(|uuid| uuid.parse::<Uuid>().unwrap());
            acknowledged.extend(uuid);
        };
        let before_the_kill = usize::try_from(getrandom::u32().unwrap() % 100).unwrap();
        lines.by_ref().take(before_the_kill).for_each(&mut remember);
        process.kill().unwrap();
        lines.for_each(remember);
        process.wait().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(assert_whole(&*store.repository(), &acknowledged));
    }
    assert!(acknowledged.len() > ROUNDS, "it was always killed too early");
}

#[test]
fn a_kill_during_the_first_start_leaves_a_directory_that_opens() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return be_the_other_process(Path::new(&directory));
    }
    let test = "a_kill_during_the_first_start_leaves_a_directory_that_opens";
    for file in ["", "lock", "store.db", "store.db-wal", "secret.key.new", "secret.key"] {
        let directory = temporary();
        let command = Command::new(env::current_exe().unwrap());
        let mut process = other_process(command, test, directory.path(), 0);
        let deadline = Instant::now() + Duration::from_secs(60);
        let path = directory.path().join(file);
        // The file that comes and goes may be missed: then the one after it ends the wait.
        while !path.exists() && !directory.path().join("secret.key").exists() {
            assert!(Instant::now() < deadline, "{path:?} did not appear");
            thread::yield_now();
        }
        process.kill().unwrap();
        let mut acknowledged = Acknowledged::default();
        lines(&mut process).for_each(|line| acknowledged.remember(&line));
        process.wait().unwrap();
        acknowledged.assert_kept(directory.path());
    }
}

#[test]
fn a_commit_that_fails_in_the_disk_is_the_last() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return be_the_other_process(Path::new(&directory));
    }
    let test = "a_commit_that_fails_in_the_disk_is_the_last";
    let directory = temporary();
    // A limit of the file size makes a write fail, as a broken disk does.
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ && ulimit -f 1024 && exec \"$0\" \"$@\"";
    limited.args(["-c", script]).arg(env::current_exe().unwrap());
    let mut process = other_process(limited, test, directory.path(), 0);
    let lines: Vec<_> = lines(&mut process).collect();
    assert!(process.wait().unwrap().success());

    let mut acknowledged = Acknowledged::default();
    lines.iter().for_each(|line| acknowledged.remember(line));
    assert!(!acknowledged.0.is_empty());
    let stopped = lines.iter().filter(|line| *line == "stopped").count();
    assert_eq!(stopped, WRITERS);
    let failed = lines.iter().filter(|line| line.starts_with("failed ")).count();
    assert!((1..=WRITERS).contains(&failed), "{failed} failed");
    acknowledged.assert_kept(directory.path());
}
