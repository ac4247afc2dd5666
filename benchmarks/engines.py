"""What the two engines cost: the shipped example exported by rhdh-cli and by Backstage's own.

    python benchmarks/engines.py [--rounds N]

Cold, a build starts from the configuration and an empty folder, with node, yarn, the engines and
yarn's package cache at hand. Warm, it is built in place again: dependencies are installed. Neither
takes a finished plugin from the cache. The example's frontend is given a default export for the new
frontend system, without which the second engine makes nothing of it. The best of the rounds is
compared, which take turns.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from factory.engines import Engine
from factory.toolchain.rhdh_cli import list_known_versions

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/local-workspace"
INDEX = "plugins/greetings/src/index.ts"
FEATURE = """
type Feature = { readonly $$type: '@backstage/FrontendPlugin'; readonly id: string };

function makeFeature(id: string): Feature {
  return { $$type: '@backstage/FrontendPlugin', id };
}

export default makeFeature('greetings');
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    home = ROOT / "build/benchmark-home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "PLUGIN_FACTORY_CACHE_DIR": str(home / "tools"),
        "RHDH_CLI_VERSION": list_known_versions()[-1],
    }
    cold: dict[Engine, list[float]] = {engine: [] for engine in Engine}
    warm: dict[Engine, list[float]] = {engine: [] for engine in Engine}
    with tempfile.TemporaryDirectory(prefix="factory-benchmark-") as name:
        work = Path(name)
        for number in range(rounds + 1):
            print(
                f"round {number} of {rounds}" if number else "warming the caches", file=sys.stderr
            )
            for engine in Engine:
                folder = work / f"{engine}-{number}"
                first = build(folder, engine, environment)
                again = build(folder, engine, environment, "--use-local")
                shutil.rmtree(folder)
                if number:
                    cold[engine].append(first)
                    warm[engine].append(again)
    for what, seconds in (("cold", cold), ("warm", warm)):
        best = {engine: min(measured) for engine, measured in seconds.items()}
        said = "   ".join(f"{engine} {best[engine]:6.1f} s" for engine in Engine)
        ratio = best[Engine.BACKSTAGE] / best[Engine.RHDH]
        print(f"{what}   {said}   backstage : rhdh {ratio:.2f}")


def build(folder: Path, engine: Engine, environment: dict[str, str], *options: str) -> float:
    """Build the example in a folder, which is new without ``--use-local``; return the seconds."""
    config = folder / "config"
    if options:
        shutil.rmtree(config / "patches", ignore_errors=True)
        shutil.rmtree(config / "plugins", ignore_errors=True)
        (config / "source.json").unlink()
    else:
        shutil.copytree(EXAMPLE, config)
        with (config / "workspace" / INDEX).open("a", encoding="utf-8") as index:
            index.write(FEATURE)
    folders = {
        "--config-dir": config,
        "--repo-path": folder / "source",
        "--output-dir": folder / "outputs",
    }
    words = [str(word) for pair in folders.items() for word in pair]
    command = [sys.executable, "-m", "factory", "build", *words, "--no-cache"]
    started = time.monotonic()
    ended = subprocess.run(
        [*command, "--engine", engine, *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(ended.stdout + ended.stderr)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
