//! `conformance`: drives a plugin's library through the kit, in one skin or in both.

use super::args::{Common, ConformanceOptions, Output, Skin};
use super::plugins::runtime;
use super::target::Target;
use super::{NO, say_error};
use crate::isolation::open_isolated;
use crate::loader::settings::{check_schema, check_settings};
use crate::loader::{Inspected, Refusal};
use anyhow::Context;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use storage_plugin_api::abi::{RemoteProvider, Transport};
use storage_plugin_api::conformance::{
    CaseReport, ConformanceFile, Kit, KitOptions, Level, Report,
};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{CallContext, DataStoreProvider, Settings};

/// What a run in one skin came to.
#[derive(Serialize)]
struct Outcome {
    isolation: &'static str,
    #[serde(flatten)]
    report: Report,
}

/// Runs the kit and tells every case as it ends.
pub(super) fn run(common: &Common, options: &ConformanceOptions) -> anyhow::Result<ExitCode> {
    let mut target = Target::find(common, &options.plugin)?;
    let kit_options = kit_options(options)?;
    target.row.settings = kit_options
        .settings
        .as_map()
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let skins: &[&'static str] = match options.isolation {
        Skin::InProcess => &["in-process"],
        Skin::Process => &["process"],
        Skin::Both => &["in-process", "process"],
    };
    let runtime = runtime()?;
    let mut outcomes = Vec::new();
    for skin in skins {
        let outcome = runtime.block_on(run_skin(&target, &kit_options, skin, options.output));
        match outcome? {
            Ok(report) => outcomes.push(Outcome { isolation: skin, report }),
            Err(refusal) => {
                say_error(&refusal);
                return Ok(ExitCode::from(NO));
            }
        }
    }
    if options.output == Output::Json {
        serde_json::to_writer_pretty(io::stdout().lock(), &outcomes)?;
    }
    let clean = outcomes.iter().all(|outcome| outcome.report.is_clean());
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn kit_options(options: &ConformanceOptions) -> anyhow::Result<KitOptions> {
    let path = &options.settings;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings file {}", path.display()))?;
    let file: ConformanceFile = toml::from_str(&text)
        .with_context(|| format!("the settings file {} is wrong", path.display()))?;
    let mut kit = file.into_options()?;
    kit.level = Level::try_from(options.level)?;
    kit.allow_non_empty = options.allow_non_empty;
    if let Some(run) = &options.run {
        kit.run.clone_from(run);
    }
    Ok(kit)
}

/// Runs the kit in one skin; the inner error is a refusal to be told.
async fn run_skin(
    target: &Target,
    options: &KitOptions,
    skin: &str,
    form: Output,
) -> anyhow::Result<Result<Report, String>> {
    let provider = match connect(target, skin).await {
        Ok(provider) => provider,
        Err(refusal) => return Ok(Err(refusal.to_string())),
    };
    if let Err(why) = check_schemas(&provider, &options.settings) {
        return Ok(Err(why));
    }
    if form == Output::Table {
        writeln!(io::stdout(), "{} ({skin})", provider.get_name())?;
    }
    let mut kit = match Kit::prepare(Arc::new(provider), options.clone()).await {
        Ok(kit) => kit,
        Err(refusal) => return Ok(Err(refusal.to_string())),
    };
    let report = kit
        .run(&mut |case: &CaseReport| {
            if form == Output::Table {
                // A closed pipe ends the telling, not the run: the store must be left clean.
                writeln!(io::stdout(), "{case}").ok();
            }
        })
        .await;
    if form == Output::Table {
        for left_out in &report.left_out {
            writeln!(io::stdout(), "left out: {left_out}")?;
        }
        writeln!(io::stdout(), "{} passed, {} failed", report.passed, report.failed)?;
    }
    Ok(Ok(report))
}

async fn connect(target: &Target, skin: &str) -> Result<RemoteProvider, Refusal> {
    let inspected = target.inspect()?;
    // The probe first: what crashes while loading must not take the kit with it.
    target.loader.probe(&target.row, &inspected).await?;
    let transport = open(target, &inspected, skin).await?;
    let call = CallContext::new(Uuid::new_v4());
    RemoteProvider::connect(transport, &call).await.map_err(|error| {
        Refusal::new(
            crate::loader::RefusalCode::ConfigureFailed,
            format!("cannot test plugin {:?}", target.row.name),
            error.to_string(),
            "see the plugin's messages in the log",
        )
    })
}

async fn open(
    target: &Target,
    inspected: &Inspected,
    skin: &str,
) -> Result<Arc<dyn Transport>, Refusal> {
    if skin == "process" {
        let supervisor = open_isolated(&target.loader, &target.row, inspected).await?;
        return Ok(supervisor);
    }
    target.loader.open(&target.row, inspected).await
}

/// What the kit cannot: schemas against the meta-schema, settings against their schema.
fn check_schemas(provider: &RemoteProvider, settings: &Settings) -> Result<(), String> {
    for provider_type in provider.get_types() {
        check_schema(&provider.get_input_schema(provider_type)).map_err(|why| {
            format!(
                "the input schema of type {provider_type} is no JSON Schema of an object: {why}"
            )
        })?;
    }
    check_settings(&provider.get_name(), &provider.get_settings_schema(), settings)
        .map_err(|refusal| refusal.to_string())
}
