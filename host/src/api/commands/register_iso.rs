//! `registerIso`: downloads an ISO into an image store. Answers at once, with
//! the record: `listIsos` tells how far it is.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::{ImageKind, zone_for};
use crate::api::objects::TemplateResponse;
use crate::api::os_types;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::orchestration::template::{CreateTemplate, RegisterTemplate};
use storage_plugin_api::ImageFormat;

pub(super) const COMMAND: Command = Command {
    name: "registerIso",
    description: "Registers an existing ISO into the cloud. Answers at once; the download goes on.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                 => "the name of the iso";
        "displaytext"   display_text: Option<String> => "the display text of the iso";
        "url"           url: String, length = 2048   => "the URL of where the iso is hosted";
        "zoneid"        zone: Option<Id>             => "the ID of the zone the iso is to be hosted on; the first one if none is given";
        "checksum"      checksum: Option<String>     => "the checksum value of this iso: hex, or with its algorithm, like {SHA-256}hex";
        "ostypeid"      os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this iso";
        "ispublic"      is_public: Option<bool>      => "true if the iso is available to all accounts; default is true";
        "isfeatured"    is_featured: Option<bool>    => "true if this iso is a featured iso, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if the iso or its derivatives are extractable; default is false";
        "bootable"      bootable: Option<bool>       => "true if this ISO is bootable; default is true";
        "followredirects" redirects: Option<bool>    => "whether the download may lead elsewhere (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let wish = RegisterTemplate {
        template: CreateTemplate {
            name: params.name,
            display_text: params.display_text,
            source: None,
            os_type: os_types::find("ostypeid", params.os_type)?,
            hypervisor: None,
            is_public: params.is_public.unwrap_or(true),
            is_featured: params.is_featured.unwrap_or_default(),
            is_extractable: params.is_extractable.unwrap_or_default(),
            requires_hvm: false,
            bootable: params.bootable.unwrap_or(true),
        },
        url: params.url,
        format: ImageFormat::Iso,
        checksum: params.checksum,
        follow_redirects: params.redirects.unwrap_or_default(),
        zone: zone_for(&call, params.zone).await?,
    };
    ImageKind::Iso.register(&call, wish).await
}
