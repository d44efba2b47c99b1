//! `listStorageProviders`: the providers of a type that are registered.

use crate::api::args::Args;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::{ApiError, CsErrorCode, ErrorCode};
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::{Inputs, Kind, Param, ParamType, params};
use crate::api::reply::Reply;
use storage_plugin_api::DataStoreProviderType;

pub(super) const COMMAND: Command = Command {
    name: "listStorageProviders",
    description: "Lists storage providers.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: ProviderResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "type" provider_type: ProviderType
            => "the type of storage provider: primary, image, imagecache or object";
    }
}

response! {
    struct ProviderResponse {
        "name" name: String       => "the name of the storage provider";
        "type" kind: &'static str
            => "the type of the storage provider: PRIMARY, IMAGE, ImageCache or OBJECT";
    }
}

struct ProviderType(DataStoreProviderType);

impl ParamType for ProviderType {
    const KIND: Kind = Kind::String;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(word) = Option::<String>::read(args, param)? else {
            return Ok(None);
        };
        match DataStoreProviderType::from_word(&word) {
            DataStoreProviderType::Unknown => Err(ApiError::invalid_parameter(format!(
                "Invalid value for parameter {}: use primary, image, imagecache or object",
                param.name
            ))),
            known => Ok(Some(Self(known))),
        }
    }

    fn missing(_: &Args, _: &Param) -> ApiError {
        ApiError::new(
            ErrorCode::MalformedParameter,
            CsErrorCode::ServerApi,
            "need to specify type: either primary, image, imagecache or object",
        )
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let ProviderType(provider_type) = list.own.provider_type;
    let providers: Vec<ProviderResponse> = call
        .services
        .providers
        .providers_of(provider_type)
        .into_iter()
        .filter(|name| list.matches(name))
        .map(|name| ProviderResponse { name, kind: provider_type.as_str() })
        .collect();
    list.reply("dataStoreProvider", &providers)
}
