//! `getUploadParamsForTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::new_image::WithImage;
use crate::api::objects::{UploadParamsResponse, upload_params};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::Zone;
use crate::orchestration::template::CreateTemplate;
use crate::orchestration::upload::OfferUpload;
use storage_plugin_api::{HypervisorType, ImageFormat};

pub(super) const COMMAND: Command = Command {
    name: "getUploadParamsForTemplate",
    description: "upload an existing template into the CloudStack cloud: makes the template, and tells where its file is to be sent.",
    since: Some("4.6.0"),
    is_async: false,
    begins: false,
    params: WithImage::<Params>::PARAMS,
    response: UploadParamsResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "format"        format: Word<ImageFormat>    => "the format for the volume/template/iso. Possible values include QCOW2, RAW, VHD, VHDX, VMDK and OVA.";
        "zoneid"        zone: Id                     => "the ID of the zone the volume/template/iso is to be hosted on";
        "hypervisor"    hypervisor: Option<Word<HypervisorType>> => "the target hypervisor for the template";
        "requireshvm"   requires_hvm: Option<bool>   => "true if this template requires HVM";
    }
}

async fn run(call: Call, inputs: WithImage<Params>) -> Result<Reply, ApiError> {
    let own = inputs.own;
    let zone = call.find::<Zone>("zoneid", own.zone).await?;
    if own.format.0 == ImageFormat::Iso {
        return Err(ApiError::invalid_parameter("an ISO is no template: getUploadParamsForIso"));
    }
    let wish = OfferUpload {
        template: CreateTemplate {
            hypervisor: own.hypervisor.map(|Word(hypervisor)| hypervisor),
            requires_hvm: own.requires_hvm.unwrap_or_default(),
            ..inputs.template
        },
        format: own.format.0,
        checksum: inputs.checksum,
        zone: zone.uuid,
    };
    let upload = call.services.orchestration.uploads.offer(&call.request(), wish).await?;
    Reply::object("getuploadparams", &upload_params(&call, &upload))
}
