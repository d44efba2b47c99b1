//! `getUploadParamsForIso`.

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
use storage_plugin_api::ImageFormat;

pub(super) const COMMAND: Command = Command {
    name: "getUploadParamsForIso",
    description: "upload an existing ISO into the CloudStack cloud: makes the ISO, and tells where its file is to be sent.",
    since: Some("4.13"),
    is_async: false,
    begins: false,
    params: WithImage::<Params>::PARAMS,
    response: UploadParamsResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "format"        format: Option<Word<ImageFormat>> => "the format for the volume/template/iso: ISO";
        "zoneid"        zone: Id                     => "the ID of the zone the volume/template/iso is to be hosted on";
        "bootable"      bootable: Option<bool>       => "true if this ISO is bootable; default is true";
    }
}

async fn run(call: Call, inputs: WithImage<Params>) -> Result<Reply, ApiError> {
    let own = inputs.own;
    let zone = call.find::<Zone>("zoneid", own.zone).await?;
    if own.format.is_some_and(|Word(format)| format != ImageFormat::Iso) {
        return Err(ApiError::invalid_parameter(
            "the format of an ISO is ISO; of others a template is made (getUploadParamsForTemplate)",
        ));
    }
    let wish = OfferUpload {
        template: CreateTemplate { bootable: own.bootable.unwrap_or(true), ..inputs.template },
        format: ImageFormat::Iso,
        checksum: inputs.checksum,
        zone: zone.uuid,
    };
    let upload = call.services.orchestration.uploads.offer(&call.request(), wish).await?;
    Reply::object("getuploadparams", &upload_params(&call, &upload))
}
