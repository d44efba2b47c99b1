//! Transactions: all or nothing, in order, and no harm to neighbours.

use uuid::Uuid;

use super::{
    events::event,
    join,
    operations::{begin, operation},
    rows::{insert, pod, pool, zone},
};
use crate::{
    model::{Operation, Phase, Pod, RecordKind, Stored, Zone},
    store::{Change, EventFilter, Filter, Key, Refused, Repository},
};

fn expect(kind: RecordKind, uuid: Uuid, states: &[&'static str]) -> Change {
    Change::Expect { kind, uuid, states: states.to_vec() }
}

pub(crate) async fn no_changes_are_made_at_once(repository: &dyn Repository) {
    repository.transact(Vec::new()).await.unwrap();
}

pub(crate) async fn what_is_expected_is_asked(repository: &dyn Repository) {
    let zone = insert(repository, &zone("north")).await.record;
    let ask = async |uuid, states: &[&'static str]| {
        repository.transact(vec![expect(RecordKind::Zone, uuid, states)]).await
    };
    ask(zone.uuid, &[]).await.unwrap();
    ask(zone.uuid, &["Enabled"]).await.unwrap();
    ask(zone.uuid, &["Disabled", "Enabled"]).await.unwrap();
    let refused = ask(zone.uuid, &["Disabled", "Gone"]).await;
    assert_eq!(
        refused.as_ref().unwrap_err().to_string(),
        format!("zone {} is in state Enabled; it has to be Disabled or Gone", zone.uuid)
    );
    assert!(matches!(refused, Err(Refused::State { .. })), "{refused:?}");
    let other = Uuid::new_v4();
    let refused = ask(other, &[]).await;
    assert!(
        matches!(refused, Err(Refused::Missing { kind: RecordKind::Zone, uuid }) if uuid == other),
        "{refused:?}"
    );
    // Of another kind, or removed: not there.
    let refused = repository.transact(vec![expect(RecordKind::Pod, zone.uuid, &[])]).await;
    assert!(matches!(refused, Err(Refused::Missing { .. })), "{refused:?}");
    repository.transact(vec![Change::remove(&zone)]).await.unwrap();
    let refused = ask(zone.uuid, &["Enabled"]).await;
    assert!(matches!(refused, Err(Refused::Missing { .. })), "{refused:?}");
}

pub(crate) async fn an_owner_is_asked_for_what_belongs_to_it(repository: &dyn Repository) {
    let (owner, other) = (Uuid::new_v4(), Uuid::new_v4());
    let ask = async |kind| repository.transact(vec![Change::ExpectNone { kind, owner }]).await;
    ask(RecordKind::Pod).await.unwrap();
    insert(repository, &pod("theirs", other)).await;
    ask(RecordKind::Pod).await.unwrap();
    let (first, second) = (pod("a", owner), pod("b", owner));
    insert(repository, &first).await;
    insert(repository, &second).await;
    let refused = ask(RecordKind::Pod).await;
    assert_eq!(
        refused.as_ref().unwrap_err().to_string(),
        format!("2 pod records belong to {owner}")
    );
    assert!(matches!(refused, Err(Refused::Occupied { count: 2, .. })), "{refused:?}");
    ask(RecordKind::Volume).await.unwrap();
    let forget = Change::Forget(RecordKind::Pod, second.uuid);
    repository.transact(vec![Change::remove(&first), forget]).await.unwrap();
    ask(RecordKind::Pod).await.unwrap();
}

pub(crate) async fn a_name_is_had_once_where_it_counts(repository: &dyn Repository) {
    let (owner, other) = (Uuid::new_v4(), Uuid::new_v4());
    let (first, second) = (pod("one", owner), pod("one", owner));
    let add = async |pod: &Pod, within| {
        let changes = vec![Change::expect_name_free(pod, within), Change::insert(pod)];
        repository.transact(changes).await
    };
    add(&first, Some(owner)).await.unwrap();
    let refused = add(&second, Some(owner)).await.unwrap_err();
    assert!(matches!(&refused, Refused::Named { by, .. } if *by == first.uuid), "{refused:?}");
    let told = format!("there is a pod \"one\" already, {}; take another name", first.uuid);
    assert_eq!(refused.to_string(), told);
    // Its own name is no other's, nor is one in another place, unless it counts everywhere.
    let own = Change::expect_name_free(&first, None);
    repository.transact(vec![own]).await.unwrap();
    assert!(add(&pod("one", other), None).await.is_err());
    add(&pod("one", other), Some(other)).await.unwrap();
    repository.transact(vec![Change::remove(&first)]).await.unwrap();
    add(&second, Some(owner)).await.unwrap();
}

pub(crate) async fn changes_take_effect_in_their_order(repository: &dyn Repository) {
    let record = zone("north");
    let stored = Stored {
        record: record.clone(),
        id: 0,
        version: 1,
        created_us: 0,
        updated_us: 0,
        removed_us: None,
    };
    let (mine, theirs, name) = (Uuid::new_v4(), Uuid::new_v4(), "object:a".to_owned());
    let changes = vec![
        Change::insert(&record),
        Change::update(&stored),
        Change::update(&Stored { version: 2, ..stored.clone() }),
        Change::Claim { name: name.clone(), holder: mine },
        Change::Unclaim { name: name.clone(), holder: mine },
        Change::Claim { name: name.clone(), holder: theirs },
        expect(RecordKind::Zone, record.uuid, &["Enabled"]),
        Change::remove(&record),
        Change::ExpectNone { kind: RecordKind::Zone, owner: record.uuid },
    ];
    repository.transact(changes).await.unwrap();
    let found: Stored<Zone> = repository.find_any(Key::Uuid(record.uuid)).await.unwrap().unwrap();
    assert!(found.version >= 3 && found.removed_us.is_some(), "{found:?}");
    assert_eq!(repository.find_claim(&name).await.unwrap().unwrap().holder, theirs);
    // The first refusal is the one that is told.
    let changes =
        vec![expect(RecordKind::Zone, record.uuid, &[]), Change::Claim { name, holder: mine }];
    let refused = repository.transact(changes).await;
    assert!(matches!(refused, Err(Refused::Missing { .. })), "{refused:?}");
}

pub(crate) async fn a_refusal_leaves_nothing_of_its_list(repository: &dyn Repository) {
    let kept = insert(repository, &zone("kept")).await;
    let doomed = insert(repository, &zone("doomed")).await;
    let running = operation("before");
    let (store, mine, other) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let claim = |name: &str, holder| Change::Claim { name: name.to_owned(), holder };
    let before = vec![
        begin(&running),
        claim("held", mine),
        Change::SetLimit { store, bytes: 100 },
        Change::Reserve { store, owner: mine, bytes: 60 },
        Change::Event(event("before")),
    ];
    repository.transact(before).await.unwrap();

    let (new, sealed, begun) = (zone("new"), pool("new", "secret"), operation("new"));
    let mut changed = kept.clone();
    changed.name = "changed".to_owned();
    let journaled = Operation { phase: Phase::Done, ..running.clone() };
    let list = vec![
        Change::insert(&new),
        Change::insert(&sealed),
        Change::update(&changed),
        Change::remove(&changed.record),
        Change::Forget(RecordKind::Zone, doomed.uuid),
        claim("new", mine),
        Change::Unclaim { name: "held".to_owned(), holder: mine },
        Change::SetLimit { store, bytes: 1_000 },
        Change::Reserve { store, owner: other, bytes: 500 },
        Change::Unreserve { store, owner: mine },
        begin(&begun),
        Change::Journal(Box::new(journaled)),
        Change::Event(event("refused")),
    ];
    let changed_since = Stored { version: 9, ..doomed.clone() };
    let refusals = [
        expect(RecordKind::Zone, Uuid::new_v4(), &[]),
        Change::insert(&new),
        Change::update(&changed_since),
        Change::ExpectNone { kind: RecordKind::Pod, owner: mine },
        claim("new", other),
        Change::Reserve { store, owner: other, bytes: 1_001 },
        begin(&running),
        Change::Journal(Box::new(operation("never begun"))),
    ];
    insert(repository, &pod("theirs", mine)).await;
    for refusal in refusals {
        let text = format!("{refusal:?}");
        let mut list = list.clone();
        list.push(refusal);
        // What would come after it is not made either.
        list.push(claim("after", mine));
        assert!(repository.transact(list).await.is_err(), "{text}");

        let zones = repository.list::<Zone>(&Filter::default()).await.unwrap();
        assert_eq!(zones, [kept.clone(), doomed.clone()], "{text}");
        let found = repository.find_row(RecordKind::StoragePool, Key::Uuid(sealed.uuid)).await;
        assert!(found.unwrap().is_none(), "{text}");
        let claims = repository.list_claims().await.unwrap();
        let names: Vec<_> = claims.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["held"], "{text}");
        let capacity = repository.capacity(store).await.unwrap();
        assert_eq!((capacity.limit, capacity.reserved), (Some(100), 60), "{text}");
        assert_eq!(repository.reservations(store).await.unwrap(), [(mine, 60)], "{text}");
        assert_eq!(repository.find_operation(begun.uuid).await.unwrap(), None, "{text}");
        let operation = repository.find_operation(running.uuid).await.unwrap().unwrap();
        assert_eq!(operation.phase, Phase::Running, "{text}");
        let events = repository.list_events(&EventFilter::default()).await.unwrap();
        assert_eq!(events.len(), 1, "{text}");
    }
    // Not a number is gone either.
    assert_eq!(insert(repository, &new).await.id, 3);
}

pub(crate) async fn a_refusal_harms_no_neighbour(repository: &dyn Repository) {
    let taken = zone("taken");
    insert(repository, &taken).await;
    let transactions = (0..200).map(|number| {
        let taken = taken.clone();
        async move {
            let pod = pod(&number.to_string(), taken.uuid);
            let mut changes = vec![Change::insert(&pod), Change::Event(event(&pod.name))];
            if number % 2 == 1 {
                changes.push(Change::insert(&taken));
            }
            (pod, repository.transact(changes).await)
        }
    });
    for (number, (pod, outcome)) in join(transactions.collect()).await.into_iter().enumerate() {
        let found = repository.find::<Pod>(pod.uuid).await.unwrap();
        assert_eq!(found.is_some(), number % 2 == 0, "{number}");
        match outcome {
            Ok(()) => assert_eq!(number % 2, 0),
            Err(Refused::Exists { .. }) => assert_eq!(number % 2, 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(repository.list_events(&EventFilter::default()).await.unwrap().len(), 100);
}
