//! What the kit says: a line per case, and the sum. Everything serialises.

use crate::{DataStoreProviderType, PluginError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How deep the kit looks. Each level contains those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Level {
    /// 1: what the provider answers from memory.
    Metadata = 1,
    /// 2: the schemas of its input fields.
    Schema = 2,
    /// 3: life cycle and happy paths, on real bytes.
    Happy = 3,
    /// 4: errors and limits.
    #[default]
    Errors = 4,
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level as Self
    }
}

impl TryFrom<u8> for Level {
    type Error = PluginError;

    fn try_from(number: u8) -> Result<Self, PluginError> {
        match number {
            1 => Ok(Self::Metadata),
            2 => Ok(Self::Schema),
            3 => Ok(Self::Happy),
            4 => Ok(Self::Errors),
            other => Err(PluginError::invalid_argument(format!(
                "{other} is not a conformance level; use 1, 2, 3 or 4"
            ))),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u8::from(*self).fmt(f)
    }
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// The provider keeps this part of the contract.
    Passed,
    /// It does not.
    Failed {
        /// What was done, what was expected, what came.
        why: String,
    },
}

/// A case that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// `group::sentence`, with the parameter in brackets where a case has one.
    pub id: String,
    /// The type of the store it ran on; none for the provider as a whole.
    #[serde(rename = "type")]
    pub provider_type: Option<DataStoreProviderType>,
    /// Its level.
    pub level: Level,
    /// What it checks, in one sentence.
    pub what: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    pub millis: u64,
}

impl CaseReport {
    pub(super) fn new(id: String, level: Level, what: &str) -> Self {
        Self {
            id,
            provider_type: None,
            level,
            what: what.to_owned(),
            outcome: Outcome::Passed,
            millis: 0,
        }
    }

    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.passed() { "ok      " } else { "FAILED  " })?;
        if let Some(provider_type) = self.provider_type {
            write!(f, "{provider_type}  ")?;
        }
        write!(f, "{} ({} ms)", self.id, self.millis)?;
        if let Outcome::Failed { why } = &self.outcome {
            write!(f, "\n        the case: {}\n        {why}", self.what)?;
        }
        Ok(())
    }
}

/// All cases of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The id of the run: given again, it makes the same bytes and the same uuids.
    pub run: String,
    /// Every case, in the order they ran.
    pub cases: Vec<CaseReport>,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// What could not be tested, and why: a type without a store, for example.
    pub left_out: Vec<String>,
}

impl Report {
    /// Whether at least one case ran and none failed.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| !case.passed())
    }

    pub(super) fn add(&mut self, case: CaseReport) {
        if case.passed() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.cases.push(case);
    }
}

impl fmt::Display for Report {
    /// The failures, what was left out, and the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in self.failures() {
            writeln!(f, "{case}")?;
        }
        for reason in &self.left_out {
            writeln!(f, "not run: {reason}")?;
        }
        write!(f, "{} passed, {} failed (run {})", self.passed, self.failed, self.run)
    }
}
