//! Names for ids: what a parameter names is looked up in the list it belongs to.
//!
//! **Invariant:** a name is only taken for an id where exactly one thing has exactly that name, and
//! nothing is taken for an id that does not look like one.

use super::table::Verb;
use super::{Ask, VerbError};
use crate::api::{CommandTable, Param};
use serde_json::Value;
use std::fmt::Write as _;
use uuid::Uuid;

/// How many candidates an error lists.
const SHOWN: usize = 10;

/// Looks names up.
pub(super) struct Names<'a> {
    pub(super) ask: &'a dyn Ask,
    pub(super) commands: &'a CommandTable,
}

/// The command that lists what an id may be, and what one of those is called.
fn list_of(verb: &Verb, param: &Param) -> Option<(&'static str, &'static str)> {
    let list = match param.name {
        "id" => verb.lists()?,
        "zoneid" | "destzoneid" | "sourcezoneid" => "listZones",
        "templateid" | "templates" => "listTemplates",
        "isoid" => "listIsos",
        "imagestoreid" | "srcpool" | "destpool" | "destpools" => "listImageStores",
        "podid" => "listPods",
        "clusterid" => "listClusters",
        "hostid" => "listHosts",
        "storageid" | "poolid" => "listStoragePools",
        "volumeid" | "sourcevolumeid" => "listVolumes",
        "snapshotid" | "snapshots" => "listSnapshots",
        "vmsnapshotid" => "listVMSnapshot",
        "virtualmachineid" => "listVirtualMachines",
        "diskofferingid" => "listDiskOfferings",
        _ => return None,
    };
    let what = match list {
        "listZones" => "zone",
        "listTemplates" => "template",
        "listIsos" => "iso",
        "listImageStores" => "image store",
        "listSecondaryStagingStores" => "image cache",
        "listPods" => "pod",
        "listClusters" => "cluster",
        "listHosts" => "hypervisor host",
        "listStoragePools" => "storage pool",
        "listVolumes" => "volume",
        "listSnapshots" => "snapshot",
        "listVMSnapshot" => "instance snapshot",
        "listVirtualMachines" => "instance",
        _ => "disk offering",
    };
    Some((list, what))
}

/// Whether names are looked up for a parameter.
pub(super) fn takes_names(commands: &CommandTable, verb: &Verb, param: &Param) -> bool {
    list_of(verb, param).is_some_and(|(list, _)| commands.find(list).is_some())
}

impl Names<'_> {
    /// The id that a text is, or names.
    pub(super) fn id_of(
        &self,
        verb: &Verb,
        param: &Param,
        text: &str,
    ) -> Result<String, VerbError> {
        let list = list_of(verb, param).filter(|(list, _)| self.commands.find(list).is_some());
        let Some((list, what)) = list.filter(|_| !is_id(text)) else {
            return Ok(text.to_owned());
        };
        let mut found = self.rows(list, &[("name", text)])?;
        found.retain(|one| one["name"] == text);
        // A template is listed once for each zone.
        found.dedup_by(|one, other| one["id"] == other["id"]);
        match found.as_slice() {
            [one] => id(one, list),
            [] => Err(VerbError::Name(self.none(list, what, text)?)),
            many => Err(VerbError::Name(ambiguous(many, what, text))),
        }
    }

    /// The id of the only zone; `None` where there is not exactly one.
    pub(super) fn only_zone(&self) -> Result<Option<String>, VerbError> {
        match self.rows("listZones", &[])?.as_slice() {
            [one] => id(one, "listZones").map(Some),
            _ => Ok(None),
        }
    }

    /// The names of all zones, for an error.
    pub(super) fn zones(&self) -> Result<String, VerbError> {
        Ok(quoted(&self.rows("listZones", &[])?))
    }

    fn rows(&self, list: &str, filter: &[(&str, &str)]) -> Result<Vec<Value>, VerbError> {
        let mut params = filter.to_vec();
        params.extend([("listall", "true"), ("pagesize", "-1")]);
        if list == "listTemplates" {
            params.push(("templatefilter", "all"));
        }
        let body = self.ask.ask_value(list, &params)?;
        let rows = body.as_object().and_then(|body| body.values().find_map(Value::as_array));
        Ok(rows.cloned().unwrap_or_default())
    }

    fn none(&self, list: &str, what: &str, text: &str) -> Result<String, VerbError> {
        let all = self.rows(list, &[])?;
        Ok(if all.is_empty() {
            format!("there is no {what} {text:?}; there is no {what} at all")
        } else {
            format!("there is no {what} {text:?}; there is {}", quoted(&all))
        })
    }
}

/// Whether a text is an id and no name. A number is a name: whoever called a volume `3` does not mean
/// the third one.
fn is_id(text: &str) -> bool {
    const WITH_HYPHENS: usize = 36;
    text == "-1" || (text.len() == WITH_HYPHENS && Uuid::try_parse(text).is_ok())
}

fn id(row: &Value, list: &str) -> Result<String, VerbError> {
    row["id"].as_str().map(str::to_owned).ok_or_else(|| {
        VerbError::NoAnswer(format!("{list} answered an entry without an id; give the id itself"))
    })
}

/// The names of some rows; not of all, where they are many.
fn quoted(rows: &[Value]) -> String {
    let names = rows.iter().take(SHOWN).filter_map(|one| one["name"].as_str());
    let mut text = names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if rows.len() > SHOWN {
        // Writing to a string cannot fail.
        write!(text, " and {} more", rows.len() - SHOWN).ok();
    }
    text
}

fn ambiguous(rows: &[Value], what: &str, text: &str) -> String {
    let mut told = format!("{} {what}s are called {text:?}; give the id of one:", rows.len());
    for one in rows.iter().take(SHOWN) {
        let word = |key: &str| one[key].as_str().unwrap_or_default();
        let more = [word("state"), word("storage"), word("zonename"), word("created")];
        let more = more.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        write!(told, "\n  {}  {more}", word("id")).ok();
    }
    told
}
