//! `updateTemplatePermissions`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Template;
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
    struct Params {
        "id"            id: Id                      => "the template ID";
        "ispublic"      is_public: Option<bool>     => "true for public template, false for private template";
        "isfeatured"    is_featured: Option<bool>   => "true for featured template, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if the template is extractable, false otherwise";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let template = call.find::<Template>("id", params.id).await?;
    let wish = UpdateTemplate {
        is_public: params.is_public,
        is_featured: params.is_featured,
        is_extractable: params.is_extractable,
        ..UpdateTemplate::default()
    };
    call.services.orchestration.templates.update(template.uuid, wish).await?;
    Ok(Reply::success(None))
}
