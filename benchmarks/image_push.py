"""What images cost: the example's plugins pushed by the factory, and by buildah.

    python benchmarks/image_push.py [--rounds N] [--outputs DIRECTORY]

Both make an image of each plugin and push it to a registry of its own that has nothing yet:
Debian's docker-registry, on this machine. The factory starts from the `.tgz` files (`plugin-factory
push`, the whole command); buildah starts from the folders that it is to copy, unpacked beforehand,
with a `FROM scratch` Containerfile and the same annotation (`buildah build` and `buildah push`).
Rounds take turns, and the best of each is compared.

Printed are the times and their ratio (at most 0.5 is the aim), and that both images hold the same
files. The plugins are those of --outputs, or of a build of the shipped example.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.environment import Environment
from factory.oci.packed_plugin import DYNAMIC_PACKAGES, read_plugin_archive
from factory.oci.pull import PulledManifest, fetch_blob, pull_manifest
from factory.oci.registry import Registry
from factory.oci.target import pull_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/local-workspace"
AIM = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--outputs", type=Path, help="where a build left the plugins")
    options = parser.parse_args()
    for program in ("buildah", "docker-registry"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed (apt-get install {program})")
    with tempfile.TemporaryDirectory(prefix="factory-benchmark-") as name:
        work = Path(name)
        outputs = copied(options.outputs or built_example(work), work / "outputs")
        folders = unpacked(outputs, work / "unpacked")
        factory, buildah = [], []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            with serving(work / f"factory-{number}") as host:
                factory.append(timed(factory_push, outputs, host))
                ours = contents(host, folders, work)
            with serving(work / f"buildah-{number}") as host:
                store = work / f"store-{number}"
                buildah.append(timed(buildah_push, folders, host, store))
                theirs = contents(host, folders, work)
            if ours != theirs:
                sys.exit("the images do not hold the same files")
    files = sum(map(len, ours.values()))
    print(f"plugins                     {len(folders):7d}     {files} files")
    print(f"buildah build, buildah push {min(buildah):7.2f} s")
    print(f"plugin-factory push         {min(factory):7.2f} s")
    ratio = min(factory) / min(buildah)
    print(f"ratio                       {ratio:7.2f}     (at most {AIM} is the aim)")
    sys.exit(ratio > AIM)


def timed(work: Callable[..., None], *arguments: object) -> float:
    started = time.monotonic()
    work(*arguments)
    return time.monotonic() - started


def factory_push(outputs: Path, host: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "REGISTRY_URL": host,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
    }
    run([sys.executable, "-m", "factory", "push", outputs], environment)


def buildah_push(folders: dict[str, Path], host: str, store: Path) -> None:
    with tempfile.TemporaryDirectory() as short:  # its sockets take no long path
        buildah: list[str | Path] = ["buildah", "--root", store, "--runroot", short]
        buildah += ["--storage-driver", "vfs"]
        for plugin, folder in folders.items():
            reference = f"{host}/team/{plugin}:1"
            annotation = f"{DYNAMIC_PACKAGES}={(folder / 'annotation').read_text()}"
            build = [*buildah, "build", "--isolation", "chroot", "--annotation", annotation]
            run([*build, "--tag", reference, folder / "context"])
            run([*buildah, "push", "--tls-verify=false", reference])


def built_example(work: Path) -> Path:
    """The shipped example, built; the tools' caches are those of the other benchmarks."""
    print("building the example", file=sys.stderr)
    home = ROOT / "build/benchmark-home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "HOME": str(home)}
    environment["PLUGIN_FACTORY_CACHE_DIR"] = str(home / "tools")
    words: list[str | Path] = ["--config-dir", shutil.copytree(EXAMPLE, work / "config")]
    words += ["--repo-path", work / "source", "--output-dir", work / "built"]
    run([sys.executable, "-m", "factory", "build", *words], environment)
    return work / "built"


def copied(outputs: Path, to: Path) -> Path:
    """The archives alone: what else is there is no part of an image."""
    to.mkdir()
    for tgz in outputs.glob("*.tgz"):
        shutil.copy(tgz, to)
    return to


def unpacked(outputs: Path, to: Path) -> dict[str, Path]:
    """For each plugin a folder with a build context, as the factory's image has it."""
    folders = {}
    for tgz in sorted(outputs.glob("*.tgz")):
        plugin = read_plugin_archive(tgz)
        folder = to / plugin.folder
        context = folder / "context"
        context.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", tgz, "-C", context], check=True)
        (context / "package").rename(context / plugin.folder)
        (context / "Containerfile").write_text(
            f"FROM scratch\nCOPY {plugin.folder} /{plugin.folder}\nCOPY index.json /\n"
        )
        package = json.dumps([{plugin.folder: dict(plugin.package)}])
        (context / "index.json").write_text(package)
        (folder / "annotation").write_text(package)
        folders[plugin.folder] = folder
    return folders


def contents(host: str, folders: dict[str, Path], work: Path) -> dict[str, set[str]]:
    """The names of the files that each image in the registry holds."""
    environment = Environment(variables={"REGISTRY_INSECURE": "true"})
    with Registry(pull_target(environment, host), reads_only=True) as registry:
        return {plugin: files_of(registry, f"team/{plugin}", work) for plugin in folders}


def files_of(registry: Registry, repository: str, work: Path) -> set[str]:
    found: set[str] = set()
    for layer in image_of(registry, repository).layers:
        file = work / "layer"
        fetch_blob(registry, repository, layer, file)
        with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as archive:
            found |= {member.name.strip("/") for member in archive if not member.isdir()}
    return found


def image_of(registry: Registry, repository: str) -> PulledManifest:
    """The one image of the repository: buildah's tag is ours, the factory's is the version."""
    path = f"{registry.base_url()}/v2/{repository}/tags/list"
    (tag,) = json.loads(registry.transport.send("GET", path).body)["tags"]
    return pull_manifest(registry, repository, tag)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A fresh registry for as long as the block lasts; gives its address."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": host, "secret": "of the benchmark"},
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(200):
            address = host.partition(":")[0], int(host.partition(":")[2])
            with contextlib.suppress(OSError), socket.create_connection(address, 0.2):
                break
            time.sleep(0.05)
        yield host
    finally:
        process.terminate()
        process.wait()


def run(command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words[:3])} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
