//! Loads a probed plugin into a process of its own.

use super::supervisor::{RunnerSpec, Supervisor};
use crate::config::PluginRow;
use crate::loader::bring_up::BringUp;
use crate::loader::load::{log_of_plugin, settings_of};
use crate::loader::{Inspected, Loader, Refusal};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::HostServices;
use storage_plugin_api::abi::{HostDispatcher, RemoteProvider, Transport};

/// How long a cancelled call may take to end before the plugin's process is killed.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Starts a process for a probed plugin and has it open the library.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open_isolated(
    loader: &Loader,
    row: &PluginRow,
    inspected: &Inspected,
) -> Result<Arc<Supervisor>, Refusal> {
    inspected.located.recheck()?;
    let plugin = row.name.clone();
    let logger = move |record: &_| log_of_plugin(&plugin, record);
    let host = Arc::new(HostDispatcher::new(Box::new(logger)));
    let spec = RunnerSpec {
        executable: loader.executable.clone(),
        plugin: row.name.clone(),
        path: inspected.located.path.clone(),
        log_level: loader.log_level,
        load_timeout: loader.probe_timeout,
        cancel_grace: CANCEL_GRACE,
    };
    Supervisor::start(spec, host).await
}

/// Loads a probed plugin into a process of its own and configures it.
///
/// # Errors
/// What the probe could not see: the file changed, or it behaves otherwise here.
pub async fn load_isolated(
    loader: &Loader,
    row: &PluginRow,
    inspected: &Inspected,
    services: Arc<dyn HostServices>,
) -> Result<(RemoteProvider, Arc<Supervisor>), Refusal> {
    let supervisor = open_isolated(loader, row, inspected).await?;
    let bring_up = BringUp {
        plugin: &row.name,
        settings: settings_of(row),
        services,
        configure_timeout: loader.configure_timeout,
        on_configure: &|| {},
    };
    let provider = bring_up.run(Arc::clone(&supervisor) as Arc<dyn Transport>).await?;
    Ok((provider, supervisor))
}
