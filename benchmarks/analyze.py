"""How long ``plugin-factory analyze`` takes for 50 plugins and a yarn.lock of 1.5 MB, start to end.

Run it with ``python benchmarks/analyze.py``. Each run is a process of its own, as a user would
start it. Beside it stands what PyYAML's C loader needs only to load the same lockfile.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from factory.analysis.inventory import find_host

PLUGINS = 50
LEAVES = 450  # which brings the lockfile to 1.5 MB
RUNS = 5
SECONDS = 0.300
MEGABYTES = 150
# Left out of the random part: what is shared with the host, and what is native.
UNUSUAL = re.compile(r"@backstage/|linux|darwin|win32|android|bsd|^(bindings|nan|node-gyp.*)$")


def main() -> int:
    """Print the times, and return 1 if a limit does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        size = write_workspace(workspace)
        command = [
            sys.executable,
            "-c",
            "import sys; from factory.cli.program import main; sys.exit(main())",
            "analyze",
            str(workspace),
            "--json",
        ]
        timed([*command], runs=1)  # byte-compiles what is not yet
        whole, megabytes, output = timed(command, runs=RUNS)
        loading = pyyaml_seconds(workspace / "yarn.lock")
    plugins = json.loads(output)["plugins"]
    arguments = sum(len(plugin["reasons"]) for plugin in plugins)
    print(f"workspace    {len(plugins)} plugins, yarn.lock of {size / 1e6:.2f} MB")
    print(f"analyze      {whole * 1000:.0f} ms as a whole process, {megabytes:.0f} MB at most")
    print(f"             {arguments} arguments (limits: {SECONDS * 1000:.0f} ms, {MEGABYTES} MB)")
    print(f"PyYAML (C)   {loading * 1000:.0f} ms only to load the lockfile")
    print(f"ratio        {loading / whole:.1f} times as long as the whole analysis")
    held = whole < SECONDS and megabytes < MEGABYTES and len(plugins) == PLUGINS
    return 0 if held else 1


def timed(command: list[str], *, runs: int) -> tuple[float, float, str]:
    """Return the best wall time in seconds, the most memory in MB, and the output."""
    best = float("inf")
    output = ""
    # Nobody compiles modules anew at each start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        started = time.perf_counter()
        output = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout
        best = min(best, time.perf_counter() - started)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return best, most / (1e6 if sys.platform == "darwin" else 1e3), output


def pyyaml_seconds(lockfile: Path) -> float:
    """Return the best of three times that PyYAML's C loader takes for the lockfile."""
    import yaml  # noqa: PLC0415 - not part of what is measured

    text = lockfile.read_text(encoding="utf-8")
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        yaml.load(text, Loader=yaml.CSafeLoader)
        best = min(best, time.perf_counter() - started)
    return best


def write_workspace(folder: Path, plugins: int = PLUGINS) -> int:
    """Write the workspace and return the size of its lockfile in bytes.

    The lockfile has the packages of the newest host and three dependencies for each, as real ones
    have, drawn at random but the same every time; each plugin has a few dependencies, one of which
    reaches Backstage down a chain.
    """
    dice = random.Random(1)
    host = find_host()
    packages = [(name, version) for name in host.packages for version in host.versions(name)]
    plain = [package for package in packages if not UNUSUAL.search(package[0])]
    backstage = [name for name, _ in packages if name.startswith("@backstage/")]
    dependencies: dict[tuple[str, str], dict[str, str]] = {}
    leaves = [(f"leaf-{number}", "1.0.0") for number in range(LEAVES)]
    for number, package in enumerate(plain):
        few = min(number, dice.choice((0, 0, 0, 1, 1, 2, 3)))
        some = dice.sample(plain[max(0, number - 400) : number], k=few) + dice.sample(leaves, k=2)
        dependencies[package] = {name: f"^{version}" for name, version in some}
    packages += leaves
    versions = dict(packages)
    for number in range(plugins):
        for depth in range(5):
            package = (f"@chain/c{number}-{depth}", "1.0.0")
            name = f"@chain/c{number}-{depth + 1}" if depth < 4 else backstage[number]
            dependencies[package] = {name: "^1.0.0" if depth < 4 else f"^{versions[name]}"}
            packages.append(package)
    folder.mkdir(exist_ok=True)
    entries = [entry(*package, dependencies.get(package, {})) for package in sorted(packages)]
    head = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"
    (folder / "yarn.lock").write_text(head + "\n".join(entries), encoding="utf-8")
    write_json(folder, {"name": "root", "private": True, "workspaces": ["plugins/*"]})
    for number in range(plugins):
        some = dice.sample(plain, k=10)
        write_json(
            folder / f"plugins/p{number}-backend",
            {
                "name": f"@acme/p{number}-backend",
                "version": "1.0.0",
                "backstage": {"role": "backend-plugin"},
                "dependencies": {
                    **{name: f"^{version}" for name, version in some},
                    **{name: f"^{versions[name]}" for name in dice.sample(backstage, k=5)},
                    f"@chain/c{number}-0": "^1.0.0",
                },
            },
        )
    return (folder / "yarn.lock").stat().st_size


def entry(name: str, version: str, dependencies: dict[str, str]) -> str:
    """Return the text of one entry as yarn 4 writes it."""
    lines = [f'"{name}@npm:^{version}":', f"  version: {version}"]
    lines.append(f'  resolution: "{name}@npm:{version}"')
    if dependencies:
        lines.append("  dependencies:")
        lines += [f'    "{n}": "npm:{asked}"' for n, asked in sorted(dependencies.items())]
    lines.append(f"  checksum: 10c0/{'0123456789abcdef' * 8}")
    return "\n".join([*lines, "  languageName: node", "  linkType: hard\n"])


def write_json(folder: Path, content: dict[str, object]) -> None:
    """Write a package.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
