//! An instance, as `listVirtualMachines` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ADMIN, Host, Instance, ROOT_DOMAIN, Stored, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct InstanceResponse {
        "id"           id: Uuid                  => "the ID of the virtual machine";
        "name"         name: String              => "the name of the virtual machine";
        "displayname"  display_name: String      => "user generated name. The name of the virtual machine is returned if no displayname exists.";
        "instancename" instance_name: String     => "instance name of the user vm";
        "state"        state: &'static str       => "the state of the virtual machine";
        "hypervisor"   hypervisor: &'static str  => "the hypervisor on which the virtual machine runs";
        "account"      account: &'static str     => "the account associated with the virtual machine";
        "domain"       domain: &'static str      => "the name of the domain in which the virtual machine exists";
        "created"      created: String           => "the date when this virtual machine was created";
        "zoneid"       zone_id: Uuid             => "the ID of the availability zone for the virtual machine";
        "zonename"     zone_name: Option<String> => "the name of the availability zone for the virtual machine";
        "hostid"       host_id: Option<Uuid>     => "the ID of the host for the virtual machine";
        "hostname"     host_name: Option<String> => "the name of the host for the virtual machine";
        "haenable"     ha_enable: bool           => "true if high-availability is enabled, false otherwise";
        "displayvm"    display_vm: bool          => "an optional field whether to the display the vm to the end user or not";
        "nic"          nics: Vec<String>         => "the list of nics associated with vm: none, networks are not this host's business";
        "securitygroup" security_groups: Vec<String> => "list of security groups associated with the virtual machine: none";
        "tags"         tags: Vec<String>         => "the list of resource tags associated: none";
    }
}

impl Shown for Instance {
    const OBJECT_NAME: &'static str = "virtualmachine";
    type Response = InstanceResponse;

    async fn show(
        names: &mut Names,
        instance: &Stored<Self>,
    ) -> Result<InstanceResponse, ApiError> {
        let zone = names.find::<Zone>(Some(instance.zone)).await?;
        // A stopped instance is on no host; where it ran last is nobody's business.
        let host = instance.host.filter(|_| instance.state.has_host());
        let host_name = names.find::<Host>(host).await?.map(|host| host.name.clone());
        Ok(InstanceResponse {
            id: instance.uuid,
            name: instance.name.clone(),
            display_name: instance.name.clone(),
            instance_name: format!("i-2-{}-VM", instance.id),
            state: instance.state.as_str(),
            hypervisor: instance.hypervisor.as_str(),
            account: ADMIN,
            domain: ROOT_DOMAIN,
            created: format_us(instance.created_us),
            zone_id: instance.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            host_id: host,
            host_name,
            ha_enable: false,
            display_vm: true,
            nics: Vec::new(),
            security_groups: Vec::new(),
            tags: Vec::new(),
        })
    }
}
