//! Answers on standard output: aligned text for people, JSON for programs.

use super::args::Output;
use crate::registry::PluginReport;
use serde::Serialize;
use std::io::{self, Write};
use storage_plugin_api::InputSchema;

/// Writes a value as JSON, or what `people` makes of it.
pub(super) fn answer<T: Serialize>(
    output: Output,
    value: &T,
    people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, value)?;
            writeln!(out)
        }
        Output::Table => people(&mut out),
    }
}

/// Everything about one plugin, a line each.
pub(super) fn report(out: &mut dyn Write, report: &PluginReport) -> io::Result<()> {
    let mut line = |label: &str, value: String| writeln!(out, "{label:<12} {value}");
    line("plugin", report.name.clone())?;
    line("state", report.state.to_string())?;
    line("library", report.path.display().to_string())?;
    if let Some(digest) = &report.digest {
        line("sha256", digest.to_string())?;
    }
    if let Some(metadata) = &report.metadata {
        line("crate", format!("{} {}", metadata.crate_name, metadata.version))?;
        line("abi", format!("{} (storage-plugin-api {})", metadata.abi, metadata.sdk))?;
        line("built with", format!("{} for {}", metadata.rustc, metadata.target))?;
        line("license", metadata.license.clone())?;
    }
    if let Some((major, minor)) = report.glibc {
        line("needs glibc", format!("{major}.{minor}"))?;
    }
    if let Some(provider) = &report.provider {
        let words = |words: &[String]| words.join(", ");
        let types: Vec<_> = provider.types.iter().map(ToString::to_string).collect();
        let scopes: Vec<_> = provider.scopes.iter().map(ToString::to_string).collect();
        line("provider", provider.name.clone())?;
        line("types", words(&types))?;
        line("scopes", words(&scopes))?;
        line("settings", fields(&provider.settings_schema))?;
        for (provider_type, schema) in &provider.input_schemas {
            line("fields", format!("{provider_type}: {}", fields(schema)))?;
        }
    }
    if let Some(refusal) = &report.refusal {
        line("refused", refusal.code.to_string())?;
        line("what", refusal.what.clone())?;
        line("why", refusal.why.clone())?;
        line("what to do", refusal.way_out.clone())?;
    }
    Ok(())
}

/// The fields of a schema with what each is for; `*` marks those that are required.
fn fields(schema: &InputSchema) -> String {
    let schema = schema.as_value();
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields: Vec<String> = properties
        .map(|(name, field)| {
            let mark = if required(name) { "*" } else { "" };
            match field["title"].as_str() {
                Some(title) => format!("{name}{mark} ({title})"),
                None => format!("{name}{mark}"),
            }
        })
        .collect();
    if fields.is_empty() { "none".to_owned() } else { fields.join(", ") }
}
