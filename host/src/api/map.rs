//! Maps: `name[i].field=value`, in the two dialects that clients speak.
//!
//! The pairs dialect names key and value (`details[0].key=a&details[0].value=1`), the other one
//! uses the key itself as the field (`details[0].a=1`). An entry that has `key`, and besides it at
//! most `value`, is a pair; every other entry is taken field by field. So details read both.

use super::args::Args;
use super::error::ApiError;
use super::param::{Kind, Param, ParamType};
use std::collections::BTreeMap;
use std::fmt;
use storage_plugin_api::Details;

/// The fields of the entries of a map, by index.
pub(super) type Entries = BTreeMap<i32, BTreeMap<String, String>>;

/// The name of one field of one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MapName<'a> {
    pub(super) name: &'a str,
    pub(super) index: i32,
    pub(super) field: &'a str,
}

impl<'a> MapName<'a> {
    /// Reads a parameter's name; `None` where it has no brackets.
    pub(super) fn parse(name: &'a str) -> Result<Option<Self>, ApiError> {
        if !name.contains(['[', ']']) {
            return Ok(None);
        }
        Self::split(name).map(Some).ok_or_else(|| {
            ApiError::malformed(format!(
                "Unable to decode parameter {name}; if specifying an object array, please use \
                 parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup"
            ))
        })
    }

    fn split(text: &'a str) -> Option<Self> {
        let (name, rest) = text.split_once('[')?;
        let (index, rest) = rest.split_once(']')?;
        let field = rest.strip_prefix('.')?;
        let plain = |part: &str| !part.is_empty() && !part.contains(['[', ']']);
        if !(plain(name) && plain(index) && plain(field)) {
            return None;
        }
        Some(Self { name, index: index.parse().ok()?, field })
    }
}

/// The entries of a map parameter, if it was given as one.
fn entries<'a>(args: &'a Args, param: &Param) -> Result<Option<&'a Entries>, ApiError> {
    // Blank counts as missing: clients write a parameter without value that way.
    if args.text(param.name).is_some_and(|text| !text.trim().is_empty()) {
        return Err(ApiError::malformed(format!(
            "Unable to decode parameter {0}; please use {0}[index].field=XXX",
            param.name
        )));
    }
    Ok(args.entries(param.name))
}

fn as_pair(entry: &BTreeMap<String, String>) -> Option<(&str, Option<&str>)> {
    let key = entry.get("key")?;
    let value = entry.get("value").map(String::as_str);
    (entry.len() == 1 + usize::from(value.is_some())).then_some((key, value))
}

impl ParamType for Details {
    const KIND: Kind = Kind::Map;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(entries) = entries(args, param)? else {
            return Ok(None);
        };
        let mut details = Self::new();
        for entry in entries.values() {
            match as_pair(entry) {
                Some((key, value)) => {
                    details.insert(key, value.unwrap_or_default());
                }
                None => {
                    for (key, value) in entry {
                        details.insert(key, value);
                    }
                }
            }
        }
        Ok(Some(details))
    }
}

/// Keys with optional values, in the order of their indices: tags, and filters by tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, Option<String>)>);

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

impl ParamType for Pairs {
    const KIND: Kind = Kind::Map;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(entries) = entries(args, param)? else {
            return Ok(None);
        };
        entries
            .iter()
            .map(|(index, entry)| match as_pair(entry) {
                Some((key, value)) => Ok((key.to_owned(), value.map(str::to_owned))),
                None => Err(ApiError::malformed(format!(
                    "Unable to decode parameter {0}[{index}]; please use {0}[{index}].key=XXX and \
                     {0}[{index}].value=XXX",
                    param.name
                ))),
            })
            .collect::<Result<_, _>>()
            .map(|pairs| Some(Self(pairs)))
    }
}
