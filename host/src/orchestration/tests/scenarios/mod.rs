//! What can be done: for each flow a scenario of each of its ways.
//!
//! WHEN ADDING A FLOW add its scenario: `every_flow_has_a_scenario` says which one is missing.

mod attachment;
mod backup;
mod copies;
mod extract;
mod host;
mod image_store;
mod instance;
mod migration;
mod orphan;
mod pool;
mod snapshot;
mod snapshot_policy;
mod template;
pub(super) mod transfers;
mod upload;
mod vm_snapshot;
mod volume;

pub(super) use vm_snapshot::two_volumes;

use super::picture::Picture;
use super::scenario::Scenario;
use super::world::{Life, World, request};
use crate::model::{Failure, Host, Zone};
use crate::orchestration::Started;
use crate::orchestration::instance::DeployInstance;
use crate::orchestration::volume::CreateVolume;
use uuid::Uuid;

const MIB: u64 = 1 << 20;

pub(super) fn all() -> Vec<Scenario> {
    let images = [images(), image_stores()].concat();
    [volumes(), pools(), hosts_and_instances(), vm_snapshots(), images].concat()
}

pub(super) fn volumes() -> Vec<Scenario> {
    [volume::all(), copies::all(), snapshot::all(), snapshot_policy::all(), orphan::all()].concat()
}

pub(super) fn pools() -> Vec<Scenario> {
    pool::all()
}

pub(super) fn hosts_and_instances() -> Vec<Scenario> {
    [host::all(), instance::all(), attachment::all()].concat()
}

pub(super) fn vm_snapshots() -> Vec<Scenario> {
    vm_snapshot::all()
}

pub(super) fn images() -> Vec<Scenario> {
    let pieces = vec![transfers::backup()];
    [template::all(), backup::all(), pieces, extract::all(), upload::all()].concat()
}

pub(super) fn image_stores() -> Vec<Scenario> {
    [image_store::all(), migration::all()].concat()
}

/// A blank volume on a pool.
pub(super) fn blank(pool: Uuid, size_bytes: u64) -> CreateVolume {
    CreateVolume {
        name: Some("one".to_owned()),
        size_bytes: Some(size_bytes),
        pool: Some(pool),
        ..CreateVolume::default()
    }
}

async fn create(life: &Life, wish: CreateVolume) -> Result<Started, Failure> {
    let wish = CreateVolume { zone: Some(first_zone(life).await?), ..wish };
    life.orchestration.volumes.create(&request(), wish).await
}

/// A pool and a volume on it, with bytes.
fn volume(world: &World, life: &Life) -> Vec<Uuid> {
    let pool = life.pool("a");
    vec![pool, volume_on(world, life, pool)]
}

fn volume_on(world: &World, life: &Life, pool: Uuid) -> Uuid {
    let volume = life.done(life.run(create(life, blank(pool, MIB))).unwrap());
    write(world, life, volume, b"the first bytes");
    volume
}

/// Another zone with an image store of its own: the ids of both.
fn other_zone(life: &Life) -> [Uuid; 2] {
    let zone = life.run(life.orchestration.zones.create_zone("other", "Advanced")).unwrap();
    [zone, life.image_store("j", zone)]
}

/// Writes into a volume: at its beginning, in its middle and near its end.
pub(super) fn write(world: &World, life: &Life, volume: Uuid, bytes: &[u8]) {
    let path = life.run(life.orchestration.volumes.find(volume)).unwrap().record.path;
    let written = world.memory.with_object(&path, |object| {
        for offset in [0, MIB / 2 - 7, MIB - 100] {
            object.put(offset, bytes);
        }
        Ok(())
    });
    written.unwrap();
}

/// The zone that there is from the beginning.
async fn first_zone(life: &Life) -> Result<Uuid, Failure> {
    Ok(life.repository().list::<Zone>(&Default::default()).await?[0].uuid)
}

/// A snapshot of a volume.
fn snapshot_of(life: &Life, volume: Uuid) -> Uuid {
    let snapshots = &life.orchestration.snapshots;
    life.done(life.run(snapshots.create(&request(), volume, None)).unwrap())
}

/// The first hypervisor host.
fn first_host(life: &Life) -> Uuid {
    life.list::<Host>()[0].uuid
}

/// An instance.
fn deploy(life: &Life, stopped: bool) -> Uuid {
    let wish = DeployInstance { zone: life.zone(), stopped, ..DeployInstance::default() };
    life.done(life.run(life.orchestration.instances.deploy(&request(), wish)).unwrap())
}

fn attach(life: &Life, volume: Uuid, instance: Uuid) {
    let volumes = &life.orchestration.volumes;
    life.done(life.run(volumes.attach(&request(), volume, instance, None)).unwrap());
}

fn count(picture: &Picture, kind: &str) -> usize {
    picture.all(kind).count()
}

/// How many volumes have these bytes.
fn with_bytes_of(picture: &Picture, kind: &str, source: Uuid) -> usize {
    let bytes = picture.bytes(kind, source);
    picture.all("volume").filter(|(uuid, _)| picture.bytes("volume", *uuid) == bytes).count()
}

/// Nothing is left of what was undone.
fn as_before(_: &mut Picture, _: &Picture, _: &[Uuid]) {}
