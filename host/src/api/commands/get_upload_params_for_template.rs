//! `getUploadParamsForTemplate`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{UploadParamsResponse, upload_params};
use crate::api::os_types;
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
    params: Params::PARAMS,
    response: UploadParamsResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                 => "the name of the volume/template/iso";
        "displaytext"   display_text: Option<String> => "the display text of the template";
        "format"        format: Word<ImageFormat>    => "the format for the volume/template/iso. Possible values include QCOW2, RAW, VHD, VHDX, VMDK and OVA.";
        "zoneid"        zone: Id                     => "the ID of the zone the volume/template/iso is to be hosted on";
        "hypervisor"    hypervisor: Option<Word<HypervisorType>> => "the target hypervisor for the template";
        "checksum"      checksum: Option<String>     => "the checksum value of this volume/template/iso: hex, or with its algorithm, like {SHA-256}hex";
        "ostypeid"      os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this template";
        "ispublic"      is_public: Option<bool>      => "true if the template is available to all accounts; default is true";
        "isfeatured"    is_featured: Option<bool>    => "true if this template is a featured template, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if the template or its derivatives are extractable; default is false";
        "requireshvm"   requires_hvm: Option<bool>   => "true if this template requires HVM";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    if params.format.0 == ImageFormat::Iso {
        return Err(ApiError::invalid_parameter("an ISO is no template: getUploadParamsForIso"));
    }
    let wish = OfferUpload {
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
        format: params.format.0,
        checksum: params.checksum,
        zone: zone.uuid,
    };
    let upload = call.services.orchestration.uploads.offer(&call.request(), wish).await?;
    Reply::object("getuploadparams", &upload_params(&call, &upload))
}
