//! A scenario: a world in which one thing is done.

use super::picture::Picture;
use super::world::{Life, World};
use crate::model::Failure;
use crate::orchestration::Started;
use std::fmt;
use std::pin::Pin;
use uuid::Uuid;

pub(super) type Begun<'a> = Pin<Box<dyn Future<Output = Result<Started, Failure>> + Send + 'a>>;

/// One thing that can be done.
#[derive(Clone, Copy)]
pub(super) struct Scenario {
    /// The name of the flow.
    pub(super) flow: &'static str,
    /// Which of its ways.
    pub(super) way: &'static str,
    /// Makes what the thing is done to; its ids.
    pub(super) prepare: fn(&World, &Life) -> Vec<Uuid>,
    /// Begins it.
    pub(super) begin: for<'a> fn(&'a Life, &'a [Uuid]) -> Begun<'a>,
    /// Whether a picture shows that it was done.
    pub(super) is_done: fn(&Picture, &[Uuid]) -> bool,
    /// Changes the picture of before into that of a world where it was undone; the last picture
    /// tells what cannot come back.
    pub(super) undone: fn(&mut Picture, &Picture, &[Uuid]),
}

impl Scenario {
    /// A world in which it can be done, the host that lives in it, and the ids.
    pub(super) fn prepared(&self) -> (World, Life, Vec<Uuid>) {
        let world = World::new();
        let life = world.live();
        // The first hypervisor host is added by itself.
        life.idle();
        let ids = (self.prepare)(&world, &life);
        life.idle();
        world.faults.none();
        (world, life, ids)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.flow, self.way)
    }
}
