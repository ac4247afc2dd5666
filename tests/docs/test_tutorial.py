"""The tutorial, typed as it stands, from an empty folder to plugins that a portal has loaded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.portal import kept_node, portal_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(
    r'^```sh(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
CHECKOUT = "~/src/plugin-factory"
# What is here already, and what needs a portal, a registry or a network of the reader's.
NOT_HERE = (". .venv/", "python3 -m venv", "pip install", "plugin-factory push", "https://")


def steps() -> list[tuple[str, int]]:
    """Each block of commands, and the exit code that the page says it ends with."""
    found = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["title"] == "portal":
            continue
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
    for tool in Path(process["PLUGIN_FACTORY_CACHE_DIR"]).iterdir():
        if tool.name in {"node", "rhdh-cli", "yarn"}:
            (cache / tool.name).symlink_to(tool)
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
    root = here / "dynamic-plugins-root"
    config = root / "app-config.dynamic-plugins.yaml"
    with portal_of(root, tmp_path / "host.log", process, config=config) as portal:
        assert portal.failures == {}
        assert len(portal.names) == 3
        assert len(portal.answer("/api/greetings/greetings")["greetings"]) == 3


def test_the_small_portal_is_where_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8").replace(CHECKOUT, str(ROOT))
    (block,) = (each for each in BLOCK.finditer(text) if each["title"] == "portal")
    copied = re.findall(r"^cp -r (\S+) (\S+)$", block["text"], re.MULTILINE)
    assert {target for _, target in copied} == {"portal", "page"}
    for source, target in copied:
        used = set(re.findall(rf"\b{target}/([\w.]+)", block["text"])) - {"dist"}
        assert all((Path(source) / name).is_file() for name in {"package-lock.json", *used})
    options = set(re.findall(r"(--[a-z-]+)", block["text"])) - {"--ignore-scripts"}
    host = (ROOT / "tests/backstage_host/host.mjs").read_text(encoding="utf-8")
    assert all(f"{option[2:]}" in host for option in options)
