"""Build published plugins, each by itself, and print what became of them as a table of the docs.

Run it with ``python benchmarks/published_packages.py --output-dir outputs [PACKAGE …]``. Without
packages it takes the list below. With ``--try`` each backend is then started in the Backstage of
``plugin-factory try``, with the app-config beside this file. With ``--read`` nothing is built:
the table is of what an earlier run has left in the output directory. With ``--write`` it replaces
the one in ``docs/how-to/tried-packages.md``. What was not run is not in the table.

The last line is of one plugin that is built from a repository, the shipped example's: the time that
the way over a checkout takes, in the same run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/tried-packages.md"
CONFIG = Path(__file__).with_suffix(".yaml")
BEGIN = "<!-- table: benchmarks/published_packages.py -->"
END = "<!-- end of table -->"
PACKAGES = (
    "@backstage-community/plugin-todo-backend@0.25.0",
    "@immobiliarelabs/backstage-plugin-gitlab-backend@6.13.0",
    "@backstage/plugin-devtools-backend@0.5.21",
    "@backstage-community/plugin-jenkins-backend@0.31.0",
    "@codeverse-gp/plugin-usage-statistics-backend@1.5.0",
    "@backstage-community/plugin-scaffolder-backend-module-regex@2.18.0",
    "@aws/amazon-ecs-plugin-for-backstage-backend@0.10.0",
    "@backstage-community/plugin-tech-radar@1.14.0",
    "@backstage-community/plugin-quay@1.24.0",
    "@roadiehq/backstage-plugin-github-insights@2.0.1",
    "@parsifal-m/plugin-dev-quotes-homepage@3.0.8",
    "@globallogicuki/backstage-plugin-terraform@0.6.0",
    "@backstage/plugin-devtools@0.1.43",
    "@backstage-community/plugin-grafana@0.21.0",
    "backstage-plugin-techdocs-addon-mermaid@0.26.0",
)
EXAMPLE = Path(__file__).resolve().parents[1] / "examples/local-workspace"
FROM_REPOSITORY = "plugins/greetings-backend"
BUILT = "built, verified"
LARGEST_SAID = 240
START_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one package: its role, or the reason why it was not built; in seconds."""

    package: str
    role: str
    said: str
    seconds: float

    @property
    def row(self) -> str:
        """A line of the table."""
        said = self.said.replace("|", "\\|")
        return f"| `{self.package}` | {self.role or '-'} | {said} | {self.seconds:.0f} |"


def main() -> int:
    """Build what is asked for, and return 1 if anything was not built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--try", action="store_true", dest="tries", help="start each backend")
    parser.add_argument("--read", action="store_true", help="build nothing")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    given = parser.parse_args()
    outcomes = []
    for package in given.packages:
        folder = given.output_dir / package.replace("@", "").replace("/", "-")
        last = "" if given.read else build(package, folder)
        outcomes.append(outcome_of(package, folder, last, tries=given.tries))
        print(outcomes[-1].row, flush=True)
    folder = given.output_dir / "from-a-repository"
    last = "" if given.read else build_from_repository(folder)
    outcomes.append(outcome_of(f"{FROM_REPOSITORY} of the example's repository", folder, last))
    print(outcomes[-1].row, flush=True)
    if given.write:
        write(outcomes)
    return 0 if all(one.said.startswith(BUILT) for one in outcomes) else 1


def build(package: str, folder: Path) -> str:
    """Build a package with no cache of finished plugins; return the last line that was said."""
    return run_build("--package", package, "--output-dir", str(folder))


def build_from_repository(folder: Path) -> str:
    """Build one plugin of the shipped example from its sources; return the last line likewise."""
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "config")
        shutil.copytree(EXAMPLE, config)
        words = ("--config-dir", str(config), "--repo-path", str(Path(scratch, "source")))
        return run_build(*words, "--only", FROM_REPOSITORY, "--output-dir", str(folder))


def run_build(*words: str) -> str:
    command = [sys.executable, "-m", "factory", "build", "--no-cache", *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return (ended.stderr.strip().splitlines() or ["no word"])[-1]


def outcome_of(package: str, folder: Path, last: str, *, tries: bool = False) -> Outcome:
    """Read what the report of a build says, and start what it has made."""
    report = folder / "build-report.json"
    if not report.is_file():
        return Outcome(package=package, role="", said=last or "not tried", seconds=0)
    read = json.loads(report.read_text(encoding="utf-8"))
    plugin = read["plugins"][0] if read["plugins"] else {"role": "", "error": None, "repairs": []}
    error = read["error"] or plugin["error"]
    if error:
        said = ": ".join(part for part in (error["problem"], error["found"]) if part)
    else:
        said = BUILT + (", repaired" if plugin["repairs"] else "")
        if tries and plugin["role"].startswith("backend"):
            said += f"; {started(folder)}"
    said = " ".join(said.split())[:LARGEST_SAID]
    return Outcome(package=package, role=plugin["role"], said=said, seconds=read["seconds"])


def started(folder: Path) -> str:
    """Start the plugin in a real Backstage backend, and return what that says."""
    command = [sys.executable, "-m", "factory", "try", str(folder), "--json"]
    command += ["--app-config", str(CONFIG), "--initialise-within", f"{START_SECONDS}s"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if not ended.stdout:
        return f"does not start: {ended.stderr.strip()[-LARGEST_SAID:]}"
    (plugin,) = json.loads(ended.stdout)["plugins"]
    if plugin["state"] == "initialised":
        return "initialises in a backend"
    return f"{plugin['state']}: {plugin['why']}"


def write(outcomes: list[Outcome]) -> None:
    """Put the table into the page, between its two marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "\n".join(one.row for one in outcomes)
    head = "| Package | Role | Outcome | Seconds |\n| --- | --- | --- | --- |"
    PAGE.write_text(f"{before}{BEGIN}\n\n{head}\n{rows}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
