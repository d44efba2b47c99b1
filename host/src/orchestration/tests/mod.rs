//! Every flow through every accident: the generic saga tests.
//!
//! A [`World`] is a store and a back end in memory, which outlive the [`Life`] of a host. A
//! [`Scenario`] prepares a world and does one thing in it; `sagas.rs` lets it succeed, fail, repeat
//! and die at each call of its driver, and looks whether the world is as it should be.

mod check;
pub(in crate::orchestration) mod faults;
mod faulty;
mod maintained;
mod picture;
mod scenario;
mod scenarios;
mod streams;
mod threads;
pub(in crate::orchestration) mod world;

mod recovery;
mod resume;
mod sagas;
