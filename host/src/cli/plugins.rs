//! `plugins list`, `plugins inspect`, `plugins probe` and `api`.

use super::args::{Common, Output};
use super::client::{Client, ClientError};
use super::run::{config, config_or_no};
use super::target::Target;
use super::{NO, api_command, output, say_error, table};
use crate::app::look_at_plugins;
use crate::config::HostConfig;
use crate::loader::{Inspected, Loader, Refusal};
use crate::registry::{PluginReport, PluginState, ProviderSummary};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// Lists the plugins: as the running host says, or probed now where none runs.
pub(super) fn list(common: &Common, form: Output) -> anyhow::Result<ExitCode> {
    let config = match config_or_no(common) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    match list_of_host(&config, form) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(ClientError::NotRunning { .. } | ClientError::Gone { .. }) => {
            list_probed(&config, form)
        }
        Err(error) => Err(error.into()),
    }
}

fn list_of_host(config: &HostConfig, form: Output) -> Result<(), ClientError> {
    const COMMAND: &str = "listStoragePlugins";
    let client = Client::discover(&config.host.data_dir)?;
    let mut out = io::stdout().lock();
    match form {
        Output::Json => api_command::run(&client, COMMAND, &[], form, &mut out),
        Output::Table => Ok(write_list(&mut out, &client.call_text(COMMAND, &[])?)?),
    }
}

/// Lists plugins without a host.
fn list_probed(config: &HostConfig, form: Output) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir()?;
    let mut loader = Loader::new(config);
    loader.data_dir = scratch.path().to_owned();
    let reports = runtime()?.block_on(look_at_plugins(config, &loader));
    output::answer(form, &reports, |mut out| {
        writeln!(out, "No host runs on {}: probed just now.", config.host.data_dir.display())?;
        let plugins: Vec<Value> = reports.iter().map(listed).collect();
        write_list(&mut out, &json!({ "plugins": { "storageplugin": plugins } }).to_string())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A plugin with the keys of the API, for the same table.
fn listed(report: &PluginReport) -> Value {
    let provider = report.provider.as_ref();
    let types =
        provider.map(|one| one.types.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    let state = match report.state {
        PluginState::Loading => "Loadable".to_owned(),
        state => state.to_string(),
    };
    json!({
        "name": report.name,
        "state": state,
        "provider": provider.map(|one| &one.name),
        "types": types,
        "version": report.metadata.as_ref().map(|one| &one.version),
        "abi": report.metadata.as_ref().map(|one| &one.abi),
        "isolation": report.isolation.to_string(),
        "digest": report.digest.map(|digest| digest.to_string()),
        "path": report.path,
        "code": report.refusal.as_ref().map(|refusal| refusal.code.to_string()),
        "reason": report.refusal.as_ref().map(|refusal| format!("{}: {}", refusal.what, refusal.why)),
        "wayout": report.refusal.as_ref().map(|refusal| &refusal.way_out),
    })
}

const COLUMNS: [&str; 9] =
    ["name", "state", "provider", "types", "version", "abi", "isolation", "digest", "path"];
/// So much of a digest tells files apart for people; `--output json` has all of it.
const DIGEST_SHOWN: usize = 12;

/// A line a plugin, and below them why some were refused.
fn write_list(mut out: &mut dyn Write, answer: &str) -> io::Result<()> {
    let shortened = |column: &str, text: &str| match column {
        "digest" => text.chars().take(DIGEST_SHOWN).collect(),
        _ => text.to_owned(),
    };
    table::write_columns(answer, &COLUMNS, shortened, &mut out)?;
    for plugin in table::rows_of(answer)?.unwrap_or_default() {
        let text = |key: &str| plugin.text(key).unwrap_or_default();
        if text("reason").is_empty() {
            continue;
        }
        writeln!(out, "\n{} was refused: {}\n  {}", text("name"), text("code"), text("reason"))?;
        writeln!(out, "  {}", text("wayout"))?;
    }
    Ok(())
}

/// Says what a library is, without running it.
pub(super) fn inspect(common: &Common, plugin: &str, form: Output) -> anyhow::Result<ExitCode> {
    let target = Target::find(common, plugin)?;
    let inspected = target.inspect();
    tell(form, &report_of(&target, &inspected, None))
}

/// Loads and configures a plugin in a child process.
pub(super) fn probe(common: &Common, plugin: &str, form: Output) -> anyhow::Result<ExitCode> {
    let target = Target::find(common, plugin)?;
    let inspected = target.inspect();
    let manifest = match &inspected {
        Ok(inspected) => Some(runtime()?.block_on(target.loader.probe(&target.row, inspected))),
        Err(_) => None,
    };
    let mut report = report_of(&target, &inspected, None);
    match manifest {
        Some(Ok(manifest)) => report.provider = Some(ProviderSummary::of(&manifest)),
        Some(Err(refusal)) => {
            report.state = PluginState::Failed;
            report.refusal = Some(refusal);
        }
        None => {}
    }
    tell(form, &report)
}

fn tell(form: Output, report: &PluginReport) -> anyhow::Result<ExitCode> {
    output::answer(form, report, |out| output::report(out, report))?;
    Ok(if report.refusal.is_some() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

fn report_of(
    target: &Target,
    inspected: &Result<Inspected, Refusal>,
    provider: Option<ProviderSummary>,
) -> PluginReport {
    let row = &target.row;
    let found = inspected.as_ref().ok();
    PluginReport {
        name: row.name.clone(),
        kind: row.kind,
        isolation: row.isolation,
        required: row.required,
        state: if found.is_some() { PluginState::Loading } else { PluginState::Failed },
        refusal: inspected.as_ref().err().cloned(),
        path: found.map(|one| one.located.path.clone()).unwrap_or_default(),
        digest: found.map(|one| one.digest),
        metadata: found.and_then(|one| one.object.metadata.clone()),
        glibc: found.and_then(|one| one.object.glibc),
        provider,
        load_ms: None,
        process: None,
    }
}

/// Calls a command of the running host's API.
pub(super) fn api(
    common: &Common,
    command: &str,
    parameters: &[String],
    form: Output,
) -> anyhow::Result<ExitCode> {
    let data_dir = config(common)?.host.data_dir;
    let outcome = Client::discover(&data_dir)
        .and_then(|client| api_command::run(&client, command, parameters, form, &mut io::stdout()));
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::from(NO)
        }
    })
}

pub(super) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
