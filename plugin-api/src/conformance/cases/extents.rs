//! Which runs of an object hold data.

use super::super::failure::{Checked, Doing, Failure, ensure};
use super::super::pattern::{Content, Pattern};
use super::super::scene::{Named, Scene};
use crate::{DataObject, Extent, ExtentsRequest, SnapshotInfo};
use std::sync::Arc;

pub(in super::super) async fn extents_cover_the_data(scene: Arc<Scene>) -> Checked {
    let (object, pattern) = if scene.can.write {
        scene.filled().await?
    } else {
        let object = scene.blank().await?;
        let zeros = Pattern::zeros(object.size_bytes());
        (object, zeros)
    };
    check(&scene, &object, &pattern, None).await?;
    scene.delete(&object).await
}

pub(in super::super) async fn changed_extents_cover_the_changes(scene: Arc<Scene>) -> Checked {
    let mut object = DataObject::from(scene.volume().await?);
    let before = scene.pattern(object.size_bytes());
    scene.fill(&mut object, &before).await?;
    let DataObject::Volume(volume) = &object else {
        return Err(Failure::new("the kit made something else than a volume"));
    };
    let snapshot = scene.take(scene.new_snapshot(volume)).await?;
    let after = scene.pattern(object.size_bytes());
    scene.fill(&mut object, &after).await?;
    check(&scene, &object, &after, Some(&snapshot)).await.doing("since a snapshot")?;
    // What became zeros changed as well.
    let zeros = Pattern::zeros(object.size_bytes());
    scene.fill(&mut object, &zeros).await?;
    let gone = check(&scene, &object, &before, Some(&snapshot)).await;
    gone.doing("since a snapshot, after all became zeros")?;
    let DataObject::Volume(volume) = &object else {
        return Err(Failure::new("the kit made something else than a volume"));
    };
    let later = scene.take(scene.new_snapshot(volume)).await?;
    let of_snapshot = check(&scene, &later.clone().into(), &before, Some(&snapshot)).await;
    of_snapshot.doing("of a snapshot since another")?;
    scene.delete(&later.into()).await?;
    scene.delete(&snapshot.into()).await?;
    scene.delete(&object).await
}

async fn check(
    scene: &Scene,
    object: &DataObject,
    pattern: &Pattern,
    since: Option<&SnapshotInfo>,
) -> Checked {
    let mut request = ExtentsRequest::new(object.clone());
    request.since = since.cloned();
    let extents = scene.extents(request).await;
    let extents = extents.doing(format_args!("asking for the extents of {}", Named(object)))?;
    let size = scene.expect_present(object).await?.size_bytes;
    check_order(&extents, size)?;
    for run in pattern.runs() {
        if run.content != Content::Data {
            continue;
        }
        if let Some(at) = uncovered(&extents, run.offset, run.offset + run.length) {
            return Err(Failure::new(format!(
                "the extents of {}: expected byte {at} to be in one, got none that holds it",
                Named(object)
            )));
        }
    }
    Ok(())
}

fn check_order(extents: &[Extent], size: u64) -> Checked {
    let mut end = 0;
    for extent in extents {
        ensure(extent.length > 0 && extent.offset >= end, || {
            format!(
                "extents: expected them sorted and disjoint, got {} bytes at {} after byte {end}",
                extent.length, extent.offset
            )
        })?;
        end = extent.offset.saturating_add(extent.length);
        ensure(end <= size, || {
            format!("extents: expected them within {size} bytes, got one that ends at {end}")
        })?;
    }
    Ok(())
}

/// The first byte of a range that no extent holds.
fn uncovered(extents: &[Extent], from: u64, to: u64) -> Option<u64> {
    let mut at = from;
    for extent in extents {
        if extent.offset <= at && at < extent.offset + extent.length {
            at = extent.offset + extent.length;
        }
    }
    (at < to).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_covered_is_found() {
        let extents =
            [Extent::new(0_u64, 10_u64), Extent::new(10_u64, 5_u64), Extent::new(20_u64, 5_u64)];
        assert_eq!(uncovered(&extents, 0, 15), None);
        assert_eq!(uncovered(&extents, 3, 16), Some(15));
        assert_eq!(uncovered(&extents, 20, 25), None);
        assert_eq!(uncovered(&[], 7, 8), Some(7));
        assert!(check_order(&extents, 25).is_ok());
        assert!(check_order(&extents, 24).is_err());
        assert!(check_order(&[extents[1].clone(), extents[0].clone()], 25).is_err());
    }
}
