//! Tests of what only this engine has: its commits, its savepoints, its steps.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
};

use rusqlite::Connection;
use storage_plugin_api::{DetailKey, DetailOwner, Secret, SetDetailRequest};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{SqliteRepository, migrate::migrate, row_reads};
use crate::{
    model::RecordKind,
    store::{
        DetailRepository, Filter, KeySource, OpenError, StoreError,
        directory::Directory,
        schema::{STEPS, Step},
    },
};

fn open() -> (tempfile::TempDir, Arc<SqliteRepository>) {
    let directory = tempfile::tempdir().unwrap();
    let taken = Directory::take(directory.path()).unwrap();
    let repository = SqliteRepository::open(taken, &KeySource::File).unwrap();
    (directory, Arc::new(repository))
}

fn at(key: &str) -> DetailKey {
    DetailKey::new(DetailOwner::Plugin, Uuid::nil(), key)
}

async fn set(repository: &SqliteRepository, key: &str, value: &str) -> Result<(), StoreError> {
    let request = SetDetailRequest::new(at(key), Secret::new(value));
    repository.set_detail("sample", &request).await
}

async fn is_kept(repository: &SqliteRepository, key: &str) -> bool {
    let value = repository.get_detail("sample", &at(key)).await;
    value.unwrap().is_some()
}

/// Makes any change.
async fn change(
    repository: &SqliteRepository,
    work: impl FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> Result<(), StoreError> {
    repository.writer.submit("test".to_owned(), work).await
}

/// Holds the writer in a transaction, so that what comes meanwhile is its next batch.
struct Gate {
    release: Sender<()>,
    held: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Gate {
    async fn close(repository: &Arc<SqliteRepository>) -> Self {
        let (release, released) = mpsc::channel::<()>();
        let (entered, has_entered) = tokio::sync::oneshot::channel();
        let mut entered = Some(entered);
        let repository = Arc::clone(repository);
        let held = tokio::spawn(async move {
            let work = move |_: &Connection| {
                entered.take().unwrap().send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            };
            change(&repository, work).await
        });
        has_entered.await.unwrap();
        Self { release, held }
    }

    async fn open(self) {
        self.release.send(()).unwrap();
        self.held.await.unwrap().unwrap();
    }
}

/// Waits until so many changes are in the queue.
async fn queued(repository: &SqliteRepository, changes: usize) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while repository.writer.waiting() < changes {
        assert!(std::time::Instant::now() < deadline, "the changes do not come");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_together_is_committed_together() {
    let (_directory, repository) = open();
    let gate = Gate::close(&repository).await;
    let before = repository.commits();
    let mut writers = JoinSet::new();
    for number in 0..100 {
        let repository = Arc::clone(&repository);
        writers.spawn(async move { set(&repository, &number.to_string(), "value").await });
    }
    queued(&repository, 100).await;
    gate.open().await;
    for outcome in writers.join_all().await {
        outcome.unwrap();
    }
    // That of the gate, and one for all.
    assert_eq!(repository.commits() - before, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_shares_its_commits() {
    let (_directory, repository) = open();
    let before = repository.commits();
    let mut writers = JoinSet::new();
    for number in 0..100 {
        let repository = Arc::clone(&repository);
        writers.spawn(async move { set(&repository, &number.to_string(), "value").await });
    }
    for outcome in writers.join_all().await {
        outcome.unwrap();
    }
    let commits = repository.commits() - before;
    assert!((1..=50).contains(&commits), "{commits} commits");
}

#[tokio::test]
async fn a_lone_change_does_not_wait_for_others() {
    let (_directory, repository) = open();
    let before = repository.commits();
    for number in 0..10 {
        set(&repository, &number.to_string(), "value").await.unwrap();
    }
    assert_eq!(repository.commits() - before, 10);
}

#[tokio::test]
async fn a_failing_change_harms_no_neighbour_and_leaves_nothing() {
    let (_directory, repository) = open();
    let gate = Gate::close(&repository).await;
    let insert = "INSERT INTO meta (name, value) VALUES ('half', 'x')";
    let (good, bad, panicking, ending, also_good, opened) = tokio::join!(
        set(&repository, "before", "value"),
        change(&repository, move |connection| {
            connection.execute(insert, [])?;
            connection.execute("INSERT INTO meta (name) VALUES (NULL)", [])?;
            Ok(())
        }),
        change(&repository, move |connection| {
            connection.execute(insert, [])?;
            panic!("on purpose")
        }),
        change(&repository, move |connection| {
            connection.execute(insert, [])?;
            connection.execute_batch("ROLLBACK")
        }),
        set(&repository, "after", "value"),
        async {
            queued(&repository, 5).await;
            gate.open().await;
        },
    );
    let () = opened;
    good.unwrap();
    also_good.unwrap();
    let text = bad.unwrap_err().to_string();
    assert_eq!(text, "cannot test: the store did not take it");
    assert!(matches!(panicking, Err(StoreError::Internal { .. })), "{panicking:?}");
    assert!(matches!(ending, Err(StoreError::Internal { .. })), "{ending:?}");
    assert!(is_kept(&repository, "before").await);
    assert!(is_kept(&repository, "after").await);
    let halves = |connection: &Connection| {
        let count = "SELECT COUNT(*) FROM meta WHERE name = 'half'";
        connection.query_row(count, [], |row| row.get::<_, u32>(0))
    };
    let left = repository.readers.submit("test".to_owned(), halves).await;
    assert_eq!(left.unwrap(), 0);
}

#[tokio::test]
async fn a_full_disk_refuses_the_change_that_does_not_fit_only() {
    let (_directory, repository) = open();
    // As many pages as there are, and a few: for SQLite the disk ends there.
    let limit = |connection: &Connection| {
        let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        connection.pragma_update_and_check(None, "max_page_count", pages + 8, |_| Ok(()))
    };
    change(&repository, limit).await.unwrap();
    let gate = Gate::close(&repository).await;
    let large = "x".repeat(60_000);
    let (before, too_large, after, ()) = tokio::join!(
        set(&repository, "before", "value"),
        set(&repository, "large", &large),
        set(&repository, "after", "value"),
        async {
            queued(&repository, 3).await;
            gate.open().await;
        },
    );
    before.unwrap();
    after.unwrap();
    assert!(matches!(too_large, Err(StoreError::Full { .. })), "{too_large:?}");
    assert!(is_kept(&repository, "before").await && is_kept(&repository, "after").await);
    assert!(!is_kept(&repository, "large").await);
}

#[tokio::test]
async fn a_change_whose_caller_went_away_is_made_wholly() {
    let (_directory, repository) = open();
    let gate = Gate::close(&repository).await;
    let dropped = tokio::spawn({
        let repository = Arc::clone(&repository);
        async move { set(&repository, "key", "value").await }
    });
    queued(&repository, 1).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    gate.open().await;
    set(&repository, "next", "value").await.unwrap();
    assert!(is_kept(&repository, "key").await);
}

#[tokio::test]
async fn closing_lets_what_waits_finish() {
    let (directory, repository) = open();
    let gate = Gate::close(&repository).await;
    let waiting = tokio::spawn({
        let repository = Arc::clone(&repository);
        async move { set(&repository, "key", "value").await }
    });
    queued(&repository, 1).await;
    let closing = tokio::task::spawn_blocking({
        let repository = Arc::clone(&repository);
        move || crate::store::Repository::close(&*repository)
    });
    gate.open().await;
    closing.await.unwrap();
    waiting.await.unwrap().unwrap();
    let taken = Directory::take(directory.path()).unwrap();
    let repository = SqliteRepository::open(taken, &KeySource::File).unwrap();
    assert!(is_kept(&repository, "key").await);
}

#[tokio::test]
async fn a_reader_cannot_write_and_a_panic_does_not_end_it() {
    let (_directory, repository) = open();
    for _ in 0..20 {
        let broken = |_: &Connection| -> rusqlite::Result<()> { panic!("on purpose") };
        let outcome = repository.readers.submit("test".to_owned(), broken).await;
        assert!(matches!(outcome, Err(StoreError::Internal { .. })), "{outcome:?}");
    }
    let write = |connection: &Connection| connection.execute("DELETE FROM meta", []);
    let outcome = repository.readers.submit("test".to_owned(), write).await;
    assert!(matches!(outcome, Err(StoreError::Read { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_commit_waits_for_the_disk() {
    let (_directory, repository) = open();
    let pragmas = |connection: &Connection| {
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let sync: u8 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((mode, sync))
    };
    let (mode, sync) = repository.writer.submit("test".to_owned(), pragmas).await.unwrap();
    assert_eq!((mode.as_str(), sync), ("wal", 2));
}

fn versions(connection: &Connection) -> Vec<u32> {
    let mut statement =
        connection.prepare("SELECT version FROM schema_steps ORDER BY version").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn an_older_database_goes_the_missing_steps() {
    let mut connection = Connection::open_in_memory().unwrap();
    let path = Path::new("store.db");
    migrate(&mut connection, &STEPS[..1], path).unwrap();
    connection.execute("INSERT INTO meta (name, value) VALUES ('kept', 'x')", []).unwrap();
    migrate(&mut connection, &STEPS[..2], path).unwrap();
    let detail = "INSERT INTO plugin_details VALUES ('sample', 'plugin', '', 'key', X'01', 0)";
    connection.execute(detail, []).unwrap();
    migrate(&mut connection, STEPS, path).unwrap();
    migrate(&mut connection, STEPS, path).unwrap();
    let expected: Vec<_> = STEPS.iter().map(|step| step.version).collect();
    assert_eq!(versions(&connection), expected);
    for kept in [
        "SELECT COUNT(*) FROM meta WHERE name = 'kept'",
        "SELECT COUNT(*) FROM plugin_details WHERE key = 'key' AND value_encrypted = X'01'",
    ] {
        let kept: u32 = connection.query_row(kept, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
    }
}

#[test]
fn a_step_that_fails_leaves_the_older_database_as_it_was() {
    let mut connection = Connection::open_in_memory().unwrap();
    let path = Path::new("store.db");
    migrate(&mut connection, &STEPS[..1], path).unwrap();
    let sql = "CREATE TABLE third (a TEXT); CREATE TABLE third (a TEXT)";
    let broken = Step { version: 3, name: "broken", sql };
    let error = migrate(&mut connection, &[STEPS[0], STEPS[1], broken], path).unwrap_err();
    assert!(matches!(error, OpenError::Migration { from: 1, to: 3, version: 3, .. }), "{error:?}");
    assert_eq!(versions(&connection), [1]);
    assert!(!connection.table_exists(None, "plugin_details").unwrap());
}

#[tokio::test]
async fn a_list_of_records_walks_over_no_removed_ones() {
    let (_directory, repository) = open();
    for (filter, index) in [
        (Filter::default(), "records_present"),
        (Filter { owner: Some(Uuid::nil()), ..Filter::default() }, "records_owner"),
        (Filter { name: Some(String::new()), ..Filter::default() }, "records_name"),
    ] {
        let query = row_reads::list(RecordKind::Volume, &filter);
        let plan = move |connection: &Connection| query.plan(connection);
        let plan = repository.readers.submit("test".to_owned(), plan).await.unwrap();
        assert!(plan.len() == 1 && plan[0].contains(index), "{plan:?}");
    }
}
