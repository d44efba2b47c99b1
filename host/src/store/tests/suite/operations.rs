//! Operations: what every engine does with them.

use uuid::Uuid;

use crate::{
    model::{Caller, Failure, Journal, JournalEntry, Moment, Operation, Phase, RecordKind},
    store::{Change, OperationFilter, Refused, Repository},
};

pub(crate) fn operation(flow: &str) -> Operation {
    Operation {
        uuid: Uuid::new_v4(),
        flow: flow.to_owned(),
        flow_version: 1,
        state: "{}".to_owned(),
        position: 0,
        phase: Phase::Running,
        attempt: 1,
        failure: None,
        waiting_for: None,
        cancel_requested: false,
        caller: Caller::admin(),
        command: "createVolume".to_owned(),
        object: None,
        journal: Journal::default(),
        epoch: 1,
        created_us: 0,
        updated_us: 0,
    }
}

pub(crate) fn begin(operation: &Operation) -> Change {
    Change::Begin(Box::new(operation.clone()))
}

fn journal(operation: &Operation) -> Change {
    Change::Journal(Box::new(operation.clone()))
}

async fn find(repository: &dyn Repository, uuid: Uuid) -> Operation {
    repository.find_operation(uuid).await.unwrap().unwrap()
}

/// As it is read: with the times of the commits.
fn with_times(operation: &Operation, read: &Operation) -> Operation {
    Operation { created_us: read.created_us, updated_us: read.updated_us, ..operation.clone() }
}

pub(crate) async fn an_operation_comes_back_as_it_is_now(repository: &dyn Repository) {
    let mut operation = operation("create_volume");
    assert_eq!(repository.find_operation(operation.uuid).await.unwrap(), None);
    repository.transact(vec![begin(&operation)]).await.unwrap();
    let begun = find(repository, operation.uuid).await;
    assert_eq!(begun, with_times(&operation, &begun));
    assert!(begun.created_us > 0 && begun.created_us == begun.updated_us);

    operation.flow = "other".to_owned();
    operation.flow_version = 2;
    operation.state = r#"{"path":"a"}"#.to_owned();
    operation.position = 3;
    operation.phase = Phase::Undoing;
    operation.attempt = 4;
    let failure = Failure::no_room("the pool is full");
    operation.failure = Some(failure.clone());
    operation.waiting_for = Some("the back end".to_owned());
    operation.cancel_requested = true;
    operation.caller = Caller::system();
    operation.command = "deleteVolume".to_owned();
    operation.object = Some((RecordKind::Volume, Uuid::new_v4()));
    operation.journal.push(JournalEntry {
        step: "create".to_owned(),
        moment: Moment::Failed,
        at_us: 5,
        took_us: 6,
        attempt: 4,
        failure: Some(failure),
    });
    operation.epoch = 7;
    repository.transact(vec![journal(&operation)]).await.unwrap();
    let read = find(repository, operation.uuid).await;
    assert_eq!(read, with_times(&operation, &read));
    assert_eq!(read.created_us, begun.created_us);
    assert!(read.updated_us >= begun.updated_us);
}

pub(crate) async fn an_operation_is_begun_once(repository: &dyn Repository) {
    let operation = operation("flow");
    let refused = repository.transact(vec![journal(&operation)]).await;
    assert!(
        matches!(refused, Err(Refused::NotBegun { operation: uuid }) if uuid == operation.uuid),
        "{refused:?}"
    );
    repository.transact(vec![begin(&operation)]).await.unwrap();
    let refused = repository.transact(vec![begin(&operation)]).await;
    assert!(
        matches!(refused, Err(Refused::Begun { operation: uuid }) if uuid == operation.uuid),
        "{refused:?}"
    );
}

pub(crate) async fn an_operation_belongs_to_the_highest_epoch(repository: &dyn Repository) {
    let mut old = operation("flow");
    old.epoch = 3;
    repository.transact(vec![begin(&old), journal(&old)]).await.unwrap();
    let new = Operation { epoch: 5, position: 1, ..old.clone() };
    repository.transact(vec![journal(&new), journal(&new)]).await.unwrap();
    old.position = 9;
    let refused = repository.transact(vec![journal(&old)]).await;
    assert!(
        matches!(refused, Err(Refused::TakenOver { operation, epoch: 5 }) if operation == old.uuid),
        "{refused:?}"
    );
    let kept = find(repository, old.uuid).await;
    assert_eq!((kept.epoch, kept.position), (5, 1));
}

pub(crate) async fn operations_that_do_not_rest_are_listed(repository: &dyn Repository) {
    let mut expected = Vec::new();
    for phase in Phase::ALL.iter().cycle().take(12) {
        let operation = Operation { phase: *phase, ..operation("flow") };
        repository.transact(vec![begin(&operation)]).await.unwrap();
        if !phase.is_final() {
            expected.push(operation.uuid);
        }
    }
    let listed = repository.unfinished_operations().await.unwrap();
    assert_eq!(listed.iter().map(|one| one.uuid).collect::<Vec<_>>(), expected);
    let mut done = listed[0].clone();
    done.phase = Phase::Done;
    repository.transact(vec![journal(&done)]).await.unwrap();
    let listed = repository.unfinished_operations().await.unwrap();
    assert_eq!(listed.iter().map(|one| one.uuid).collect::<Vec<_>>(), expected[1..]);
}

pub(crate) async fn a_list_of_operations_has_what_is_asked_for(repository: &dyn Repository) {
    let objects = [Uuid::new_v4(), Uuid::new_v4()];
    let mut flows = Vec::new();
    for number in 0..12 {
        let mut operation = operation(&number.to_string());
        operation.object = Some((RecordKind::Volume, objects[number % 2]));
        operation.phase = Phase::ALL[number % 4];
        repository.transact(vec![begin(&operation)]).await.unwrap();
        flows.insert(0, operation.flow);
    }
    let list = async |filter: OperationFilter| {
        let listed = repository.list_operations(&filter).await.unwrap();
        listed.into_iter().map(|one| one.flow).collect::<Vec<_>>()
    };
    let all = OperationFilter::default;
    assert_eq!(list(all()).await, flows);
    assert_eq!(list(OperationFilter { limit: 3, ..all() }).await, flows[..3]);
    let about = OperationFilter { object: Some(objects[1]), ..all() };
    assert_eq!(list(about).await, ["11", "9", "7", "5", "3", "1"]);
    let running = OperationFilter { phases: vec![Phase::Running], ..all() };
    assert_eq!(list(running).await, ["8", "4", "0"]);
    let phases = vec![Phase::Running, Phase::Done, Phase::Undone];
    let some = OperationFilter { phases, object: Some(objects[0]), limit: 4 };
    assert_eq!(list(some).await, ["10", "8", "6", "4"]);
    let none = OperationFilter { object: Some(Uuid::new_v4()), ..all() };
    assert_eq!(list(none).await, [""; 0]);
}
