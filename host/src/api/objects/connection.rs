//! How a hypervisor host reaches an attached volume.
//!
//! **Invariant:** the only place that shows the secrets of a connection. Who comes here asks for
//! one volume, or for the job that attached it; no list does.

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::model::Attachment;
use crate::store::Filter;
use std::collections::BTreeMap;
use storage_plugin_api::ConnectionInfo;
use uuid::Uuid;

response! {
    pub(in crate::api) struct VolumeConnectionResponse {
        "volumeid"         volume: Uuid       => "the ID of the disk volume";
        "virtualmachineid" instance: Uuid     => "the ID of the virtual machine it is attached to";
        "deviceid"         device: u32        => "the ID of the device it is there";
        "hostid"           host: Option<Uuid> => "the host that has access, while the virtual machine runs";
        "connection"       connection: Option<BTreeMap<String, String>>
            => "how the host reaches it: protocol, path, portals, target, lun, nqn, multipath, CHAP names and secrets";
    }
}

impl VolumeConnectionResponse {
    /// Of a volume, if it is attached.
    pub(in crate::api) async fn of(call: &Call, volume: Uuid) -> Result<Option<Self>, ApiError> {
        let filter = Filter { owner: Some(volume), ..Filter::default() };
        let attachments = call.repository().list::<Attachment>(&filter).await?;
        Ok(attachments.into_iter().next().map(|attachment| Self {
            volume,
            instance: attachment.instance,
            device: attachment.device_id,
            host: attachment.host,
            connection: attachment.connection.as_ref().map(pairs),
        }))
    }
}

/// How a volume is reached by a certain attachment, as long as it is attached by that one.
pub(in crate::api) async fn connection_of(
    call: &Call,
    volume: Uuid,
    attachment: Uuid,
) -> Result<Option<BTreeMap<String, String>>, ApiError> {
    let filter = Filter { owner: Some(volume), ..Filter::default() };
    let attachments = call.repository().list::<Attachment>(&filter).await?;
    let found = attachments.into_iter().find(|one| one.uuid == attachment);
    Ok(found.and_then(|found| found.connection.as_ref().map(pairs)))
}

/// A connection as a map of texts; what is not set is left out.
fn pairs(connection: &ConnectionInfo) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            pairs.insert(key.to_owned(), value);
        }
    };
    put("protocol", Some(connection.protocol.as_str().to_owned()));
    put("path", Some(connection.path.clone()));
    put("portals", Some(connection.portals.join(",")));
    put("target", connection.target.clone());
    put("lun", connection.lun.map(|lun| lun.to_string()));
    put("nqn", connection.nqn.clone());
    put("namespaceid", connection.namespace_id.map(|id| id.to_string()));
    put("worldwidename", connection.world_wide_name.clone());
    put("worldwideportnames", Some(connection.world_wide_port_names.join(",")));
    put("multipath", Some(connection.multipath.to_string()));
    put("readonly", Some(connection.read_only.to_string()));
    if let Some(chap) = &connection.chap {
        put("chapinitiatorusername", Some(chap.initiator_username.clone()));
        put("chapinitiatorsecret", Some(chap.initiator_secret.expose().to_owned()));
        put("chaptargetusername", chap.target_username.clone());
        put("chaptargetsecret", chap.target_secret.as_ref().map(|one| one.expose().to_owned()));
    }
    for (key, value) in &connection.details {
        put(&format!("details.{key}"), Some(value.clone()));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_plugin_api::{ChapInfo, Secret};

    #[test]
    fn a_connection_is_told_with_all_a_hypervisor_host_needs() {
        let portals = vec!["10.0.0.1:3260".to_owned(), "10.0.0.2:3260".to_owned()];
        let mut connection = ConnectionInfo::iscsi(portals, "iqn.2026-11.example:one", 3);
        connection.chap = Some(ChapInfo::new("node1", Secret::new("s3cret")));
        let told: Vec<_> =
            pairs(&connection).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected = [
            "chapinitiatorsecret=s3cret",
            "chapinitiatorusername=node1",
            "lun=3",
            "multipath=true",
            "portals=10.0.0.1:3260,10.0.0.2:3260",
            "protocol=iscsi",
            "readonly=false",
            "target=iqn.2026-11.example:one",
        ];
        assert_eq!(told, expected);
    }
}
