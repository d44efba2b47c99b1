//! `getUploadParamsForIso`.

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
use storage_plugin_api::ImageFormat;

pub(super) const COMMAND: Command = Command {
    name: "getUploadParamsForIso",
    description: "upload an existing ISO into the CloudStack cloud: makes the ISO, and tells where its file is to be sent.",
    since: Some("4.13"),
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: UploadParamsResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                 => "the name of the volume/template/iso";
        "displaytext"   display_text: Option<String> => "the display text of the ISO";
        "format"        format: Option<Word<ImageFormat>> => "the format for the volume/template/iso: ISO";
        "zoneid"        zone: Id                     => "the ID of the zone the volume/template/iso is to be hosted on";
        "checksum"      checksum: Option<String>     => "the checksum value of this volume/template/iso: hex, or with its algorithm, like {SHA-256}hex";
        "ostypeid"      os_type: Option<Id>          => "the ID of the OS type that best represents the OS of this ISO";
        "bootable"      bootable: Option<bool>       => "true if this ISO is bootable; default is true";
        "ispublic"      is_public: Option<bool>      => "true if the ISO is available to all accounts; default is true";
        "isfeatured"    is_featured: Option<bool>    => "true if this ISO is a featured ISO, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if the ISO or its derivatives are extractable; default is false";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    if params.format.is_some_and(|Word(format)| format != ImageFormat::Iso) {
        return Err(ApiError::invalid_parameter(
            "the format of an ISO is ISO; of others a template is made (getUploadParamsForTemplate)",
        ));
    }
    let wish = OfferUpload {
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
        format: ImageFormat::Iso,
        checksum: params.checksum,
        zone: zone.uuid,
    };
    let upload = call.services.orchestration.uploads.offer(&call.request(), wish).await?;
    Reply::object("getuploadparams", &upload_params(&call, &upload))
}
