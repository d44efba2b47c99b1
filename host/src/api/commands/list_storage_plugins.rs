//! `listStoragePlugins`: where every plugin stands, and why. An extension of this host.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::word::Word;
use crate::config::PluginKind;
use crate::registry::{PluginMetadata, PluginReport};

pub(super) const COMMAND: Command = Command {
    name: "listStoragePlugins",
    description: "Lists the storage plugins of plugins.toml, where each stands, and why.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: PluginResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name" name: Option<String>     => "list the plugin of this name";
        "kind" kind: Option<Word<PluginKind>> => "list the plugins of this kind: image or volume";
    }
}

response! {
    struct PluginResponse {
        "name"        name: String                => "the name of its row in plugins.toml";
        "kind"        kind: String                => "image or volume";
        "state" state: String
            => "where it stands: Disabled, Loading, Ready, Restarting, Crashing or Failed";
        "provider"    provider: Option<String>    => "the name of its storage provider";
        "types" types: Option<String>
            => "the types of its storage provider, separated by commas";
        "scopes" scopes: Option<String>
            => "the scopes its stores can have, separated by commas";
        "version"     version: Option<String>     => "its version";
        "description" description: Option<String> => "what it is, in its own words";
        "license"     license: Option<String>     => "its licence";
        "abi" abi: Option<String>
            => "the version of the plugin ABI it was built for";
        "sdk" sdk: Option<String>
            => "the version of storage-plugin-api it was built with";
        "rustc"       rustc: Option<String>       => "the compiler that built it";
        "target"      target: Option<String>      => "the target it was built for";
        "glibc"       glibc: Option<String>       => "the newest C library version it needs";
        "isolation" isolation: String
            => "whether its code runs in the host's process or in one of its own";
        "required"    required: bool              => "true if the host does not start without it";
        "path"        path: String                => "its library";
        "digest"      digest: Option<String>      => "the SHA-256 of its library";
        "code"        code: Option<String>        => "why it was refused, as a word to search for";
        "reason"      reason: Option<String>      => "why it was refused";
        "wayout"      way_out: Option<String>     => "what to do about it";
        "pid"         pid: Option<u32>            => "its process, if it runs in one of its own";
        "restarts"    restarts: Option<u64>       => "how often its process was started again";
        "lastend"     last_end: Option<String>    => "how its process ended the last time";
        "loadms"      load_ms: Option<f64>        => "how long loading took, in milliseconds";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let plugins: Vec<PluginResponse> = call
        .services
        .providers
        .reports()
        .into_iter()
        .filter(|report| list.own.name.as_ref().is_none_or(|name| *name == report.name))
        .filter(|report| list.own.kind.is_none_or(|Word(kind)| kind == report.kind))
        .filter(|report| list.matches(&report.name))
        .map(PluginResponse::from)
        .collect();
    list.reply("storageplugin", &plugins)
}

impl From<PluginReport> for PluginResponse {
    fn from(report: PluginReport) -> Self {
        let said = |text: fn(&PluginMetadata) -> &String| {
            report.metadata.as_ref().map(text).filter(|text| !text.is_empty()).cloned()
        };
        let provider = report.provider.as_ref();
        let refusal = report.refusal.as_ref();
        let process = report.process.as_ref();
        Self {
            kind: report.kind.to_string(),
            state: report.state.to_string(),
            provider: provider.map(|provider| provider.name.clone()),
            types: provider.map(|provider| words(&provider.types)),
            scopes: provider.map(|provider| words(&provider.scopes)),
            version: said(|metadata| &metadata.version),
            description: said(|metadata| &metadata.description),
            license: said(|metadata| &metadata.license),
            abi: said(|metadata| &metadata.abi),
            sdk: said(|metadata| &metadata.sdk),
            rustc: said(|metadata| &metadata.rustc),
            target: said(|metadata| &metadata.target),
            glibc: report.glibc.map(|(major, minor)| format!("{major}.{minor}")),
            isolation: report.isolation.to_string(),
            required: report.required,
            path: report.path.display().to_string(),
            digest: report.digest.map(|digest| digest.to_string()),
            code: refusal.map(|refusal| refusal.code.to_string()),
            reason: refusal.map(|refusal| format!("{}: {}", refusal.what, refusal.why)),
            way_out: refusal.map(|refusal| refusal.way_out.clone()),
            pid: process.and_then(|process| process.pid),
            restarts: process.map(|process| process.restarts),
            last_end: process.and_then(|process| process.last_end.clone()),
            load_ms: report.load_ms,
            name: report.name,
        }
    }
}

fn words(words: &[impl ToString]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
