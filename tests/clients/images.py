"""A template from a URL, a backup, a restore in another zone, by the client `cs`, unmodified.

    images.py library|program DIRECTORY IMAGES PATH_OF_CS

DIRECTORY is empty and for the pools, IMAGES is where the host's image store lies. At the end nothing
is left on any of them. The first surprise ends it, with status 1.
"""

import functools
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time
import urllib.request

from caller import call, entries, one

DIRECTORY, IMAGES = sys.argv[2:4]
MIB = 1 << 20
DISK = 2048 * MIB
WRITTEN = b"written by the guest"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_image(directory):
    """A disk with data and holes, as it is and as qcow2."""
    raw, qcow2 = (os.path.join(directory, name) for name in ("disk.raw", "disk.qcow2"))
    with open(raw, "wb") as file:
        for at in (0, 700 * MIB, DISK - 8 * MIB):
            file.seek(at)
            file.write(os.urandom(8 * MIB))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2], check=True)
    return raw, qcow2


def serve(directory):
    """An HTTP server of a directory; its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
    handler.func.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def register(zone, url, qcow2):
    wish = {"name": "golden", "displaytext": "golden", "format": "QCOW2", "hypervisor": "KVM"}
    wish["checksum"] = "{SHA-256}" + digest(qcow2)
    [template] = call("registerTemplate", zoneid=zone, url=url, **wish)["template"]
    deadline = time.monotonic() + 120
    while not template["isready"]:
        assert time.monotonic() < deadline, template
        time.sleep(0.05)  # sleeps because the API does not tell of changes
        which = {"templatefilter": "all", "id": template["id"]}
        [template] = entries("listTemplates", **which)
    assert template["size"] == DISK, template
    return template["id"]


def pool(zone, name):
    path = os.path.join(DIRECTORY, name)
    add = {"name": name, "zoneid": zone, "url": f"file://{path}", "provider": "Filesystem"}
    return one("createStoragePool", **add)["id"], path


def left():
    """The files of objects that are left anywhere."""
    found = []
    for place, _, names in [*os.walk(DIRECTORY), *os.walk(IMAGES)]:
        found += [os.path.join(place, name) for name in names if not name.startswith(".")]
    return found


def main():
    sources = os.path.join(os.path.dirname(DIRECTORY), "sources")
    os.makedirs(sources, exist_ok=True)
    os.makedirs(DIRECTORY, exist_ok=True)
    raw, qcow2 = make_image(sources)
    [zone] = [zone["id"] for zone in entries("listZones")]
    here, path = pool(zone, "here")
    template = register(zone, f"{serve(sources)}/disk.qcow2", qcow2)

    wish = {"name": "data", "zoneid": zone, "storageid": here, "templateid": template}
    volume = one("createVolume", **wish)
    file = os.path.join(path, volume["path"])
    assert volume["size"] == DISK and digest(file) == digest(raw), volume
    assert os.stat(file).st_blocks * 512 < DISK / 10, "the holes are gone"
    with open(file, "r+b") as opened:
        opened.seek(1000 * MIB)
        opened.write(WRITTEN)
    expected = digest(file)

    snapshot = one("createSnapshot", volumeid=volume["id"], name="before")["id"]
    assert one("backupSnapshot", id=snapshot)["state"] == "BackedUp"
    archived = one("archiveSnapshot", id=snapshot)
    assert archived["locationtype"] == "SECONDARY", archived
    assert call("deleteVolume", id=volume["id"])["success"] in (True, "true")

    other = one("createZone", name="other", networktype="Advanced")["id"]
    _, elsewhere = pool(other, "elsewhere")
    restored = one("createVolume", name="restored", zoneid=other, snapshotid=snapshot)
    assert digest(os.path.join(elsewhere, restored["path"])) == expected, restored

    link = one("extractSnapshot", id=snapshot, zoneid=zone)["url"]
    with urllib.request.urlopen(link) as answer:
        assert hashlib.file_digest(answer, "sha256").hexdigest() == expected, link

    assert call("deleteVolume", id=restored["id"])["success"] in (True, "true")
    assert call("deleteSnapshot", id=snapshot)["success"] in (True, "true")
    assert call("deleteTemplate", id=template)["success"] in (True, "true")
    assert entries("listTemplates", templatefilter="all") == []
    assert entries("scanOrphans") == []
    assert left() == [], left()


main()
