//! What is wrong with a configuration, for people.
//!
//! What it is not: a place to branch on. Code asks only whether there is an error; the text is for
//! whoever edits the file.
//!
//! **Invariant:** a [`ConfigError`] holds at least one problem, in the order of the file, and no
//! problem holds a value of `settings`.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// Where the wrong thing stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// The configuration file as such.
    WholeFile {
        /// The file as it was named.
        path: PathBuf,
    },
    /// A position in the configuration file.
    Position {
        /// The file as it was named.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable.
    Variable {
        /// The name of the variable.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WholeFile { path } => write!(f, "{}", path.display()),
            Self::Position { path, line, column } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::Variable { name } => f.write_str(name),
        }
    }
}

/// One thing to correct.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What it belongs to, such as `[host] listen` or `plugin "sample": isolation`; may be empty.
    pub subject: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.message)
    }
}

/// Every problem of a configuration; displayed one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The problems: those of the file in its order, then those of the environment. Never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Makes the error of one problem.
    pub(super) fn single(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }

    /// Makes the error of what was collected; `None` when nothing was.
    pub(super) fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort();
        problems.dedup();
        (!problems.is_empty()).then_some(Self { problems })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl Error for ConfigError {}
