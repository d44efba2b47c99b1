//! `listAsyncJobs`: the operations as CloudStack's clients know them.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::JobResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::timestamp::micros;
use crate::api::values::TzDate;
use crate::store::OperationFilter;

pub(super) const COMMAND: Command = Command {
    name: "listAsyncJobs",
    description: "Lists all asynchronous jobs, the newest first.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: JobResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "startdate" start: Option<TzDate>   => "the start date of the async job: only jobs that began then or later";
        "account"   account: Option<String> => "list jobs by account";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let start = list.own.start.map(|TzDate(moment)| micros(moment));
    let mut jobs = call.repository().list_operations(&OperationFilter::default()).await?;
    jobs.retain(|job| {
        list.matches(&job.command)
            && start.is_none_or(|start| job.created_us >= start)
            && list.own.account.as_ref().is_none_or(|account| *account == job.caller.account)
    });
    let mut page = Vec::new();
    for job in list.page.of_all(&jobs) {
        page.push(JobResponse::of(&call, job).await?);
    }
    Reply::list("asyncjobs", jobs.len(), &page)
}
