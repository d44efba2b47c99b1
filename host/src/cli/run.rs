//! `run` and `config check`.

use super::args::{Common, Output};
use super::{FAILED, NO, output, say_error};
use crate::config::{ConfigError, Environment, HostConfig, Overrides};
use std::process::ExitCode;

/// The configuration as the command line, the environment and the file say.
pub(super) fn config(common: &Common) -> Result<HostConfig, ConfigError> {
    let overrides = Overrides { listen: common.listen, data_dir: common.data_dir.clone() };
    HostConfig::load(&common.config, &Environment::capture(), &overrides)
}

/// The configuration, or its problems told and the exit code.
pub(super) fn config_or_no(common: &Common) -> Result<HostConfig, ExitCode> {
    config(common).map_err(|error| {
        say_error(&error.to_string());
        ExitCode::from(NO)
    })
}

/// Runs the host until it is told to stop.
pub(super) fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let config = match config_or_no(common) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("storage-host")
        .enable_all()
        .build()?;
    match runtime.block_on(crate::app::run(config)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            say_error(&format!("storage-host: {error:#}"));
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// Reports the problems of the configuration, or what it comes to.
pub(super) fn check(common: &Common, form: Output) -> anyhow::Result<ExitCode> {
    match config(common) {
        Ok(config) => {
            output::answer(form, &config.to_json(), |out| {
                writeln!(
                    out,
                    "{}: no problems; {} of {} plugins enabled",
                    config.origin.display(),
                    config.plugins.iter().filter(|row| row.enabled).count(),
                    config.plugins.len()
                )
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if form == Output::Json => {
            let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
            output::answer(form, &serde_json::json!({ "problems": problems }), |_| Ok(()))?;
            Ok(ExitCode::from(NO))
        }
        Err(error) => {
            say_error(&error.to_string());
            Ok(ExitCode::from(NO))
        }
    }
}
