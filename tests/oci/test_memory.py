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

# What is promised is 100; a blob of 60 MB held whole would show at once.
LIMIT_MB = 80
# Not getrusage, whose maximum a child begins with its parent's.
PEAK = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1000)
"""
PUSH = """
import sys
from factory.cli.app import run

outputs, host = sys.argv[1:]
code = run(["push", outputs, "--image-output", "oci-archive"], {
    "REGISTRY_URL": host, "REGISTRY_NAMESPACE": "team", "REGISTRY_INSECURE": "true",
    "REGISTRY_USERNAME": "x", "REGISTRY_PASSWORD": "x",
})
assert code == 0
"""
PULL = """
import sys
from pathlib import Path
from factory.config.environment import Environment
from factory.oci.names import image_name
from factory.oci.pull import fetch_blob, pull_manifest
from factory.oci.registry import Registry
from factory.oci.target import pull_target

name = image_name(sys.argv[1])
target = pull_target(Environment(variables={"REGISTRY_INSECURE": "true"}), name.registry)
with Registry(target, reads_only=True) as registry:
    (layer,) = pull_manifest(registry, name.repository, name.wanted).layers
    fetch_blob(registry, name.repository, layer, Path(sys.argv[2]))
"""


def test_a_plugin_of_360_mb_is_pushed_and_pulled_in_little_memory() -> None:
    # Not tmp_path, which pytest keeps: hundreds of megabytes of nothing to look at.
    with TemporaryDirectory() as name, serving(Path(name)) as registry:
        outputs = Path(name, "outputs")
        outputs.mkdir()
        _write_large(outputs / "large.tgz")

        pinned, pushing = _run(PUSH, outputs, registry.host)
        layer = Path(name, "layer")
        (pulling,) = _run(PULL, pinned, layer)

        assert layer.stat().st_size > 60_000_000
        assert (outputs / "large.oci.tar").stat().st_size > 60_000_000
    assert int(pushing) < LIMIT_MB
    assert int(pulling) < LIMIT_MB


def _run(program: str, *arguments: str | Path) -> list[str]:
    """The lines that a program prints; the last is its largest memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", program + PEAK, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


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
