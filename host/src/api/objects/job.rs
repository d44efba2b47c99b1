//! An operation as an async job: what `queryAsyncJobResult` tells of it.

use super::{MigrationResponse, connection_of, shown};
use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::failure::numbers;
use crate::api::field::{FieldKind, FieldType, response};
use crate::api::timestamp::format_us;
use crate::model::{ACCOUNT_ID, Operation, Phase, ROOT_DOMAIN, RecordKind};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

response! {
    pub(in crate::api) struct JobResponse {
        "jobid"           id: Uuid                   => "the UUID of the async job";
        "jobstatus"       status: u32                => "the current job status: 0 pending, 1 done, 2 failed";
        "jobprocstatus"   proc_status: u32           => "the progress information of the job in percent, as far as it is known";
        "jobresultcode"   result_code: u32           => "the result code for the job";
        "jobresulttype"   result_type: Option<&'static str> => "the result type";
        "jobresult"       result: Option<JobResult>  => "the result reason";
        "cmd"             command: String            => "the async command executed";
        "jobinstancetype" object_type: Option<String> => "the instance/entity object related to the job";
        "jobinstanceid"   object: Option<Uuid>       => "the unique ID of the instance/entity object related to the job";
        "account"         account: String            => "the account that executed the async command";
        "accountid"       account_id: String         => "the account id that executed the async command";
        "userid"          user_id: Uuid              => "the user that executed the async command";
        "domain"          domain: &'static str       => "the domain that executed the async command";
        "created"         created: String            => "the created date of the job";
        "completed"       completed: Option<String>  => "the completed date of the job";
        "phase"           phase: &'static str        => "running, undoing, done or undone (an extension of this host)";
        "waitingfor"      waiting_for: Option<String> => "what the job waits for (an extension of this host)";
        "donebytes"       done_bytes: Option<u64>    => "how many bytes were moved by the call that runs (an extension of this host)";
        "totalbytes"      total_bytes: Option<u64>   => "how many bytes it will move (an extension of this host)";
    }
}

/// The result of a job: an object under its key, or a success, or an error.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(in crate::api) struct JobResult(pub(in crate::api) Value);

impl FieldType for JobResult {
    const KIND: FieldKind = FieldKind::Object;
}

impl JobResponse {
    /// What came of it, if it rests.
    pub(in crate::api) fn into_result(self) -> Option<JobResult> {
        self.result
    }

    /// An operation, secrets included: for who asks for this one. If it attached a volume that is
    /// still attached by it, also how that is reached; if it made a link, also the link.
    pub(in crate::api) async fn with_secrets(
        call: &Call,
        operation: &Operation,
    ) -> Result<Self, ApiError> {
        let mut job = Self::shown(call, operation).await?;
        if let (Some(JobResult(result)), Some((_, volume)), Some(attachment)) =
            (&mut job.result, operation.object, attachment_of(operation))
            && operation.phase == Phase::Done
            && let Some(connection) = connection_of(call, volume, attachment).await?
        {
            result["volume"]["connection"] = json!(connection);
        }
        Ok(job)
    }

    /// An operation, with its result if it rests. Shows no secrets: lists show this.
    pub(in crate::api) async fn of(call: &Call, operation: &Operation) -> Result<Self, ApiError> {
        let mut job = Self::shown(call, operation).await?;
        let is_link = operation.object.is_some_and(|(kind, _)| kind == RecordKind::ExtractLink);
        if let Some(Value::Object(result)) = job.result.as_mut().map(|JobResult(result)| result)
            && is_link
        {
            // Whoever has it can download.
            for link in result.values_mut().filter_map(Value::as_object_mut) {
                link.remove("url");
            }
        }
        Ok(job)
    }

    async fn shown(call: &Call, operation: &Operation) -> Result<Self, ApiError> {
        let progress = call.jobs().progress(operation.uuid);
        let result = match operation.phase {
            Phase::Done => Some(done(call, operation).await?),
            Phase::Undone => Some(failed(operation)),
            Phase::Running | Phase::Undoing => None,
        };
        let is_final = operation.phase.is_final();
        let percent = progress.and_then(|progress| {
            let total = progress.total_bytes.filter(|total| *total > 0)?;
            u32::try_from(progress.done_bytes.saturating_mul(100) / total).ok()
        });
        Ok(Self {
            id: operation.uuid,
            status: match operation.phase {
                Phase::Running | Phase::Undoing => 0,
                Phase::Done => 1,
                Phase::Undone => 2,
            },
            proc_status: percent.unwrap_or_default(),
            result_code: match operation.phase {
                Phase::Undone => u32::from(code_of(operation)),
                _ => 0,
            },
            result_type: is_final.then_some("object"),
            result: result.map(JobResult),
            command: operation.command.clone(),
            object_type: operation.object.map(|(kind, _)| instance_type(kind.as_str())),
            object: operation.object.map(|(_, object)| object),
            account: operation.caller.account.clone(),
            account_id: ACCOUNT_ID.to_string(),
            user_id: operation.caller.user,
            domain: ROOT_DOMAIN,
            created: format_us(operation.created_us),
            completed: is_final.then(|| format_us(operation.updated_us)),
            phase: operation.phase.as_str(),
            waiting_for: operation.waiting_for.clone(),
            done_bytes: progress.map(|progress| progress.done_bytes),
            total_bytes: progress.and_then(|progress| progress.total_bytes),
        })
    }
}

/// `storage_pool` as CloudStack writes it: `StoragePool`.
pub(super) fn instance_type(kind: &str) -> String {
    kind.split('_')
        .map(|word| {
            let (first, rest) = word.split_at(1.min(word.len()));
            first.to_uppercase() + rest
        })
        .collect()
}

/// The attachment that an operation made, from the operation's own state.
fn attachment_of(operation: &Operation) -> Option<Uuid> {
    if operation.flow != "volume.attach" {
        return None;
    }
    let state: Value = serde_json::from_str(&operation.state).ok()?;
    state["attachment"].as_str()?.parse().ok()
}

/// What the operation itself says came of it; else the object as it is now, or a plain success where the command answers that.
async fn done(call: &Call, operation: &Operation) -> Result<Value, ApiError> {
    if let Some(migrated) = MigrationResponse::of(operation) {
        return Ok(json!({ MigrationResponse::OBJECT_NAME: migrated }));
    }
    let says_success = call
        .commands
        .find(&operation.command)
        .is_some_and(|command| command.response.iter().any(|field| field.name == "success"));
    let object = match operation.object {
        Some((kind, uuid)) if !says_success => shown(call, kind, uuid).await?,
        _ => None,
    };
    Ok(match object {
        Some((key, value)) => json!({ key: value }),
        None => json!({ "success": true }),
    })
}

fn failed(operation: &Operation) -> Value {
    let text = operation.failure.as_ref().map_or("it failed", |failure| failure.message.as_str());
    json!({ "errorcode": code_of(operation), "errortext": text })
}

fn code_of(operation: &Operation) -> u16 {
    let kind = operation.failure.as_ref().map(|failure| failure.kind);
    numbers(kind.unwrap_or(storage_plugin_api::PluginErrorKind::Internal)).0.number()
}
