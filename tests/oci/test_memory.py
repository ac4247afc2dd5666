"""A plugin of any size in little memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from .plugin_archives import TODO, member
from .registries import serving

# Well under the 100 that are promised: a blob of 60 MB held whole would show.
LIMIT_MB = 60
PROGRAM = """
import sys
from pathlib import Path
from factory.config.environment import Environment
from factory.oci.archive import read_plugin_archive
from factory.oci.image import build_image
from factory.oci.push import push_image
from factory.oci.reference import reference_for
from factory.oci.registry import Registry
from factory.oci.target import registry_target

tgz, layer, host = sys.argv[1:]
target = registry_target(Environment(variables={
    "REGISTRY_URL": host, "REGISTRY_NAMESPACE": "team", "REGISTRY_INSECURE": "true",
    "REGISTRY_USERNAME": "x", "REGISTRY_PASSWORD": "x",
}))
image = build_image([read_plugin_archive(Path(tgz))], Path(layer))
reference = reference_for(
    registry=host, namespace="team", package="large", version="1"
)
with Registry(target) as registry:
    pushed = push_image(registry, image, reference)
# Not getrusage, whose maximum a child begins with its parent's.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(pushed.bytes_sent, int(peak.split()[1]) // 1000)
"""


def test_a_plugin_of_360_mb_is_built_and_pushed_in_little_memory() -> None:
    # Not tmp_path, which pytest keeps: hundreds of megabytes of nothing to look at.
    with TemporaryDirectory() as name, serving(Path(name)) as registry:
        tgz, layer = Path(name, "large.tgz"), Path(name, "layer")
        _write_large(tgz)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, tgz, layer, registry.host],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    sent, peak = map(int, done.stdout.split())
    assert sent > 60_000_000
    assert peak < LIMIT_MB


def _write_large(tgz: Path) -> None:
    """300 MB of nothing, 60 MB that do not compress, and 20,000 small files."""

    noise = os.urandom(6_000_000)
    with (
        gzip.GzipFile(tgz, "wb", compresslevel=1) as gz,
        tarfile.open(fileobj=gz, mode="w|") as tar,
    ):
        raw = json.dumps(TODO).encode()
        tar.addfile(member("package/package.json", len(raw)), io.BytesIO(raw))
        for number in range(10):
            nothing = b"\0" * 30_000_000
            tar.addfile(member(f"package/n{number}", len(nothing)), io.BytesIO(nothing))
            tar.addfile(member(f"package/r{number}", len(noise)), io.BytesIO(noise))
        for number in range(20_000):
            tar.addfile(member(f"package/node_modules/{number % 97}/{number}.js"))
