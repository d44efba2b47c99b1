//! Events: what every engine does with them.

use uuid::Uuid;

use super::{Dice, join, rows::zone};
use crate::{
    model::{EventLevel, NewEvent, RecordKind},
    store::{Change, EventFilter, Refused, Repository},
};

pub(crate) fn event(description: &str) -> NewEvent {
    NewEvent {
        event_type: "VOLUME.CREATE".to_owned(),
        level: EventLevel::Info,
        object: None,
        account: "admin".to_owned(),
        operation: None,
        description: description.to_owned(),
    }
}

pub(crate) async fn an_event_comes_back_with_its_number(repository: &dyn Repository) {
    let plain = event("plain");
    let full = NewEvent {
        level: EventLevel::Error,
        object: Some((RecordKind::Snapshot, Uuid::new_v4())),
        operation: Some(Uuid::new_v4()),
        ..event("full")
    };
    let changes = vec![Change::Event(plain.clone()), Change::Event(full.clone())];
    repository.transact(changes).await.unwrap();
    let listed = repository.list_events(&EventFilter::default()).await.unwrap();
    let pairs: Vec<_> = listed.iter().map(|one| (one.number, one.event.clone())).collect();
    assert_eq!(pairs, [(2, full), (1, plain)]);
    assert!(listed.iter().all(|one| one.at_us > 0));
}

pub(crate) async fn a_list_of_events_has_what_is_asked_for(repository: &dyn Repository) {
    let objects = [Uuid::new_v4(), Uuid::new_v4()];
    for number in 0..10 {
        let object = Some((RecordKind::Volume, objects[number % 2]));
        let change = Change::Event(NewEvent { object, ..event("") });
        repository.transact(vec![change]).await.unwrap();
    }
    let list = async |filter: EventFilter| {
        let listed = repository.list_events(&filter).await.unwrap();
        listed.into_iter().map(|one| one.number).collect::<Vec<_>>()
    };
    let all = EventFilter::default;
    assert_eq!(list(EventFilter { limit: 3, ..all() }).await, [10, 9, 8]);
    assert_eq!(list(EventFilter { after: 7, ..all() }).await, [10, 9, 8]);
    assert_eq!(list(EventFilter { after: u64::MAX, ..all() }).await, [0; 0]);
    let about = EventFilter { object: Some(objects[0]), after: 3, limit: 2 };
    assert_eq!(list(about).await, [9, 7]);
}

pub(crate) async fn the_numbers_of_events_have_no_gap(repository: &dyn Repository) {
    let known = zone("known");
    repository.transact(vec![Change::insert(&known)]).await.unwrap();
    let transactions = (0..200).map(|number| {
        let known = known.clone();
        async move {
            let mut dice = Dice::new(number);
            let mut changes = Vec::new();
            for part in 0..=dice.below(3) {
                changes.push(Change::Event(event(&format!("{number}-{part}"))));
            }
            let made = changes.len();
            // Every third is refused after it recorded something, and some record more after it.
            if number % 3 == 0 {
                changes.insert(made.min(2), Change::insert(&known));
            }
            match repository.transact(changes).await {
                Ok(()) => made,
                Err(Refused::Exists { .. }) => 0,
                other => panic!("{other:?}"),
            }
        }
    });
    let made: usize = join(transactions.collect()).await.into_iter().sum();
    let listed = repository.list_events(&EventFilter::default()).await.unwrap();
    let numbers: Vec<_> = listed.iter().rev().map(|one| one.number).collect();
    assert_eq!(numbers, (1..=u64::try_from(made).unwrap()).collect::<Vec<_>>());
    // Those of one transaction follow one another.
    for pair in listed.windows(2) {
        let (newer, older) = (&pair[0].event.description, &pair[1].event.description);
        let (_, part) = newer.split_once('-').unwrap();
        if part != "0" {
            assert_eq!(newer.split_once('-').unwrap().0, older.split_once('-').unwrap().0);
        }
    }
}
