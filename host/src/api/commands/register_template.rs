//! `registerTemplate`: downloads a template into an image store. Answers at once, with
//! the record: `listTemplates` tells how far it is.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::{ImageKind, zone_for};
use crate::api::objects::TemplateResponse;
use crate::api::os_types;
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
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                 => "the name of the template";
        "displaytext"   display_text: Option<String> => "the display text of the template";
        "url"           url: String, length = 2048   => "the URL of where the template is hosted";
        "format"        format: Word<ImageFormat>    => "the format for the template. Possible values include QCOW2, RAW, VHD, VHDX, VMDK and OVA.";
        "hypervisor"    hypervisor: Option<Word<HypervisorType>> => "the target hypervisor for the template";
        "requireshvm"   requires_hvm: Option<bool>   => "true if this template requires HVM";
        "zoneid"        zone: Option<Id>             => "the ID of the zone the template is to be hosted on; the first one if none is given";
        "zoneids"       zones: Option<Vec<Id>>       => "the ID of the zone the template is to be hosted on; one only";
        "checksum"      checksum: Option<String>     => "the checksum value of this template: hex, or with its algorithm, like {SHA-256}hex";
        "ostypeid"      os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this template";
        "ispublic"      is_public: Option<bool>      => "true if the template is available to all accounts; default is true";
        "isfeatured"    is_featured: Option<bool>    => "true if this template is a featured template, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if the template or its derivatives are extractable; default is false";
        "followredirects" redirects: Option<bool>    => "whether the download may lead elsewhere (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = match (params.zone, params.zones.as_deref()) {
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
            name: params.name,
            display_text: params.display_text,
            source: None,
            os_type: os_types::find("ostypeid", params.os_type)?,
            hypervisor: params.hypervisor.map(|Word(hypervisor)| hypervisor),
            is_public: params.is_public.unwrap_or(true),
            is_featured: params.is_featured.unwrap_or_default(),
            is_extractable: params.is_extractable.unwrap_or_default(),
            requires_hvm: params.requires_hvm.unwrap_or_default(),
            bootable: true,
        },
        url: params.url,
        format: params.format.0,
        checksum: params.checksum,
        follow_redirects: params.redirects.unwrap_or_default(),
        zone: zone_for(&call, zone).await?,
    };
    ImageKind::Template.register(&call, wish).await
}
