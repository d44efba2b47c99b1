//! What can be done with links for download.

use super::template::with_template;
use super::{as_before, count};
use crate::model::{ExtractLink, ObjectInStore, RecordKind};
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use crate::store::Change;
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

const LINK: &str = "extract_link";

/// A template, and a link to it that the driver of its store made.
fn with_link(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_template(world, life);
    let place = life.list::<ObjectInStore>().remove(0);
    let link = ExtractLink {
        uuid: Uuid::new_v4(),
        kind: RecordKind::Template,
        object: place.object,
        place: Some(place.uuid),
        store: place.store,
        zone: place.zone,
        file_name: "made.raw".to_owned(),
        format: ImageFormat::Raw,
        length_bytes: place.length_bytes,
        digest: place.digest,
        token: String::new(),
        token_hash: String::new(),
        driver_url: Some("https://store.example/made".to_owned()),
        is_ready: true,
        expires_us: 0,
    };
    life.run(life.repository().transact(vec![Change::insert(&link)])).unwrap();
    ids.push(link.uuid);
    ids
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "extract.create",
            way: "to a template",
            prepare: with_template,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.extracts.template(&request(), ids[3], None).await
                })
            },
            is_done: |picture, _| count(picture, LINK) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "extract.end",
            way: "one that the driver made",
            prepare: with_link,
            begin: |life, _| {
                Box::pin(async move {
                    let links = life.repository();
                    let links = links.list::<ExtractLink>(&Default::default()).await?;
                    let Some(link) = links.first() else {
                        return Err(crate::model::Failure::not_found("there is no link"));
                    };
                    life.orchestration.extracts.end_at_store(link).await
                })
            },
            is_done: |picture, _| count(picture, LINK) == 0,
            undone: as_before,
        },
    ]
}
