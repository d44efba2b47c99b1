//! `listVMSnapshot`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{Names, Shown, VmSnapshotResponse};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Instance, VmSnapshot, VmSnapshotState};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listVMSnapshot",
    description: "List virtual machine snapshot by conditions",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: VmSnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "vmsnapshotid"     id: Option<Id>                       => "The ID of the VM snapshot";
        "vmsnapshotids"    ids: Option<Vec<Id>>                 => "the IDs of the vm snapshots, mutually exclusive with vmsnapshotid";
        "virtualmachineid" instance: Option<Id>                 => "the ID of the vm";
        "name"             name: Option<String>                 => "lists vmsnapshot by snapshot name or display name";
        "state"            state: Option<Word<VmSnapshotState>> => "state of the virtual machine snapshot";
    }
}

/// Spelled otherwise than the object of a job; clients look for both as they are.
const KEY: &str = "vmSnapshot";

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<Instance>("virtualmachineid", own.instance).await?,
        states: own.state.iter().map(|Word(state)| state.as_str()).collect(),
        ..Filter::default()
    };
    let mut found = call.services.orchestration.vm_snapshots.list(&filter).await?;
    found.retain(|one| {
        list.matches(&one.name) && Id::is_wanted(own.id, own.ids.as_deref(), one.uuid, one.id)
    });
    let mut names = Names::new(&call);
    let mut page = Vec::new();
    for one in list.page.of_all(&found) {
        page.push(VmSnapshot::show(&mut names, one).await?);
    }
    Reply::list(KEY, found.len(), &page)
}
