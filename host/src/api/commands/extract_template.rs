//! `extractTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::ImageKind;
use crate::api::objects::ExtractResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Zone;

pub(super) const COMMAND: Command = Command {
    name: "extractTemplate",
    description: "Extracts a template: makes a link for its download.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: ExtractResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"     id: Id               => "the ID of the template";
        "zoneid" zone: Option<Id>     => "the ID of the zone where the template is located; the nearest one is taken if none is given";
        "mode"   mode: Option<String> => "the mode of extraction: HTTP_DOWNLOAD, which is the default";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    expect_download(params.mode.as_deref())?;
    let found = ImageKind::Template.find(&call, params.id).await?;
    let zone = call.uuid_of::<Zone>("zoneid", params.zone).await?;
    let extracts = &call.services.orchestration.extracts;
    let begun = extracts.template(&call.request(), found.uuid, zone).await?;
    Ok(Reply::job(begun.operation, Some(found.uuid)))
}

/// Refuses every mode but the one in which a link is handed out.
pub(super) fn expect_download(mode: Option<&str>) -> Result<(), ApiError> {
    match mode {
        None => Ok(()),
        Some(mode) if mode.eq_ignore_ascii_case("HTTP_DOWNLOAD") => Ok(()),
        Some(_) => Err(ApiError::invalid_parameter(
            "mode is HTTP_DOWNLOAD: this host hands out links, and sends nothing to servers \
             (FTP_UPLOAD)",
        )),
    }
}
