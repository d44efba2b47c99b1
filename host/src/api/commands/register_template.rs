//! `registerTemplate`: downloads a template into an image store. Answers at once, with
//! the record: `listTemplates` tells how far it is.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::{ImageKind, zone_for};
use crate::api::new_image::WithImage;
use crate::api::objects::TemplateResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::orchestration::template::{CreateTemplate, RegisterTemplate};
use storage_plugin_api::{HypervisorType, ImageFormat};

pub(super) const COMMAND: Command = Command {
    name: "registerTemplate",
    description: "Registers an existing template into the cloud. Answers at once; the download goes on.",
    since: None,
    is_async: false,
    begins: true,
    params: WithImage::<Params>::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "url"           url: String, length = 2048   => "the URL of where the template is hosted";
        "format"        format: Word<ImageFormat>    => "the format for the template. Possible values include QCOW2, RAW, VHD, VHDX, VMDK and OVA.";
        "hypervisor"    hypervisor: Option<Word<HypervisorType>> => "the target hypervisor for the template";
        "requireshvm"   requires_hvm: Option<bool>   => "true if this template requires HVM";
        "zoneid"        zone: Option<Id>             => "the ID of the zone the template is to be hosted on; the first one if none is given";
        "zoneids"       zones: Option<Vec<Id>>       => "the ID of the zone the template is to be hosted on; one only";
        "followredirects" redirects: Option<bool>    => "whether the download may lead elsewhere (an extension of this host)";
    }
}

async fn run(call: Call, inputs: WithImage<Params>) -> Result<Reply, ApiError> {
    let own = inputs.own;
    let zone = match (own.zone, own.zones.as_deref()) {
        (None, Some([zone])) => Some(*zone),
        (zone, None) => zone,
        _ => {
            return Err(ApiError::invalid_parameter(
                "a template is registered in one zone: give one zoneid, and copy it to the others \
                 (copyTemplate)",
            ));
        }
    };
    let wish = RegisterTemplate {
        template: CreateTemplate {
            hypervisor: own.hypervisor.map(|Word(hypervisor)| hypervisor),
            requires_hvm: own.requires_hvm.unwrap_or_default(),
            ..inputs.template
        },
        url: own.url,
        format: own.format.0,
        checksum: inputs.checksum,
        follow_redirects: own.redirects.unwrap_or_default(),
        zone: zone_for(&call, zone).await?,
    };
    ImageKind::Template.register(&call, wish).await
}
