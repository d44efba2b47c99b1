//! A pod, as `listPods` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::model::{Pod, Record, Stored, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct PodResponse {
        "id"              id: Uuid                  => "the ID of the Pod";
        "name"            name: String              => "the name of the Pod";
        "zoneid"          zone_id: Uuid             => "the Zone ID of the Pod";
        "zonename"        zone_name: Option<String> => "the Zone name of the Pod";
        "allocationstate" allocation_state: &'static str => "the allocation state of the Pod";
    }
}

impl Shown for Pod {
    const OBJECT_NAME: &'static str = "pod";
    type Response = PodResponse;

    async fn show(names: &mut Names, pod: &Stored<Self>) -> Result<PodResponse, ApiError> {
        let zone = names.find::<Zone>(Some(pod.zone)).await?;
        Ok(PodResponse {
            id: pod.uuid,
            name: pod.name.clone(),
            zone_id: pod.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            allocation_state: pod.index().state,
        })
    }
}
