//! `updateTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{TemplateResponse, reply_shown};
use crate::api::os_types;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Template;
use crate::orchestration::template::UpdateTemplate;

pub(super) const COMMAND: Command = Command {
    name: "updateTemplate",
    description: "Updates attributes of a template.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"          id: Id                       => "the ID of the template";
        "name"        name: Option<String>         => "the name of the template";
        "displaytext" display_text: Option<String> => "the display text of the template";
        "ostypeid"    os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this template";
        "bootable"    bootable: Option<bool>       => "true if it is bootable, false otherwise";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let template = call.find::<Template>("id", params.id).await?;
    let wish = UpdateTemplate {
        name: params.name,
        display_text: params.display_text,
        os_type: os_types::find("ostypeid", params.os_type)?,
        bootable: params.bootable,
        ..UpdateTemplate::default()
    };
    let template = call.services.orchestration.templates.update(template.uuid, wish).await?;
    reply_shown::<Template>(&call, template.uuid).await
}
