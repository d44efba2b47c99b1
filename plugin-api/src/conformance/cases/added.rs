//! The life of a store: added, in maintenance, removed.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::scene::Scene;
use crate::{ListedObject, PluginErrorKind};
use std::sync::Arc;

/// The store is added already; here it is removed and comes back.
pub(in super::super) async fn store_can_be_added_and_removed(scene: Arc<Scene>) -> Checked {
    if let Some(why) = &scene.unusable {
        return Err(Failure::new(why.clone()));
    }
    let again = scene.attach().await;
    again.doing("attaching the store a second time")?;
    let in_use = !scene.before.is_empty();
    let store = scene.store();
    for time in ["once", "twice"] {
        match scene.delete_data_store(&store).await {
            // A store that holds what others made may refuse to go.
            Err(error) if in_use && error.kind() == PluginErrorKind::InUse => {}
            answer => {
                answer.doing(format_args!("removing the store {time}"))?;
            }
        }
    }
    let initialized = scene.add().await.doing("adding the store again")?;
    if let (Some(used), Some(capacity)) = (initialized.used_bytes, initialized.capacity_bytes) {
        ensure(used <= capacity, || {
            format!("initialize: expected used to be at most {capacity} bytes, got {used}")
        })?;
    }
    if !scene.can.list_objects {
        return Ok(());
    }
    let now = scene.list_all(0).await?;
    let what = "the objects that were on the store before and are so after removing it";
    equal(what, paths(&scene.before), paths(&now))
}

/// The paths of a listing, sorted.
pub(super) fn paths(objects: &[ListedObject]) -> Vec<&str> {
    let mut paths: Vec<_> = objects.iter().map(|object| object.path.as_str()).collect();
    paths.sort_unstable();
    paths
}

pub(in super::super) async fn maintenance_can_be_cancelled(scene: Arc<Scene>) -> Checked {
    for time in ["once", "twice"] {
        let answer = scene.maintain().await;
        answer.doing(format_args!("entering maintenance {time}"))?;
    }
    for time in ["once", "twice"] {
        let answer = scene.cancel_maintain().await;
        answer.doing(format_args!("cancelling maintenance {time}"))?;
    }
    let object = scene.whole().await.doing("after maintenance")?;
    scene.expect_present(&object).await.doing("after maintenance")?;
    scene.delete(&object).await.doing("after maintenance")
}

pub(in super::super) async fn pool_can_be_disabled_and_enabled(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    for time in ["once", "twice"] {
        let answer = scene.disable_storage_pool().await;
        answer.doing(format_args!("disabling the pool {time}"))?;
    }
    // A disabled pool takes no new volumes; those it has are still served.
    let description = scene.expect_present(&object).await;
    description.doing("while the pool is disabled")?;
    for time in ["once", "twice"] {
        let answer = scene.enable_storage_pool().await;
        answer.doing(format_args!("enabling the pool {time}"))?;
    }
    scene.delete(&object).await
}
