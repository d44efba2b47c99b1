"""Every flow of a storage pool, by the client `cs`, unmodified: as a library or as a program.

    flows.py library|program PROVIDER DIRECTORY PATH_OF_CS

Endpoint and keys are in the environment, as `cs` has them. After each step the directory of the
pool holds exactly what the host lists. The first surprise ends it, with status 1.
"""

import os
import sys

from cs import CloudStack, read_config
from caller import Refused, SKIN, by_library, call, entries, one

PROVIDER, DIRECTORY = sys.argv[2:4]
MIB = 1 << 20


def refused(code, words, command, **parameters):
    """The host says no to a command or its job, with a code and words."""
    try:
        answer = call(command, **parameters)
    except Refused as error:
        assert error.code == code and words in error.text, (command, error.code, error.text)
    else:
        raise AssertionError(f"{command} {parameters} was done: {answer}")
    directory_agrees()


def files():
    """The files of the pool's objects, but those of the plugin's own bookkeeping."""
    found = set()
    for place, _, names in os.walk(DIRECTORY):
        found |= {os.path.join(place, name) for name in names if not name.startswith(".")}
    return found


def directory_agrees():
    """The directory holds what the host lists, and nothing else."""
    # This often, a program would take its time.
    pools = entries("listStoragePools", by_library)
    pools = {pool["id"] for pool in pools if pool["path"] == DIRECTORY}
    listed = set()
    for volume in entries("listVolumes", by_library):
        if volume.get("storageid") in pools:
            # The sample keeps absolute paths, filesystem names in its directory.
            assert os.path.isabs(volume["path"]) == (PROVIDER == "Sample"), volume["path"]
            path = os.path.join(DIRECTORY, volume["path"])
            listed.add(path)
            assert os.path.getsize(path) == volume["size"], volume
    snapshots = entries("listSnapshots", by_library)
    # Members of instance snapshots have to be asked for.
    snapshots += entries("listSnapshots", by_library, snapshottype="GROUP")
    snapshots = [one for one in snapshots if one["datastoreid"] in pools]
    there = files()
    for snapshot in snapshots:
        names = [one for one in there if snapshot["id"] in one and ".snapshot" in one]
        assert len(names) == 1, (snapshot, there)
        listed.update(names)
    assert listed == there, f"listed {listed}, in the directory {there}"


def volumes_and_instances(zone, pool):
    volume = one("createVolume", name="data", zoneid=zone, storageid=pool, sizebytes=4 * MIB)
    assert volume["state"] == "Ready" and volume["size"] == 4 * MIB, volume
    directory_agrees()
    path = os.path.join(DIRECTORY, volume["path"])

    volume = one("resizeVolume", id=volume["id"], sizebytes=8 * MIB)
    assert volume["size"] == os.path.getsize(path) == 8 * MIB, volume
    refused(431, "needs shrinkok=true", "resizeVolume", id=volume["id"], sizebytes=MIB)
    refused(431, "is not a size", "resizeVolume", id=volume["id"], sizebytes=-1)
    refused(431, "only one of size", "resizeVolume", id=volume["id"], size=1, sizebytes=1)

    [pod] = entries("listPods")
    [cluster] = entries("listClusters")
    name = f"kvm-{SKIN}-{PROVIDER}".lower()
    added = call(
        "addHost", zoneid=zone, podid=pod["id"], clusterid=cluster["id"], hypervisor="KVM", name=name
    )
    [host] = added["host"] if isinstance(added["host"], list) else [added["host"]]
    instance = one("deployVirtualMachine", zoneid=zone, hostid=host["id"], name=f"vm-{name}")
    assert instance["state"] == "Running" and instance["hostname"] == name, instance

    attach = {"id": volume["id"], "virtualmachineid": instance["id"]}
    attached = one("attachVolume", **attach)
    assert attached["connection"]["protocol"] == "file", attached
    assert attached["connection"]["path"] == path, attached
    assert attached["virtualmachineid"] == instance["id"], attached
    refused(536, "detach it first", "attachVolume", **attach)
    refused(536, "detach it first", "deleteVolume", id=volume["id"])
    detached = one("detachVolume", id=volume["id"])
    assert "virtualmachineid" not in detached, detached
    directory_agrees()
    return volume, path


def snapshots(zone, volume, path):
    with open(path, "r+b") as file:
        file.write(b"as it was")
    snapshot = one("createSnapshot", volumeid=volume["id"], name="before")
    assert snapshot["state"] == "BackedUp", snapshot
    assert [s["id"] for s in entries("listSnapshots", volumeid=volume["id"])] == [snapshot["id"]]
    directory_agrees()
    with open(path, "r+b") as file:
        file.write(b"trampled!")
    one("revertSnapshot", id=snapshot["id"])
    directory_agrees()
    copy = one("createVolume", name="copy", zoneid=zone, snapshotid=snapshot["id"])
    for file in (path, os.path.join(DIRECTORY, copy["path"])):
        with open(file, "rb") as opened:
            assert opened.read(9) == b"as it was", file
    directory_agrees()
    assert call("deleteSnapshot", id=snapshot["id"])["success"] in (True, "true")
    assert entries("listSnapshots", volumeid=volume["id"]) == []
    directory_agrees()
    return copy


def instance_snapshots(zone, volume, path, copy):
    """All disks of an instance at one moment, and back."""
    deploy = {"zoneid": zone, "name": f"vms-{SKIN}", "hypervisor": "Simulator"}
    instance = one("deployVirtualMachine", startvm="false", **deploy)["id"]
    paths = (path, os.path.join(DIRECTORY, copy["path"]))
    for disk in (volume, copy):
        one("attachVolume", id=disk["id"], virtualmachineid=instance)
    for file in paths:
        with open(file, "r+b") as opened:
            opened.write(b"together!")
    answer = call("createVMSnapshot", virtualmachineid=instance, name="group", description="both")
    snapshot = answer["vmsnapshot"]
    assert snapshot["state"] == "Ready" and snapshot["type"] == "Disk", snapshot
    expected = "Sample" if PROVIDER == "Sample" else "Host"
    assert snapshot["strategy"] == expected, snapshot
    directory_agrees()
    listed = call("listVMSnapshot", virtualmachineid=instance)["vmSnapshot"]
    assert [one["id"] for one in listed] == [snapshot["id"]] and listed[0]["current"], listed
    members = entries("listSnapshots", snapshottype="GROUP", volumeid=volume["id"])
    assert len(members) == 1 and entries("listSnapshots", volumeid=volume["id"]) == [], members
    refused(431, "deleteVMSnapshot", "deleteSnapshot", id=members[0]["id"])
    ask = {"virtualmachineid": instance}
    refused(431, "without quiescevm=true", "createVMSnapshot", quiescevm="true", **ask)
    refused(431, "has no memory", "createVMSnapshot", snapshotmemory="true", **ask)
    for file in paths:
        with open(file, "r+b") as opened:
            opened.write(b"trampled!")
    answer = call("revertToVMSnapshot", vmsnapshotid=snapshot["id"])
    assert answer["virtualmachine"]["id"] == instance, answer
    for file in paths:
        with open(file, "rb") as opened:
            assert opened.read(9) == b"together!", file
    directory_agrees()
    refused(536, '"group"', "destroyVirtualMachine", id=instance)
    assert call("deleteVMSnapshot", vmsnapshotid=snapshot["id"])["success"] in (True, "true")
    assert entries("listVMSnapshot") == []
    directory_agrees()
    one("destroyVirtualMachine", id=instance)


def the_way_out(pool, volumes):
    first = volumes[0]
    assert one("destroyVolume", id=first)["state"] == "Destroy"
    directory_agrees()
    assert one("recoverVolume", id=first)["state"] == "Ready"
    refused(431, "not in Maintenance", "deleteStoragePool", id=pool)
    for volume in volumes:
        assert call("deleteVolume", id=volume)["success"] in (True, "true")
        directory_agrees()
    assert files() == set()
    for command, state in [
        ("enableStorageMaintenance", "Maintenance"),
        ("cancelStorageMaintenance", "Up"),
        ("enableStorageMaintenance", "Maintenance"),
    ]:
        assert one(command, id=pool)["state"] == state, command
    assert call("deleteStoragePool", id=pool)["success"] in (True, "true")
    assert all(one["id"] != pool for one in entries("listStoragePools"))


def pages(zone, pool, others):
    """A list of several pages comes whole, and each entry once."""
    made = [volume["id"] for volume in others]
    made += [
        one("createVolume", name=f"v{n}", zoneid=zone, storageid=pool, sizebytes=MIB)["id"]
        for n in range(7)
    ]
    if SKIN == "library":
        client = CloudStack(**read_config())
        listed = client.listVolumes(storageid=pool, fetch_list=True, pagesize=3)
        assert sorted(v["id"] for v in listed) == sorted(made), listed
        assert client.listVolumes(id=made[-1], fetch_list=True)[0]["name"] == "v6"
        assert client.listVolumes(name="nobody", fetch_list=True) == []
    page = call("listVolumes", storageid=pool, page=3, pagesize=4)
    assert page["count"] == len(made) == 9 and len(page["volume"]) == 1, page
    return made


def main():
    [zone] = [zone["id"] for zone in entries("listZones")]
    add = {"name": f"{SKIN}-{PROVIDER}", "url": f"file://{DIRECTORY}", "zoneid": zone}
    add["provider"] = PROVIDER
    if PROVIDER == "Sample":
        add["details[0].path"] = DIRECTORY
        refused(431, "path", "createStoragePool", **{**add, "details[0].path": ""})
    pool = one("createStoragePool", **add)
    assert pool["state"] == "Up" and pool["provider"] == PROVIDER, pool
    assert pool["id"] in [one["id"] for one in entries("listStoragePools")]
    directory_agrees()
    why = "was added before" if PROVIDER == "Sample" else "is that of the store"
    refused(431, why, "createStoragePool", **{**add, "name": "again"})
    pool = pool["id"]
    nobody = "00000000-0000-4000-8000-000000000000"
    for command in ("deleteVolume", "resizeVolume", "deleteSnapshot", "deleteStoragePool"):
        refused(431, nobody, command, id=nobody)
    for size in (0, -5):
        refused(431, "is not a size", "createVolume", zoneid=zone, storageid=pool, sizebytes=size)
    refused(431, "", "createVolume", zoneid=zone, storageid=pool)

    volume, path = volumes_and_instances(zone, pool)
    copy = snapshots(zone, volume, path)
    instance_snapshots(zone, volume, path, copy)
    made = pages(zone, pool, [volume, copy])
    directory_agrees()
    the_way_out(pool, made)

    events = [event["type"] for event in entries("listEvents", pagesize=500, page=1)]
    for kind in ("VOLUME.CREATE", "VOLUME.ATTACH", "SNAPSHOT.CREATE", "VMSNAPSHOT.CREATE", "VOLUME.EXPUNGE"):
        assert kind in events, (kind, sorted(set(events)))
    jobs = entries("listAsyncJobs", pagesize=500, page=1)
    assert jobs and all(job["jobstatus"] in (1, 2) for job in jobs), jobs


main()
