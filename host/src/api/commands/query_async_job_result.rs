//! `queryAsyncJobResult`: how far an operation is, and what came of it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::JobResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;

pub(super) const COMMAND: Command = Command {
    name: "queryAsyncJobResult",
    description: "Retrieves the current status of asynchronous job.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: JobResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "jobid" job: Id => "the ID of the asynchronous job";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let Id::Uuid(uuid) = params.job else {
        return Err(ApiError::no_such_entity("jobid", &params.job.to_string()));
    };
    let operation = call.repository().find_operation(uuid).await?;
    let operation =
        operation.ok_or_else(|| ApiError::no_such_entity("jobid", &uuid.to_string()))?;
    Reply::flat(&JobResponse::with_secrets(&call, &operation).await?)
}
