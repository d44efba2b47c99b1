//! Everything the host must not forget: durable state behind one repository trait.
//!
//! What it is not: a place for caches that may be lost (a room keeps its own), and no judge of
//! what is stored; state machines belong to `model`. An engine is named nowhere but here.
//!
//! **Invariants:** a change that was acknowledged is on the disk, whatever is killed afterwards.
//! One host at a time has a data directory. A secret is in no file of it in clear text, the key
//! file apart.
//!
//! Start reading at [`Store`], then [`Repository`], then the engine in `sqlite`.

mod open;
mod repository;

mod change;
mod details;
mod installation;
mod records;
mod row;

mod error;
mod open_error;

mod directory;
mod hex;
mod schema;
mod secrets;
mod time;

mod sqlite;

#[cfg(test)]
mod tests;

pub use change::{Change, Refused};
pub use details::{DetailRepository, MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use error::{Cause, StoreError};
pub use installation::InstallationId;
pub use open::Store;
pub use open_error::OpenError;
pub use records::{Capacity, Claim, EventFilter, Filter, Key, OperationFilter, RecordRepository};
pub use repository::Repository;
pub use row::{NewRow, Row};
pub use secrets::{KeySource, SecretKey};
pub use sqlite::SqliteRepository;
pub use time::now_us;
