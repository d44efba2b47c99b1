//! State machines as tables.

use super::record::RecordKind;
use std::fmt;

/// A state machine whose transitions are a table.
pub trait Machine: Copy + Eq + fmt::Display + 'static {
    /// What happens to it.
    type Event: Copy + Eq + fmt::Debug + 'static;
    /// Of which kind of record it is the state.
    const KIND: RecordKind;
    /// From a state, by an event, to a state.
    const TABLE: &'static [(Self, Self::Event, Self)];

    /// The state after an event.
    ///
    /// # Errors
    /// The table has no such transition.
    fn next(self, event: Self::Event) -> Result<Self, NoTransition> {
        Self::TABLE
            .iter()
            .find(|(from, by, _)| *from == self && *by == event)
            .map(|(_, _, to)| *to)
            .ok_or_else(|| NoTransition {
                kind: Self::KIND,
                state: self.to_string(),
                event: format!("{event:?}"),
                from: Self::TABLE
                    .iter()
                    .filter(|(_, by, _)| *by == event)
                    .map(|(from, _, _)| from.to_string())
                    .collect(),
            })
    }
}

/// A thing is not in a state that allows this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} in state {state} does not take {event}; it has to be {}", from.join(" or "))]
pub struct NoTransition {
    /// What kind of thing.
    pub kind: RecordKind,
    /// The state it is in.
    pub state: String,
    /// What was to happen.
    pub event: String,
    /// The states that would take it.
    pub from: Vec<String>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::Hash;

    /// Checks what is true of every table: no state has two answers to an event, and each state
    /// but the initial one can be reached.
    pub(in crate::model) fn check<M: Machine + Hash + fmt::Debug>(initial: M, all: &[M])
    where
        M::Event: Hash,
    {
        let mut seen = HashSet::new();
        for (from, event, _) in M::TABLE {
            assert!(seen.insert((*from, *event)), "{from} has two answers to {event:?}");
        }
        let mut reached = vec![initial];
        let mut next = 0;
        while let Some(state) = reached.get(next).copied() {
            for (_, _, to) in M::TABLE.iter().filter(|(from, _, _)| *from == state) {
                if !reached.contains(to) {
                    reached.push(*to);
                }
            }
            next += 1;
        }
        for state in all {
            assert!(reached.contains(state), "nothing leads to {state}");
        }
    }
}
