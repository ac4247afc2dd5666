"""What the factory costs: the shipped example built by it, and by the same tools in a shell script.

    python benchmarks/cold_build.py [--rounds N]

Both start from the configuration and an empty folder, and run the same programs in the same order:
copy, patch, overlay, yarn install, tsc, a build of each package, an export and an npm pack of each
plugin, one at a time. Both have node, yarn, rhdh-cli and yarn's package cache at hand, and both are
told rhdh-cli's version, so that the registries' speed does not count. Rounds take turns, and the
best of each is compared.

Printed are the ratio of wall time, the share that the factory's own process has in it (its
processor time by the bare build's wall time), the peak memory of each with all its children, and
the factory's own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from factory.toolchain.rhdh_cli import list_known_versions

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/local-workspace"
FRONTEND = "plugins/greetings"
PACKAGES = ("greetings-common", "greetings-node", "greetings-backend")
MODULE = "greetings-backend-module-nordic"

BARE = f"""
set -eu
cp -R "$CONFIG/workspace/." "$SOURCE"
cd "$SOURCE"
git apply -p1 "$CONFIG"/patches/*.patch
cp -R "$CONFIG/plugins/{MODULE}/overlay/." "plugins/{MODULE}/"
yarn install --immutable
yarn tsc
export_and_pack() {{
  plugin=$1; shift
  (cd "$plugin" && rhdh-cli plugin export --clean "$@")
  npm pack "./$plugin/dist-dynamic" --json --ignore-scripts --pack-destination "$OUTPUTS"
}}
export_and_pack {FRONTEND} --scalprum-config "$CONFIG/{FRONTEND}/scalprum-config.json"
for package in {" ".join((*PACKAGES, MODULE))}; do (cd "plugins/$package" && yarn build); done
for plugin in plugins/greetings-backend plugins/{MODULE}; do
  export_and_pack "$plugin" --no-build
done
cd "$OUTPUTS"
for tgz in *.tgz; do
  echo "sha512-$(openssl dgst -sha512 -binary "$tgz" | openssl base64 -A)" > "$tgz.integrity"
done
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One build: seconds, and bytes of memory. ``own`` is what the leading process itself used."""

    wall: float
    own_processor: float
    peak: int
    own_peak: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="factory-benchmark-") as name:
        work = Path(name)
        environment = {**os.environ, "HOME": str(ROOT / "build/benchmark-home")}
        environment["PLUGIN_FACTORY_CACHE_DIR"] = str(ROOT / "build/benchmark-home/tools")
        environment["RHDH_CLI_VERSION"] = list_known_versions()[-1]
        Path(environment["HOME"]).mkdir(parents=True, exist_ok=True)
        print("warming the caches", file=sys.stderr)
        factory_build(work / "warm", environment, "--jobs", "1")
        report = json.loads((work / "warm/outputs/build-report.json").read_text())
        tools = bare_tools(report, Path(environment["PLUGIN_FACTORY_CACHE_DIR"]), work)
        factory, bare = [], []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            factory.append(factory_build(work / f"factory-{number}", environment, "--jobs", "1"))
            bare.append(bare_build(work / f"bare-{number}", environment, tools))
        parallel = factory_build(work / "parallel", environment)
    best = min(factory, key=lambda each: each.wall)
    alone = min(bare, key=lambda each: each.wall)
    megabyte = 1_000_000
    print(f"bare tools, one at a time   {alone.wall:7.1f} s   peak {alone.peak / megabyte:7.0f} MB")
    print(f"factory, --jobs 1           {best.wall:7.1f} s   peak {best.peak / megabyte:7.0f} MB")
    print(f"factory, default jobs       {parallel.wall:7.1f} s")
    print(f"wall time, factory : bare   {best.wall / alone.wall:7.3f}")
    print(f"peak memory, factory : bare {best.peak / alone.peak:7.3f}")
    share = min(each.own_processor for each in factory) / alone.wall
    print(f"the factory's own share     {share:7.1%}  of the build (at most 3 % is the aim)")
    own = max(each.own_peak for each in factory)
    print(f"the factory's own memory    {own / megabyte:7.0f} MB (under 100 MB is the aim)")


def factory_build(folder: Path, environment: dict[str, str], *options: str) -> Measured:
    folder.mkdir()
    config = shutil.copytree(EXAMPLE, folder / "config")
    folders = {
        "--config-dir": config,
        "--repo-path": folder / "source",
        "--output-dir": folder / "outputs",
    }
    words = [str(word) for pair in folders.items() for word in pair]
    # A plugin that the round before has built would only be restored.
    command = [sys.executable, "-m", "factory", "build", "--no-cache", *words, *options]
    return measured(command, environment, folder)


def bare_build(folder: Path, environment: dict[str, str], tools: Path) -> Measured:
    for name in ("source", "outputs", "tmp"):
        (folder / name).mkdir(parents=True)
    config = shutil.copytree(EXAMPLE, folder / "config")
    own = {
        "PATH": f"{tools}:{environment['PATH']}",
        "CONFIG": str(config),
        "SOURCE": str(folder / "source"),
        "OUTPUTS": str(folder / "outputs"),
        "TMPDIR": str(folder / "tmp"),
        "YARN_ENABLE_TELEMETRY": "0",
    }
    return measured(["sh", "-c", BARE], environment | own, folder)


def bare_tools(report: dict[str, dict[str, str]], cache: Path, work: Path) -> Path:
    """A folder with the very node, yarn and rhdh-cli that the factory used."""
    folder = work / "tools"
    folder.mkdir()
    yarn = next((cache / "yarn").glob(f"{report['tools']['yarn']}*/package/bin/yarn.js"))
    cli = next((cache / "rhdh-cli").glob(f"{report['tools']['rhdh-cli']}*"))
    launcher = folder / "yarn"
    launcher.write_text(f'#!/bin/sh\nexec node "{yarn}" "$@"\n')
    launcher.chmod(0o755)
    (folder / "rhdh-cli").symlink_to(cli / "node_modules/.bin/rhdh-cli")
    for installed in (cache / "node").glob(f"*{report['tools']['node']}/bin/*"):
        (folder / installed.name).symlink_to(installed)
    return folder


def measured(command: list[str], environment: dict[str, str], folder: Path) -> Measured:
    started = time.monotonic()
    with (folder / "output.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        watch = MemoryWatch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    watch.ended.set()
    watch.join()
    if process.returncode:
        sys.exit((folder / "output.log").read_text())
    del usage  # counts the children too
    return Measured(
        wall=wall,
        own_processor=watch.own_processor,
        peak=watch.peak,
        own_peak=watch.own_peak,
    )


class MemoryWatch(threading.Thread):
    """Samples the memory of a process and its descendants, and its own use, while it runs."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.ended = threading.Event()
        self.peak = self.own_peak = 0
        self.own_processor = 0.0

    def run(self) -> None:
        while not self.ended.wait(0.1):
            memory = memory_by_process()
            own, tree = memory.get(self.pid), descendants(self.pid, memory)
            if own is None:
                continue
            self.peak = max(self.peak, sum(memory[pid][1] for pid in tree))
            self.own_peak = max(self.own_peak, own[1])
            self.own_processor = max(self.own_processor, own[2])


def memory_by_process() -> dict[int, tuple[int, int, float]]:
    """Parent, resident bytes and processor seconds of every process (proc(5))."""
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            seconds = (int(fields[11]) + int(fields[12])) / tick
            found[int(entry.name)] = (int(fields[1]), int(fields[21]) * page, seconds)
    return found


def descendants(root: int, processes: dict[int, tuple[int, int, float]]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, (parent, _, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    found, pending = set(), [root]
    while pending:
        pid = pending.pop()
        if pid in processes:
            found.add(pid)
            pending += children.get(pid, [])
    return found


if __name__ == "__main__":
    main()
