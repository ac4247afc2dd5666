"""Make the picture of a run's page: ``python docs/run_page_picture.py``.

Writes the reports of a made-up run and of the one before it, has ``report html`` make the page of
them, and takes a picture of it in Chromium: ``docs/images/run-page.png``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).resolve().parent / "images/run-page.png"
_COMMIT = "9f2c4be1a77d03c5e8b6f1d2a4c3b5e6f7a8b9c0"
_LOG = """\
➤ YN0000: · Yarn 4.9.2
[export] Packages that the plugin embeds: @acme/plugin-catalog-sync-common
[export] Bundling backend entry points
[export] Error: the following shared dependencies are not declared by the host:
[export]   @backstage/plugin-catalog-node@^2.0.0, found 1.17.0
[export] Exit code 1
"""


def main() -> None:
    """Make the picture, in the colours and the width that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        page = write_page(root)
        subprocess.run(
            [
                shutil.which("chromium") or "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(["--blink-settings=preferredColorScheme=0"] if options.dark else []),
                f"--user-data-dir={root / 'profile'}",
                f"--window-size={options.width},{options.height}",
                f"--screenshot={options.output.absolute()}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )


def write_page(root: Path) -> Path:
    """Write the two runs and the page, and return its file."""
    for name, grown in (("now", 1.0), ("before", 0.94)):
        folder = root / name
        (folder / "catalog-sync/logs").mkdir(parents=True)
        (folder / "build-report.json").write_text(json.dumps(_run(grown, first=name == "before")))
        (folder / "catalog-sync/logs/plugins-backend.export.log").write_text(_LOG)
    page = root / "now/report.html"
    words = ["report", "html", str(root / "now"), "--before", str(root / "before")]
    subprocess.run(
        [sys.executable, "-m", "factory", *words, "--output", str(page)],
        check=True,
        capture_output=True,
    )
    return page


def _run(grown: float, *, first: bool) -> dict[str, Any]:
    workspaces = [
        _workspace(
            "todo",
            {"source": 2.1, "analyse": 0.6, "install": 38.2, "tsc": 14.9},
            _plugin("plugins/todo", "frontend-plugin", 412_000 * grown, export=19.0),
            _plugin("plugins/todo-backend", "backend-plugin", 2_480_000, compile=6.0, export=11.0),
        ),
        _workspace(
            "catalog-sync",
            {"source": 3.0, "override": 0.2, "install": 51.4, "tsc": 22.3},
            _plugin("plugins/frontend", "frontend-plugin", 733_000 * grown * grown, export=24.0),
            _plugin("plugins/backend", "backend-plugin", None if not first else 1, export=8.7),
            _plugin("plugins/module-ldap", "backend-plugin-module", 1_204_000, export=9.9),
        ),
        _workspace(
            "announcements",
            {"source": 0.4},
            _plugin("plugins/announcements", "frontend-plugin", 604_000, cached=True),
            _plugin("plugins/announcements-backend", "backend-plugin", 3_140_000, cached=True),
            _plugin("plugins/search", "backend-plugin-module", 310_000, cached=True),
        ),
        _workspace(
            "tech-radar",
            {"source": 1.2, "install": 29.0, "tsc": 9.3},
            _plugin("plugins/tech-radar", "frontend-plugin", 955_000 / grown, export=16.2),
        ),
    ]
    workspaces[0]["warnings"] = [
        "plugins/todo: the version of react that it was built with is not the portal's"
    ]
    return {
        "format": 1,
        "outcome": "failed",
        "exit-code": 9,
        "started": "2026-07-01T06:00:12+00:00",
        "seconds": 146.8,
        "tools": {"factory": "0.1.0", "python": "3.12.4"},
        "workspaces": workspaces,
        "warnings": [],
        "error": None,
    }


def _workspace(name: str, stages: dict[str, float], *plugins: dict[str, Any]) -> dict[str, Any]:
    failed = any(each["error"] for each in plugins)
    return {
        "name": name,
        "format": 1,
        "outcome": "failed" if failed else "done",
        "exit-code": 9 if failed else 0,
        "started": "2026-07-01T06:00:12+00:00",
        "seconds": sum(stages.values()),
        "tools": {
            "factory": "0.1.0",
            "python": "3.12.4",
            "node": "22.20.0",
            "yarn": "4.9.2",
            "rhdh-cli": "1.9.1",
        },
        "source": {
            "repo": "https://github.com/acme/portal-plugins",
            "ref": f"{name}@1.4.0",
            "commit": _COMMIT,
            "committed-at": 1_780_000_000,
            "workspace-path": f"workspaces/{name}",
            "local": False,
            "modified": False,
            "patches": [],
            "overlays": [],
        },
        "stages": stages,
        "plugins": list(plugins),
        "left-out": [],
        "warnings": [],
        "error": None,
    }


def _plugin(
    path: str, role: str, size: float | None, *, cached: bool = False, **stages: float
) -> dict[str, Any]:
    name = f"@acme/{path.replace('/', '-')}"
    archive = f"{name.replace('@', '').replace('/', '-')}-dynamic-1.4.0.tgz"
    return {
        "path": path,
        "outcome": "done" if size is not None else "failed",
        "cached": cached,
        "built-because": None if cached else "its source has changed",
        "name": name,
        "exported-name": None,
        "version": "1.4.0",
        "role": role,
        "arguments": "",
        "repairs": [],
        "files": [{"name": archive, "size": round(size)}] if size is not None else [],
        "integrity": None,
        "image": None
        if size is None
        else {
            "reference": f"quay.io/acme/{path.rpartition('/')[2]}:1.4.0",
            "digest": f"sha256:{'d' * 64}",
        },
        "seconds": {"verify": 0.3} if cached else stages | {"pack": 1.4, "verify": 0.8},
        "error": None if size is not None else _error(),
    }


def _error() -> dict[str, Any]:
    return {
        "kind": "export",
        "exit-code": 9,
        "problem": "rhdh-cli refuses to export the plugin",
        "place": "plugins/backend/package.json (dependencies)",
        "found": "@backstage/plugin-catalog-node 2.0.0",
        "expected": "a version that the portal shares: ^1.17.0",
        "hint": "build an older ref, or choose a newer portal: --host rhdh-1.10",
        "details": None,
        "log": "logs/plugins-backend.export.log",
    }


if __name__ == "__main__":
    main()
