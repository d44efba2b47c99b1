//! `updateTemplatePermissions`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::images::ImageKind;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::orchestration::template::UpdateTemplate;

pub(super) const COMMAND: Command = Command {
    name: "updateTemplatePermissions",
    description: "Updates a template visibility permissions.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    pub(super) struct Params {
        "id"            id: Id                      => "the ID of the template or ISO";
        "ispublic"      is_public: Option<bool>     => "true for a public one, false for a private one";
        "isfeatured"    is_featured: Option<bool>   => "true for a featured one, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if it is extractable, false otherwise";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    permit(ImageKind::Template, call, params).await
}

/// Says who may use a template or an ISO.
pub(super) async fn permit(kind: ImageKind, call: Call, params: Params) -> Result<Reply, ApiError> {
    let image = kind.find(&call, params.id).await?;
    let wish = UpdateTemplate {
        is_public: params.is_public,
        is_featured: params.is_featured,
        is_extractable: params.is_extractable,
        ..UpdateTemplate::default()
    };
    call.services.orchestration.templates.update(image.uuid, wish).await?;
    Ok(Reply::success(None))
}
