//! `deployVirtualMachine`: an instance, as far as storage needs it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::InstanceResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Host, Zone};
use crate::orchestration::instance::DeployInstance;
use storage_plugin_api::HypervisorType;

pub(super) const COMMAND: Command = Command {
    name: "deployVirtualMachine",
    description: "Creates and automatically starts a virtual machine. The host runs none itself: it grants the hypervisor host access to the volumes.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: InstanceResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "zoneid"            zone: Id                     => "availability zone for the virtual machine";
        "name"              name: Option<String>         => "host name for the virtual machine";
        "displayname"       display_name: Option<String> => "an optional user generated name for the virtual machine; its name if none is given";
        "hostid"            host: Option<Id>             => "destination Host ID to deploy the VM to";
        "hypervisor"        kind: Option<Word<HypervisorType>> => "the hypervisor on which to deploy the virtual machine";
        "startvm"           start: Option<bool>          => "true if start vm after creating; defaulted to true if not specified";
        "serviceofferingid" offering: Option<String>     => "the ID of the service offering; not looked at, this host runs no virtual machines";
        "templateid"        template: Option<String>     => "the ID of the template; not looked at, this host runs no virtual machines";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let _not_looked_at = (params.offering, params.template);
    let wish = DeployInstance {
        name: params.name.or(params.display_name),
        zone: call.find::<Zone>("zoneid", params.zone).await?.uuid,
        host: call.uuid_of::<Host>("hostid", params.host).await?,
        hypervisor: params.kind.map(|Word(kind)| kind),
        stopped: params.start == Some(false),
    };
    let begun = call.services.orchestration.instances.deploy(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}
