//! The last case of all.

use super::super::failure::{Checked, Doing, ensure, equal};
use super::super::scene::{Named, Scene};
use super::added::paths;
use crate::PluginErrorKind;
use std::sync::Arc;

pub(in super::super) async fn nothing_is_left_behind(scene: Arc<Scene>) -> Checked {
    for object in scene.ledger() {
        let answer = scene.describe(object.clone()).await;
        let answer = answer.doing(format_args!("describing {} at the end", Named(&object)))?;
        let what = format!("the presence of {} at the end", Named(&object));
        equal(what, false, answer.present)?;
    }
    if scene.can.list_objects {
        let left = scene.list_all(0).await?;
        let name = scene.stage.name();
        let ours = left.iter().find(|one| {
            let bearer = one.installation_id.as_ref();
            bearer.is_some_and(|id| id.starts_with(name.as_str()))
        });
        ensure(ours.is_none(), || {
            format!("listing at the end: expected nothing of {name}, got {ours:?}")
        })?;
        let what = "the objects on the store, before the kit and after it";
        equal(what, paths(&scene.before), paths(&left))?;
    }
    match scene.delete_data_store(&scene.store()).await {
        Err(error) if !scene.before.is_empty() && error.kind() == PluginErrorKind::InUse => Ok(()),
        answer => answer.doing("removing the store at the end").map(drop),
    }
}
