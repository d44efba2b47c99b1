//! A pool and the hypervisor hosts in its reach: attached to its scope, connected, disconnected.
//!
//! What it is not: a flow. Those that add, connect and maintain pools and hosts call this.
//!
//! **Invariant:** a record of what a host knows of a pool is there exactly while the provider was
//! told that the host connected, and not yet that it left.

use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, Host, HostPool, HostState, RecordKind, StoragePool, Stored};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Filter};
use storage_plugin_api::{
    AttachClusterRequest, AttachHostRequest, AttachZoneRequest, DataStore, HostPoolRequest,
    HypervisorHost, ScopeType,
};
use uuid::Uuid;

impl Rooms {
    /// Attaches a pool to its scope and connects the hypervisor hosts there, as after a start of
    /// the host, too. Gives the records of what each host knows of the pool.
    ///
    /// # Errors
    /// The life cycle's. `Unavailable` when there are hosts and none connects.
    pub(in crate::orchestration) async fn connect(
        &self,
        context: &StepContext,
        access: &PoolAccess<'_>,
    ) -> Result<Vec<Change>, StepError> {
        let hosts = self.hosts_in_reach(&access.pool).await?;
        let seen: Vec<HypervisorHost> =
            hosts.iter().map(|host| host.as_seen_by_plugins(host.id)).collect();
        let scope = access.pool.scope.clone();
        let life_cycle = access.life_cycle()?;
        let call = context.call();
        let store = &access.context;
        match scope.scope_type {
            ScopeType::Cluster => {
                let mut attach = AttachClusterRequest::new(scope);
                attach.hosts = seen;
                access.guarded(&call, life_cycle.attach_cluster(&call, store, attach)).await?;
            }
            ScopeType::Host => {
                let host = seen.into_iter().next().ok_or_else(|| {
                    Failure::not_found("the hypervisor host of the pool's scope is not there")
                })?;
                let attach = AttachHostRequest::new(host);
                access.guarded(&call, life_cycle.attach_host(&call, store, attach)).await?;
            }
            _ => {
                let mut attach = AttachZoneRequest::new(scope);
                attach.hypervisor_type = access.pool.hypervisor;
                attach.hosts = seen;
                access.guarded(&call, life_cycle.attach_zone(&call, store, attach)).await?;
            }
        }
        // How many calls it takes at once is known from here on.
        access.capabilities(&call).await?;
        let (changes, last) = self.connect_hosts(context, access, &hosts).await;
        match last {
            Some(error) if changes.is_empty() => Err(error.context(format!(
                "none of the {} hypervisor hosts can connect to storage pool {:?}",
                hosts.len(),
                access.pool.name
            ))),
            _ => Ok(changes),
        }
    }

    /// The hypervisor hosts that are up and may use a pool.
    pub(in crate::orchestration) async fn hosts_in_reach(
        &self,
        pool: &StoragePool,
    ) -> Result<Vec<Stored<Host>>, StepError> {
        let filter = Filter {
            zone: Some(pool.zone),
            owner: pool.scope.cluster_id,
            states: vec![HostState::Up.as_str()],
            ..Filter::default()
        };
        let mut hosts = self.repository.list::<Host>(&filter).await?;
        hosts.retain(|host| pool.reaches(host));
        Ok(hosts)
    }

    /// Tells the listener of each host that connects. Gives what those know that did, and why the
    /// last of the others did not.
    pub(in crate::orchestration) async fn connect_hosts(
        &self,
        context: &StepContext,
        access: &PoolAccess<'_>,
        hosts: &[Stored<Host>],
    ) -> (Vec<Change>, Option<StepError>) {
        let mut changes = Vec::new();
        let mut last = None;
        for host in hosts {
            match self.connect_host(context, access, host).await {
                Ok(known) => changes.extend(known),
                Err(error) => {
                    log::warn!(
                        operation:% = context.operation();
                        "hypervisor host {:?} cannot connect to storage pool {:?}: {}",
                        host.name, access.pool.name, error.failure
                    );
                    last = Some(error);
                }
            }
        }
        (changes, last)
    }

    /// A host connects to a pool: what it knows of it afterwards.
    pub(in crate::orchestration) async fn connect_host(
        &self,
        context: &StepContext,
        access: &PoolAccess<'_>,
        host: &Stored<Host>,
    ) -> Result<Vec<Change>, StepError> {
        let filter = Filter {
            owner: Some(access.pool.uuid),
            name: Some(host.uuid.to_string()),
            ..Filter::default()
        };
        let known = self.repository.list::<HostPool>(&filter).await?.into_iter().next();
        let mut local_path = None;
        if let Some(listener) = access.host_listener() {
            let ask = HostPoolRequest::new(
                host.as_seen_by_plugins(host.id),
                DataStore::clone(&access.context),
            );
            let call = context.call();
            match access.guarded(&call, listener.host_connect(&call, ask)).await {
                Ok(answer) => local_path = answer.local_path,
                // One that was connected before stays so: its volumes may be in use.
                Err(error) if known.is_some() => return Err(error.into()),
                Err(error) => {
                    // It may have let the host in all the same, and no record will say so.
                    tell_disconnected(context, access, host).await;
                    return Err(error.into());
                }
            }
        }
        Ok(match known {
            Some(mut known) => {
                known.local_path = local_path;
                vec![Change::update(&known)]
            }
            None => vec![
                // It may be removed at this moment, and nothing would forget what it knows.
                Change::Expect {
                    kind: RecordKind::Host,
                    uuid: host.uuid,
                    states: vec![HostState::Up.as_str(), HostState::Disabled.as_str()],
                },
                Change::insert(&HostPool {
                    uuid: HostPool::uuid_of(host.uuid, access.pool.uuid),
                    host: host.uuid,
                    pool: access.pool.uuid,
                    local_path,
                }),
            ],
        })
    }

    /// Tells the listener of every host that leaves a pool: those that know it, and those in its
    /// reach, for an attempt to connect them may have ended before it could be written down. A
    /// failure is logged: the host has left all the same.
    pub(in crate::orchestration) async fn disconnect(
        &self,
        context: &StepContext,
        access: &PoolAccess<'_>,
    ) -> Result<Vec<Change>, StepError> {
        let filter = Filter { owner: Some(access.pool.uuid), ..Filter::default() };
        let known = self.repository.list::<HostPool>(&filter).await?;
        let mut hosts = self.hosts_in_reach(&access.pool).await?;
        for other in &known {
            if hosts.iter().all(|host| host.uuid != other.host) {
                hosts.extend(self.repository.find::<Host>(other.host).await?);
            }
        }
        for host in &hosts {
            tell_disconnected(context, access, host).await;
        }
        Ok(known.iter().map(|one| Change::Forget(RecordKind::HostPool, one.uuid)).collect())
    }

    /// Tells the listener of each pool that a host leaves, as far as there is a way to the pool.
    pub(in crate::orchestration) async fn disconnect_host(
        &self,
        context: &StepContext,
        host: &Stored<Host>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for known in self.pools_known_to(host.uuid).await? {
            let pool = self.repository.find::<StoragePool>(known.pool).await?;
            if let Some(access) = pool.and_then(|pool| self.access_unconnected(pool).ok()) {
                tell_disconnected(context, &access, host).await;
            }
            changes.push(Change::Forget(RecordKind::HostPool, known.uuid));
        }
        Ok(changes)
    }

    /// What a host knows of pools.
    pub(in crate::orchestration) async fn pools_known_to(
        &self,
        host: Uuid,
    ) -> Result<Vec<Stored<HostPool>>, StepError> {
        let filter = Filter { name: Some(host.to_string()), ..Filter::default() };
        Ok(self.repository.list::<HostPool>(&filter).await?)
    }
}

/// Tells the listener of a pool that a host leaves it; a failure is logged.
pub(super) async fn tell_disconnected(
    context: &StepContext,
    access: &PoolAccess<'_>,
    host: &Stored<Host>,
) {
    let Some(listener) = access.host_listener() else {
        return;
    };
    let ask =
        HostPoolRequest::new(host.as_seen_by_plugins(host.id), DataStore::clone(&access.context));
    let call = context.call();
    if let Err(error) = access.guarded(&call, listener.host_disconnected(&call, ask)).await {
        log::warn!(
            operation:% = context.operation();
            "the provider was told that hypervisor host {:?} left storage pool {:?}, and \
             answered: {error}",
            host.name, access.pool.name
        );
    }
}
