//! What is just within the limits: sizes, names, calls at once.

use super::super::failure::{Checked, Doing, Failure, panic_text};
use super::super::pattern::Pattern;
use super::super::scene::{Named, Scene, adopt};
use super::super::subject::Subject;
use crate::{CreateRequest, CreateSource, DataObject, PluginErrorKind};
use std::sync::Arc;
use tokio::task::JoinSet;

/// More calls at once than this prove nothing new.
const MANY_CALLS: u32 = 32;

const SMALL_BYTES: u64 = 200 << 10;

/// What every store under test has room for.
const OF_COURSE_BYTES: u64 = 1 << 30;

/// The sizes at the borders, in bytes.
pub(in super::super) fn sizes(subject: &Subject) -> Vec<String> {
    let limits = &subject.can.limits;
    let granularity = limits.size_granularity_bytes.max(1);
    let smallest = limits.round_up(limits.min_size_bytes.max(1)).unwrap_or(limits.min_size_bytes);
    let mut sizes = vec![smallest, smallest.saturating_add(granularity)];
    // Where space is set aside at once, the largest size is not for trying out.
    if subject.is_primary() && subject.can.sparse {
        sizes.push(limits.max_size_bytes / granularity * granularity);
    }
    sizes.retain(|size| *size <= limits.max_size_bytes);
    sizes.dedup();
    sizes.iter().map(u64::to_string).collect()
}

pub(in super::super) async fn sizes_at_the_limits_work(scene: Arc<Scene>) -> Checked {
    let size: u64 = scene.parameter.parse().map_err(|_| Failure::new("the kit lost a size"))?;
    let mut object = scene.new_object(size);
    scene.track(&object);
    let answer = scene.create_async(CreateRequest::new(object.clone())).await;
    // The largest size is a promise about numbers, not about space.
    if size > OF_COURSE_BYTES
        && let Err(error) = &answer
        && error.kind() == PluginErrorKind::CapacityExceeded
    {
        return scene.expect_absent(&object, "after its create failed").await;
    }
    let result = answer.doing(format_args!("creating an object of {size} bytes"))?;
    adopt(&mut object, &result);
    scene.track(&object);
    if scene.moves_bytes() && size < SMALL_BYTES {
        let pattern = Pattern::front(scene.stage.seed(), size, size);
        scene.fill(&mut object, &pattern).await?;
        scene.expect_bytes(&object, &pattern).await?;
    }
    if scene.is_primary() {
        scene.expect_present(&object).await?;
    }
    scene.delete(&object).await
}

/// Names that users give. None of them is part of a back-end name.
fn name(which: &str, subject: &Subject) -> String {
    match which {
        "long" => "n".repeat(subject.can.limits.name_bytes.clamp(255, 4096) as usize),
        "like a path" => "../../conf/..\\conf".to_owned(),
        "quoted" => "it's \"conf\"; drop `conf` $(conf) %s {}\n".to_owned(),
        "of all the world" => "Größe 体积 🗄 \u{202e}fnoc".to_owned(),
        _ => String::new(),
    }
}

/// The kinds of names that are tried.
pub(in super::super) fn names(_: &Subject) -> Vec<String> {
    ["long", "like a path", "quoted", "of all the world", "empty"].map(str::to_owned).to_vec()
}

pub(in super::super) async fn any_name_is_taken(scene: Arc<Scene>) -> Checked {
    let mut object = scene.new_object(scene.size(SMALL_BYTES));
    let name = name(&scene.parameter, &scene);
    match &mut object {
        DataObject::Volume(volume) => volume.name = name,
        DataObject::Template(template) => {
            template.unique_name.clone_from(&name);
            template.name = name;
        }
        DataObject::Snapshot(snapshot) => snapshot.name = name,
    }
    let mut object = scene.create(object, CreateSource::Blank).await?;
    if scene.can.write {
        let pattern = scene.pattern(object.size_bytes());
        scene.fill(&mut object, &pattern).await?;
    }
    if scene.is_primary() || scene.can.write {
        scene.expect_present(&object).await?;
    }
    scene.delete(&object).await
}

pub(in super::super) async fn declared_concurrency_holds(scene: Arc<Scene>) -> Checked {
    let calls = scene.can.limits.concurrent_calls.clamp(2, MANY_CALLS);
    let mut running = JoinSet::new();
    for _ in 0..calls {
        running.spawn(live_and_die(Arc::clone(&scene)));
    }
    let mut outcome = Ok(());
    while let Some(done) = running.join_next().await {
        let done = done.unwrap_or_else(|error| {
            Err(Failure::new(match error.try_into_panic() {
                Ok(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
                Err(_) => "it was cancelled".to_owned(),
            }))
        });
        outcome = outcome.and(done.doing(format_args!("one of {calls} objects at once")));
    }
    outcome
}

/// The life of one object among many.
async fn live_and_die(scene: Arc<Scene>) -> Checked {
    let object = scene.new_object(scene.size(SMALL_BYTES));
    let mut object = scene.create(object, CreateSource::Blank).await?;
    if scene.moves_bytes() {
        let pattern = scene.pattern(object.size_bytes());
        scene.fill(&mut object, &pattern).await?;
        scene.expect_bytes(&object, &pattern).await.doing(Named(&object))?;
    }
    if scene.is_primary() || scene.can.write {
        scene.expect_present(&object).await?;
    }
    scene.delete(&object).await
}
