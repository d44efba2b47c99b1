//! Calls and transfers that are given up half-way.

use super::super::failure::{Checked, Doing};
use super::super::scene::{Named, Scene, without_path};
use crate::{CreateRequest, DataObject, OpenReaderRequest};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What had begun may still take effect: how often, and after how long, it is looked for.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

pub(in super::super) async fn broken_off_write_can_be_deleted(scene: Arc<Scene>) -> Checked {
    for aborted in [false, true] {
        let object = scene.blank().await?;
        let size = object.size_bytes();
        let pattern = scene.pattern(size);
        let mut writer = scene.writer(&object, size, None).await?;
        scene.send(writer.as_mut(), &pattern, 0, size / 2).await?;
        if aborted {
            let call = scene.stage.call();
            let gone = scene.stage.within(&call, "abort", writer.abort()).await;
            gone.doing("aborting a write")?;
        }
        drop(writer);
        let answer = scene.describe(object.clone()).await;
        let how = if aborted { "aborted" } else { "broken off" };
        answer.doing(format_args!("describing {} after a write was {how}", Named(&object)))?;
        delete_for_good(&scene, &object).await?;
    }
    Ok(())
}

pub(in super::super) async fn broken_off_read_harms_nothing(scene: Arc<Scene>) -> Checked {
    let (object, pattern) = scene.filled().await?;
    let opened = scene.open_reader(OpenReaderRequest::new(object.clone())).await;
    let mut reader = opened.doing(format_args!("opening {} for reading", Named(&object)))?;
    scene.next_chunk(reader.as_mut()).await.doing("the first chunk")?;
    drop(reader);
    let read = scene.expect_bytes(&object, &pattern).await;
    read.doing("after a reader was dropped")?;
    let opened = scene.open_reader(OpenReaderRequest::new(object.clone())).await;
    let mut reader = opened.doing(format_args!("opening {} for reading", Named(&object)))?;
    scene.next_chunk(reader.as_mut()).await.doing("the first chunk")?;
    drop(reader);
    scene.delete(&object).await.doing("after a reader was dropped")
}

pub(in super::super) async fn cancelled_create_can_be_deleted(scene: Arc<Scene>) -> Checked {
    let object = scene.new_object(scene.usual_size());
    scene.track(&object);
    let call = scene.stage.call();
    let (driver, store) = (scene.driver.base(), scene.store());
    // What it answers, if it answers at once, does not matter: the host has lost it.
    begin(driver.create_async(&call, &store, CreateRequest::new(object.clone()))).await;
    call.cancel();
    let answer = scene.describe(object.clone()).await;
    let what = format!("describing {} after its create was given up", Named(&object));
    answer.doing(what)?;
    delete_for_good(&scene, &without_path(&object)).await
}

/// Polls a future once and drops it.
async fn begin<T>(future: impl Future<Output = T>) {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| {
        // Ready or not: it is given up.
        drop(future.as_mut().poll(context));
        Poll::Ready(())
    })
    .await;
}

/// Deletes what may still be coming into being, as the host's reconciliation would: a call that was
/// given up can take effect after a first look found nothing, so it looks for a while.
async fn delete_for_good(scene: &Scene, object: &DataObject) -> Checked {
    let mut outcome = scene.delete(object).await;
    for _ in 0..LOOKS {
        tokio::time::sleep(PAUSE).await;
        let answer = scene.describe(object.clone()).await;
        let found = answer.doing("describing what was given up half-way")?;
        if outcome.is_err() || found.present {
            outcome = scene.delete(object).await;
        }
    }
    outcome.doing("after it was given up half-way")
}
