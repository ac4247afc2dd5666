"""The tutorial, typed as it stands, from an empty folder to plugins that a portal has loaded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.portal import kept_node

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(
    r'^```sh(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
CHECKOUT = "~/src/plugin-factory"
KEPT = {"node", "rhdh-cli", "trial-app", "trial-backend", "trial-scalprum-app", "yarn"}
# What is here already, and what needs a portal, a registry or a network of the reader's.
NOT_HERE = (". .venv/", "python3 -m venv", "pip install", "plugin-factory push", "https://")


def steps() -> list[tuple[str, int]]:
    """Each block of commands, and the exit code that the page says it ends with."""
    found = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        lines = [
            line for line in block["text"].splitlines() if not any(n in line for n in NOT_HERE)
        ]
        ends = re.fullmatch(r"ends with exit code (\d+)", block["title"] or "")
        if lines:
            found.append(("\n".join(lines), int(ends[1]) if ends else 0))
    return found


def test_the_tutorial_leads_to_plugins_that_a_portal_loads(
    process: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "bin/plugin-factory"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m factory "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    cache = tmp_path / "cache"
    cache.mkdir()
    kept_node(process)
    for name in KEPT:
        tool = Path(process["PLUGIN_FACTORY_CACHE_DIR"], name)
        tool.mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(tool)
    own = {
        "PATH": os.pathsep.join([str(program.parent), process["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "PLUGIN_FACTORY_CACHE_DIR": str(cache),
        "PLUGIN_FACTORY_NO_CACHE": "false",
    }
    here = tmp_path
    said = ""
    for text, code in steps():
        if text.startswith("mkdir my-plugins"):
            here = tmp_path / "my-plugins"
            here.mkdir()
            continue
        ended = subprocess.run(
            ["bash", "-euc", text.replace(CHECKOUT, str(ROOT))],
            cwd=here,
            env=process | own,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert ended.returncode == code, f"{text}\n{ended.stdout}{ended.stderr}"
        said += ended.stdout + ended.stderr

    # What the page promises on the way.
    for promise in ("written  config/source.json", "3 plugins verified, all checks passed"):
        assert promise in said
    assert "2 cached" in said
    # In a portal of the old frontend system all of them hold; in the new one the page has no place.
    for promise in ("initialised  greetings/nordic", "page         /greetings", "not tried"):
        assert promise in said
    for picture in ("greetings", "catalog-default-component-sample-service"):
        assert (here / f"pictures/{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_are_small() -> None:
    pictures = re.findall(r"\]\((images/[^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) == 3
    assert all((PAGE.parent / one).stat().st_size < 150_000 for one in pictures)
