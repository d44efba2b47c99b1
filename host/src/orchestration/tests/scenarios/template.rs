//! What can be done with templates: made, registered, cached on pools, copied, deleted.

use super::{as_before, blank, count, create, other_zone, snapshot_of, volume, with_bytes_of};
use crate::model::Failure;
use crate::orchestration::Started;
use crate::orchestration::template::{
    CreateTemplate, Destination, RegisterTemplate, TemplateSource,
};
use crate::orchestration::testing::qcow2;
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

const IN_STORE: &str = "object_in_store";
/// The image that is registered.
const IMAGE: &str = "image";

/// The bytes of a disk, somewhat more than a writer takes before its first token.
pub(super) fn disk() -> Vec<u8> {
    const BLOCK: usize = 64 << 10;
    let mut disk = vec![0; (1 << 20) + 2 * BLOCK];
    disk[..BLOCK].fill(1);
    disk[(1 << 20) + BLOCK..].fill(2);
    disk
}

/// A pool, a volume with bytes on it, and an image store.
fn with_store(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    ids.push(life.image_store("i", life.zone()));
    ids
}

/// The same, and a template that was made of the volume.
pub(super) fn with_template(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_store(world, life);
    ids.push(life.done(life.run(make(life, TemplateSource::Volume(ids[1]))).unwrap()));
    ids
}

/// The same, and it is cached on the pool.
pub(super) fn with_cached(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = with_template(world, life);
    life.run(life.orchestration.templates.prepare(ids[3], ids[0])).unwrap();
    ids
}

/// A pool, an image store, and a template on it whose bytes are an image that is not raw.
fn with_image(world: &World, life: &Life) -> Vec<Uuid> {
    with_image_of(world, life, &disk())
}

/// The same, of other bytes.
pub(super) fn with_image_of(world: &World, life: &Life, disk: &[u8]) -> Vec<Uuid> {
    let (pool, store) = (life.pool("a"), life.image_store("i", life.zone()));
    world.image(IMAGE, &life.run(qcow2(disk)));
    let begun = life.run(register(life, life.zone(), ImageFormat::Qcow2));
    vec![pool, Uuid::nil(), store, life.done(begun.unwrap())]
}

/// Another zone with an image store of its own.
fn with_other_zone(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_template(world, life);
    ids.extend(other_zone(life));
    ids
}

/// An image store, and on it the bytes of a template that was deleted.
fn leftover(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = with_template(world, life);
    let objects = world.memory.with(|objects| objects.clone());
    life.done(life.run(life.orchestration.templates.delete(&request(), ids[3])).unwrap());
    world.memory.with(|now| *now = objects);
    ids
}

pub(super) async fn make(life: &Life, source: TemplateSource) -> Result<Started, Failure> {
    let name = "made".to_owned();
    let wish = CreateTemplate { name, source: Some(source), ..CreateTemplate::default() };
    life.orchestration.templates.create(&request(), wish).await
}

/// Registers the image that lies where the policy allows it.
async fn register(life: &Life, zone: Uuid, format: ImageFormat) -> Result<Started, Failure> {
    let rooms = life.orchestration.rooms();
    let path = rooms.policy.images.directories[0].join(IMAGE);
    let wish = RegisterTemplate {
        template: CreateTemplate { name: "registered".to_owned(), ..CreateTemplate::default() },
        url: format!("file://{}", path.display()),
        format,
        checksum: None,
        follow_redirects: false,
        zone,
    };
    life.orchestration.templates.register(&request(), wish).await
}

pub(super) fn begin_on_pool<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    let rooms = life.orchestration.rooms();
    Box::pin(async move { rooms.begin_bring(&request(), ids[3], Destination::Pool(ids[0])).await })
}

pub(super) fn volume_of<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    let source = Some(VolumeSource::Template(ids[3]));
    Box::pin(create(life, CreateVolume { source, size_bytes: None, ..blank(ids[0], 0) }))
}

/// The states of what is on stores, of one store.
pub(super) fn on(picture: &Picture, store: Uuid) -> impl Iterator<Item = (Uuid, &str)> {
    let here = picture.all(IN_STORE).filter(move |(_, one)| one["store"] == store.to_string());
    here.map(|(uuid, one)| (uuid, one["state"].as_str().unwrap()))
}

/// What is on a store has the size of the disk.
fn has_size(picture: &Picture, uuid: Uuid) -> bool {
    let there = picture.objects.get(picture.word(IN_STORE, uuid, "path"));
    there.is_some_and(|(size, _)| *size == disk().len() as u64)
}

/// A template with the bytes of a volume is on a store.
pub(super) fn is_on(picture: &Picture, store: Uuid, bytes_of: (&str, Uuid)) -> bool {
    let bytes = picture.bytes(bytes_of.0, bytes_of.1);
    let mut here = on(picture, store);
    here.any(|(uuid, state)| state == "Ready" && picture.bytes(IN_STORE, uuid) == bytes)
}

/// Whoever registered it looks for it: the record stays, and says why.
fn failed_for_a_reason(picture: &mut Picture, after: &Picture, _: &[Uuid]) {
    for (uuid, one) in after.all(IN_STORE) {
        assert_eq!(one["state"], "Failed");
        let template = after.record("template", one["object"].as_str().unwrap().parse().unwrap());
        assert_eq!(template.unwrap()["state"], "Active");
        let template = template.unwrap()["uuid"].as_str().unwrap();
        for key in [format!("{IN_STORE} {uuid}"), format!("template {template}")] {
            picture.records.insert(key.clone(), after.records[&key].clone());
        }
        picture.claims.push(format!("copy:{}:{template}", one["store"].as_str().unwrap()));
    }
    picture.claims.sort();
}

/// A template that was brought to a pool for a volume stays there without it.
fn but_cached(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    but_there(picture, after, ids, ids[0]);
}

/// A template that was brought to a store stays there.
pub(super) fn but_there(picture: &mut Picture, after: &Picture, ids: &[Uuid], store: Uuid) {
    for (uuid, _) in on(after, store) {
        let key = format!("{IN_STORE} {uuid}");
        picture.records.insert(key.clone(), after.records[&key].clone());
        let promise = after.promises.get(&(store, uuid));
        picture.promises.extend(promise.map(|bytes| ((store, uuid), *bytes)));
        let path = after.word(IN_STORE, uuid, "path").to_owned();
        picture.objects.insert(path.clone(), after.objects[&path].clone());
        picture.claims.push(format!("copy:{store}:{}", ids[3]));
    }
    picture.claims.sort();
}

pub(super) fn all() -> Vec<Scenario> {
    [made(), registered(), brought(), gone()].concat()
}

fn made() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "template.copy",
            way: "made of a volume",
            prepare: with_store,
            begin: |life, ids| Box::pin(make(life, TemplateSource::Volume(ids[1]))),
            is_done: |picture, ids| is_on(picture, ids[2], ("volume", ids[1])),
            undone: as_before,
        },
        Scenario {
            flow: "template.copy",
            way: "made of a snapshot",
            prepare: |world, life| {
                let mut ids = with_store(world, life);
                ids.push(snapshot_of(life, ids[1]));
                ids
            },
            begin: |life, ids| Box::pin(make(life, TemplateSource::Snapshot(ids[3]))),
            is_done: |picture, ids| is_on(picture, ids[2], ("snapshot", ids[3])),
            undone: as_before,
        },
    ]
}

fn registered() -> Vec<Scenario> {
    let raw = Scenario {
        flow: "template.register",
        way: "raw",
        prepare: |world, life| {
            world.image(IMAGE, &disk());
            vec![life.image_store("i", life.zone()), life.zone()]
        },
        begin: |life, ids| Box::pin(register(life, ids[1], ImageFormat::Raw)),
        is_done: |picture, ids| {
            on(picture, ids[0]).any(|(uuid, state)| state == "Ready" && has_size(picture, uuid))
        },
        undone: failed_for_a_reason,
    };
    let packed = Scenario {
        way: "packed",
        prepare: |world, life| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&disk()).unwrap();
            world.image(IMAGE, &packed.finish().unwrap());
            vec![life.image_store("i", life.zone()), life.zone()]
        },
        ..raw
    };
    vec![raw, packed]
}

fn brought() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "template.copy",
            way: "cached on a pool",
            prepare: with_template,
            begin: begin_on_pool,
            is_done: |picture, ids| is_on(picture, ids[0], ("volume", ids[1])),
            undone: as_before,
        },
        Scenario {
            flow: "template.copy",
            way: "cached on a pool, of a qcow2 image",
            prepare: with_image,
            begin: begin_on_pool,
            is_done: |picture, ids| {
                on(picture, ids[0]).any(|(uuid, state)| state == "Ready" && has_size(picture, uuid))
            },
            undone: as_before,
        },
        Scenario {
            flow: "template.copy",
            way: "to another zone",
            prepare: with_other_zone,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.templates.copy(&request(), ids[3], ids[4]).await
                })
            },
            is_done: |picture, ids| is_on(picture, ids[5], ("volume", ids[1])),
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "from a template",
            prepare: with_template,
            begin: volume_of,
            is_done: |picture, ids| with_bytes_of(picture, "volume", ids[1]) == 2,
            undone: but_cached,
        },
        Scenario {
            flow: "volume.create",
            way: "from a template that is cached",
            prepare: with_cached,
            begin: volume_of,
            is_done: |picture, ids| with_bytes_of(picture, "volume", ids[1]) == 2,
            undone: as_before,
        },
    ]
}

fn gone() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "template.delete",
            way: "from an image store and a pool",
            prepare: with_cached,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.templates.delete(&request(), ids[3]).await },
                )
            },
            is_done: |picture, _| count(picture, "template") == 0 && count(picture, IN_STORE) == 0,
            undone: as_before,
        },
        Scenario {
            flow: "orphan.purge",
            way: "a template on an image store",
            prepare: leftover,
            begin: |life, ids| Box::pin(super::orphan::purge(life, ids[2])),
            is_done: |picture, _| picture.objects.len() == 1,
            undone: as_before,
        },
    ]
}
