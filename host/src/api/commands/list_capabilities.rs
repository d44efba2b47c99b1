//! `listCapabilities`: what this host can do, as far as it is true.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::param::Inputs;
use crate::api::reply::Reply;

pub(super) const COMMAND: Command = Command {
    name: "listCapabilities",
    description: "Lists capabilities.",
    since: None,
    is_async: false,
    begins: false,
    params: <()>::PARAMS,
    response: Capabilities::FIELDS,
    run: handler!(run),
};

response! {
    struct Capabilities {
        "cloudstackversion" version: String => "version of the host";
        "allowusercreateprojects" user_projects: bool
            => "true if users are allowed to create projects, false otherwise";
        "dynamicrolesenabled" dynamic_roles: bool
            => "true if dynamic role-based api checker is enabled, false otherwise";
        "projectinviterequired" project_invites: bool
            => "true if the project invitation is required, false otherwise";
        "regionsecondaryenabled" region_secondary: bool
            => "true if region wide secondary is enabled, false otherwise";
        "securitygroupsenabled" security_groups: bool
            => "true if security groups support is enabled, false otherwise";
        "supportELB" elastic_balancers: &'static str
            => "true if region supports elastic load balancer on basic zones";
    }
}

async fn run(call: Call, (): ()) -> Result<Reply, ApiError> {
    let capabilities = Capabilities {
        version: call.services.host.version.clone(),
        user_projects: false,
        dynamic_roles: false,
        project_invites: false,
        region_secondary: false,
        security_groups: false,
        elastic_balancers: "false",
    };
    Reply::object("capability", &capabilities)
}
