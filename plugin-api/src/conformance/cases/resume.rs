//! Writes that break off and go on.

use super::super::failure::{Checked, Doing, Failure, refused};
use super::super::pattern::Pattern;
use super::super::scene::{Named, Scene, set_path};
use crate::{CheckpointToken, CreateSource, DataObject, OpenWriterRequest, PluginErrorKind};
use std::sync::Arc;

/// How much is written before a token must have come.
const UNTIL_TOKEN_BYTES: u64 = 64 << 20;

const STEP: u64 = 1 << 20;

pub(in super::super) async fn write_resumes(scene: Arc<Scene>) -> Checked {
    let object = scene.new_object(scene.size(UNTIL_TOKEN_BYTES));
    let mut object = scene.create(object, CreateSource::Blank).await?;
    let size = object.size_bytes();
    let all = Pattern::front(scene.stage.seed(), size, size);
    let (token, written) = write_until_token(&scene, &object, &all).await?;
    // Some of what lies behind the token was written, and must not matter.
    let end = (written + STEP).min(size);
    let expected = Pattern::front_of(&all, end);
    let from = token.offset;
    let mut writer = scene.writer(&object, size, Some(token.clone())).await;
    let writer = writer.as_mut().map_err(|failure| failure.clone())?;
    scene.send(writer.as_mut(), &expected, from, end).await?;
    let finished = scene.finish_write(writer.as_mut()).await;
    let result = finished.doing(format_args!("finishing the resumed write at byte {from}"))?;
    if let Some(path) = result.path.clone() {
        set_path(&mut object, path);
        scene.track(&object);
    }
    let read = scene.expect_bytes(&object, &expected).await;
    read.doing(format_args!("after a write that was resumed at byte {from}"))?;
    let digest = scene.expect_digest(&object, &expected, result.digest.as_ref()).await;
    digest.doing(format_args!("after a write that was resumed at byte {from}"))?;
    scene.delete(&object).await
}

/// Writes until a token came, and a little further; then the writer is dropped.
async fn write_until_token(
    scene: &Scene,
    object: &DataObject,
    pattern: &Pattern,
) -> Checked<(CheckpointToken, u64)> {
    let mut writer = scene.writer(object, pattern.size, None).await?;
    let mut found: Option<CheckpointToken> = None;
    let mut at = 0;
    while at < pattern.size {
        let end = (at + STEP).min(pattern.size);
        let newer = scene.send(writer.as_mut(), pattern, at, end).await?;
        at = end;
        if let Some(token) = found {
            return Ok((newer.unwrap_or(token), at));
        }
        found = newer.filter(|token| token.offset > 0);
    }
    found.map(|token| (token, at)).ok_or_else(|| {
        Failure::new(format!(
            "writing {}: expected a checkpoint token within {} bytes, got none",
            Named(object),
            pattern.size
        ))
    })
}

pub(in super::super) async fn foreign_token_is_refused(scene: Arc<Scene>) -> Checked {
    let object = scene.blank().await?;
    let mut request = OpenWriterRequest::new(object.clone(), object.size_bytes());
    request.resume = Some(CheckpointToken::new(4096, "not a token of any driver"));
    let opened = scene.open_writer(request).await.map(drop);
    refused(
        opened,
        &[PluginErrorKind::InvalidArgument],
        "opening a writer with a token that is not the driver's",
    )?;
    scene.delete(&object).await
}
