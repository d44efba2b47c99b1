//! What can be done with what is on image stores: it goes to others.

use super::template::{is_on, on, with_template};
use super::{as_before, snapshot_of};
use crate::orchestration::image_store::{MigrateImages, MigrationType};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use uuid::Uuid;

const STORE: &str = "image_store";

/// A pool, a volume, an image store with a template of the volume, the template, another store.
fn two_stores(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_template(world, life);
    ids.push(life.image_store("j", life.zone()));
    ids
}

/// The same, with a snapshot of the volume in place of the template.
fn with_backup(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = super::volume(world, life);
    ids.push(life.image_store("i", life.zone()));
    ids.push(snapshot_of(life, ids[1]));
    let snapshots = &life.orchestration.snapshots;
    life.done(life.run(snapshots.back_up(&request(), ids[3], false)).unwrap());
    ids.push(life.image_store("j", life.zone()));
    ids
}

/// The template is on both, which are of two zones.
fn on_both(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_template(world, life);
    let zone = life.run(life.orchestration.zones.create_zone("other", "Advanced")).unwrap();
    ids.push(life.image_store("j", zone));
    let templates = &life.orchestration.templates;
    life.done(life.run(templates.copy(&request(), ids[3], zone)).unwrap());
    ids
}

/// What is on the first store goes to the other.
fn move_one<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    Box::pin(async move {
        let rooms = life.orchestration.rooms();
        let place = rooms.in_store(ids[3], ids[2]).await?;
        let gone = || crate::model::Failure::not_found("it is gone");
        let store = rooms.find_image_store(ids[4]).await?;
        rooms.begin_migrate_object(&request(), &place.ok_or_else(gone)?, &store).await
    })
}

fn migrate<'a>(life: &'a Life, ids: &'a [Uuid], migration: MigrationType) -> Begun<'a> {
    let stores = &life.orchestration.image_stores;
    let wish = MigrateImages { source: ids[2], destinations: vec![ids[4]], migration };
    Box::pin(async move { stores.migrate(&request(), wish).await })
}

fn has_moved(picture: &Picture, ids: &[Uuid]) -> bool {
    on(picture, ids[2]).next().is_none() && is_on(picture, ids[4], ("volume", ids[1]))
}

/// A store that was to be emptied takes nothing new, although something stays.
fn but_read_only(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    let key = format!("{STORE} {}", ids[2]);
    let is = after.records[&key]["read_only"].clone();
    picture.records.get_mut(&key).unwrap()["read_only"] = is;
}

pub(super) fn all() -> Vec<Scenario> {
    let template = Scenario {
        flow: "image_store.migrate_object",
        way: "a template",
        prepare: two_stores,
        begin: move_one,
        is_done: has_moved,
        undone: as_before,
    };
    let complete = Scenario {
        flow: "image_store.migrate",
        way: "all of it",
        prepare: two_stores,
        begin: |life, ids| migrate(life, ids, MigrationType::Complete),
        is_done: |picture, ids| {
            let source = picture.record(STORE, ids[2]);
            has_moved(picture, ids) && source.is_some_and(|one| one["read_only"] == true)
        },
        undone: but_read_only,
    };
    vec![
        template,
        Scenario { way: "a snapshot", prepare: with_backup, ..template },
        Scenario { way: "that is on the other store", prepare: on_both, ..template },
        complete,
        Scenario {
            way: "what is chosen",
            begin: |life, ids| migrate(life, ids, MigrationType::Chosen(vec![ids[3]])),
            is_done: has_moved,
            undone: as_before,
            ..complete
        },
    ]
}
