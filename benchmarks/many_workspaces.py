"""What many workspaces cost: ten of them, one at a time, all at once, and again.

    python benchmarks/many_workspaces.py [--workspaces N] [--backends-only] [...]

The ten are made of the shipped example (benchmarks/ten_workspaces.py). Node, yarn, rhdh-cli and the
packages of the lockfile are at hand, so that the registry's speed does not count. Built are:

- one at a time: `plugin-factory build` for each workspace, one after the other, as somebody would
  without a directory of them; with default options, so that each has the whole machine, and what
  one has built the next takes from the cache;
- all at once: one `plugin-factory build` for the directory;
- again: the same with nothing changed, and one workspace alone, into empty output folders;
- after a change: a commit to one plugin of one branch, then one to a library that two embed.

The first two begin with empty source folders and an empty cache of plugins each. More on request:
--no-sharing runs both with --no-cache, where no workspace takes a finished plugin from another;
--serial runs all at once with one core; --cold-packages runs all at once with the caches of yarn
and npm empty.

Printed are wall time; the cores in use (processor time by wall time); the peak memory of the
factory with all its children, as the sum of their resident pages, and its own; and the bytes
received, from a git server (git-daemon) and through a proxy (the npm registry, TLS and all). The
exit code is 1 if a limit does not hold: the ratio, the times of what is cached, that it starts no
node, what is built after a change, or the very bytes of the artifacts.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
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
from typing import TYPE_CHECKING

from cold_build import MemoryWatch, descendants, memory_by_process
from ten_workspaces import (
    BACKEND,
    LIBRARY,
    MODULE,
    ROOT,
    WORKSPACES,
    Wanted,
    touch,
    write_configuration,
    write_repositories,
)
from traffic import Relay, relaying, serving_git

from factory.toolchain.rhdh_cli import list_known_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

RATIO = 1.5
AGAIN_SECONDS = 5.0
ONE_AGAIN_SECONDS = 2.0
MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds and bytes; ``processor`` is of all processes, ``peak`` of all at one time."""

    wall: float
    processor: float
    peak: int
    own_peak: int
    from_git: int
    from_registry: int
    nodes: int

    def __add__(self, other: Cost) -> Cost:
        """The cost of one after the other."""
        return Cost(
            wall=self.wall + other.wall,
            processor=self.processor + other.processor,
            peak=max(self.peak, other.peak),
            own_peak=max(self.own_peak, other.own_peak),
            from_git=self.from_git + other.from_git,
            from_registry=self.from_registry + other.from_registry,
            nodes=self.nodes + other.nodes,
        )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where everything is: a folder of this run, the configuration in it, and the relays."""

    work: Path
    workspaces: tuple[Wanted, ...]
    git: Relay
    registry: Relay

    @property
    def config(self) -> Path:
        return self.work / "config"


def main() -> int:
    options = parsed_options()
    workspaces = WORKSPACES[: options.workspaces]
    with bench_of(workspaces, frontends=not options.backends_only) as bench:
        print("warming the caches", file=sys.stderr)
        build(bench, bench.config / workspaces[0].name, "warm", "--no-cache")
        failed = compared(bench, "")
        if options.no_sharing:
            failed += compared(bench, "-unshared", "--no-cache")
        failed += again(bench)
        failed += after_changes(bench)
        if options.serial:
            shown("all, --jobs 1", build(bench, bench.config, "serial", "--jobs", "1"))
        if options.cold_packages:
            cost = build(bench, bench.config, "packages", "--no-cache", home=bench.work / "home")
            shown("all at once, --no-cache, no packages at hand", cost)
    for failure in failed:
        print(f"NOT MET: {failure}")
    return 1 if failed else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspaces", type=int, default=len(WORKSPACES), metavar="N")
    parser.add_argument("--backends-only", action="store_true")
    parser.add_argument("--no-sharing", action="store_true")
    parser.add_argument("--serial", action="store_true")
    parser.add_argument("--cold-packages", action="store_true")
    return parser.parse_args()


@contextlib.contextmanager
def bench_of(workspaces: tuple[Wanted, ...], *, frontends: bool) -> Iterator[Bench]:
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="factory-benchmark-")))
        repositories = work / "repositories"
        repositories.mkdir()
        write_repositories(repositories)
        git = stack.enter_context(relaying(stack.enter_context(serving_git(repositories))))
        registry = stack.enter_context(relaying())
        bench = Bench(work=work, workspaces=workspaces, git=git, registry=registry)
        write_configuration(bench.config, workspaces, address=git.address, frontends=frontends)
        yield bench


def compared(bench: Bench, suffix: str, *options: str) -> list[str]:
    """Build one at a time and all at once; both with ``options``."""
    alone, together = f"alone{suffix}", f"together{suffix}"
    costs = []
    for number, workspace in enumerate(bench.workspaces, start=1):
        print(f"one at a time: {number} of {len(bench.workspaces)}", file=sys.stderr)
        costs.append(build(bench, bench.config / workspace.name, alone, *options))
    one_at_a_time = costs[0]
    for cost in costs[1:]:
        one_at_a_time += cost
    print("all at once", file=sys.stderr)
    at_once = build(bench, bench.config, together, *options)
    title = " ".join(["", *options])
    shown(f"one at a time{title}", one_at_a_time)
    shown(f"all at once{title}", at_once)
    ratio = one_at_a_time.wall / at_once.wall
    print(f"{'ratio':32}{ratio:8.2f}     (at least {RATIO} is the aim, on two cores)")
    failed = [] if ratio >= RATIO else [f"all at once is {ratio:.2f} times as fast{title}"]
    if not at_once.nodes:
        failed.append("no node process was seen in a build: nothing can be said of the others")
    one, other = (artifacts(bench.work / name / "outputs") for name in (alone, together))
    differing = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    print(f"{'artifacts':32}{len(one):8d}     {len(differing)} differ")
    return failed + [f"{name} differs" for name in differing]


def again(bench: Bench) -> list[str]:
    """Build with nothing changed, into an empty output folder."""
    failed = []
    one = bench.config / bench.workspaces[0].name
    for title, config, seconds in (
        ("all at once, nothing changed", bench.config, AGAIN_SECONDS),
        ("one, nothing changed", one, ONE_AGAIN_SECONDS),
    ):
        shutil.rmtree(bench.work / "together/outputs")
        cost = build(bench, config, "together")
        shown(title, cost)
        if cost.wall >= seconds:
            failed.append(f"{title}: {cost.wall:.1f} s, not under {seconds:.0f} s")
        if cost.nodes:
            failed.append(f"{title}: {cost.nodes} node processes were seen")
        if rebuilt := built_plugins(bench, config):
            failed.append(f"{title}: {', '.join(sorted(rebuilt))} built")
    return failed


def after_changes(bench: Bench) -> list[str]:
    failed = []
    for repository, file, wanted in (
        ("greetings", f"{BACKEND}/src/router.ts", [BACKEND]),
        ("salutations", f"{LIBRARY}/src/index.ts", [BACKEND, MODULE]),
    ):
        concerned = [
            each.name
            for each in bench.workspaces
            if (each.repository, each.branch) == (repository, "main")
        ]
        if not concerned:
            continue
        touch(bench.work / "repositories", repository, file)
        cost = build(bench, bench.config, "together")
        shown(f"after a change of {Path(file).parts[1]}", cost)
        built = built_plugins(bench, bench.config)
        print(f"{'':32}built: {', '.join(sorted(built))}")
        # Two workspaces that share a plugin: it is built in one of them.
        paths = sorted(name.partition("/")[2] for name in built)
        elsewhere = [name for name in built if name.partition("/")[0] not in concerned]
        if paths != wanted or elsewhere:
            failed.append(
                f"after a change of {file}: {', '.join(sorted(built)) or 'nothing'} built"
            )
    return failed


def built_plugins(bench: Bench, config: Path) -> set[str]:
    """Workspace and path of the plugins that the last run has built, as its report says."""
    several = config == bench.config
    outputs = bench.work / "together/outputs" / ("" if several else config.name)
    report = json.loads((outputs / "build-report.json").read_text())
    workspaces = report["workspaces"] if several else [{**report, "name": config.name}]
    return {
        f"{workspace['name']}/{plugin['path']}"
        for workspace in workspaces
        for plugin in workspace["plugins"]
        if not plugin["cached"]
    }


def build(bench: Bench, config: Path, name: str, *options: str, home: Path | None = None) -> Cost:
    """Build what a configuration directory describes, below a folder ``name`` of the bench."""
    own = "" if config == bench.config else config.name
    folder = bench.work / name
    folder.mkdir(exist_ok=True)
    folders = {
        "--config-dir": config,
        "--repo-path": folder / "source" / own,
        "--output-dir": folder / "outputs" / own,
        "--cache-dir": cache_of(folder),
    }
    words = [str(word) for pair in folders.items() for word in pair]
    proxy = f"http://{bench.registry.address}"
    environment = {
        **os.environ,
        "HOME": str(home or ROOT / "build/benchmark-home"),
        "RHDH_CLI_VERSION": list_known_versions()[-1],
        "HTTPS_PROXY": proxy,
        "YARN_HTTPS_PROXY": proxy,
        "npm_config_https_proxy": proxy,
    }
    Path(environment["HOME"]).mkdir(parents=True, exist_ok=True)
    bench.git.taken()
    bench.registry.taken()
    command = [sys.executable, "-m", "factory", "build", *words, *options]
    return measured(bench, command, environment, folder)


def cache_of(folder: Path) -> Path:
    """A cache with the tools that are at hand, and plugins of its own."""
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    for name in ("node", "yarn", "rhdh-cli"):
        tools = ROOT / "build/benchmark-home/tools" / name
        tools.mkdir(parents=True, exist_ok=True)
        if not (cache / name).exists():
            (cache / name).symlink_to(tools)
    return cache


def measured(bench: Bench, command: list[str], environment: dict[str, str], folder: Path) -> Cost:
    started = time.monotonic()
    with (folder / "output.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        memory, nodes = MemoryWatch(process.pid), NodeWatch(process.pid)
        memory.start()
        nodes.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    for watch in (memory, nodes):
        watch.ended.set()
        watch.join()
    if process.returncode:
        sys.exit((folder / "output.log").read_text())
    return Cost(
        wall=wall,
        processor=usage.ru_utime + usage.ru_stime,
        peak=memory.peak,
        own_peak=memory.own_peak,
        from_git=bench.git.taken(),
        from_registry=bench.registry.taken(),
        nodes=len(nodes.seen),
    )


class NodeWatch(threading.Thread):
    """Looks for node among the descendants of a process, more often than one could come and go."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.ended = threading.Event()
        self.seen: set[int] = set()

    def run(self) -> None:
        # Where it is seen once, what is measured is no run that starts none.
        while not self.seen and not self.ended.wait(0.02):
            for pid in descendants(self.pid, memory_by_process()):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{pid}/exe").readlink().name == "node":
                        self.seen.add(pid)


def artifacts(outputs: Path) -> dict[str, str]:
    """The digest of every artifact below a folder, by workspace and name."""
    return {
        str(file.relative_to(outputs)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in outputs.glob("*/*.tgz*")
    }


def shown(title: str, cost: Cost) -> None:
    print(
        f"{title:32}{cost.wall:8.1f} s   {cost.processor / cost.wall:4.2f} cores   "
        f"peak {cost.peak / MEGABYTE:5.0f} MB, own {cost.own_peak / MEGABYTE:3.0f} MB   "
        f"git {cost.from_git / MEGABYTE:5.2f} MB, registry {cost.from_registry / MEGABYTE:6.2f} MB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
