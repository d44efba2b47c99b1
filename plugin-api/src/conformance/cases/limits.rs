//! What goes beyond the limits, or cannot be made, is refused and leaves nothing.

use super::super::failure::{Checked, Doing, Failure, ensure, refused};
use super::super::scene::{Named, Scene, without_path};
use super::super::subject::Subject;
use crate::{CreateRequest, CreateSource, DataObject, PluginErrorKind, PluginResult};
use std::sync::Arc;

const ABOVE: &str = "above the largest";
const BELOW: &str = "below the smallest";
const GONE_VOLUME: &str = "a clone of a volume that is gone";
const GONE_SNAPSHOT: &str = "a volume of a snapshot that is gone";

/// A size above the largest.
fn above(subject: &Subject) -> Option<u64> {
    let limits = &subject.can.limits;
    limits.max_size_bytes.checked_add(limits.size_granularity_bytes.max(1))
}

/// A size below the smallest.
fn below(subject: &Subject) -> Option<u64> {
    let limits = &subject.can.limits;
    let smaller = limits.min_size_bytes.checked_sub(limits.size_granularity_bytes.max(1));
    // The size of a template may be unknown when its place is made.
    smaller.filter(|_| subject.is_primary())
}

fn size(subject: &Subject, which: &str) -> Checked<u64> {
    let size = if which == ABOVE { above(subject) } else { below(subject) };
    size.ok_or_else(|| Failure::new("the limits changed since the cases were listed"))
}

/// The sizes that can be tried.
pub(in super::super) fn sizes_beyond(subject: &Subject) -> Vec<String> {
    let above = above(subject).map(|_| ABOVE);
    let below = below(subject).map(|_| BELOW);
    [above, below].into_iter().flatten().map(str::to_owned).collect()
}

async fn create(scene: &Scene, object: &DataObject, source: CreateSource) -> PluginResult<()> {
    scene.track(object);
    let mut request = CreateRequest::new(object.clone());
    request.source = source;
    scene.create_async(request).await.map(drop)
}

pub(in super::super) async fn size_beyond_limits_is_refused(scene: Arc<Scene>) -> Checked {
    let size = size(&scene, &scene.parameter)?;
    let object = scene.new_object(size);
    let answer = create(&scene, &object, CreateSource::Blank).await;
    let what = format!("creating {} with {size} bytes", Named(&object));
    refused(answer, &[PluginErrorKind::InvalidArgument], what).map(drop)
}

/// How a create can be made to fail.
pub(in super::super) fn ways_to_fail(subject: &Subject) -> Vec<String> {
    let mut ways = sizes_beyond(subject);
    if subject.is_primary() && subject.can.can_create_volume_from_volume {
        ways.push(GONE_VOLUME.to_owned());
    }
    if subject.is_primary() && subject.can.can_create_volume_from_snapshot {
        ways.push(GONE_SNAPSHOT.to_owned());
    }
    ways
}

pub(in super::super) async fn failed_create_leaves_nothing(scene: Arc<Scene>) -> Checked {
    let way = scene.parameter.clone();
    let usual = scene.usual_size();
    let (object, source, kinds) = match way.as_str() {
        GONE_VOLUME => {
            let gone = scene.volume().await?;
            scene.delete(&gone.clone().into()).await?;
            (scene.new_object(usual), CreateSource::Volume(gone), &[PluginErrorKind::NotFound])
        }
        GONE_SNAPSHOT => {
            let volume = scene.volume().await?;
            let mut never = scene.new_snapshot(&volume);
            never.path = format!("{}-gone", volume.path);
            (scene.new_object(usual), CreateSource::Snapshot(never), &[PluginErrorKind::NotFound])
        }
        which => {
            let object = scene.new_object(size(&scene, which)?);
            (object, CreateSource::Blank, &[PluginErrorKind::InvalidArgument])
        }
    };
    let answer = create(&scene, &object, source).await;
    refused(answer, kinds, format_args!("creating {}, {way}", Named(&object)))?;
    scene.expect_absent(&object, "after its create failed").await?;
    if scene.can.list_objects {
        let listed = scene.list_all(0).await?;
        let found = listed.iter().find(|one| one.uuid == Some(object.uuid()));
        ensure(found.is_none(), || {
            format!("listing after a failed create: expected nothing of it, got {found:?}")
        })?;
    }
    let answer = scene.delete_async(without_path(&object)).await;
    answer.doing("deleting what a failed create was to make")
}
