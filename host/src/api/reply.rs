//! The envelopes of answers.
//!
//! **Invariant:** a list holds `count` and one array and nothing else; an empty one is `{}`; a
//! page beyond the end is the count alone. Clients unpack exactly that.

use super::error::ApiError;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// What a command answers: the object under its wrapper, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(String);

impl Reply {
    /// A page of a list of `total` matches.
    ///
    /// # Errors
    /// A row that cannot be serialised, which is a bug.
    pub fn list<T: Serialize>(key: &str, total: usize, page: &[T]) -> Result<Self, ApiError> {
        if total == 0 {
            return Ok(Self("{}".to_owned()));
        }
        if page.is_empty() {
            return Ok(Self(format!("{{\"count\":{total}}}")));
        }
        let rows = to_text(page)?;
        Ok(Self(format!("{{\"count\":{total},{}:{rows}}}", quoted(key))))
    }

    /// One object under its key.
    ///
    /// # Errors
    /// A value that cannot be serialised, which is a bug.
    pub fn object<T: Serialize>(key: &str, value: &T) -> Result<Self, ApiError> {
        Ok(Self(format!("{{{}:{}}}", quoted(key), to_text(value)?)))
    }

    /// The fields of an object without a key of their own, as `login` answers.
    ///
    /// # Errors
    /// A value that cannot be serialised, which is a bug.
    pub fn flat<T: Serialize>(value: &T) -> Result<Self, ApiError> {
        to_text(value).map(Self)
    }

    /// Done; with a text for people, if there is something to say.
    pub fn success(display_text: Option<&str>) -> Self {
        Self(match display_text {
            Some(text) => format!("{{\"success\":true,\"displaytext\":{}}}", json!(text)),
            None => "{\"success\":true}".to_owned(),
        })
    }

    /// Begun: the job that works on it, and the object that it makes.
    pub fn job(job: Uuid, object: Option<Uuid>) -> Self {
        Self(match object {
            Some(object) => json!({ "id": object, "jobid": job }).to_string(),
            None => json!({ "jobid": job }).to_string(),
        })
    }

    /// The object as JSON text: also what a job keeps as its result.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The whole answer.
    pub(super) fn wrapped(&self, wrapper: &str) -> String {
        format!("{{{}:{}}}", quoted(wrapper), self.0)
    }
}

/// Keys are words of this program, so debug and JSON spell them the same.
fn quoted(key: &str) -> String {
    format!("{key:?}")
}

fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(ApiError::internal)
}
