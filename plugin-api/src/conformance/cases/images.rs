//! What only image stores do.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::pattern::Pattern;
use super::super::scene::{Named, Scene, adopt, without_path};
use super::super::subject::Subject;
use crate::{
    CreateRequest, CreateSource, DataObject, DataObjectType, DeleteUrlRequest, ExtractUrlRequest,
    ImageFormat, PluginErrorKind,
};
use std::sync::Arc;

const HOUR_SECS: u64 = 3600;

/// The length of an image of another format than raw: nobody's multiple.
const IMAGE_BYTES: u64 = 300_011;

/// The size of the disk in it.
const DISK_BYTES: u64 = 1 << 30;

/// The formats that are kept as they are, besides the one that all other cases use.
pub(in super::super) fn other_formats(subject: &Subject) -> Vec<String> {
    if subject.is_primary() || !subject.moves_bytes() {
        return Vec::new();
    }
    let others = subject.can.formats.iter().filter(|format| **format != subject.usual_format());
    others.filter(|format| **format != ImageFormat::Raw).map(|one| one.to_string()).collect()
}

/// An image is bytes. What the disk in it is like is the host's affair.
pub(in super::super) async fn any_format_is_kept_as_it_is(scene: Arc<Scene>) -> Checked {
    let format = ImageFormat::from_word(&scene.parameter);
    let mut object = scene.new_object(scene.size(DISK_BYTES));
    if let DataObject::Template(template) = &mut object {
        template.format = format;
    }
    let mut object = scene.create(object, CreateSource::Blank).await?;
    let pattern = Pattern::mixed(scene.stage.seed(), IMAGE_BYTES);
    let written = scene.fill(&mut object, &pattern).await?;
    let read = scene.read_back(&object, &pattern, 0, None).await?;
    let what = format!("where a read of {} ended", Named(&object));
    equal(what, IMAGE_BYTES, read.end)?;
    let read = scene.read_back(&object, &pattern, 65_535, Some(65_538)).await?;
    equal("where a read of some bytes ended", 65_535 + 65_538, read.end)?;
    let description = scene.expect_present(&object).await?;
    let what = format!("the size of {}, as its record says", Named(&object));
    equal(what, object.size_bytes(), description.size_bytes)?;
    if let Some(told) = description.format {
        equal(format!("the format of {}", Named(&object)), format, told)?;
    }
    scene.expect_digest(&object, &pattern, written.digest.as_ref()).await?;
    scene.delete(&object).await
}

/// The kinds besides templates, which all other cases use.
pub(in super::super) fn other_kinds(subject: &Subject) -> Vec<String> {
    let applies = !subject.is_primary() && subject.moves_bytes();
    let kinds = [DataObjectType::Volume, DataObjectType::Snapshot];
    kinds.iter().filter(|_| applies).map(ToString::to_string).collect()
}

pub(in super::super) async fn every_kind_is_kept(scene: Arc<Scene>) -> Checked {
    let mut volume = scene.new_volume(scene.usual_size());
    volume.format = scene.usual_format();
    let mut object: DataObject = match DataObjectType::from_word(&scene.parameter) {
        DataObjectType::Volume => volume.into(),
        DataObjectType::Snapshot => scene.new_snapshot(&volume).into(),
        _ => return Err(Failure::new("the kit lost a kind of object")),
    };
    scene.track(&object);
    match scene.create_async(CreateRequest::new(object.clone())).await {
        // Then it may not be there either.
        Err(error) if error.kind() == PluginErrorKind::Unsupported => {
            return scene.expect_absent(&object, "after its kind was refused").await;
        }
        answer => {
            let result = answer.doing(format_args!("creating {}", Named(&object)))?;
            adopt(&mut object, &result);
        }
    }
    let pattern = scene.pattern(object.size_bytes());
    scene.fill(&mut object, &pattern).await?;
    scene.expect_bytes(&object, &pattern).await?;
    let by_uuid = without_path(&object);
    let found = scene.expect_present(&by_uuid).await.doing("by its uuid alone")?;
    equal("the size by its uuid alone", pattern.size, found.size_bytes)?;
    if scene.can.list_objects {
        let listed = scene.list_all(0).await?;
        let kind = listed.iter().find(|one| one.uuid == Some(object.uuid()));
        let kind = kind.map(|one| one.object_type.unwrap_or(object.object_type()));
        let what = format!("the kind of {} in the listing", Named(&object));
        equal(what, Some(object.object_type()), kind)?;
    }
    scene.delete(&object).await?;
    scene.expect_absent(&by_uuid, "by its uuid, after it was deleted").await
}

pub(in super::super) async fn half_written_is_not_there(scene: Arc<Scene>) -> Checked {
    let mut object = scene.blank().await?;
    let size = object.size_bytes();
    let before = scene.pattern(size);
    let mut writer = scene.writer(&object, size, None).await?;
    scene.send(writer.as_mut(), &before, 0, size / 2).await?;
    scene.expect_absent(&object, "while it is written").await?;
    drop(writer);
    scene.expect_absent(&object, "after its writing broke off").await?;
    scene.fill(&mut object, &before).await?;
    scene.expect_present(&object).await?;
    // Written again, it may be gone until it is whole, but not be a mixture.
    let after = scene.pattern(size);
    let mut writer = scene.writer(&object, size, None).await?;
    scene.send(writer.as_mut(), &after, 0, size / 2).await?;
    drop(writer);
    let answer = scene.describe(object.clone()).await;
    let description = answer.doing("describing it after it was written again by half")?;
    if description.present {
        let read = scene.expect_bytes(&object, &before).await;
        read.doing("after it was written again by half")?;
    }
    scene.fill(&mut object, &after).await?;
    scene.expect_bytes(&object, &after).await?;
    scene.delete(&object).await
}

pub(in super::super) async fn extract_url_is_made_and_ended(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let request = ExtractUrlRequest::new(object.clone(), HOUR_SECS);
    let link = scene.create_entity_extract_url(request).await;
    let link = link.doing(format_args!("making a link to {}", Named(&object)))?;
    // The link itself is a secret: it is not shown.
    ensure(link.url.contains("://"), || {
        "a link for download: expected a URL, got something else".to_owned()
    })?;
    for time in ["once", "twice"] {
        let request = DeleteUrlRequest::new(object.clone(), link.url.clone());
        let ended = scene.delete_entity_extract_url(request).await;
        ended.doing(format_args!("ending the link {time}"))?;
    }
    scene.delete(&object).await
}
