//! A storage pool is added: its life cycle looks at the back end, then attaches it to its scope.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, StoragePool, StoragePoolEvent, StoragePoolState, Stored, Zone,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    DataStoreProviderType, DataStoreRole, Details, HypervisorType, InitializeRequest,
    InitializedStore, PluginErrorKind, Scope,
};
use uuid::Uuid;

/// What a new pool is to be.
#[derive(Debug, Clone)]
pub struct CreateStoragePool {
    /// Its name.
    pub name: String,
    /// Where its back end is.
    pub url: String,
    /// From where it can be used.
    pub scope: Scope,
    /// The zone it is in.
    pub zone: Uuid,
    /// The hypervisor whose hosts use it, of a pool of a whole zone.
    pub hypervisor: Option<HypervisorType>,
    /// Its provider; the default one if none is named.
    pub provider: Option<String>,
    /// What the provider wants to know.
    pub details: Details,
    /// The tags that disk offerings ask for.
    pub tags: Vec<String>,
    /// How much of the back end it may use, in bytes.
    pub capacity_bytes: Option<u64>,
    /// How many operations per second it may promise.
    pub capacity_iops: Option<u64>,
}

impl super::StoragePools {
    /// Begins to add a pool (`createStoragePool`).
    ///
    /// # Errors
    /// `NotFound` for a provider or a zone that there is not, `InvalidArgument` for a scope that
    /// the provider does not have, `AlreadyExists` for a name that is taken.
    pub async fn create(
        &self,
        request: &RequestContext,
        wish: CreateStoragePool,
    ) -> Result<Started, Failure> {
        let provider = self.provider(&wish)?;
        let zone = self.rooms.repository.find::<Zone>(wish.zone).await?;
        if !zone
            .ok_or_else(|| Failure::not_found(format!("there is no zone {}", wish.zone)))?
            .enabled
        {
            return Err(Failure::conflict(format!("zone {} is disabled", wish.zone)));
        }
        self.rooms.check_details(&provider, &wish.details)?;
        let uuid = Uuid::new_v4();
        let pool = StoragePool {
            uuid,
            name: wish.name,
            state: StoragePoolState::Initial,
            provider,
            zone: wish.zone,
            scope: wish.scope,
            hypervisor: wish.hypervisor,
            url: wish.url,
            details: wish.details,
            reached_by: None,
            back_end_identity: None,
            tags: wish.tags,
            capacity_bytes: wish.capacity_bytes.unwrap_or_default(),
            capacity_limited: wish.capacity_bytes.is_some(),
            used_bytes: 0,
            capacity_iops: wish.capacity_iops,
            overprovision_factor: self.rooms.policy.overprovision_factor,
            quarantine: None,
            bandwidth: None,
        };
        let object = (RecordKind::StoragePool, uuid);
        let mut changes = vec![
            Change::expect(RecordKind::Zone, pool.zone, "Enabled"),
            Change::expect_name_free(&pool, None),
            Change::insert(&pool),
        ];
        changes.extend(
            pool.scope.cluster_id.map(|uuid| Change::expect_there(RecordKind::Cluster, uuid)),
        );
        self.rooms
            .begin::<Flow>(request, object, With::default(), changes, &State { pool: uuid })
            .await
    }

    /// The name of the provider that is meant, if it serves such a pool.
    fn provider(&self, wish: &CreateStoragePool) -> Result<String, Failure> {
        let policy = &self.rooms.policy;
        let name = wish.provider.as_deref().unwrap_or(&policy.default_primary_provider);
        // What CloudStack calls its built-in provider is here a plugin like any other.
        let name = if name == "DefaultPrimary" { &policy.default_primary_provider } else { name };
        let known = self.rooms.providers.providers_of(DataStoreProviderType::Primary);
        let provider =
            self.rooms.providers.provider(name).filter(|_| known.iter().any(|one| one == name));
        let Some(provider) = provider else {
            return Err(Failure::not_found(format!(
                "can't find storage provider: {name}; there is {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        };
        if !provider.is_scope_supported(wish.scope.scope_type) {
            return Err(Failure::invalid(format!(
                "storage provider {name:?} does not support scope {}",
                wish.scope.scope_type
            )));
        }
        Ok(name.to_owned())
    }
}

/// `pool.create`: initialize, then attach.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.create";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("look at the back end", step_fn!(initialize)).undone_by(step_fn!(delete)),
        Step::outside("attach it", step_fn!(attach)).undone_by(step_fn!(detach)),
    ];

    /// A pool that was never up leaves nothing but the record of its operation.
    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn initialize(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
        let mut ask = InitializeRequest::new(
            access.pool.uuid,
            DataStoreRole::Primary,
            access.pool.name.clone(),
            access.pool.scope.clone(),
        );
        ask.url.clone_from(&access.pool.url);
        ask.details = access.pool.details.clone();
        ask.hypervisor_type = access.pool.hypervisor;
        ask.tags.clone_from(&access.pool.tags);
        ask.capacity_bytes = Some(access.pool.capacity_bytes).filter(|bytes| *bytes > 0);
        ask.capacity_iops = access.pool.capacity_iops;
        self.0.repository.installation_id().as_str().clone_into(&mut ask.installation_id);
        let call = context.call();
        let life_cycle = access.life_cycle()?;
        let found = access.guarded(&call, life_cycle.initialize(&call, ask)).await?;
        let (pool, changes) = initialized(access.pool, found)?;
        self.0.refuse_taken_back_end(&pool).await?;
        Ok(changes)
    }

    async fn attach(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut pool = self.0.find_pool(state.pool).await?;
        if pool.state == StoragePoolState::Initialized {
            pool.state = pool.state.next(StoragePoolEvent::AttachRequested)?;
        }
        let mut access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
        let mut changes = self.0.connect(context, &access).await?;
        self.0.connected.add(state.pool);
        pool.state = pool.state.next(StoragePoolEvent::OperationSucceeded)?;
        if let Some(stats) = access.stats(context).await? {
            pool.take_usage(stats.capacity_bytes, stats.used_bytes);
        }
        let object = (RecordKind::StoragePool, pool.uuid);
        let told = format!("storage pool {:?} was added", pool.name);
        changes.extend(limit_of(&pool));
        changes.extend([Change::update(&pool), context.event("POOL.CREATE", object, told)]);
        Ok(changes)
    }

    async fn detach(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.connected.remove(state.pool);
        let access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
        self.0.disconnect(context, &access).await
    }

    async fn delete(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
        let call = context.call();
        let life_cycle = access.life_cycle()?;
        let deleted = life_cycle.delete_data_store(&call, &access.context);
        match access.guarded(&call, deleted).await {
            // What could not be initialized, the life cycle does not know either: it left nothing.
            Err(error)
                if access.pool.state == StoragePoolState::Initial && is_unknown(error.kind()) =>
            {
                log::info!(
                    operation:% = context.operation();
                    "nothing is left of storage pool {:?}: {error}", access.pool.name
                );
            }
            deleted => {
                deleted?;
            }
        }
        Ok(Vec::new())
    }

    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let pool = self.0.find_pool(state.pool).await?;
        let mut changes = vec![Change::Forget(RecordKind::StoragePool, state.pool)];
        changes.extend(identity_of(&pool).map(|name| Change::Unclaim { name, holder: pool.uuid }));
        Ok(changes)
    }
}

/// Whether a life cycle says by this that there is nothing to remove. Whatever else it says, it may
/// have left something.
pub(in crate::orchestration) const fn is_unknown(kind: PluginErrorKind) -> bool {
    use PluginErrorKind::{InvalidArgument, InvalidConfig, NotFound, Unsupported};
    matches!(kind, NotFound | InvalidConfig | InvalidArgument | Unsupported)
}

/// What a life cycle found is written into the record; its back end is claimed.
fn initialized(
    mut pool: Stored<StoragePool>,
    found: InitializedStore,
) -> Result<(Stored<StoragePool>, Vec<Change>), Failure> {
    pool.state = pool.state.next(StoragePoolEvent::Initialized)?;
    let pool_record = &mut pool.record;
    pool_record.url = found.url.unwrap_or_else(|| std::mem::take(&mut pool_record.url));
    pool_record.details = found.details.unwrap_or_else(|| std::mem::take(&mut pool_record.details));
    pool_record.reached_by = found.pool;
    pool_record.capacity_bytes = found.capacity_bytes.unwrap_or(pool_record.capacity_bytes);
    pool_record.used_bytes = found.used_bytes.unwrap_or_default();
    pool_record.capacity_iops = found.capacity_iops.or(pool_record.capacity_iops);
    pool_record.back_end_identity = found.back_end_identity;
    let mut changes = vec![Change::update(&pool)];
    changes.extend(limit_of(&pool));
    changes.extend(identity_of(&pool).map(|name| Change::Claim { name, holder: pool.uuid }));
    Ok((pool, changes))
}

/// The name under which a pool holds its back end for itself.
pub(super) fn identity_of(pool: &StoragePool) -> Option<String> {
    let identity = pool.back_end_identity.as_ref()?;
    Some(format!("back-end:{}:{identity}", pool.provider))
}

/// How much of a pool may be promised, where anybody knows how large it is.
pub(in crate::orchestration) fn limit_of(pool: &StoragePool) -> Option<Change> {
    let bytes = pool.promisable_bytes();
    (pool.capacity_bytes > 0).then_some(Change::SetLimit { store: pool.uuid, bytes })
}

impl Rooms {
    /// Checks details against the provider's schema before anything begins.
    fn check_details(&self, provider: &str, details: &Details) -> Result<(), Failure> {
        let checked =
            self.providers.check_details(provider, DataStoreProviderType::Primary, details);
        checked.map_err(|why| Failure::new(PluginErrorKind::InvalidConfig, why))
    }

    /// Fails with the name of the pool that has the same back end.
    async fn refuse_taken_back_end(&self, pool: &Stored<StoragePool>) -> Result<(), StepError> {
        let Some(name) = identity_of(pool) else {
            return Ok(());
        };
        match self.repository.find_claim(&name).await? {
            Some(claim) if claim.holder != pool.uuid => {
                Err(self.back_end_taken(&name, claim.holder).await.into())
            }
            _ => Ok(()),
        }
    }
}
