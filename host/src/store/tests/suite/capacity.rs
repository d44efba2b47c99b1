//! Promises: what every engine does with them.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Dice, join};
use crate::store::{Capacity, Change, Refused, Repository, StoreError};

fn reserve(store: Uuid, owner: Uuid, bytes: u64) -> Change {
    Change::Reserve { store, owner, bytes }
}

async fn try_reserve(
    repository: &dyn Repository,
    store: Uuid,
    owner: Uuid,
    bytes: u64,
) -> Result<(), Refused> {
    repository.transact(vec![reserve(store, owner, bytes)]).await
}

async fn limit(repository: &dyn Repository, store: Uuid, bytes: u64) {
    repository.transact(vec![Change::SetLimit { store, bytes }]).await.unwrap();
}

#[track_caller]
fn assert_no_room(outcome: Result<(), Refused>, free: u64, wanted: u64) {
    match outcome {
        Err(Refused::NoRoom { free: is_free, wanted: is_wanted, .. }) => {
            assert_eq!((is_free, is_wanted), (free, wanted));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn promises_add_up_to_the_limit(repository: &dyn Repository) {
    let (store, a, b) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(repository.capacity(store).await.unwrap(), Capacity::default());
    limit(repository, store, 100).await;
    let capacity = async || repository.capacity(store).await.unwrap();
    assert_eq!(capacity().await, Capacity { limit: Some(100), reserved: 0 });
    try_reserve(repository, store, a, 60).await.unwrap();
    assert_no_room(try_reserve(repository, store, b, 41).await, 40, 41);
    try_reserve(repository, store, b, 40).await.unwrap();
    assert_eq!(capacity().await, Capacity { limit: Some(100), reserved: 100 });
    // A promise is what was said last, not a sum.
    try_reserve(repository, store, a, 60).await.unwrap();
    assert_no_room(try_reserve(repository, store, a, 61).await, 0, 1);
    try_reserve(repository, store, a, 10).await.unwrap();
    assert_eq!(capacity().await, Capacity { limit: Some(100), reserved: 50 });
    let mut expected = [(a, 10), (b, 40)];
    expected.sort_unstable();
    let mut listed = repository.reservations(store).await.unwrap();
    listed.sort_unstable();
    assert_eq!(listed, expected);
    let other = Uuid::new_v4();
    assert_eq!(repository.reservations(other).await.unwrap(), []);
}

pub(crate) async fn a_promise_ends_once(repository: &dyn Repository) {
    let (store, owner) = (Uuid::new_v4(), Uuid::new_v4());
    let end = |owner| vec![Change::Unreserve { store, owner }];
    try_reserve(repository, store, owner, 60).await.unwrap();
    repository.transact(end(Uuid::new_v4())).await.unwrap();
    assert_eq!(repository.capacity(store).await.unwrap().reserved, 60);
    repository.transact(end(owner)).await.unwrap();
    repository.transact(end(owner)).await.unwrap();
    assert_eq!(repository.capacity(store).await.unwrap(), Capacity { limit: None, reserved: 0 });
    assert_eq!(repository.reservations(store).await.unwrap(), []);
}

pub(crate) async fn promises_above_a_lowered_limit_stay(repository: &dyn Repository) {
    let (store, a, b) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    // Without a limit nothing is refused.
    try_reserve(repository, store, a, 1_000).await.unwrap();
    limit(repository, store, 100).await;
    let kept = Capacity { limit: Some(100), reserved: 1_000 };
    assert_eq!(repository.capacity(store).await.unwrap(), kept);
    assert_no_room(try_reserve(repository, store, b, 1).await, 0, 1);
    assert_no_room(try_reserve(repository, store, a, 1_001).await, 0, 1);
    // Nor is what does not grow.
    try_reserve(repository, store, a, 1_000).await.unwrap();
    try_reserve(repository, store, a, 900).await.unwrap();
    try_reserve(repository, store, b, 0).await.unwrap();
    assert_eq!(repository.capacity(store).await.unwrap().reserved, 900);
    limit(repository, store, 1_000).await;
    try_reserve(repository, store, b, 100).await.unwrap();
}

pub(crate) async fn bytes_beyond_all_numbers_do_no_harm(repository: &dyn Repository) {
    let (store, a, b) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let largest = i64::MAX.unsigned_abs();
    try_reserve(repository, store, a, largest - 5).await.unwrap();
    assert_no_room(try_reserve(repository, store, b, 6).await, 5, 6);
    assert_no_room(try_reserve(repository, store, b, u64::MAX).await, 5, u64::MAX);
    limit(repository, store, u64::MAX).await;
    try_reserve(repository, store, b, 5).await.unwrap();
    let capacity = repository.capacity(store).await.unwrap();
    assert_eq!(capacity, Capacity { limit: Some(largest), reserved: largest });
}

pub(crate) async fn no_promise_is_lost_or_made_twice(repository: &dyn Repository) {
    const LIMIT: u64 = 10_000;
    let stores: Vec<_> = (0..3).map(|_| Uuid::new_v4()).collect();
    let owners: Vec<_> = (0..20).map(|_| Uuid::new_v4()).collect();
    // The third store has no limit.
    limit(repository, stores[0], LIMIT).await;
    limit(repository, stores[1], LIMIT).await;
    let mut model: BTreeMap<(Uuid, Uuid), u64> = BTreeMap::new();
    let mut dice = Dice::new(42);
    let mut refusals = 0;
    for _ in 0..1_000 {
        let (store, owner) = (dice.one_of(&stores), dice.one_of(&owners));
        if dice.below(4) == 0 {
            repository.transact(vec![Change::Unreserve { store, owner }]).await.unwrap();
            model.remove(&(store, owner));
        } else {
            let bytes = dice.below(2_000);
            let others: u64 = model
                .iter()
                .filter(|((of, by), _)| *of == store && *by != owner)
                .map(|(_, bytes)| bytes)
                .sum();
            let before = model.get(&(store, owner)).copied().unwrap_or_default();
            let fits = store == stores[2] || bytes <= before || others + bytes <= LIMIT;
            match try_reserve(repository, store, owner, bytes).await {
                Ok(()) => {
                    assert!(fits, "{others} + {bytes} was promised");
                    model.insert((store, owner), bytes);
                }
                refused => {
                    assert!(!fits, "{others} + {bytes} was refused");
                    assert_no_room(refused, LIMIT - others - before, bytes - before);
                    refusals += 1;
                }
            }
        }
        let sum: u64 =
            model.iter().filter(|((of, _), _)| *of == store).map(|(_, bytes)| bytes).sum();
        assert_eq!(repository.capacity(store).await.unwrap().reserved, sum);
    }
    assert!(refusals > 10, "{refusals} refusals");
    for store in stores {
        let listed = repository.reservations(store).await.unwrap();
        let listed: BTreeMap<_, _> =
            listed.into_iter().map(|(owner, bytes)| ((store, owner), bytes)).collect();
        let expected: BTreeMap<_, _> =
            model.iter().filter(|((of, _), _)| *of == store).map(|(key, b)| (*key, *b)).collect();
        assert_eq!(listed, expected);
    }
}

pub(crate) async fn promises_made_at_once_stay_below_the_limit(repository: &dyn Repository) {
    let store = Uuid::new_v4();
    limit(repository, store, 1_000).await;
    let promises =
        (0..50).map(|_| async { try_reserve(repository, store, Uuid::new_v4(), 30).await });
    let outcomes = join(promises.collect()).await;
    // 33 times 30 fit; the 34th does not.
    assert_eq!(outcomes.iter().filter(|one| one.is_ok()).count(), 33);
    let left = outcomes.iter().filter(|one| matches!(one, Err(Refused::NoRoom { .. })));
    assert_eq!(left.count(), 17);
    assert_eq!(repository.capacity(store).await.unwrap().reserved, 990);
    assert_eq!(repository.reservations(store).await.unwrap().len(), 33);
}

pub(crate) async fn a_number_that_is_none_is_an_error(repository: &dyn Repository) {
    let (store, owner) = (Uuid::new_v4(), Uuid::new_v4());
    let refused = try_reserve(repository, store, owner, u64::MAX).await;
    assert_no_room(refused, i64::MAX.unsigned_abs(), u64::MAX);
    let row = repository.find_row(crate::model::RecordKind::Zone, crate::store::Key::Id(u64::MAX));
    assert!(matches!(row.await, Err(StoreError::Read { .. }) | Ok(None)));
}
