//! A pool in maintenance is left alone by everything that would use it.

use super::scenarios::blank;
use super::world::{World, request};
use crate::orchestration::instance::DeployInstance;
use crate::orchestration::volume::{CreateVolume, ResizeVolume, VolumeSource};
use storage_plugin_api::PluginErrorKind;

#[test]
fn what_needs_a_pool_in_use_is_refused_in_maintenance() {
    let world = World::new();
    let life = world.live();
    life.idle();
    let (pool, other) = (life.pool("a"), life.pool("b"));
    let host = &life.orchestration;
    let (volumes, snapshots) = (&host.volumes, &host.snapshots);
    let wish = || CreateVolume { zone: Some(life.zone()), ..blank(pool, 1 << 20) };
    let attached = life.done(life.run(volumes.create(&request(), wish())).unwrap());
    let free = life.done(life.run(volumes.create(&request(), wish())).unwrap());
    let snapshot = life.done(life.run(snapshots.create(&request(), free, None)).unwrap());
    let stopped = DeployInstance { zone: life.zone(), stopped: true, ..Default::default() };
    let instance = life.done(life.run(host.instances.deploy(&request(), stopped)).unwrap());
    life.done(life.run(volumes.attach(&request(), attached, instance, None)).unwrap());
    life.done(life.run(host.storage_pools.enable_maintenance(&request(), pool)).unwrap());

    let clone = CreateVolume {
        source: Some(VolumeSource::Volume(free)),
        pool: Some(other),
        ..CreateVolume::default()
    };
    let grow = ResizeVolume { size_bytes: Some(2 << 20), ..ResizeVolume::default() };
    let before = life.picture(&world);
    let request = &request();
    let refused = [
        life.run(volumes.attach(request, free, instance, None)),
        life.run(volumes.resize(request, free, grow)),
        life.run(volumes.migrate(request, free, other)),
        life.run(volumes.create(request, clone)),
        life.run(snapshots.create(request, free, None)),
        life.run(snapshots.revert(request, snapshot)),
        life.run(host.instances.start(request, instance, None)),
    ];
    for (number, answer) in refused.into_iter().enumerate() {
        assert_eq!(answer.unwrap_err().kind, PluginErrorKind::Conflict, "request {number}");
    }
    assert_eq!(life.picture(&world), before);
    life.die();
}
