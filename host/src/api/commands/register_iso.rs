//! `registerIso`: downloads an ISO into an image store. Answers at once, with
//! the record: `listIsos` tells how far it is.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::{ImageKind, zone_for};
use crate::api::new_image::WithImage;
use crate::api::objects::TemplateResponse;
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
    params: WithImage::<Params>::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "url"           url: String, length = 2048   => "the URL of where the iso is hosted";
        "zoneid"        zone: Option<Id>             => "the ID of the zone the iso is to be hosted on; the first one if none is given";
        "bootable"      bootable: Option<bool>       => "true if this ISO is bootable; default is true";
        "followredirects" redirects: Option<bool>    => "whether the download may lead elsewhere (an extension of this host)";
    }
}

async fn run(call: Call, inputs: WithImage<Params>) -> Result<Reply, ApiError> {
    let own = inputs.own;
    let wish = RegisterTemplate {
        template: CreateTemplate { bootable: own.bootable.unwrap_or(true), ..inputs.template },
        url: own.url,
        format: ImageFormat::Iso,
        checksum: inputs.checksum,
        follow_redirects: own.redirects.unwrap_or_default(),
        zone: zone_for(&call, own.zone).await?,
    };
    ImageKind::Iso.register(&call, wish).await
}
