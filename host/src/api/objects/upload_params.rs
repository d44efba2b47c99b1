//! An offer to upload, as `getUploadParamsForTemplate` and `getUploadParamsForIso` answer with it.

use crate::api::call::Call;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::Upload;
use crate::orchestration::upload::signature;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

response! {
    pub(in crate::api) struct UploadParamsResponse {
        "id"        id: Uuid          => "the template/volume ID";
        "postURL"   post_url: String  => "POST url to upload the file to; PUT and HEAD go on with what broke off (an extension of this host)";
        "metadata"  metadata: String  => "encrypted data to be sent in the POST request, as X-Metadata.";
        "signature" signature: String => "signature to be sent in the POST request, as X-Signature.";
        "expires"   expires: String   => "the timestamp after which the signature expires, to be sent as X-Expires";
    }
}

/// What whoever uploads needs to know.
pub(in crate::api) fn upload_params(call: &Call, upload: &Upload) -> UploadParamsResponse {
    let metadata = STANDARD.encode(upload.uuid.as_bytes());
    let expires = format_us(upload.expires_us);
    UploadParamsResponse {
        id: upload.template,
        post_url: format!("{}/upload/{}", call.base_url(), upload.uuid),
        signature: signature(upload, &metadata, &expires),
        metadata,
        expires,
    }
}
