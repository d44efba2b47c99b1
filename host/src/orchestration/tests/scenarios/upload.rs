//! What can be done with offers to upload.
//!
//! A host that dies in the middle of an upload has lost what the client sent: the operation ends,
//! the offer stands, and what the store has of it goes on.

use super::first_zone;
use super::template::disk;
use crate::model::{TemplateState, Upload};
use crate::orchestration::template::CreateTemplate;
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::upload::{OfferUpload, Part};
use bytes::Bytes;
use storage_plugin_api::ImageFormat;
use tokio::sync::mpsc::channel;
use uuid::Uuid;

const IN_STORE: &str = "object_in_store";
const PIECE: usize = 100_000;

/// An image store, and a template on it that waits for its bytes.
fn offered(_: &World, life: &Life) -> Vec<Uuid> {
    let store = life.image_store("i", life.zone());
    let offer = life.run(async {
        let wish = OfferUpload {
            template: CreateTemplate { name: "uploaded".to_owned(), ..CreateTemplate::default() },
            format: ImageFormat::Raw,
            checksum: None,
            zone: first_zone(life).await.unwrap(),
        };
        life.orchestration.uploads.offer(&request(), wish).await.unwrap()
    });
    vec![store, offer.record.uuid, offer.template]
}

/// All of it is there and was looked into, or the offer stands.
fn is_taken_or_stands(picture: &Picture, ids: &[Uuid]) -> bool {
    let mut places = picture.all(IN_STORE);
    let place = places.next().map(|(_, one)| one["state"].as_str().unwrap());
    match picture.word("template", ids[2], "state") {
        "Active" => place == Some("Ready"),
        state => state == TemplateState::NotUploaded.as_str() && place == Some("Allocated"),
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "template.receive",
            way: "in one go",
            prepare: offered,
            begin: |life, ids| {
                Box::pin(async move {
                    let uploads = &life.orchestration.uploads;
                    let repository = life.repository();
                    let upload = repository.find::<Upload>(ids[1]).await?;
                    let upload = upload.ok_or_else(|| crate::model::Failure::not_found("taken"))?;
                    let file = disk();
                    let part = Part { from: 0, total: Some(file.len() as u64) };
                    let (sender, pieces) = channel(file.len() / PIECE + 1);
                    for piece in file.chunks(PIECE) {
                        sender.try_send(Ok(Bytes::copy_from_slice(piece))).unwrap();
                    }
                    drop(sender);
                    Ok(uploads.receive(&upload, part, pieces).await?.begun)
                })
            },
            is_done: is_taken_or_stands,
            undone: super::as_before,
        },
        Scenario {
            flow: "upload.abandon",
            way: "of which nothing came",
            prepare: offered,
            begin: |life, ids| {
                Box::pin(async move {
                    let repository = life.repository();
                    let upload = repository.find::<Upload>(ids[1]).await?;
                    let upload = upload.ok_or_else(|| crate::model::Failure::not_found("gone"))?;
                    life.orchestration.uploads.abandon(&upload).await
                })
            },
            is_done: |picture, ids| {
                picture.word("template", ids[2], "state") == "UploadAbandoned"
                    && picture.objects.is_empty()
            },
            undone: super::as_before,
        },
    ]
}
