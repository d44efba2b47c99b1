//! The providers that listen to hypervisor hosts.
//!
//! What it is not: a judge of their errors; each flow knows whether one counts.

use crate::jobs::{GuardedCall, StepContext};
use crate::model::{Host, Stored};
use crate::orchestration::rooms::Rooms;
use std::sync::Arc;
use storage_plugin_api::{DataStoreProviderType, HypervisorHostListener, PluginResult};

/// What a listener is told of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It was registered.
    Added,
    /// It is about to be removed.
    AboutToBeRemoved,
    /// It was removed.
    Removed,
    /// It was enabled again.
    Enabled,
}

impl Rooms {
    /// Tells every provider of pools that listens. Gives the errors of those that did not agree,
    /// each with the name of its provider.
    pub(super) async fn tell_listeners(
        &self,
        context: &StepContext,
        news: News,
        host: &Stored<Host>,
    ) -> Vec<(String, storage_plugin_api::PluginError)> {
        let mut errors = Vec::new();
        for provider in self.providers.providers_of(DataStoreProviderType::Primary) {
            let listener =
                self.providers.provider(&provider).and_then(|one| one.get_host_listener());
            let Some(listener) = listener else {
                continue;
            };
            if let Err(error) = self.tell(context, &provider, &listener, news, host).await {
                log::warn!(
                    operation:% = context.operation();
                    "provider {provider:?} was told that hypervisor host {:?} {}, and answered: \
                     {error}",
                    host.name, in_words(news)
                );
                errors.push((provider, error));
            }
        }
        errors
    }

    async fn tell(
        &self,
        context: &StepContext,
        provider: &str,
        listener: &Arc<dyn HypervisorHostListener>,
        news: News,
        host: &Stored<Host>,
    ) -> PluginResult<()> {
        let call = context.call();
        let seen = host.as_seen_by_plugins(host.id);
        let told = match news {
            News::Added => listener.host_added(&call, seen),
            News::AboutToBeRemoved => listener.host_about_to_be_removed(&call, seen),
            News::Removed => listener.host_removed(&call, seen),
            News::Enabled => listener.host_enabled(&call, seen),
        };
        let window = (self.windows)(provider);
        self.guard.call(GuardedCall { provider, window, store: None }, &call, told).await
    }
}

const fn in_words(news: News) -> &'static str {
    match news {
        News::Added => "was added",
        News::AboutToBeRemoved => "is about to be removed",
        News::Removed => "was removed",
        News::Enabled => "was enabled",
    }
}
