//! `updateTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::ImageKind;
use crate::api::objects::TemplateResponse;
use crate::api::os_types;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
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
    pub(super) struct Params {
        "id"          id: Id                       => "the ID of the template or ISO";
        "name"        name: Option<String>         => "the name of the template or ISO";
        "displaytext" display_text: Option<String> => "the display text of the template or ISO";
        "ostypeid"    os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this template or ISO";
        "bootable"    bootable: Option<bool>       => "true if it is bootable, false otherwise";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    update(ImageKind::Template, call, params).await
}

/// Changes a template or an ISO.
pub(super) async fn update(kind: ImageKind, call: Call, params: Params) -> Result<Reply, ApiError> {
    let image = kind.find(&call, params.id).await?;
    let wish = UpdateTemplate {
        name: params.name,
        display_text: params.display_text,
        os_type: os_types::find("ostypeid", params.os_type)?,
        bootable: params.bootable,
        ..UpdateTemplate::default()
    };
    call.services.orchestration.templates.update(image.uuid, wish).await?;
    kind.reply(&call, image.uuid).await
}
