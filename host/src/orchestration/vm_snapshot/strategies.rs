//! Which strategy takes an instance snapshot, and why.
//!
//! Every strategy is asked in the order of registration: the host's own, then those of providers
//! in the order of their rows. The first with the highest priority wins.
//!
//! **Invariant:** a provider's strategy is asked only where every volume is on a pool of that
//! provider: what it is given holds the secrets of the pools.

use super::question::Question;
use super::{Group, VmSnapshots, provider, storage};
use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, Snapshot, Stored, Volume};
use crate::orchestration::rooms::Rooms;
use std::fmt;
use storage_plugin_api::StrategyPriority;
use uuid::Uuid;

/// Who takes an instance snapshot (CloudStack's `VMSnapshotStrategy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// The host: each volume's snapshot through its own driver.
    Host,
    /// The strategy of a provider.
    Provider(String),
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host"),
            Self::Provider(name) => write!(f, "provider {name:?}"),
        }
    }
}

/// What a strategy says to an instance snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose it is.
    pub strategy: Strategy,
    /// How much it wants it; an error, or a word that the host does not know, is `CantHandle`.
    pub priority: StrategyPriority,
    /// Why.
    pub reason: String,
    /// It is the one that would take it.
    pub wins: bool,
}

impl Verdict {
    fn new(strategy: Strategy, (priority, reason): (StrategyPriority, String)) -> Self {
        let priority = match priority {
            StrategyPriority::Unknown => StrategyPriority::CantHandle,
            known => known,
        };
        Self { strategy, priority, reason, wins: false }
    }
}

impl VmSnapshots {
    /// What every strategy says to a snapshot of an instance, in the order in which they are
    /// asked, and which one would take it. Nothing is taken.
    ///
    /// # Errors
    /// `Conflict` for an instance without volumes; `Unavailable` where a pool cannot be reached.
    pub async fn explain(
        &self,
        instance: Uuid,
        memory: bool,
        quiesce_vm: bool,
    ) -> Result<Vec<Verdict>, Failure> {
        let question = Question::about(&self.rooms, instance, memory, quiesce_vm).await?;
        self.rooms.verdicts(&question).await
    }
}

impl Rooms {
    /// Asks every strategy.
    pub(super) async fn verdicts(&self, question: &Question<'_>) -> Result<Vec<Verdict>, Failure> {
        let mut verdicts = vec![Verdict::new(Strategy::Host, storage::can_handle(question))];
        for (name, strategy) in self.providers.vm_snapshot_strategies() {
            let said = provider::can_handle(self, question, &name, strategy.as_ref()).await?;
            verdicts.push(Verdict::new(Strategy::Provider(name), said));
        }
        choose(&mut verdicts);
        Ok(verdicts)
    }
}

/// Marks the first with the highest priority; none, where none can.
fn choose(verdicts: &mut [Verdict]) {
    let mut best = StrategyPriority::CantHandle;
    let mut winner = None;
    for (number, verdict) in verdicts.iter().enumerate() {
        if verdict.priority > best {
            best = verdict.priority;
            winner = Some(number);
        }
    }
    if let Some(verdict) = winner.and_then(|winner| verdicts.get_mut(winner)) {
        verdict.wins = true;
    }
}

/// The strategy that won.
///
/// # Errors
/// `Unsupported`, with the reason of each.
pub(super) fn winner(verdicts: Vec<Verdict>, instance: &str) -> Result<Strategy, Failure> {
    let reasons: Vec<String> = verdicts
        .iter()
        .map(|verdict| format!("{}: {}", verdict.strategy, verdict.reason))
        .collect();
    let winner = verdicts.into_iter().find(|verdict| verdict.wins);
    winner.map(|verdict| verdict.strategy).ok_or_else(|| {
        Failure::unsupported(format!(
            "nobody can take this snapshot of instance {instance:?}: {}",
            reasons.join("; ")
        ))
    })
}

impl Strategy {
    /// The one that took an instance snapshot.
    pub(super) fn of(group: &Group) -> Self {
        match &group.vm_snapshot.strategy {
            None => Self::Host,
            Some(name) => Self::Provider(name.clone()),
        }
    }

    /// As an instance snapshot keeps it.
    pub(super) fn into_name(self) -> Option<String> {
        match self {
            Self::Host => None,
            Self::Provider(name) => Some(name),
        }
    }

    /// Takes the snapshot of every volume; each is there when this returns.
    pub(super) async fn take(
        &self,
        rooms: &Rooms,
        context: &StepContext,
        group: &mut Group,
    ) -> Result<(), StepError> {
        match self {
            Self::Host => storage::take(rooms, context, group).await,
            Self::Provider(name) => provider::take(rooms, context, group, name).await,
        }
    }

    /// Removes the snapshot of every volume that is there; none is when this returns.
    pub(super) async fn delete(
        &self,
        rooms: &Rooms,
        context: &StepContext,
        group: &Group,
    ) -> Result<(), StepError> {
        match self {
            Self::Host => storage::delete(rooms, context, group).await,
            Self::Provider(name) => provider::delete(rooms, context, group, name).await,
        }
    }

    /// Puts every volume back; its record says what it is then.
    pub(super) async fn revert(
        &self,
        rooms: &Rooms,
        context: &StepContext,
        group: &Group,
        volumes: &mut [Stored<Volume>],
    ) -> Result<(), StepError> {
        match self {
            Self::Host => storage::revert(rooms, context, group, volumes).await,
            Self::Provider(name) => provider::revert(rooms, context, group, volumes, name).await,
        }
    }
}

/// The member of a group that is of a volume.
pub(super) fn member_of<'a>(
    group: &'a Group,
    volume: &Volume,
) -> Result<&'a Stored<Snapshot>, Failure> {
    let found = group.members.iter().find(|member| member.volume.uuid == volume.uuid);
    found.ok_or_else(|| {
        Failure::internal(format!(
            "instance snapshot {:?} has no snapshot of volume {:?}",
            group.vm_snapshot.name, volume.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use StrategyPriority::{CantHandle, Default, Highest, Hypervisor, Unknown};

    /// Who wins where strategies answer so.
    fn wins(priorities: &[StrategyPriority]) -> Option<usize> {
        let mut verdicts: Vec<Verdict> = priorities
            .iter()
            .map(|priority| Verdict::new(Strategy::Host, (*priority, String::new())))
            .collect();
        choose(&mut verdicts);
        verdicts.iter().position(|verdict| verdict.wins)
    }

    #[test]
    fn the_first_with_the_highest_priority_wins() {
        assert_eq!(wins(&[]), None);
        assert_eq!(wins(&[CantHandle, CantHandle]), None);
        assert_eq!(wins(&[Default, Hypervisor, Highest]), Some(2));
        assert_eq!(wins(&[Default, Default]), Some(0));
        assert_eq!(wins(&[CantHandle, Highest, Hypervisor, Highest]), Some(1));
        // A word of a newer contract wins nothing.
        assert_eq!(wins(&[Default, Unknown]), Some(0));
    }

    #[test]
    fn who_asks_for_what_nobody_can_gets_the_reason_of_each() {
        let no = |strategy, reason: &str| Verdict::new(strategy, (CantHandle, reason.to_owned()));
        let acme = Strategy::Provider("Acme".to_owned());
        let verdicts = vec![no(Strategy::Host, "it runs"), no(acme, "it is full")];
        let refused = winner(verdicts, "web").unwrap_err();
        assert_eq!(
            refused.message,
            "nobody can take this snapshot of instance \"web\": the host: it runs; provider \
             \"Acme\": it is full"
        );
    }
}
