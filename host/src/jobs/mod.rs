//! Jobs: sagas with a journal, that survive the host.
//!
//! What it is: the engine that runs an operation's steps, undoes them when one fails, goes on after
//! a crash, and tells clients how far it is; and the guard around every call into a plugin. What it
//! is not: the steps; each flow is declared in `orchestration`.
//!
//! **Invariants:** the intent of a step is durable before it runs, and its outcome together with
//! the changes of records that follow from it, in one transaction. A step may run again after a
//! crash, so what it does outside the store is idempotent; what it does in the store happens once.
//! An operation rests as done or as undone; until then the host tries again and says what it waits
//! for.
//!
//! Start reading at [`Flow`] and [`Step`], then `run.rs`.

mod flow;
mod step;
mod step_error;

mod engine;
mod erased;
mod live;
mod pace;
mod run;

mod guard;

#[cfg(test)]
mod tests;

pub use engine::{Jobs, NewOperation, Progress, claim_of, uses_of};
pub use flow::Flow;
pub use guard::{CircuitReport, Guard, GuardedCall};
pub(crate) use step::step_fn;
pub use step::{Step, StepContext, StepFuture};
pub use step_error::{Retrying, StepError};
