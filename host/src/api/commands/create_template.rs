//! `createTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::TemplateResponse;
use crate::api::os_types;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Snapshot, Volume};
use crate::orchestration::template::{CreateTemplate, TemplateSource};

pub(super) const COMMAND: Command = Command {
    name: "createTemplate",
    description: "Creates a template of a virtual machine: of a volume or a snapshot.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                => "the name of the template";
        "displaytext"   display_text: Option<String> => "The display text of the template, defaults to the 'name'";
        "volumeid"      volume: Option<Id>          => "the ID of the disk volume the template is being created from";
        "snapshotid"    snapshot: Option<Id>        => "the ID of the snapshot the template is being created from; either this parameter, or volumeid has to be passed in";
        "ostypeid"      os_type: Option<Id>         => "the ID of the OS Type that best represents the OS of this template";
        "ispublic"      is_public: Option<bool>     => "true if this template is a public template, false otherwise";
        "isfeatured"    is_featured: Option<bool>   => "true if this template is a featured template, false otherwise";
        "requireshvm"   requires_hvm: Option<bool>  => "true if the template requires HVM, false otherwise";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.uuid_of::<Volume>("volumeid", params.volume).await?;
    let snapshot = call.uuid_of::<Snapshot>("snapshotid", params.snapshot).await?;
    let source = match (volume, snapshot) {
        (Some(volume), None) => TemplateSource::Volume(volume),
        (None, Some(snapshot)) => TemplateSource::Snapshot(snapshot),
        _ => {
            return Err(ApiError::invalid_parameter(
                "a template is made of a volume or of a snapshot: give one of volumeid and \
                 snapshotid",
            ));
        }
    };
    let wish = CreateTemplate {
        name: params.name,
        display_text: params.display_text,
        source: Some(source),
        os_type: os_types::find("ostypeid", params.os_type)?,
        hypervisor: None,
        is_public: params.is_public.unwrap_or_default(),
        is_featured: params.is_featured.unwrap_or_default(),
        is_extractable: true,
        requires_hvm: params.requires_hvm.unwrap_or_default(),
        bootable: true,
    };
    let begun = call.services.orchestration.templates.create(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}
