//! `copyTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::ImageKind;
use crate::api::objects::TemplateResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Zone;

pub(super) const COMMAND: Command = Command {
    name: "copyTemplate",
    description: "Copies a template from one zone to another.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"           id: Id                   => "Template ID";
        "destzoneid"   zone: Option<Id>         => "ID of the zone the template is being copied to";
        "destzoneids"  zones: Option<Vec<Id>>   => "ID of the zone that the template is being copied to; one only";
        "sourcezoneid" source: Option<Id>       => "ID of the zone the template is currently hosted on; the nearest one is taken if none is given";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let template = ImageKind::Template.find(&call, params.id).await?;
    call.uuid_of::<Zone>("sourcezoneid", params.source).await?;
    let zone = match (params.zone, params.zones.as_deref()) {
        (Some(zone), None) => zone,
        (None, Some([zone])) => *zone,
        _ => {
            return Err(ApiError::invalid_parameter(
                "a template is copied to one zone at a time: say which (destzoneid)",
            ));
        }
    };
    let zone = call.find::<Zone>("destzoneid", zone).await?;
    let templates = &call.services.orchestration.templates;
    let begun = templates.copy(&call.request(), template.uuid, zone.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
