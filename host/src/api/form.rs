//! The parameters of a request, as they were sent.
//!
//! Query and body are one form: the query wins, of a name that the body repeats the first value
//! counts, of one that the query repeats the last, as in CloudStack.
//!
//! **Invariant:** no two parameters fold to one name, so that what was signed is what is done.

use super::error::ApiError;
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// More parameters than any command takes.
const MAX_PAIRS: usize = 1_000;

/// One parameter.
pub(super) struct Pair {
    /// Its name as it was sent, which is what the client signed.
    pub(super) sent: String,
    /// Its folded name: lower case, but for the field of a map.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
}

/// The parameters of a request, sorted by name as sent.
pub(super) struct Form(Vec<Pair>);

impl Form {
    /// Reads a query and the body of a form.
    ///
    /// # Errors
    /// Text that is not UTF-8, control characters in a name, too many parameters, two names that
    /// differ in letter case only.
    pub(super) fn parse(query: &str, body: &[u8]) -> Result<Self, ApiError> {
        let mut values = BTreeMap::new();
        for pair in split(body) {
            let (name, value) = pair?;
            values.entry(name).or_insert(value);
        }
        for pair in split(query.as_bytes()) {
            let (name, value) = pair?;
            values.insert(name, value);
        }
        if values.len() > MAX_PAIRS {
            return Err(ApiError::malformed(format!(
                "the request has more than {MAX_PAIRS} parameters"
            )));
        }
        let mut names = BTreeSet::new();
        let mut pairs = Vec::with_capacity(values.len());
        for (sent, value) in values {
            let name = fold(&sent);
            if !names.insert(name.clone()) {
                return Err(ApiError::malformed(format!(
                    "parameter {name} was given twice, in different letter case"
                )));
            }
            pairs.push(Pair { sent, name, value });
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter, by its folded name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs().iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// All of them.
    pub(super) fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// All of them.
    pub(super) fn into_pairs(self) -> Vec<Pair> {
        self.0
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: a value may be a secret.
        f.debug_list().entries(self.pairs().iter().map(|pair| &pair.name)).finish()
    }
}

/// Names are the same in any letter case, keys of details are not.
fn fold(sent: &str) -> String {
    let end = sent.find(']').unwrap_or(sent.len());
    let (name, field) = sent.split_at(end);
    format!("{}{field}", name.to_ascii_lowercase())
}

fn split(form: &[u8]) -> impl Iterator<Item = Result<(String, String), ApiError>> {
    form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(end);
        let value = value.strip_prefix(b"=").unwrap_or(value);
        // Names go into messages and into the log.
        let name = decode(name)
            .filter(|name| !name.contains(char::is_control))
            .ok_or_else(|| ApiError::malformed("the name of a parameter is not plain text"))?;
        match decode(value) {
            Some(value) => Ok((name, value)),
            None => Err(ApiError::malformed(format!("the value of {name} is not UTF-8 text"))),
        }
    })
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced: Cow<'_, [u8]> = if text.contains(&b'+') {
        text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect()
    } else {
        text.into()
    };
    percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}
