//! Plugins in processes of their own: `isolation = "process"` in plugins.toml.
//!
//! The host starts itself again with a hidden word; that child, the runner, loads the library and
//! carries calls between a socket and it. Whatever the plugin does there, crash, exit, spin or
//! fill the memory, ends in one typed error of the calls under way, and the process is started
//! again with a growing delay.
//!
//! ```text
//! traits ── Proxy ── Supervisor ── Connection ══ socket ══ runner ── FfiTransport ── library
//! ```
//! Records are encoded once, by the proxy: the socket carries the very bytes that cross into a
//! library. Both ends of the socket are the same executable, so its frames need no versions.
//!
//! **Invariant:** the host believes nothing that a runner sends: lengths are bounded, unknown
//! streams are ignored, a frame that cannot be read ends the runner.

mod connection;
mod frames;
mod load;
mod runner;
mod stderr;
mod streams;
mod supervisor;
mod turns;

pub use load::{load_isolated, open_isolated};
pub use runner::run_child;
pub use supervisor::{RunnerSpec, RunnerState, RunnerStatus, Supervisor};
