"""What a build costs beside the bare tools, as ratios, and where the time goes, as a page.

    python benchmarks/where_the_time_goes.py [--write] [--parts PART ...] [--workspaces N]

Parts, all of them unless some are named:

- start: `plugin-factory --help` and `build --help`;
- analysis: `plugin-factory analyze` of 12 plugins in a bare checkout;
- builds: the shipped example, by the factory and by a shell script that runs the same tools in the
  best order by hand: cold, with neither packages nor rhdh-cli at hand; warm, after a change of one
  source file, beside the script with everything at hand; and the factory with nothing changed;
- trial: `plugin-factory try` of the example's plugins with everything at hand, and their pages
  opened in the browser of the PATH;
- many: ten workspaces at once, against one after another (benchmarks/many_workspaces.py).

Each is a process of its own, as a user would start it; of short ones the best of several counts.
Printed are figures and aims; the exit code is 1 if one is not met. --write also writes the page
docs/where-the-time-goes.md and its picture. Times mean something on a machine that does nothing
else, and on a disk that has not just been emptied: for minutes after many files were removed, ext4
takes several times as long to create new ones. A folder in memory as TMPDIR is free of that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analyze import write_workspace
from cold_build import EXAMPLE, FRONTEND, MODULE, PACKAGES, ROOT
from many_workspaces import bench_of, build
from ten_workspaces import BACKEND, WORKSPACES, append
from time_page import Figure, Profile, Span, page, picture

from factory.toolchain.rhdh_cli import list_known_versions

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("start", "analysis", "builds", "trial", "many")
PAGE = ROOT / "docs/where-the-time-goes.md"
PICTURE = ROOT / "docs/images/where-the-time-goes.svg"
HOME = ROOT / "build/benchmark-home"
PROGRAM = (sys.executable, "-c", "from factory.cli.program import main; main()")
BEST_OF = 15
TRIALS = 3
ANALYSED = 12

# By hand, in the best order: rhdh-cli is installed while the workspace is, and the frontend is
# exported while the backends are compiled.
BY_HAND = f"""
set -eu
begin() {{ echo "at $1 $2 started"; }}
end() {{ echo "at $1 $2 done"; }}
step() {{ begin "$1" "$2"; name=$1; what=$2; shift 2; "$@" >>"$LOG" 2>&1; end "$name" "$what"; }}
tools() {{
  if [ ! -e "$CLI/node_modules" ]; then
    mkdir -p "$CLI" && cp "$PINS"/package*.json "$CLI/"
    (begin rhdh-cli toolchain; cd "$CLI" && npm ci --no-audit --no-fund >>"$LOG.cli" 2>&1
     end rhdh-cli toolchain)
  fi
}}
export_and_pack() {{
  plugin=$1; shift
  begin "$plugin" export
  (cd "$plugin" && "$CLI/node_modules/.bin/rhdh-cli" plugin export --clean "$@") >>"$LOG" 2>&1
  end "$plugin" export
  step "$plugin" pack npm pack "./$plugin/dist-dynamic" --json --ignore-scripts \\
    --pack-destination "$OUTPUTS"
}}
cp -R "$CONFIG/workspace/." "$SOURCE"
cd "$SOURCE"
git apply -p1 "$CONFIG"/patches/*.patch
cp -R "$CONFIG/plugins/{MODULE}/overlay/." "plugins/{MODULE}/"
tools & fetching=$!
step workspace install yarn install --immutable
step workspace tsc yarn tsc
wait $fetching
export_and_pack {FRONTEND} --scalprum-config "$CONFIG/{FRONTEND}/scalprum-config.json" & page=$!
for package in {" ".join((*PACKAGES, MODULE))}; do
  begin "plugins/$package" compile
  (cd "plugins/$package" && yarn build) >>"$LOG" 2>&1
  end "plugins/$package" compile
done
for plugin in {BACKEND} plugins/{MODULE}; do export_and_pack "$plugin" --no-build; done
wait $page
"""
_LINE = re.compile(
    r"^\S+\s+(?:\x1b\S*)?(?P<label>\S+)\s+(?P<stage>[a-z]+)\s+(?P<what>started|done)"
)


def main() -> int:
    options = parsed_options()
    load = os.getloadavg()[0]
    figures: list[Figure] = []
    profiles: list[Profile] = []
    measures: dict[str, Callable[[Path], tuple[list[Figure], list[Profile]]]] = {
        "start": measure_start,
        "analysis": measure_analysis,
        "builds": measure_builds,
        "trial": measure_trial,
        "many": partial(measure_many, workspaces=options.workspaces),
    }
    with tempfile.TemporaryDirectory(prefix="factory-benchmark-") as name:
        for part in options.parts:
            print(f"measuring: {part}", file=sys.stderr)
            found, shown = measures[part](Path(name))
            for figure in found:
                print(figure, flush=True)
            figures += found
            profiles += shown
    if options.write:
        PAGE.write_text(page(figures, profiles, about_the_machine(load)), encoding="utf-8")
        PICTURE.write_text(picture(profiles), encoding="utf-8")
    failed = [figure for figure in figures if not figure.is_met]
    for figure in failed:
        print(f"NOT MET: {figure.name}")
    return 1 if failed else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the page and its picture")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--workspaces", type=int, default=len(WORKSPACES), metavar="N")
    return parser.parse_args()


def about_the_machine(load: float) -> str:
    """What figures were measured on; ``load`` is how many processes ran or waited before."""
    day = dt.datetime.now(dt.UTC).date()
    return (
        f"Measured on {day} with Python {platform.python_version()} on {platform.system()}, "
        f"{os.cpu_count()} cores; before that, the machine had a load of {load:.1f}."
    )


def measure_start(work: Path) -> tuple[list[Figure], list[Profile]]:
    figures, profiles = [], []
    for words, limit in ((("--help",), 0.2), (("build", "--help"), 0.35)):
        title = " ".join(("plugin-factory", *words))
        profile = short_profile(title, words, work)
        figures.append(Figure(name=title, value=profile.seconds, limit=limit, unit=" s"))
        profiles.append(profile)
    return figures, profiles


def measure_analysis(work: Path) -> tuple[list[Figure], list[Profile]]:
    workspace = work / "analysed"
    write_workspace(workspace, plugins=ANALYSED)
    title = f"the analysis of {ANALYSED} plugins"
    profile = short_profile(title, ("analyze", str(workspace), "--json"), work)
    return [Figure(name=title, value=profile.seconds, limit=0.15, unit=" s")], [profile]


def measure_builds(work: Path) -> tuple[list[Figure], list[Profile]]:
    HOME.mkdir(parents=True, exist_ok=True)
    config = shutil.copytree(EXAMPLE, work / "config")
    # Node and yarn are at hand for both, and nothing else is for the first two.
    fill_tools(work)
    cold_tools, warm_home = work / "cold-tools", work / "home"
    bare_cold = by_hand(work, config, "by-hand-cold", home=work / "by-hand-home", cli="cold-cli")
    cold = by_factory(work, config, "cold", home=warm_home, cache=cold_tools)
    bare_warm = by_hand(work, config, "by-hand-warm", home=work / "by-hand-home", cli="cold-cli")
    append(config / f"workspace/{BACKEND}/src/index.ts", "export const TOUCHED = true;\n")
    warm = by_factory(work, config, "warm", home=warm_home, cache=cold_tools)
    command = factory_command(work, config, "again", cache=cold_tools)
    environment = factory_environment(warm_home)
    again = short_profile(
        "nothing changed", command[len(PROGRAM) :], work, environment, fresh=work / "again"
    )
    titled = [
        ("By hand, cold", bare_cold),
        ("By the factory, cold", cold),
        ("By hand, with everything at hand", bare_warm),
        ("By the factory, one source file changed", warm),
    ]
    profiles = [Profile(title=title, spans=each.spans) for title, each in titled]
    return [
        ratio("cold, to the tools by hand", cold.seconds, bare_cold.seconds, 0.75),
        ratio("one file changed, to the tools by hand", warm.seconds, bare_warm.seconds, 0.35),
        Figure(name="nothing changed", value=again.seconds, limit=0.4, unit=" s"),
    ], [*profiles, again]


def measure_trial(work: Path) -> tuple[list[Figure], list[Profile]]:
    HOME.mkdir(parents=True, exist_ok=True)
    config = shutil.copytree(EXAMPLE, work / "tried-config")
    tools = HOME / "tools"
    by_factory(work, config, "tried", home=HOME, cache=tools)
    words = ("try", str(work / "tried/outputs"))
    environment = factory_environment(HOME) | {"PLUGIN_FACTORY_CACHE_DIR": str(tools)}
    followed("trial", [*PROGRAM, *words], environment)  # installs what is not at hand
    seconds = min(followed("trial", [*PROGRAM, *words], environment).seconds for _ in range(TRIALS))
    return [Figure(name="a trial with pages, warm", value=seconds, limit=10, unit=" s")], []


def measure_many(_work: Path, *, workspaces: int) -> tuple[list[Figure], list[Profile]]:
    chosen = WORKSPACES[:workspaces]
    with bench_of(chosen, frontends=True) as bench:
        build(bench, bench.config / chosen[0].name, "warm", "--no-cache")
        alone = sum(build(bench, bench.config / each.name, "alone").wall for each in chosen)
        together = build(bench, bench.config, "together").wall
    figure = Figure(
        name=f"{len(chosen)} workspaces at once, to one after another",
        value=alone / together,
        limit=1.7,
        against=f"{alone:.1f} s / {together:.1f} s",
        at_least=True,
    )
    return [figure], []


def ratio(name: str, one: float, other: float, limit: float) -> Figure:
    against = f"{one:.1f} s / {other:.1f} s"
    return Figure(name=name, value=one / other, limit=limit, against=against)


def fill_tools(work: Path) -> None:
    """Have Node and yarn in a cache of this run, from a build that is not measured."""
    config = shutil.copytree(EXAMPLE, work / "filled-config")
    tools = HOME / "tools"
    if not list(tools.glob("node/*")) or not list(tools.glob("yarn/*")):
        by_factory(work, config, "filled", home=HOME, cache=tools)
    for name in ("node", "yarn"):
        (work / "cold-tools").mkdir(exist_ok=True)
        (work / "cold-tools" / name).symlink_to(tools / name)


def factory_environment(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED}
    return {
        **kept,
        "HOME": str(home),
        "RHDH_CLI_VERSION": list_known_versions()[-1],
        "PYTHONUNBUFFERED": "1",
    }


# What makes Python slower than a user's: nobody compiles modules anew at each start.
_NOT_PASSED = {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}


def factory_command(work: Path, config: Path, name: str, *, cache: Path) -> list[str]:
    folder = work / name
    folder.mkdir(exist_ok=True)
    folders = {
        "--config-dir": config,
        "--repo-path": folder / "source",
        "--output-dir": folder / "outputs",
        "--cache-dir": cache,
    }
    return [*PROGRAM, "build", *(str(word) for pair in folders.items() for word in pair)]


def by_factory(work: Path, config: Path, name: str, *, home: Path, cache: Path) -> Profile:
    command = factory_command(work, config, name, cache=cache)
    return followed(name, command, factory_environment(home))


def by_hand(work: Path, config: Path, name: str, *, home: Path, cli: str) -> Profile:
    folder = work / name
    for below in ("source", "outputs"):
        (folder / below).mkdir(parents=True)
    tools = work / "by-hand-tools"
    if not tools.exists():
        tools.mkdir()
        yarn = next((HOME / "tools/yarn").glob("*/package/bin/yarn.js"))
        (tools / "yarn").write_text(f'#!/bin/sh\nexec node "{yarn}" "$@"\n')
        (tools / "yarn").chmod(0o755)
        for program in (HOME / "tools/node").glob("*/bin/*"):
            if not (tools / program.name).exists():
                (tools / program.name).symlink_to(program)
    version = list_known_versions()[-1]
    own = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "CONFIG": str(config),
        "SOURCE": str(folder / "source"),
        "OUTPUTS": str(folder / "outputs"),
        "CLI": str(work / cli),
        "PINS": str(ROOT / "factory/toolchain/rhdh_cli_pins" / version),
        "LOG": str(folder / "log"),
        "YARN_ENABLE_TELEMETRY": "0",
    }
    return followed(name, ["sh", "-c", BY_HAND], factory_environment(home) | own)


def followed(title: str, command: list[str], environment: dict[str, str]) -> Profile:
    """Run a build, and note when it says that a stage starts and when that it is done."""
    started = time.monotonic()
    begun: dict[tuple[str, str], float] = {}
    spans, said = [], []
    with subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            if match := _LINE.match(line):
                now, key = time.monotonic() - started, (match["label"], match["stage"])
                if match["what"] == "started":
                    begun[key] = now
                elif key in begun:
                    begin = begun.pop(key)
                    spans.append(Span(label=key[0], stage=key[1], begin=begin, end=now))
    if process.returncode:
        sys.exit("".join(said))
    end = time.monotonic() - started
    spans.sort(key=lambda span: span.begin)
    # The end of the process, where nothing more is said.
    last = max((span.end for span in spans), default=0.0)
    spans.append(Span(label="", stage="the rest", begin=last, end=end))
    return Profile(title=title, spans=tuple(spans))


def short_profile(
    title: str,
    words: tuple[str, ...] | list[str],
    work: Path,
    environment: dict[str, str] | None = None,
    fresh: Path | None = None,
) -> Profile:
    """The parts of a short command: Python itself, imports of others and of our own, and the work.

    Imports are weighed as `-X importtime` has them, in a run of its own; ``fresh`` is a folder that
    each run finds empty.
    """
    environment = environment or factory_environment(work / "home")
    whole = best_seconds([*PROGRAM, *words], environment, fresh)
    python = min(best_seconds([sys.executable, "-c", "pass"], environment, None), whole)
    if fresh:
        shutil.rmtree(fresh, ignore_errors=True)
    traced = [PROGRAM[0], "-X", "importtime", *PROGRAM[1:], *words]
    started = time.perf_counter()
    told = subprocess.run(
        traced, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    scale = whole / (time.perf_counter() - started)
    ours = others = 0.0
    for line in re.finditer(
        r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", told.stderr, re.MULTILINE
    ):
        seconds = int(line[1]) / 1e6 * scale
        if line[2].partition(".")[0] == "factory":
            ours += seconds
        else:
            others += seconds
    others = max(others - python, 0.0)
    parts = (("Python", python), ("libraries", others), ("own modules", ours))
    spans, begin = [], 0.0
    for stage, seconds in parts:
        end = min(begin + seconds, whole)
        spans.append(Span(label="", stage=stage, begin=begin, end=end))
        begin = end
    spans.append(Span(label="", stage="work", begin=begin, end=whole))
    return Profile(title=title, spans=tuple(spans))


def best_seconds(command: list[str], environment: dict[str, str], fresh: Path | None) -> float:
    best = float("inf")
    for _ in range(BEST_OF):
        if fresh:
            shutil.rmtree(fresh, ignore_errors=True)
        started = time.perf_counter()
        subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=True)
        best = min(best, time.perf_counter() - started)
    return best


if __name__ == "__main__":
    sys.exit(main())
