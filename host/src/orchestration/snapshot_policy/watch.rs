//! The task that runs policies when they are due, as long as the host runs.

use super::SnapshotPolicies;
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::Started;
use crate::store::{Filter, now_us};
use std::sync::Arc;
use std::time::Duration;

/// The longest time between two rounds: a clock that was set, and what somebody held, is seen then.
const LONGEST: Duration = Duration::from_mins(1);
/// The shortest one.
const SHORTEST: Duration = Duration::from_millis(100);

impl SnapshotPolicies {
    /// Runs what is due: at once, when the next policy is, and when something ends.
    pub(in crate::orchestration) fn watch(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        let wake = Arc::clone(&self.wake);
        tokio::spawn(async move {
            if let Some(rooms) = rooms.upgrade() {
                Self::over(rooms, Arc::clone(&wake)).wake_after_recovered().await;
            }
            while let Some(rooms) = rooms.upgrade() {
                let policies = Self::over(rooms, Arc::clone(&wake));
                let wait = match policies.round().await {
                    Ok(wait) => wait,
                    Err(failure) => {
                        log::warn!("snapshot policies cannot be looked at: {failure}");
                        LONGEST
                    }
                };
                drop(policies);
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = wake.notified() => {}
                }
            }
        });
    }

    /// Does what is to be done now, and says how long nothing is.
    async fn round(&self) -> Result<Duration, Failure> {
        self.run_due(now_us()).await?;
        self.settle(now_us()).await?;
        let policies = self.list(&Filter::default()).await?;
        let next = policies.iter().filter_map(|it| it.schedule.next_after(it.last_due_us).ok());
        let now = now_us();
        // What is due and waits is looked at when something ends, or with the next round.
        Ok(until(next.filter(|next| *next > now).min(), now))
    }

    /// Has a round made once an operation on a snapshot ended that goes on from before the start.
    async fn wake_after_recovered(&self) {
        // Where they cannot be read, the next round but one sees what came of them.
        for one in self.rooms.repository.unfinished_operations().await.unwrap_or_default() {
            if let Some((RecordKind::Snapshot, object)) = one.object {
                self.wake_after(Started { operation: one.uuid, object });
            }
        }
    }

    /// Has a round made once an operation ended.
    pub(super) fn wake_after(&self, started: Started) {
        let (rooms, wake) = (Arc::downgrade(&self.rooms), Arc::clone(&self.wake));
        tokio::spawn(async move {
            if let Some(rooms) = rooms.upgrade() {
                let jobs = rooms.jobs.clone();
                drop(rooms);
                // Whatever came of it, there is something to look at.
                jobs.wait(started.operation).await.ok();
                wake.notify_one();
            }
        });
    }
}

/// How long it is until a moment.
fn until(next_us: Option<i64>, now_us: i64) -> Duration {
    let wait = next_us.map_or(i64::MAX, |next| next.saturating_sub(now_us));
    Duration::from_micros(u64::try_from(wait).unwrap_or_default()).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_made_when_something_is_due_and_once_a_minute() {
        assert_eq!(until(None, 7), LONGEST);
        assert_eq!(until(Some(7 + 1_500_000), 7), Duration::from_millis(1500));
        assert_eq!(until(Some(i64::MAX), 7), LONGEST);
        assert_eq!(until(Some(8), 7), SHORTEST);
    }
}
