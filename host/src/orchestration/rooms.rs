//! What every service stands on: the store, the providers, the engine, the guard.

use super::connecting::Connected;
use super::request::{RequestContext, Started};
use crate::jobs::{Flow, Guard, Jobs, NewOperation};
use crate::model::{ClientToken, Failure, Operation, RecordKind};
use crate::motion::Allowances;
use crate::motion::download::{DownloadSettings, Downloader, Proxy, SourcePolicy};
use crate::registry::DataStoreProviderManager;
use crate::store::{Change, Refused, Repository, now_us};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{PluginErrorKind, PluginResult};
use uuid::Uuid;

/// What an operator decides about storage.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// A pool takes no new volumes when more than this part of its space is used.
    pub used_threshold: f64,
    /// A pool takes no new volumes when more than this part of what it may promise is promised.
    pub promised_threshold: f64,
    /// An image store takes nothing new when more than this part of its space is used.
    pub image_store_threshold: f64,
    /// When image caches give up what they have.
    pub image_cache: CachePolicy,
    /// How many times the space of a thin pool may be promised.
    pub overprovision_factor: f64,
    /// How long a destroyed volume can be recovered.
    pub expunge_delay: Duration,
    /// How often destroyed volumes are looked for whose time has come.
    pub expunge_interval: Duration,
    /// The provider of a pool that names none.
    pub default_primary_provider: String,
    /// What comes in from outside.
    pub images: ImagePolicy,
}

/// When image caches give up what they have.
#[derive(Debug, Clone, PartialEq)]
pub struct CachePolicy {
    /// More than this part of its space is used: what was used longest ago goes …
    pub high_watermark: f64,
    /// … until no more than this part is.
    pub low_watermark: f64,
    /// How long what nobody uses is kept.
    pub max_age: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self { high_watermark: 0.9, low_watermark: 0.7, max_age: Duration::from_hours(30 * 24) }
    }
}

/// What an operator decides about images that come from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagePolicy {
    /// The private networks, addresses and hosts that may be downloaded from.
    pub allow: Vec<String>,
    /// The directories that `file:` URLs may lie in.
    pub directories: Vec<PathBuf>,
    /// The proxy of downloads.
    pub proxy: Option<String>,
    /// The most bytes of a download or an upload.
    pub max_bytes: u64,
    /// The most bytes of a disk in an image.
    pub max_virtual_bytes: u64,
    /// Where what is unpacked waits for its length to be known. Emptied at each start.
    pub spool: PathBuf,
}

impl Default for ImagePolicy {
    /// The public internet, by the limits of CloudStack.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            directories: Vec::new(),
            proxy: None,
            max_bytes: 50 << 30,
            max_virtual_bytes: 2 << 40,
            spool: std::env::temp_dir(),
        }
    }
}

impl ImagePolicy {
    /// Says what of it cannot be used.
    ///
    /// # Errors
    /// `InvalidConfig`.
    pub fn check(&self) -> PluginResult<()> {
        SourcePolicy::new(&self.allow, &self.directories)?;
        self.proxy.as_deref().map_or(Ok(()), |url| Proxy::new(url).map(drop))
    }

    /// What downloads by it. What cannot be read of it was refused with the configuration; here it
    /// allows nothing.
    fn downloader(&self) -> Downloader {
        let strict = || SourcePolicy::new(&[], &[]);
        let policy = SourcePolicy::new(&self.allow, &self.directories).or_else(|error| {
            log::error!("downloads from the public internet only: {error}");
            strict()
        });
        let mut settings = match policy {
            Ok(policy) => DownloadSettings::new(policy),
            Err(error) => unreachable!("an empty policy is one: {error}"),
        };
        settings.proxy = self.proxy.as_deref().and_then(|url| Proxy::new(url).ok());
        Downloader::new(settings)
    }
}

impl Default for Policy {
    /// CloudStack's defaults, but for the used space: 85 % of a disk of today leaves hundreds of
    /// gigabytes unused.
    fn default() -> Self {
        Self {
            used_threshold: 0.95,
            promised_threshold: 0.85,
            image_store_threshold: 0.9,
            image_cache: CachePolicy::default(),
            overprovision_factor: 2.0,
            expunge_delay: Duration::from_hours(24),
            expunge_interval: Duration::from_hours(24),
            default_primary_provider: "Filesystem".to_owned(),
            images: ImagePolicy::default(),
        }
    }
}

/// What an operation holds beside its own object.
#[derive(Debug, Clone, Default)]
pub(super) struct With {
    /// No other operation may touch these meanwhile.
    pub(super) exclusive: Vec<Uuid>,
    /// Others may use these as well, but nobody may remove them meanwhile.
    pub(super) shared: Vec<Uuid>,
}

/// How long a call of a provider may make no progress, by its name.
pub type Windows = dyn Fn(&str) -> Duration + Send + Sync;

/// What every service stands on.
pub struct Rooms {
    /// Durable state.
    pub repository: Arc<dyn Repository>,
    /// The providers.
    pub providers: Arc<DataStoreProviderManager>,
    /// The engine.
    pub jobs: Jobs,
    /// The guard around calls into plugins.
    pub guard: Guard,
    /// What the operator decided.
    pub policy: Policy,
    /// What downloads images.
    pub(super) downloader: Downloader,
    /// How long a provider's calls may stand still.
    pub windows: Box<Windows>,
    /// The pools that were connected in this life of the host.
    pub(super) connected: Connected,
    /// How fast bytes go to and from stores.
    pub(super) allowances: Allowances,
}

/// What the composition root hands over.
pub struct RoomsParts {
    /// See [`Rooms::repository`].
    pub repository: Arc<dyn Repository>,
    /// See [`Rooms::providers`].
    pub providers: Arc<DataStoreProviderManager>,
    /// See [`Rooms::policy`].
    pub policy: Policy,
    /// See [`Rooms::windows`].
    pub windows: Box<Windows>,
}

impl Rooms {
    /// Rooms in which nothing happened yet.
    pub fn new(parts: RoomsParts) -> Self {
        let RoomsParts { repository, providers, policy, windows } = parts;
        Self {
            jobs: Jobs::new(Arc::clone(&repository)),
            guard: Guard::new(),
            downloader: policy.images.downloader(),
            connected: Connected::default(),
            allowances: Allowances::default(),
            repository,
            providers,
            policy,
            windows,
        }
    }

    /// Begins an operation for a caller; `object` is what it is about, and is held by it.
    ///
    /// A request that bears the token of an earlier one begins nothing: it gets that one's
    /// operation.
    ///
    /// # Errors
    /// What stands in the way, in words: who holds the object, what state it is in.
    pub(super) async fn begin<F: Flow>(
        &self,
        request: &RequestContext,
        object: (RecordKind, Uuid),
        with: With,
        changes: Vec<Change>,
        state: &F::State,
    ) -> Result<Started, Failure> {
        let uuid = Uuid::new_v4();
        let token = request.caller.token.as_ref().map(|token| token_claim(request, token));
        let new = NewOperation {
            uuid,
            caller: request.caller.clone(),
            command: request.command.clone(),
            object: Some(object),
            exclusive: [object.1].into_iter().chain(with.exclusive).collect(),
            shared: with.shared,
            token: token.clone(),
            changes,
        };
        match self.jobs.start::<F>(new, state).await {
            Ok(operation) => Ok(Started { operation, object: object.1 }),
            Err(Refused::Claimed { name, .. }) if token.as_ref() == Some(&name) => {
                self.replayed(request).await?.ok_or_else(|| {
                    Failure::conflict("the same request ended at this moment; send it again")
                })
            }
            Err(Refused::Claimed { name, holder, since_us }) => {
                Err(self.held(&name, holder, since_us).await)
            }
            Err(refused) => Err(refused.into()),
        }
    }

    /// The operation that an earlier request with the same token began.
    ///
    /// # Errors
    /// `InvalidArgument` where that request had other parameters.
    pub async fn replayed(&self, request: &RequestContext) -> Result<Option<Started>, Failure> {
        let Some(token) = &request.caller.token else {
            return Ok(None);
        };
        let Some(claim) = self.repository.find_claim(&token_claim(request, token)).await? else {
            return Ok(None);
        };
        let operation = self.jobs.find(claim.holder).await?;
        let earlier = operation.caller.token.as_ref();
        if earlier.is_none_or(|earlier| earlier.fingerprint != token.fingerprint) {
            return Err(Failure::invalid(format!(
                "the client token {:?} was used before with other parameters, in operation {}; \
                 a new request needs a new token",
                token.text, operation.uuid
            )));
        }
        let object = operation.object.map_or(Uuid::nil(), |(_, object)| object);
        Ok(Some(Started { operation: operation.uuid, object }))
    }

    /// Who holds an object, in words.
    async fn held(&self, name: &str, holder: Uuid, since_us: i64) -> Failure {
        if name.starts_with("back-end:") {
            return self.back_end_taken(name, holder).await;
        }
        if let Some(failure) = self.copy_taken(name).await {
            return failure;
        }
        let object = name.split(':').nth(1).unwrap_or(name);
        let age = Duration::from_micros(u64::try_from(now_us() - since_us).unwrap_or_default());
        let what = match self.jobs.find(holder).await {
            Ok(operation) => describe(&operation),
            Err(_) => format!("operation {holder}"),
        };
        Failure::in_use(format!(
            "{object} is in use by {what} for {}; wait for it, or cancel it with `storage-host \
             operations cancel {holder}`",
            humantime::format_duration(Duration::from_secs(age.as_secs()))
        ))
    }
}

impl Rooms {
    /// What keeps an object from coming to a store, in words: it is there, or on its way.
    async fn copy_taken(&self, claim: &str) -> Option<Failure> {
        let (store, object) = claim.strip_prefix("copy:")?.split_once(':')?;
        let words = async {
            let (store, object) = (Uuid::try_parse(store).ok()?, Uuid::try_parse(object).ok()?);
            let there = self.in_store(object, store).await.ok()??;
            self.place_in_words(&there).await.ok()
        };
        let words =
            words.await.unwrap_or_else(|| format!("{object} comes to store {store}, or goes"));
        Some(Failure::new(
            PluginErrorKind::AlreadyExists,
            format!("{words}; use it where it is Ready, else wait until its operation ended"),
        ))
    }

    /// Who has a back end, in words.
    pub(super) async fn back_end_taken(&self, claim: &str, holder: Uuid) -> Failure {
        let identity = claim.strip_prefix("back-end:").unwrap_or(claim);
        let title = self.title_of(holder).await.unwrap_or_else(|_| "a store".to_owned());
        Failure::new(
            PluginErrorKind::AlreadyExists,
            format!("the same back end ({identity}) was added before, as {title}, {holder}"),
        )
    }
}

fn describe(operation: &Operation) -> String {
    let waits = operation.waiting_for.as_ref().map(|what| format!(", which waits: {what}"));
    format!("operation {} ({}{})", operation.uuid, operation.flow, waits.unwrap_or_default())
}

fn token_claim(request: &RequestContext, token: &ClientToken) -> String {
    format!("token:{}:{}:{}", request.caller.account, request.command, token.text)
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("jobs", &self.jobs)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RoomsParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomsParts").field("policy", &self.policy).finish_non_exhaustive()
    }
}
