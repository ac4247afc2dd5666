"""Build published plugins, each by itself, and print what became of them as a table of the docs.

Run it with ``python benchmarks/published_packages.py --output-dir outputs [PACKAGE …]``. Without
packages it takes the list below. With ``--write`` the table replaces the one in
``docs/how-to/published-packages.md``. What was not run is not in the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/published-packages.md"
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
        return f"| `{self.package}` | {self.role or '-'} | {self.said} | {self.seconds:.0f} |"


def main() -> int:
    """Build what is asked for, and return 1 if anything was not built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    given = parser.parse_args()
    outcomes = []
    for package in given.packages:
        outcomes.append(built(package, given.output_dir))
        print(outcomes[-1].row, flush=True)
    if given.write:
        write(outcomes)
    return 0 if all(one.said.startswith("built") for one in outcomes) else 1


def built(package: str, output_dir: Path) -> Outcome:
    """Build a package with no cache of finished plugins, and read what the report says."""
    folder = output_dir / package.replace("@", "").replace("/", "-")
    command = [sys.executable, "-m", "factory", "build", "--package", package, "--no-cache"]
    began = time.monotonic()
    ended = subprocess.run(
        [*command, "--output-dir", str(folder)], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    report = folder / "build-report.json"
    if not report.is_file():
        last = (ended.stderr.strip().splitlines() or ["no word"])[-1]
        return Outcome(package=package, role="", said=last, seconds=seconds)
    read = json.loads(report.read_text(encoding="utf-8"))
    plugin = read["plugins"][0] if read["plugins"] else {"role": "", "error": None, "repairs": []}
    error = read["error"] or plugin["error"]
    said = f"built, verified{', repaired' if plugin['repairs'] else ''}"
    if error:
        said = ": ".join(part for part in (error["problem"], error["found"]) if part)
    return Outcome(
        package=package,
        role=plugin["role"],
        said=said.replace("|", "\\|").replace("\n", " "),
        seconds=seconds,
    )


def write(outcomes: list[Outcome]) -> None:
    """Put the table into the page, between its two marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "\n".join(one.row for one in outcomes)
    head = "| Package | Role | Outcome | Seconds |\n| --- | --- | --- | --- |"
    PAGE.write_text(f"{before}{BEGIN}\n\n{head}\n{rows}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
