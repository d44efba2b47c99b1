//! Who may use a volume: the access of hypervisor hosts, granted and taken away.
//!
//! What it is not: the attachment itself; flows of volumes and instances make and forget it.
//!
//! **Invariant:** an attachment names a hypervisor host exactly while that host has access, and it
//! has access only while the instance runs there. Both ways are idempotent.

use super::rooms::Rooms;
use super::volume::pool_of;
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Attachment, Failure, Host, Instance, InstanceState, RecordKind, Stored, Volume, VolumeState,
};
use crate::store::{Change, Filter, Key};
use storage_plugin_api::{
    AccessRequest, HypervisorHost, PluginErrorKind, RevokeRequest, VmInfoRequest, VmInstance,
};
use uuid::Uuid;

impl Rooms {
    /// The attachments of an instance, by device.
    pub(super) async fn attachments_of(
        &self,
        instance: Uuid,
    ) -> Result<Vec<Stored<Attachment>>, Failure> {
        let filter = Filter { name: Some(instance.to_string()), ..Filter::default() };
        let mut attachments = self.repository.list::<Attachment>(&filter).await?;
        attachments.sort_by_key(|attachment| attachment.device_id);
        Ok(attachments)
    }

    /// The attachment of a volume, if it has one.
    pub(super) async fn attachment_of(
        &self,
        volume: Uuid,
    ) -> Result<Option<Stored<Attachment>>, Failure> {
        let filter = Filter { owner: Some(volume), ..Filter::default() };
        Ok(self.repository.list::<Attachment>(&filter).await?.into_iter().next())
    }

    /// Lets a hypervisor host in to an attached volume. The attachment says how it gets there.
    pub(super) async fn grant(
        &self,
        context: &StepContext,
        attachment: &mut Attachment,
        host: Uuid,
    ) -> Result<(), StepError> {
        let volume = self.find_volume(attachment.volume).await?;
        let pool = self.access(pool_of(&volume)?).await?;
        let host_info = self.host_as_seen(host).await?.ok_or_else(|| {
            Failure::not_found(format!("there is no hypervisor host {host} to grant access to"))
        })?;
        let ask = AccessRequest::new(volume.as_seen_by_plugins(volume.id), host_info);
        let call = context.call();
        let granted = pool.driver.grant_access(&call, &pool.context, ask);
        let connection = pool.guarded(&call, granted).await?;
        attachment.host = Some(host);
        attachment.connection = Some(connection);
        Ok(())
    }

    /// Lets a hypervisor host in again, because taking its access away is undone. A volume that is
    /// not there has nothing to let in to.
    pub(super) async fn grant_again(
        &self,
        context: &StepContext,
        attachment: &mut Attachment,
        host: Uuid,
    ) -> Result<(), StepError> {
        match self.grant(context, attachment, host).await {
            Err(error) if error.failure.kind == PluginErrorKind::NotFound => {
                log::warn!(
                    operation:% = context.operation();
                    "volume {} cannot be given back to hypervisor host {host}: {}",
                    attachment.volume, error.failure
                );
                attachment.host = None;
                attachment.connection = None;
                Ok(())
            }
            granted => granted,
        }
    }

    /// Shuts a hypervisor host out of a volume. One that is not there any more is shut out
    /// together with whoever else has access.
    pub(super) async fn revoke(
        &self,
        context: &StepContext,
        volume: &Stored<Volume>,
        host: Uuid,
    ) -> Result<(), StepError> {
        let pool = self.access(pool_of(volume)?).await?;
        let mut ask = RevokeRequest::new(volume.as_seen_by_plugins(volume.id));
        ask.host = self.host_as_seen(host).await?;
        let call = context.call();
        let revoked = pool.driver.revoke_access(&call, &pool.context, ask);
        match pool.guarded(&call, revoked).await {
            Err(error) if error.kind() == PluginErrorKind::NotFound => Ok(()),
            revoked => Ok(revoked?),
        }
    }

    /// Tells the driver which instance has a volume now, where it wants to know: as the instance
    /// will be once the step is done, which may be ahead of its record. Nothing waits for
    /// it, and a failure is logged only.
    pub(super) async fn tell_of_instance(
        &self,
        context: &StepContext,
        volume: &Stored<Volume>,
        instance: Option<&Stored<Instance>>,
    ) {
        if let Err(error) = self.try_to_tell(context, volume, instance).await {
            log::warn!(
                operation:% = context.operation();
                "the driver was told which instance has volume {:?} now, and answered: {}",
                volume.name, error.failure
            );
        }
    }

    /// Tells the drivers of all volumes of an instance how it is now, or that they part from it.
    pub(super) async fn tell_of_all_volumes(
        &self,
        context: &StepContext,
        of: Uuid,
        instance: Option<&Stored<Instance>>,
    ) -> Result<(), StepError> {
        for attachment in self.attachments_of(of).await? {
            let volume = self.find_volume(attachment.volume).await?;
            self.tell_of_instance(context, &volume, instance).await;
        }
        Ok(())
    }

    async fn try_to_tell(
        &self,
        context: &StepContext,
        volume: &Stored<Volume>,
        instance: Option<&Stored<Instance>>,
    ) -> Result<(), StepError> {
        let pool = self.access(pool_of(volume)?).await?;
        let call = context.call();
        if !pool.capabilities(&call).await?.vm_info_needed {
            return Ok(());
        }
        let mut ask = VmInfoRequest::new(volume.as_seen_by_plugins(volume.id));
        if let Some(instance) = instance {
            ask.vm = Some(self.instance_as_seen(instance).await?);
        }
        let told = pool.driver.provide_vm_info(&call, &pool.context, ask);
        Ok(pool.guarded(&call, told).await?)
    }

    /// An instance as plugins see it.
    pub(super) async fn instance_as_seen(
        &self,
        instance: &Stored<Instance>,
    ) -> Result<VmInstance, Failure> {
        let mut vm = VmInstance::new(instance.uuid, instance.name.clone());
        vm.id = instance.id;
        vm.running = instance.state == InstanceState::Running;
        vm.hypervisor_type = instance.hypervisor;
        if let Some(host) = instance.host.filter(|_| vm.running) {
            vm.host = self.host_as_seen(host).await?;
        }
        Ok(vm)
    }

    /// Refuses where an instance's hypervisor host does not reach a volume's pool.
    pub(super) async fn expect_in_reach(&self, volume: &Volume, host: Uuid) -> Result<(), Failure> {
        let pool = self.find_pool(pool_of(volume)?).await?;
        if self.hosts_in_reach(&pool).await?.iter().any(|one| one.uuid == host) {
            return Ok(());
        }
        Err(Failure::conflict(format!(
            "hypervisor host {host} does not reach storage pool {:?}, which has volume {:?}: it is \
             not up, or not in the scope of the pool; migrate the volume, or start the instance \
             elsewhere",
            pool.name, volume.name
        )))
    }

    /// The instance that runs with a volume, if one does.
    pub(super) async fn running_instance(
        &self,
        volume: &Volume,
    ) -> Result<Option<Stored<Instance>>, Failure> {
        let Some(instance) = volume.instance else {
            return Ok(None);
        };
        let found = self.repository.find::<Instance>(instance).await?;
        Ok(found.filter(|instance| instance.state != InstanceState::Stopped))
    }

    /// Refuses a volume whose instance runs, with the way out. Gives what asks, together with the
    /// beginning of an operation on it, that the instance stays stopped.
    pub(super) async fn expect_stopped(
        &self,
        volume: &Volume,
        way_out: &str,
    ) -> Result<Option<Change>, Failure> {
        if let Some(instance) = self.running_instance(volume).await? {
            return Err(Failure::in_use(format!(
                "volume {:?} is attached to instance {:?}, which is {}; {way_out}",
                volume.name, instance.name, instance.state
            )));
        }
        let stopped = InstanceState::Stopped.as_str();
        Ok(volume.instance.map(|uuid| Change::expect(RecordKind::Instance, uuid, stopped)))
    }

    /// The same of a volume that is read over some time, and must not be written meanwhile: it is
    /// Ready, and nobody attached it since it was looked at.
    pub(super) async fn at_rest(
        &self,
        volume: &Stored<Volume>,
        way_out: &str,
    ) -> Result<Vec<Change>, Failure> {
        let stopped = self.expect_stopped(volume, way_out).await?;
        let ready = VolumeState::Ready.as_str();
        let mut changes = vec![Change::expect(RecordKind::Volume, volume.uuid, ready)];
        changes.extend(stopped);
        changes.push(Change::update(volume));
        Ok(changes)
    }

    /// A hypervisor host as drivers see it, also one that was removed.
    pub(super) async fn host_as_seen(&self, host: Uuid) -> Result<Option<HypervisorHost>, Failure> {
        let found = self.repository.find_any::<Host>(Key::Uuid(host)).await?;
        Ok(found.map(|host| host.as_seen_by_plugins(host.id)))
    }
}
