//! What goes from a full image store to others so that they are as full as each other.
//!
//! What it is not: the move. It is arithmetic on what the records say.
//!
//! **Invariant:** no move makes the store that it goes to fuller, for its size, than the one that it
//! leaves.

use uuid::Uuid;

/// How full a store is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) store: Uuid,
    pub(super) used: u64,
    pub(super) capacity: u64,
}

impl Level {
    /// The part of it that would be used with more or fewer bytes.
    #[expect(clippy::cast_precision_loss, reason = "what is nearly as full is as full")]
    fn with(&self, more: u64, fewer: u64) -> f64 {
        let used = self.used.saturating_add(more).saturating_sub(fewer);
        used as f64 / self.capacity.max(1) as f64
    }
}

/// Which objects, by id and size in bytes, go where. The largest go first: the fewest move.
pub(super) fn balanced(
    mut source: Level,
    mut others: Vec<Level>,
    mut objects: Vec<(Uuid, u64)>,
) -> Vec<(Uuid, Uuid)> {
    objects.sort_by_key(|(object, bytes)| (std::cmp::Reverse(*bytes), *object));
    let mut moves = Vec::new();
    for (object, bytes) in objects {
        let emptiest = others.iter_mut().min_by(|one, other| {
            one.with(bytes, 0).total_cmp(&other.with(bytes, 0)).then(one.store.cmp(&other.store))
        });
        let Some(other) = emptiest else {
            break;
        };
        if other.with(bytes, 0) <= source.with(0, bytes) {
            other.used += bytes;
            source.used = source.used.saturating_sub(bytes);
            moves.push((object, other.store));
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn level(store: u128, used: u64, capacity: u64) -> Level {
        Level { store: id(store), used, capacity }
    }

    /// What is moved: by number of the object, and of the store that it goes to.
    fn moved(source: Level, others: &[Level], sizes: &[u64]) -> Vec<(u128, u128)> {
        let objects = (1..).map(id).zip(sizes.iter().copied()).collect();
        let moves = balanced(source, others.to_vec(), objects);
        moves.into_iter().map(|(object, store)| (object.as_u128(), store.as_u128())).collect()
    }

    #[test]
    fn the_largest_go_until_both_are_as_full() {
        let moves = moved(level(0, 100, 100), &[level(7, 0, 100)], &[10, 40, 20, 30]);
        // 40 leaves 60 beside 40; 30 would make 30 beside 70.
        assert_eq!(moves, [(2, 7), (1, 7)]);
    }

    #[test]
    fn each_goes_to_the_emptiest_for_its_size() {
        let others = [level(7, 0, 100), level(8, 100, 1_000)];
        let moves = moved(level(0, 90, 100), &others, &[10, 10, 10]);
        assert_eq!(moves, [(1, 7), (2, 8), (3, 8)]);
    }

    #[test]
    fn nothing_goes_where_nothing_gains() {
        assert_eq!(moved(level(0, 50, 100), &[level(7, 50, 100)], &[1, 2]), []);
        assert_eq!(moved(level(0, 50, 100), &[level(7, 60, 100)], &[1, 2]), []);
        assert_eq!(moved(level(0, 50, 100), &[], &[1, 2]), []);
        // The only object is larger than the difference.
        assert_eq!(moved(level(0, 60, 100), &[level(7, 0, 100)], &[50]), []);
    }
}
