//! Before the first case: the provider is configured, the stores are added, and a store that is
//! not the kit's to use is refused.

use super::failure::{Checked, Doing};
use super::memory_host::MemoryHost;
use super::options::{KitOptions, StoreUnderTest, scope_of};
use super::report::Level;
use super::stage::Stage;
use super::subject::Subject;
use super::watched_host::WatchedHost;
use crate::{
    DataStoreCapabilities, DataStoreProvider, DataStoreProviderType, Driver, HostServices,
    LifeCycle, ListedObject, ScopeType,
};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Why the kit does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Levels 3 and 4 need a store.
    NoStore,
    /// A store was given for a type that the provider does not have.
    NoSuchType(DataStoreProviderType),
    /// A detail that the schema requires was not given.
    MissingDetail {
        /// The type of the store.
        provider_type: DataStoreProviderType,
        /// The field.
        field: String,
    },
    /// The store holds objects, and the kit was not told that it may run all the same.
    NotEmpty {
        /// The type of the store.
        provider_type: DataStoreProviderType,
        /// How many objects.
        objects: usize,
        /// The path of one.
        example: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => f.write_str("levels 3 and 4 need at least one store to test on"),
            Self::NoSuchType(provider_type) => {
                write!(f, "the provider has no type {provider_type}")
            }
            Self::MissingDetail { provider_type, field } => {
                write!(f, "the {provider_type} store lacks the required detail {field:?}")
            }
            Self::NotEmpty { provider_type, objects, example } => write!(
                f,
                "the {provider_type} store is not empty: it holds {objects} objects, one of them \
                 {example:?}; give an empty one, or allow a store that is not empty"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// What was prepared.
pub(super) struct Prepared {
    pub(super) stage: Arc<Stage>,
    pub(super) subjects: Vec<Arc<Subject>>,
    pub(super) left_out: Vec<String>,
}

pub(super) async fn prepare(
    provider: Arc<dyn DataStoreProvider>,
    options: &KitOptions,
) -> Result<Prepared, Refusal> {
    if options.level >= Level::Happy && options.stores.is_empty() {
        return Err(Refusal::NoStore);
    }
    let types = provider.get_types();
    if let Some(other) = options.stores.keys().find(|one| !types.contains(one)) {
        return Err(Refusal::NoSuchType(*other));
    }
    for (provider_type, input) in &options.stores {
        check_details(provider.as_ref(), *provider_type, input)?;
    }
    let stage = stage(provider, options);
    if let Err(failure) = configure(&stage, options).await {
        stage.unconfigured.get_or_init(|| failure.to_string());
    }
    let mut prepared = Prepared { stage, subjects: Vec::new(), left_out: Vec::new() };
    for provider_type in types {
        let reason = match options.stores.get(&provider_type) {
            None => "no store was given for it",
            Some(_) if prepared.stage.unconfigured.get().is_some() => {
                "the provider could not be configured"
            }
            Some(input) => match parts(&prepared.stage, provider_type) {
                None => "it has no driver, or no life cycle",
                Some(parts) => {
                    let adding = subject(&prepared.stage, provider_type, parts, input, options);
                    match adding.await {
                        Ok(subject) => prepared.subjects.push(subject),
                        Err(refusal) => {
                            leave(&prepared.subjects).await;
                            return Err(refusal);
                        }
                    }
                    continue;
                }
            },
        };
        let left_out = format!("the cases of a {provider_type} store: {reason}");
        prepared.left_out.push(left_out);
    }
    Ok(prepared)
}

/// Refuses a store whose details cannot be right, before anything blames the provider for it.
fn check_details(
    provider: &dyn DataStoreProvider,
    provider_type: DataStoreProviderType,
    input: &StoreUnderTest,
) -> Result<(), Refusal> {
    let schema = provider.get_input_schema(provider_type);
    let required = schema.as_value().get("required").and_then(Value::as_array);
    let mut fields = required.into_iter().flatten().filter_map(Value::as_str);
    match fields.find(|field| input.details.get(field).is_none()) {
        Some(field) => Err(Refusal::MissingDetail { provider_type, field: field.to_owned() }),
        None => Ok(()),
    }
}

fn stage(provider: Arc<dyn DataStoreProvider>, options: &KitOptions) -> Arc<Stage> {
    let host = options.host.clone();
    let host = host.unwrap_or_else(|| Arc::new(MemoryHost::new(&options.run)));
    let host = WatchedHost::new(host, options.hypervisor_host.clone());
    let name = provider.get_name();
    Arc::new(Stage::new(provider, Arc::new(host), options, name))
}

async fn configure(stage: &Arc<Stage>, options: &KitOptions) -> Checked {
    if options.configured {
        return Ok(());
    }
    let (shared, settings) = (Arc::clone(stage), options.settings.clone());
    let configured = stage.guarded(async move {
        let call = shared.call();
        let host: Arc<dyn HostServices> = Arc::<WatchedHost>::clone(&shared.host);
        let running = shared.provider.configure(&call, settings, host);
        shared.within(&call, "configure", running).await
    });
    let what = "configuring the provider";
    configured.await.doing(what)?.doing(what)
}

fn parts(stage: &Stage, provider_type: DataStoreProviderType) -> Option<(Driver, LifeCycle)> {
    let driver = stage.provider.get_data_store_driver(provider_type)?;
    let life_cycle = stage.provider.get_data_store_life_cycle(provider_type)?;
    let is_primary = provider_type == DataStoreProviderType::Primary;
    let fits = matches!(driver, Driver::Primary(_)) == is_primary
        && matches!(life_cycle, LifeCycle::Primary(_)) == is_primary;
    fits.then_some((driver, life_cycle))
}

async fn subject(
    stage: &Arc<Stage>,
    provider_type: DataStoreProviderType,
    parts: (Driver, LifeCycle),
    input: &StoreUnderTest,
    options: &KitOptions,
) -> Result<Arc<Subject>, Refusal> {
    let mut input = input.clone();
    input.scope.get_or_insert_with(|| {
        let supported = [ScopeType::Zone, ScopeType::Cluster, ScopeType::Host];
        let first = supported.into_iter().find(|one| stage.provider.is_scope_supported(*one));
        scope_of(first.unwrap_or(ScopeType::Region))
    });
    let first = Arc::new(Subject::new(stage, provider_type, parts, input));
    let on_back_end = options.level >= Level::Happy;
    let meeting = Arc::clone(&first);
    let met = stage.guarded(async move { meet(&meeting, on_back_end).await }).await;
    let mut subject = first.twin(&first.store());
    match met.and_then(|met| met) {
        Ok((can, before)) => {
            subject.can = can;
            subject.before = before;
        }
        // The cases of the store say so.
        Err(failure) => subject.unusable = Some(failure.to_string()),
    }
    let subject = Arc::new(subject);
    if let Some(example) = subject.before.first()
        && !options.allow_non_empty
    {
        let refusal = Refusal::NotEmpty {
            provider_type,
            objects: subject.before.len(),
            example: example.path.clone(),
        };
        leave(&[subject]).await;
        return Err(refusal);
    }
    Ok(subject)
}

/// Adds the store and asks what it can do and what it holds.
async fn meet(
    subject: &Subject,
    on_back_end: bool,
) -> Checked<(DataStoreCapabilities, Vec<ListedObject>)> {
    if on_back_end {
        subject.add().await?;
    }
    let can = subject.get_capabilities().await;
    let can = can.doing("asking the driver what it can do")?;
    let mut before = Vec::new();
    if on_back_end && can.list_objects {
        // A listing that fails is found by the cases of listings.
        before = subject.list_all(0).await.unwrap_or_default();
    }
    Ok((can, before))
}

/// Lets stores go that are not tested after all.
async fn leave(subjects: &[Arc<Subject>]) {
    for subject in subjects {
        let leaving = Arc::clone(subject);
        let removing = async move { leaving.delete_data_store(&leaving.store()).await };
        // The refusal stands whether or not the store could be let go.
        subject.stage.guarded(removing).await.ok();
    }
}
