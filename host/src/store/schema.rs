//! The schema, as the steps that lead to it from an empty database.
//!
//! What it is not: the machine that applies them; each engine has its own. The text of a step is
//! the same for all: its types are names that SQLite and PostgreSQL both take (to SQLite `BYTEA` is
//! a column that keeps bytes as they are).
//!
//! **Invariant:** a released step never changes; a database remembers the checksum of each step it
//! went through.
//!
//! WHEN CHANGING THIS: append a step to [`STEPS`], with its text in `steps/`.

use sha2::{Digest, Sha256};

use super::hex;

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The version that the database has after it; they count from 1 without a gap.
    pub(super) version: u32,
    /// What it adds.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: &'static str,
}

impl Step {
    /// What a database remembers of the text.
    pub(super) fn checksum(&self) -> String {
        hex::encode(&Sha256::digest(self.sql.as_bytes()))
    }
}

/// Every step, in order.
pub(super) const STEPS: &[Step] = &[
    Step { version: 1, name: "meta", sql: include_str!("steps/0001_meta.sql") },
    Step { version: 2, name: "plugin_details", sql: include_str!("steps/0002_plugin_details.sql") },
    Step { version: 3, name: "records", sql: include_str!("steps/0003_records.sql") },
];

/// Names of the records in the table `meta`.
pub(super) mod meta {
    /// The installation id.
    pub(in crate::store) const INSTALLATION_ID: &str = "installation_id";
    /// A sealed text that only the right key opens.
    pub(in crate::store) const KEY_PROOF: &str = "key_proof";
    /// How many times the store was opened, or a higher number that it was raised to.
    pub(in crate::store) const EPOCH: &str = "epoch";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_a_gap() {
        let versions: Vec<_> = STEPS.iter().map(|step| step.version).collect();
        let expected: Vec<_> = (1..).take(STEPS.len()).collect();
        assert_eq!(versions, expected);
    }
}
