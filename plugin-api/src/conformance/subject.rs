//! A store under test: its driver and life cycle, what it declares, and what was made on it.

use super::failure::{Checked, Doing, Failure};
use super::options::StoreUnderTest;
use super::stage::Stage;
use crate::{
    AttachClusterRequest, AttachHostRequest, AttachZoneRequest, DataObject, DataStore,
    DataStoreCapabilities, DataStoreProviderType, DataStoreRole, Driver, HypervisorType,
    ImageFormat, InitializeRequest, InitializedStore, LifeCycle, ListObjectsRequest, ListedObject,
    PluginResult, ScopeType, StoreContext,
};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Pages of one listing. More of them is a listing that does not end.
const MAX_PAGES: usize = 10_000;

pub(super) struct Subject {
    pub(super) stage: Arc<Stage>,
    pub(super) provider_type: DataStoreProviderType,
    pub(super) role: DataStoreRole,
    pub(super) driver: Driver,
    pub(super) life_cycle: LifeCycle,
    pub(super) can: DataStoreCapabilities,
    pub(super) input: StoreUnderTest,
    store: RwLock<StoreContext>,
    /// Why the store cannot be used, if it cannot.
    pub(super) unusable: Option<String>,
    /// What was on the store before the kit came.
    pub(super) before: Vec<ListedObject>,
    /// Everything the kit ever made here.
    ledger: Mutex<Vec<DataObject>>,
}

impl Subject {
    pub(super) fn new(
        stage: &Arc<Stage>,
        provider_type: DataStoreProviderType,
        (driver, life_cycle): (Driver, LifeCycle),
        input: StoreUnderTest,
    ) -> Self {
        let role = match provider_type {
            DataStoreProviderType::Primary => DataStoreRole::Primary,
            DataStoreProviderType::Image => DataStoreRole::Image,
            _ => DataStoreRole::ImageCache,
        };
        let mut store = DataStore::new(stage.uuid(), role);
        store.id = stage.number();
        store.name = stage.name();
        store.url.clone_from(&input.url);
        store.details = input.details.clone();
        store.installation_id = stage.name();
        store.epoch = 1;
        if let Some(scope) = &input.scope {
            store.scope = scope.clone();
        }
        Self {
            stage: Arc::clone(stage),
            provider_type,
            role,
            driver,
            life_cycle,
            can: DataStoreCapabilities::default(),
            input,
            store: RwLock::new(StoreContext::new(store)),
            unusable: None,
            before: Vec::new(),
            ledger: Mutex::default(),
        }
    }

    pub(super) fn is_primary(&self) -> bool {
        self.role == DataStoreRole::Primary
    }

    /// Whether bytes can be written and compared.
    pub(super) fn moves_bytes(&self) -> bool {
        self.can.read && self.can.write
    }

    /// The format of the objects that are made: raw where the store takes it.
    pub(super) fn usual_format(&self) -> ImageFormat {
        match self.can.formats.first() {
            Some(first) if !self.can.takes(ImageFormat::Raw) => *first,
            _ => ImageFormat::Raw,
        }
    }

    /// The store as it is now.
    pub(super) fn store(&self) -> StoreContext {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_store(&self, store: DataStore) {
        self.stage.host.put_store(store.clone());
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = StoreContext::new(store);
    }

    /// The same store, seen through another record; nothing was made through it yet.
    pub(super) fn twin(&self, store: &DataStore) -> Self {
        Self {
            stage: Arc::clone(&self.stage),
            provider_type: self.provider_type,
            role: self.role,
            driver: self.driver.clone(),
            life_cycle: self.life_cycle.clone(),
            can: self.can.clone(),
            input: self.input.clone(),
            store: RwLock::new(StoreContext::new(store.clone())),
            unusable: self.unusable.clone(),
            before: self.before.clone(),
            ledger: Mutex::default(),
        }
    }

    /// The same back end, as another installation sees it: a store of its own.
    pub(super) fn of_another_installation(&self) -> Self {
        let mut store = DataStore::clone(&self.store());
        store.uuid = self.stage.uuid();
        store.id = self.stage.number();
        store.installation_id.push('b');
        self.twin(&store)
    }

    /// Remembers an object for the last case.
    pub(super) fn record(&self, object: DataObject) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).push(object);
    }

    /// Everything that was made.
    pub(super) fn ledger(&self) -> Vec<DataObject> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the operator would enter.
    pub(super) fn initialize_request(&self) -> InitializeRequest {
        let store = self.store();
        let mut request =
            InitializeRequest::new(store.uuid, self.role, self.stage.name(), store.scope.clone());
        request.url.clone_from(&self.input.url);
        request.details = self.input.details.clone();
        request.managed = self.input.managed;
        request.installation_id.clone_from(&store.installation_id);
        if store.scope.scope_type == ScopeType::Zone {
            request.hypervisor_type = Some(HypervisorType::Kvm);
        }
        request
    }

    /// Adds the store: `initialize`, then attaching it to its scope.
    pub(super) async fn add(&self) -> Checked<InitializedStore> {
        let answer = self.initialize(self.initialize_request()).await;
        let initialized = answer.doing("initializing the store")?;
        let mut store = DataStore::clone(&self.store());
        if let Some(url) = &initialized.url {
            store.url.clone_from(url);
        }
        if let Some(details) = &initialized.details {
            store.details = details.clone();
        }
        store.epoch += 1;
        self.set_store(store);
        self.attach().await.doing("attaching the store to its scope")?;
        Ok(initialized)
    }

    /// Attaches the store to whatever its scope names.
    pub(super) async fn attach(&self) -> PluginResult<bool> {
        let scope = self.store().scope.clone();
        let host = self.stage.hypervisor_host.clone();
        match scope.scope_type {
            ScopeType::Zone => {
                let mut request = AttachZoneRequest::new(scope);
                request.hypervisor_type = Some(HypervisorType::Kvm);
                request.hosts = vec![host];
                self.attach_zone(request).await
            }
            ScopeType::Cluster => {
                let mut request = AttachClusterRequest::new(scope);
                request.hosts = vec![host];
                self.attach_cluster(request).await
            }
            ScopeType::Host => self.attach_host(AttachHostRequest::new(host)).await,
            _ => Ok(false),
        }
    }

    /// Every object on the store, through pages of a size.
    pub(super) async fn list_all(&self, limit: u32) -> Checked<Vec<ListedObject>> {
        let mut objects = Vec::new();
        let mut request = ListObjectsRequest { limit, ..ListObjectsRequest::default() };
        for _ in 0..MAX_PAGES {
            let page = self.list_objects(request.clone()).await;
            let page = page.doing("listing the objects of the store")?;
            if limit > 0 && page.objects.len() > limit as usize {
                return Err(Failure::new(format!(
                    "listing with limit {limit}: expected at most {limit} objects on a page, got {}",
                    page.objects.len()
                )));
            }
            objects.extend(page.objects);
            match page.next_marker {
                None => return Ok(objects),
                Some(next) if request.marker.as_ref() == Some(&next) => {
                    return Err(Failure::new(format!(
                        "listing: expected another marker after each page, got {next:?} twice"
                    )));
                }
                next => request.marker = next,
            }
        }
        Err(Failure::new(format!("listing: no end after {MAX_PAGES} pages")))
    }
}
