//! An image store is added: its life cycle looks at the back end, then it is connected.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    DEFAULT_WEIGHT, Failure, ImageStore, ImageStoreEvent, ImageStoreState, Machine, RecordKind,
};
use crate::orchestration::image_access::ImageAccess;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::is_unknown;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    DataStoreRole, Details, InitializeRequest, InitializedStore, PluginErrorKind, Scope, shown_url,
};
use uuid::Uuid;

/// The provider of a store that names none, as in CloudStack.
pub const DEFAULT_IMAGE_PROVIDER: &str = "NFS";

/// What a new image store is to be.
#[derive(Debug, Clone)]
pub struct AddImageStore {
    /// Its name; its URL if none is given.
    pub name: Option<String>,
    /// Where its back end is.
    pub url: Option<String>,
    /// Its provider; the default one if none is named.
    pub provider: Option<String>,
    /// The zone it serves; the whole region if none is given.
    pub zone: Option<Uuid>,
    /// `Image`, or `ImageCache`.
    pub role: DataStoreRole,
    /// What the provider wants to know.
    pub details: Details,
    /// How much of the back end may be used.
    pub capacity_bytes: Option<u64>,
    /// It takes nothing new.
    pub read_only: bool,
    /// How much it is preferred where something new is to go; that of all others if none is given.
    pub weight: Option<u32>,
}

impl super::ImageStores {
    /// Begins to add an image store (`addImageStore`) or an image cache
    /// (`createSecondaryStagingStore`).
    ///
    /// # Errors
    /// `NotFound` for a provider or a zone that there is not; `InvalidArgument` for a scope that
    /// the provider does not serve; `InvalidConfig` for details that its schema refuses;
    /// `AlreadyExists` for a name or a back end that is taken.
    pub async fn add(
        &self,
        request: &RequestContext,
        wish: AddImageStore,
    ) -> Result<Started, Failure> {
        let uuid = Uuid::new_v4();
        let url = wish.url.unwrap_or_default();
        let named = wish.name.or_else(|| Some(shown_url(&url)).filter(|url| !url.is_empty()));
        let mut store = ImageStore {
            uuid,
            name: named.unwrap_or_else(|| uuid.to_string()),
            state: ImageStoreState::Initial,
            provider: wish.provider.unwrap_or_else(|| DEFAULT_IMAGE_PROVIDER.to_owned()),
            role: wish.role,
            scope: wish.zone.map_or_else(Scope::region, Scope::zone),
            url,
            details: wish.details,
            back_end_identity: None,
            read_only: wish.read_only,
            weight: wish.weight.unwrap_or(DEFAULT_WEIGHT),
            capacity_bytes: wish.capacity_bytes.unwrap_or_default(),
            capacity_limited: wish.capacity_bytes.is_some(),
            used_bytes: 0,
            quarantine: None,
            bandwidth: None,
        };
        store.provider = self.provider(&store)?;
        let details = &store.details;
        let kind = store.provider_type();
        let checked = self.rooms.providers.check_details(&store.provider, kind, details);
        checked.map_err(|why| Failure::new(PluginErrorKind::InvalidConfig, why))?;
        let mut changes = Vec::new();
        if let Some(zone) = wish.zone {
            changes.push(Change::expect(RecordKind::Zone, zone, "Enabled"));
        }
        changes.extend([Change::expect_name_free(&store, None), Change::insert(&store)]);
        let object = (RecordKind::ImageStore, uuid);
        let state = State { image_store: uuid };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }

    /// The name of the provider that is meant, in its own letters, if it serves such a store.
    fn provider(&self, store: &ImageStore) -> Result<String, Failure> {
        let known = self.rooms.providers.providers_of(store.provider_type());
        let name = known.iter().find(|one| one.eq_ignore_ascii_case(&store.provider));
        let found = name.and_then(|name| self.rooms.providers.provider(name).map(|it| (name, it)));
        let Some((name, provider)) = found else {
            return Err(Failure::not_found(format!(
                "can't find image store provider: {}; there is {}",
                store.provider,
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        };
        if !provider.is_scope_supported(store.scope.scope_type) {
            return Err(Failure::invalid(format!(
                "Image store provider {name} does not support scope {}; {}",
                store.scope.scope_type,
                match store.scope.zone_id {
                    Some(_) => "leave the zone away: it serves the whole region",
                    None => "say which zone it serves (zoneid)",
                }
            )));
        }
        Ok(name.clone())
    }
}

/// `image_store.add`: initialize, then connect.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    image_store: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_store.add";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("look at the back end", step_fn!(initialize)).undone_by(step_fn!(delete)),
        Step::outside("connect it", step_fn!(connect)).undone_by(step_fn!(disconnect)),
    ];

    /// A store that was never up leaves nothing but the record of its operation.
    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let store = self.0.find_image_store(state.image_store).await?;
            let mut changes = vec![Change::Forget(RecordKind::ImageStore, store.uuid)];
            changes.extend(unclaim(&store));
            Ok(changes)
        })
    }
}

impl Flow {
    async fn initialize(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.image_access_to(self.0.find_image_store(state.image_store).await?)?;
        let found = self.0.initialize_image_store(context, &access).await?;
        let mut store = access.image_store;
        store.url = found.url.unwrap_or_else(|| std::mem::take(&mut store.record.url));
        store.details = found.details.unwrap_or_else(|| std::mem::take(&mut store.record.details));
        let capacity_bytes = found.capacity_bytes.unwrap_or(store.capacity_bytes);
        store.take_usage(capacity_bytes, found.used_bytes.unwrap_or_default());
        store.back_end_identity = found.back_end_identity;
        if let Some(name) = claim(&store)
            && let Some(claim) = self.0.repository.find_claim(&name).await?
            && claim.holder != store.uuid
        {
            return Err(self.0.back_end_taken(&name, claim.holder).await.into());
        }
        let mut changes = vec![Change::update(&store)];
        changes.extend(claim(&store).map(|name| Change::Claim { name, holder: store.uuid }));
        Ok(changes)
    }

    async fn connect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.image_access_to(self.0.find_image_store(state.image_store).await?)?;
        self.0.connect_image_store(context, &access).await?;
        self.0.connected.add(state.image_store);
        let mut store = access.image_store;
        store.state = store.state.next(ImageStoreEvent::Initialized)?;
        let told = format!("{} was added", store.title());
        let object = (RecordKind::ImageStore, store.uuid);
        Ok(vec![Change::update(&store), context.event("IMAGE.STORE.CREATE", object, told)])
    }

    async fn disconnect(
        &self,
        _: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.connected.remove(state.image_store);
        Ok(Vec::new())
    }

    async fn delete(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.image_access_to(self.0.find_image_store(state.image_store).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        let deleted = life_cycle.delete_data_store(&call, &access.context);
        match access.guarded(&call, deleted).await {
            // What could not be initialized, the life cycle does not know either: it left nothing.
            Err(error) if is_unknown(error.kind()) => Ok(Vec::new()),
            deleted => Ok(deleted.map(|_| Vec::new())?),
        }
    }
}

impl Rooms {
    /// Has the life cycle look at the back end of a store, and make what it needs there. Idempotent.
    pub(super) async fn initialize_image_store(
        &self,
        context: &StepContext,
        access: &ImageAccess<'_>,
    ) -> Result<InitializedStore, StepError> {
        let store = &access.image_store;
        let mut ask =
            InitializeRequest::new(store.uuid, store.role, store.name.clone(), store.scope.clone());
        ask.url.clone_from(&store.url);
        ask.details = store.details.clone();
        ask.capacity_bytes = store.capacity_limited.then_some(store.capacity_bytes);
        self.repository.installation_id().as_str().clone_into(&mut ask.installation_id);
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        Ok(access.guarded(&call, life_cycle.initialize(&call, ask)).await?)
    }
}

/// The name under which a store holds its back end for itself.
fn claim(store: &ImageStore) -> Option<String> {
    let identity = store.back_end_identity.as_ref()?;
    Some(format!("back-end:{}:{identity}", store.provider))
}

/// Gives the back end of a store back.
pub(super) fn unclaim(store: &ImageStore) -> Option<Change> {
    claim(store).map(|name| Change::Unclaim { name, holder: store.uuid })
}
