"""What ten commits cost of a repository that holds sixty workspaces, of which five are wanted.

    python benchmarks/large_repository.py [--megabytes N] [--commits N] [...]

The repository is made here, as large ones are: workspaces with a lockfile of their own and files
that hardly compress (300 MB in all), a few files at the root, and one folder that two workspaces
refer to. Each commit changes a tenth of the workspaces. Each wanted workspace is wanted at two of
them, as by two releases of a portal. A git server (git-daemon) that can leave files out, as those
of the large forges can, gives it away.

Printed are the bytes received and the disk in use by clones and worktrees, of the parts that the
factory takes and of whole checkouts (--whole-repository), and the ratio; then the time of
`plugin-factory plan` for all that is wanted, as a process, with the clones of either at hand. The
exit code is 1 if a limit does not hold: a tenth of the bytes and of the disk, and five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from traffic import Relay, relaying, serving_git

from factory.config.environment import layer_environment
from factory.pipeline.source_part import bring_what_is_reached, is_by_itself, wanted_part
from factory.sources.checkout import git_session
from factory.sources.clones import add_worktree, clones_for, normalise
from factory.sources.git_access import with_access
from factory.sources.source import GitRemote, Source, locate
from factory.toolchain.child_environment import git_environment
from factory.toolchain.runner import Runner

MOST_OF_WHOLE = 0.1
PLAN_SECONDS = 5.0
MEGABYTE = 1_000_000
FILE_BYTES = 100_000
REPOSITORY = "plugins"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A workspace of a run, and where in the repository and at which commit it is."""

    name: str
    path: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What it takes to have all that is wanted: bytes and seconds."""

    received: int
    disk: int
    seconds: float


def main() -> int:
    options = parsed_options()
    with (
        tempfile.TemporaryDirectory(prefix="factory-benchmark-") as name,
        contextlib.ExitStack() as stack,
    ):
        work = Path(name)
        print("making the repository", file=sys.stderr)
        wanted = write_repository(work / "served" / REPOSITORY, options)
        git = stack.enter_context(relaying(stack.enter_context(serving_git(work / "served"))))
        write_configuration(work / "config", wanted, f"git://{git.address}/{REPOSITORY}")
        taken, planned = {}, {}
        for whole in (False, True):
            title = "whole" if whole else "part"
            print(f"fetching: {title}", file=sys.stderr)
            taken[title] = take(work / title, wanted, git, whole=whole)
            more = ["--whole-repository"] if whole else []
            planned[title] = plan(work, work / title, len(wanted), *more)
        return shown(taken["part"], taken["whole"], planned)


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspaces", type=int, default=60, metavar="N")
    parser.add_argument("--megabytes", type=int, default=300, metavar="N")
    parser.add_argument("--commits", type=int, default=10, metavar="N")
    parser.add_argument("--wanted", type=int, default=5, metavar="N")
    return parser.parse_args()


def write_repository(folder: Path, options: argparse.Namespace) -> list[Wanted]:
    """Make the repository, and return what is wanted of it: a workspace at each commit."""
    chance = random.Random(1)
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    files = max(1, options.megabytes * MEGABYTE // options.workspaces // FILE_BYTES)
    names = [f"workspace-{number:02}" for number in range(options.workspaces)]
    for name in names:
        write_workspace(folder / "workspaces" / name, name, files, chance)
    (folder / "package.json").write_text('{"name": "root", "private": true}\n')
    (folder / "configs").mkdir()
    (folder / "configs/tsconfig.base.json").write_text("{}\n")
    wanted = []
    for number in range(options.commits):
        for name in names[number % 10 :: 10]:
            change = folder / "workspaces" / name / "plugins/a/assets/0.bin"
            change.write_bytes(chance.randbytes(FILE_BYTES))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"commit {number}")
        name = names[number % options.wanted * len(names) // options.wanted]
        commit = git(folder, "rev-parse", "HEAD")
        wanted.append(Wanted(name=f"at-{number}", path=f"workspaces/{name}", commit=commit))
    git(folder, "gc", "--quiet")
    return wanted


def write_workspace(folder: Path, name: str, files: int, chance: random.Random) -> None:
    plugin = folder / "plugins/a"
    (plugin / "assets").mkdir(parents=True)
    (plugin / "src").mkdir()
    (plugin / "src/index.ts").write_text("export {};\n")
    for number in range(files):
        (plugin / f"assets/{number}.bin").write_bytes(chance.randbytes(FILE_BYTES))
    (folder / "package.json").write_text(
        json.dumps({"name": f"@large/{name}", "private": True, "workspaces": ["plugins/*"]})
    )
    (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    (folder / "tsconfig.json").write_text('{"extends": "../../configs/tsconfig.base.json"}\n')
    manifest = {
        "name": f"@large/{name}-backend",
        "version": "1.0.0",
        "main": "src/index.ts",
        "backstage": {"role": "backend-plugin", "pluginId": name},
    }
    (plugin / "package.json").write_text(json.dumps(manifest))
    members = {f"@large/{name}": ".", f"@large/{name}-backend": "plugins/a"}
    entries = [
        f'"{member}@workspace:{path}":\n  version: 0.0.0-use.local\n'
        f'  resolution: "{member}@workspace:{path}"\n  languageName: unknown\n  linkType: soft\n'
        for member, path in members.items()
    ]
    head = "__metadata:\n  version: 8\n  cacheKey: 10c0\n"
    (folder / "yarn.lock").write_text("\n".join([head, *entries]))


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


def write_configuration(folder: Path, wanted: list[Wanted], url: str) -> None:
    for each in wanted:
        own = folder / each.name
        own.mkdir(parents=True)
        source = {"repo": url, "repo-ref": each.commit, "workspace-path": each.path}
        (own / "source.json").write_text(json.dumps(source))


def take(folder: Path, wanted: list[Wanted], relay: Relay, *, whole: bool) -> Taken:
    """Check out all that is wanted, as a run does, one after the other."""
    url = f"git://{relay.address}/{REPOSITORY}"
    remote = locate(Source(repo=url, relative_to=folder))
    if not isinstance(remote, GitRemote):
        raise TypeError(url)
    session = git_session(runner=Runner(), env=git_environment(layer_environment(dict(os.environ))))
    clone = clones_for([remote], folder)[normalise(remote)]
    relay.taken()
    started = time.monotonic()
    for each in wanted:
        into = folder / each.name
        part = None if whole else wanted_part(each.path, (), session)
        add_worktree(clone, remote, each.commit, into, session, part=part)
        if part and is_by_itself(into, each.path):
            bring_what_is_reached(into, part, each.path, with_access(session, remote))
    return Taken(
        received=relay.taken(), disk=disk_usage(folder), seconds=time.monotonic() - started
    )


def disk_usage(folder: Path) -> int:
    """Bytes that the files below a folder take on the disk, each counted once."""
    sizes = {}
    for parent, _, files in os.walk(folder):
        for name in files:
            status = os.lstat(f"{parent}/{name}")
            sizes[status.st_ino] = status.st_blocks * 512
    return sum(sizes.values())


def plan(work: Path, source: Path, number: int, *options: str) -> float:
    """Plan a run of all that is wanted, and return the seconds that the process took."""
    words = [
        *("--config-dir", str(work / "config")),
        *("--repo-path", str(source)),
        *("--output-dir", str(work / "outputs")),
        *("--cache-dir", str(work / "cache")),
    ]
    started, before = time.monotonic(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "factory", "plan", "--json", *words, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    plugins = sum(len(each["plugins"]) for each in json.loads(done.stdout)["workspaces"])
    if plugins != number:
        sys.exit(f"{plugins} plugins were planned, not {number}")
    after = os.times()
    processor = after.children_user + after.children_system
    processor -= before.children_user + before.children_system
    print(f"planned in {seconds:.1f} s, of a processor {processor:.1f} s", file=sys.stderr)
    return seconds


def shown(part: Taken, whole: Taken, planned: dict[str, float]) -> int:
    """Print what was measured, and return the exit code."""
    received, disk = part.received / whole.received, part.disk / whole.disk
    limit = f"(at most {MOST_OF_WHOLE} is the aim)"
    print(f"{'':16}{'part':>12}{'whole':>12}{'ratio':>10}")
    for title, one, other, ratio in (
        ("received, MB", part.received, whole.received, received),
        ("disk, MB", part.disk, whole.disk, disk),
    ):
        print(f"{title:16}{one / MEGABYTE:12.1f}{other / MEGABYTE:12.1f}{ratio:10.3f}   {limit}")
    quick = part.seconds / whole.seconds
    print(f"{'fetched in, s':16}{part.seconds:12.1f}{whole.seconds:12.1f}{quick:10.3f}")
    quick = planned["part"] / planned["whole"]
    print(
        f"{'planned in, s':16}{planned['part']:12.1f}{planned['whole']:12.1f}{quick:10.3f}"
        f"   (at most {PLAN_SECONDS:.0f} s is the aim)"
    )
    failed = [
        *([f"received: {received:.3f} of the whole"] if received > MOST_OF_WHOLE else []),
        *([f"disk: {disk:.3f} of the whole"] if disk > MOST_OF_WHOLE else []),
        *([f"planned in {planned['part']:.1f} s"] if planned["part"] > PLAN_SECONDS else []),
    ]
    for failure in failed:
        print(f"NOT MET: {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
