//! `listHealthFindings`: what is wrong, and the way out; `storage-host doctor` shows it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::timestamp::format_us;
use crate::api::word::Word;
use crate::orchestration::doctor::{Finding, Severity};
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "listHealthFindings",
    description: "Lists what is wrong with this host and its storage, the worst first, each with \
                  the way out (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: FindingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "severity" severity: Option<Word<Severity>> => "only findings of this severity: INFO, WARN or ERROR";
    }
}

response! {
    struct FindingResponse {
        "severity"   severity: &'static str => "INFO: as it should be; WARN: something waits; ERROR: something does not work";
        "thing"      thing: String          => "what it is about";
        "resourceid" object: Option<Uuid>   => "its ID, if it has one";
        "what"       what: String           => "what is wrong with it";
        "wayout"     way_out: Option<String> => "what to do";
        "since"      since: Option<String>  => "since when";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let findings = call.services.orchestration.doctor.findings().await?;
    let findings: Vec<FindingResponse> = findings
        .into_iter()
        .filter(|finding| list.matches(&finding.thing))
        .filter(|finding| list.own.severity.is_none_or(|Word(one)| one == finding.severity))
        .map(FindingResponse::from)
        .collect();
    list.reply("finding", &findings)
}

impl From<Finding> for FindingResponse {
    fn from(finding: Finding) -> Self {
        Self {
            severity: finding.severity.as_str(),
            thing: finding.thing,
            object: finding.object,
            what: finding.what,
            way_out: Some(finding.way_out).filter(|text| !text.is_empty()),
            since: finding.since_us.map(format_us),
        }
    }
}
