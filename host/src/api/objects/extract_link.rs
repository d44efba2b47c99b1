//! A link for download, as the jobs of `extractTemplate`, `extractIso`, `extractSnapshot` and
//! `extractVolume` answer with it.

use super::Names;
use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ACCOUNT_ID, ExtractLink, RecordKind, Snapshot, Stored, Template, Volume, Zone};
use crate::store::Key;
use serde_json::Value;
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

response! {
    pub(in crate::api) struct ExtractResponse {
        "id"          id: Uuid                  => "the id of extracted object";
        "name"        name: Option<String>      => "the name of the extracted object";
        "extractId"   extract_id: Uuid          => "the upload id of extracted object";
        "extractMode" mode: &'static str        => "the mode of extraction - upload or download";
        "state"       state: &'static str       => "the state of the extracted object";
        "status"      status: &'static str      => "the status of extraction";
        "storagetype" storage_type: &'static str => "type of the storage";
        "resultstring" result: &'static str     => "what came of it";
        "uploadpercentage" percentage: u32      => "the percentage of the entity uploaded to the specified location: none, a link is made at once";
        "url"         url: Option<String>       => "the link, which works for whoever has it until it expires";
        "zoneid"      zone_id: Option<Uuid>     => "zone ID the object was extracted from";
        "zonename"    zone_name: Option<String> => "zone name the object was extracted from";
        "accountid"   account_id: String        => "the account id to which the extracted object belongs";
        "created"     created: String           => "the time and date the object was created";
        "expires"     expires: String           => "when the link ends (an extension of this host)";
        "size"        size: u64                 => "how many bytes are downloaded (an extension of this host)";
        "format"      format: &'static str      => "the format of those bytes (an extension of this host)";
        "filename"    file_name: String         => "what the file may be called (an extension of this host)";
        "checksum"    checksum: Option<String>  => "the digest of those bytes, where one is recorded (an extension of this host)";
    }
}

/// The link under the key of what it leads to; `None` where it is forgotten already.
pub(super) async fn shown_link(
    call: &Call,
    uuid: Uuid,
) -> Result<Option<(&'static str, Value)>, ApiError> {
    let Some(link) = call.repository().find_any::<ExtractLink>(Key::Uuid(uuid)).await? else {
        return Ok(None);
    };
    let key = match (link.kind, link.format) {
        (RecordKind::Template, ImageFormat::Iso) => "iso",
        (RecordKind::Template, _) => "template",
        (RecordKind::Snapshot, _) => "snapshot",
        _ => "volume",
    };
    let response = show(call, &link).await?;
    let value = serde_json::to_value(response).map_err(ApiError::internal)?;
    Ok(Some((key, value)))
}

async fn show(call: &Call, link: &Stored<ExtractLink>) -> Result<ExtractResponse, ApiError> {
    let names = &mut Names::new(call);
    let object = Some(link.object);
    let name = match link.kind {
        RecordKind::Template => names.find::<Template>(object).await?.map(|it| it.name.clone()),
        RecordKind::Snapshot => names.find::<Snapshot>(object).await?.map(|it| it.name.clone()),
        _ => names.find::<Volume>(object).await?.map(|it| it.name.clone()),
    };
    let zone = names.find::<Zone>(link.zone).await?;
    let own = || format!("{}/userdata/{}{}", call.base_url(), link.token, extension(link));
    let url = link.driver_url.clone().or_else(|| (!link.token.is_empty()).then(own));
    Ok(ExtractResponse {
        id: link.object,
        name,
        extract_id: link.uuid,
        mode: "HTTP_DOWNLOAD",
        state: link.state(),
        status: link.state(),
        storage_type: if link.place.is_some() { "secondary" } else { "primary" },
        result: if link.is_ready { "the link can be used" } else { "the link is being made" },
        percentage: 0,
        url: url.filter(|_| link.is_ready),
        zone_id: link.zone,
        zone_name: zone.map(|zone| zone.name.clone()),
        account_id: ACCOUNT_ID.to_string(),
        created: format_us(link.created_us),
        expires: format_us(link.expires_us),
        size: link.length_bytes,
        format: link.format.as_str(),
        file_name: link.file_name.clone(),
        checksum: link.digest.clone(),
    })
}

/// The extension of a link, for tools that judge by it.
fn extension(link: &ExtractLink) -> String {
    format!(".{}", link.format.as_str().to_ascii_lowercase())
}
