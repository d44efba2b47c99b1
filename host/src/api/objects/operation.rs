//! An operation with its journal, as `listOperations` shows it.

use super::Names;
use super::job::instance_type;
use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{
    DiskOffering, Host, ImageStore, Instance, JournalEntry, Operation, RecordKind, Snapshot,
    StoragePool, Template, VmSnapshot, Volume, Zone,
};
use uuid::Uuid;

response! {
    pub(in crate::api) struct OperationResponse {
        "id"              id: Uuid                    => "the ID of the operation, which is that of its job";
        "flow"            flow: String                => "what it does: volume.create";
        "command"         command: String             => "the API command that asked for it";
        "account"         account: String             => "the account that asked for it";
        "phase"           phase: &'static str         => "running, undoing, done or undone";
        "step"            step: Option<&'static str>  => "the step that it does or undoes now";
        "attempt"         attempt: Option<u32>        => "the attempt of that step, from 1";
        "objecttype"      object_type: Option<String> => "the type of the object that it is about";
        "objectid"        object: Option<Uuid>        => "the ID of the object that it is about";
        "objectname"      object_name: Option<String> => "the name of the object that it is about";
        "created"         created: String             => "when it began";
        "updated"         updated: String             => "when its journal was written last";
        "tookms"          took_ms: u64                => "how long it took, or has taken so far, in milliseconds";
        "waitingfor"      waiting_for: Option<String> => "what it waits for";
        "failure"         failure: Option<String>     => "why it failed";
        "failurekind"     failure_kind: Option<&'static str> => "the kind of its failure";
        "cancelrequested" cancel_requested: bool      => "somebody asked to cancel it";
        "journal"         journal: Vec<JournalResponse> => "what happened to its steps, the oldest first";
    }
}

response! {
    pub(in crate::api) struct JournalResponse {
        "step"    step: String            => "the name of the step";
        "moment"  moment: &'static str    => "done, failed, waiting, undone, recovered or cancelled";
        "at"      at: String              => "when";
        "tookms"  took_ms: f64            => "how long it took, in milliseconds";
        "attempt" attempt: u32            => "the attempt, from 1";
        "failure" failure: Option<String> => "why it failed";
    }
}

impl OperationResponse {
    /// An operation.
    pub(in crate::api) async fn of(
        call: &Call,
        names: &mut Names,
        operation: &Operation,
        now_us: i64,
    ) -> Result<Self, ApiError> {
        let rests = operation.phase.is_final();
        let until = if rests { operation.updated_us } else { now_us };
        let took = until.saturating_sub(operation.created_us);
        Ok(Self {
            id: operation.uuid,
            flow: operation.flow.clone(),
            command: operation.command.clone(),
            account: operation.caller.account.clone(),
            phase: operation.phase.as_str(),
            step: call.jobs().step_of(operation),
            attempt: (!rests).then_some(operation.attempt),
            object_type: operation.object.map(|(kind, _)| instance_type(kind.as_str())),
            object: operation.object.map(|(_, object)| object),
            object_name: name_of(names, operation.object).await?,
            created: format_us(operation.created_us),
            updated: format_us(operation.updated_us),
            took_ms: u64::try_from(took / 1_000).unwrap_or_default(),
            waiting_for: operation.waiting_for.clone(),
            failure: operation.failure.as_ref().map(|failure| failure.message.clone()),
            failure_kind: operation.failure.as_ref().map(|failure| failure.kind.as_str()),
            cancel_requested: operation.cancel_requested,
            journal: operation.journal.entries().iter().map(JournalResponse::of).collect(),
        })
    }
}

impl JournalResponse {
    fn of(entry: &JournalEntry) -> Self {
        // A duration of 2^53 µs is 285 years.
        #[expect(clippy::cast_precision_loss, reason = "durations of steps are far below 2^53 µs")]
        let took_ms = entry.took_us as f64 / 1_000.0;
        Self {
            step: entry.step.clone(),
            moment: entry.moment.as_str(),
            at: format_us(entry.at_us),
            took_ms,
            attempt: entry.attempt,
            failure: entry.failure.as_ref().map(|failure| failure.message.clone()),
        }
    }
}

/// The name of an object, also of one that was removed.
pub(in crate::api) async fn name_of(
    names: &mut Names,
    object: Option<(RecordKind, Uuid)>,
) -> Result<Option<String>, ApiError> {
    let Some((kind, uuid)) = object else {
        return Ok(None);
    };
    let uuid = Some(uuid);
    Ok(match kind {
        RecordKind::StoragePool => {
            names.find::<StoragePool>(uuid).await?.map(|one| one.name.clone())
        }
        RecordKind::ImageStore => names.find::<ImageStore>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::Template => names.find::<Template>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::Volume => names.find::<Volume>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::Snapshot => names.find::<Snapshot>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::VmSnapshot => names.find::<VmSnapshot>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::Host => names.find::<Host>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::Instance => names.find::<Instance>(uuid).await?.map(|one| one.name.clone()),
        RecordKind::DiskOffering => {
            names.find::<DiskOffering>(uuid).await?.map(|one| one.name.clone())
        }
        RecordKind::Zone => names.find::<Zone>(uuid).await?.map(|one| one.name.clone()),
        _ => None,
    })
}
