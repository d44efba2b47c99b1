//! The epoch: what every engine does with it while it is open.

use crate::store::{Repository, StoreError};

pub(crate) async fn the_epoch_is_raised_and_never_lowered(repository: &dyn Repository) {
    let first = repository.epoch();
    assert!(first > 0);
    assert_eq!(repository.raise_epoch_above(first + 10).await.unwrap(), first + 11);
    assert_eq!(repository.epoch(), first + 11);
    for lower in [0, first, first + 10] {
        assert_eq!(repository.raise_epoch_above(lower).await.unwrap(), first + 11);
    }
    assert_eq!(repository.raise_epoch_above(first + 11).await.unwrap(), first + 12);
    assert_eq!(repository.epoch(), first + 12);
}

pub(crate) async fn an_epoch_that_cannot_be_is_refused(repository: &dyn Repository) {
    let before = repository.epoch();
    for other in [u64::MAX, i64::MAX.unsigned_abs()] {
        let refused = repository.raise_epoch_above(other).await;
        assert!(matches!(refused, Err(StoreError::InvalidAddress { .. })), "{refused:?}");
    }
    assert_eq!(repository.epoch(), before);
}
