//! Brings a provider up once its library answers: manifest, settings, `configure`, checks.
//!
//! The same steps in the probe, in the host and for a process of its own, so that what the probe
//! saw is what the host gets.

use super::refusal::{Refusal, RefusalCode};
use super::registration::Registration;
use super::settings::check_settings;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::abi::{Manifest, RemoteProvider, Transport};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CallContext, DataStoreProvider, HostServices, PluginError, PluginErrorKind, Settings,
};

/// The longest provider name.
const NAME_LIMIT: usize = 63;

/// What a provider is brought up with.
pub(crate) struct BringUp<'a> {
    /// The name of its row, for messages.
    pub(crate) plugin: &'a str,
    /// Its settings.
    pub(crate) settings: Settings,
    /// What it may ask of the host.
    pub(crate) services: Arc<dyn HostServices>,
    /// How long `configure` may stand still.
    pub(crate) configure_timeout: Duration,
    /// Called when `configure` begins: from then on a crash is one of configure.
    pub(crate) on_configure: &'a (dyn Fn() + Send + Sync),
}

impl BringUp<'_> {
    /// Brings the provider behind a transport up.
    ///
    /// # Errors
    /// `ConfigureFailed`, `ConfigurePanicked`, `ConfigureHung`, `InvalidSettings`,
    /// `InvalidSchema`, `NameMismatch`, `NoDriver` or `PanickedWhileLoading`.
    pub(crate) async fn run(
        self,
        transport: Arc<dyn Transport>,
    ) -> Result<RemoteProvider, Refusal> {
        let call = CallContext::new(Uuid::new_v4()).no_progress_window(self.configure_timeout);
        let provider = RemoteProvider::connect(transport, &call)
            .await
            .map_err(|error| self.refused(&error, "its provider does not answer"))?;
        let before = provider.manifest();
        self.check_manifest(&before)?;
        check_settings(&before.name, &before.settings_schema, &self.settings)?;

        (self.on_configure)();
        let services =
            Arc::new(Registration::new(before.types.clone(), Arc::clone(&self.services)));
        let host = Arc::clone(&services) as Arc<dyn HostServices>;
        provider
            .configure(&call, self.settings.clone(), host)
            .await
            .map_err(|error| self.refused(&error, "configure failed"))?;
        self.check_configured(&before, &provider.manifest(), &services)?;
        Ok(provider)
    }

    fn cannot(&self) -> String {
        format!("cannot configure plugin {:?}", self.plugin)
    }

    fn refused(&self, error: &PluginError, what: &str) -> Refusal {
        let panicked = error.message().starts_with("the plugin panicked");
        let ended = error.message().starts_with("the plugin's process");
        let (code, way_out) = match error.kind() {
            PluginErrorKind::Timeout => (
                RefusalCode::ConfigureHung,
                "configure must not wait for a back end; raise configure_timeout in plugins.toml \
                 if it only needs longer",
            ),
            _ if panicked => {
                (RefusalCode::ConfigurePanicked, "the log shows where; tell the plugin's vendor")
            }
            PluginErrorKind::Unavailable if ended => {
                (RefusalCode::CrashedWhileConfiguring, "tell the plugin's vendor")
            }
            PluginErrorKind::InvalidConfig => {
                (RefusalCode::ConfigureFailed, "mend the plugin's settings in plugins.toml")
            }
            _ => (RefusalCode::ConfigureFailed, "see the plugin's messages in the log"),
        };
        Refusal::new(code, self.cannot(), format!("{what}: {error}"), way_out)
    }

    fn check_manifest(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let name = &manifest.name;
        let fault = if name.is_empty() || name.len() > NAME_LIMIT {
            format!("get_name answers {name:?}: 1 to {NAME_LIMIT} bytes are allowed")
        } else if name.chars().any(|one| one.is_control() || one.is_whitespace() && one != ' ') {
            format!("get_name answers {name:?}: only printable characters are allowed")
        } else if manifest.types.is_empty() {
            format!("get_types of provider {name:?} is empty")
        } else {
            return Ok(());
        };
        let way_out = "tell the plugin's vendor; a conformance run at level 1 shows the same";
        Err(Refusal::new(RefusalCode::NameMismatch, self.cannot(), fault, way_out))
    }

    fn check_configured(
        &self,
        before: &Manifest,
        after: &Manifest,
        services: &Registration,
    ) -> Result<(), Refusal> {
        if before.name != after.name {
            return Err(Refusal::new(
                RefusalCode::NameMismatch,
                self.cannot(),
                format!(
                    "get_name answered {:?} before configure and {:?} after it",
                    before.name, after.name
                ),
                "a name is stored with every store and must not change; tell the plugin's vendor",
            ));
        }
        let unregistered = services.missing();
        let incomplete = after.types.iter().copied().find(|one| {
            unregistered.contains(one)
                || !after.drivers.contains(one)
                || !after.life_cycles.contains(one)
        });
        let Some(incomplete) = incomplete else {
            return Ok(());
        };
        let lacks = if unregistered.contains(&incomplete) {
            "configure did not call register_driver for it"
        } else if !after.drivers.contains(&incomplete) {
            "get_data_store_driver has no driver for it"
        } else {
            "get_data_store_life_cycle has no life cycle for it"
        };
        Err(Refusal::new(
            RefusalCode::NoDriver,
            self.cannot(),
            format!("provider {:?} declares the type {incomplete}, but {lacks}", after.name),
            "tell the plugin's vendor; a conformance run at level 1 shows the same",
        ))
    }
}
