//! Bytes that are written and come back.

use super::super::failure::{Checked, Doing, ensure, equal};
use super::super::pattern::{Content, Pattern};
use super::super::scene::{Named, Scene};
use crate::ImageFormat;
use std::sync::Arc;

pub(in super::super) async fn blank_volume_reads_as_zeros(scene: Arc<Scene>) -> Checked {
    let object = scene.blank().await?;
    let description = scene.expect_present(&object).await?;
    let zeros = Pattern::zeros(description.size_bytes);
    scene.expect_bytes(&object, &zeros).await?;
    scene.delete(&object).await
}

pub(in super::super) async fn bytes_come_back(scene: Arc<Scene>) -> Checked {
    let (object, pattern) = scene.filled().await?;
    scene.expect_bytes(&object, &pattern).await?;
    scene.expect_bytes(&object, &pattern).await.doing("a second time")?;
    // A driver without memory of its own finds the object by what describe says, too.
    let description = scene.expect_present(&object).await?;
    if let Some(digest) = &description.digest {
        ensure(digest.starts_with('{') && digest.contains('}'), || {
            format!("the digest: expected {{ALGORITHM}}hex, got {digest:?}")
        })?;
    }
    scene.delete(&object).await
}

pub(in super::super) async fn reader_is_gapless(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let description = scene.expect_present(&object).await?;
    let size = description.size_bytes;
    // Of a template that is written, the bytes are known; here only their places are looked at.
    let is_raw = description.format.is_none_or(|format| format == ImageFormat::Raw);
    for offset in [0, 1, 4095, 65_536, size / 2 + 1, size - 1] {
        if offset >= size {
            continue;
        }
        let end = scene.read_places(&object, offset, None).await?;
        if is_raw {
            let what = format!("where a read of {} from {offset} ended", Named(&object));
            equal(what, size, end)?;
        }
        let length = 100_000.min(size - offset);
        let end = scene.read_places(&object, offset, Some(length)).await?;
        equal("where a read of some bytes ended", offset + length, end)?;
    }
    scene.delete(&object).await
}

pub(in super::super) async fn rewriting_leaves_nothing_of_before(scene: Arc<Scene>) -> Checked {
    let mut object = scene.blank().await?;
    let size = object.size_bytes();
    let full = Pattern::front(scene.stage.seed(), size, size);
    scene.fill(&mut object, &full).await?;
    scene.expect_bytes(&object, &full).await?;
    let sparse = scene.pattern(size);
    scene.fill(&mut object, &sparse).await.doing("writing it again")?;
    scene.expect_bytes(&object, &sparse).await.doing("after it was written again")?;
    scene.delete(&object).await
}

pub(in super::super) async fn digest_is_that_of_the_bytes(scene: Arc<Scene>) -> Checked {
    let mut object = scene.blank().await?;
    for time in ["once", "again"] {
        let pattern = scene.pattern(object.size_bytes());
        let written = scene.fill(&mut object, &pattern).await?;
        let checked = scene.expect_digest(&object, &pattern, written.digest.as_ref()).await;
        checked.doing(format_args!("after it was written {time}"))?;
    }
    scene.delete(&object).await
}

pub(in super::super) async fn holes_stay_holes(scene: Arc<Scene>) -> Checked {
    let (object, pattern) = scene.filled().await?;
    let mut runs = pattern.runs().into_iter();
    let hole = runs.find(|run| run.content == Content::Hole);
    if let Some(hole) = hole {
        let read = scene.read_back(&object, &pattern, hole.offset, Some(hole.length));
        let read = read.await?;
        ensure(read.hole_bytes > 0, || {
            format!(
                "reading {}: expected a hole somewhere in the {} bytes from {}, got data only",
                Named(&object),
                hole.length,
                hole.offset
            )
        })?;
    }
    if scene.can.thin_usage && hole.is_some() {
        let description = scene.expect_present(&object).await?;
        let used = description.physical_size_bytes.unwrap_or(0);
        ensure(used < pattern.size, || {
            format!(
                "the space used by {}: expected less than {} bytes, got {used}",
                Named(&object),
                pattern.size
            )
        })?;
    }
    scene.delete(&object).await
}
