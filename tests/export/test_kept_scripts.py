"""What a minimizer has made is kept beside it, and taken from there for the same text alone.

With the real one and rhdh-cli: tests/acceptance/test_needed_work.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from tests.acceptance.portal import kept_node

# What the worker of terser-webpack-plugin exports; it notes what it is asked for.
WORKER = """
const fs = require('node:fs');
exports.minify = () => 'minify';
exports.transform = async text => {
  fs.appendFileSync(process.env.ASKED, `${text}\\n`);
  const warnings = text === 'odd' ? ['odd'] : [];
  return { code: `short ${text}`, map: { version: 3, file: undefined }, errors: [], warnings };
};
"""
ASK = """
const worker = require(process.argv[2]);
const { isDeepStrictEqual } = require('node:util');
(async () => {
  const wanted = text => ({
    code: `short ${text}`, map: { version: 3, file: undefined }, errors: [], warnings: [],
  });
  const right = [];
  for (const text of process.argv.slice(3)) {
    const made = await worker.transform(text);
    right.push(text === 'odd' || isDeepStrictEqual(made, wanted(text)));
  }
  console.log(JSON.stringify([worker.minify(), right]));
})();
"""
Ask = Callable[..., list[str]]


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A tool at its place in a workspace."""
    return tmp_path / "node_modules/.plugin-factory/a tool-1"


@pytest.fixture
def ask(tool: Path, tmp_path: Path, process: dict[str, str]) -> Ask:
    """Ask for texts in a process of its own, and return those that the worker itself has made."""
    script = tmp_path / "kept_scripts.cjs"
    script.write_bytes(resources.files("factory.export").joinpath(script.name).read_bytes())

    def ask_for(*texts: str, tool: Path = tool) -> list[str]:
        worker = tool / "node_modules/terser-webpack-plugin/dist/minify.js"
        worker.parent.mkdir(parents=True, exist_ok=True)
        worker.write_text(WORKER)
        asked = tmp_path / "asked"
        asked.write_text("")
        node = kept_node(process).bin_dir / "node"
        ended = subprocess.run(
            [node, "--require", script, "-e", ASK, "-", worker, *texts],
            env={**process, "ASKED": str(asked)},
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
        assert json.loads(ended.stdout) == ["minify", [True] * len(texts)]
        return asked.read_text().splitlines()

    return ask_for


def kept(tool: Path) -> list[Path]:
    return sorted((tool / ".minified").iterdir())


def test_the_same_text_is_minified_once(ask: Ask) -> None:
    assert ask("one", "two") == ["one", "two"]
    assert ask("one", "other", "two", "one") == ["other"]


def test_what_something_was_said_about_is_said_again(ask: Ask, tool: Path) -> None:
    assert ask("odd") == ["odd"]
    assert ask("odd") == ["odd"]
    assert not kept(tool)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"no such thing"])
def test_one_that_was_cut_short_is_made_anew(ask: Ask, tool: Path, content: bytes) -> None:
    ask("one")
    (file,) = kept(tool)
    file.write_bytes(content)
    assert ask("one") == ["one"]
    assert ask("one") == []
    assert kept(tool) == [file]


def test_where_nothing_can_be_kept_it_is_made_all_the_same(ask: Ask, tool: Path) -> None:
    tool.mkdir(parents=True)
    (tool / ".minified").write_text("not a folder")
    assert ask("one") == ["one"]
    assert ask("one") == ["one"]


def test_nothing_is_kept_for_a_tool_that_is_not_in_its_place(ask: Ask, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a tool"
    assert ask("one", tool=elsewhere) == ["one"]
    assert ask("one", tool=elsewhere) == ["one"]
    assert [each.name for each in elsewhere.iterdir()] == ["node_modules"]


def test_of_too_many_those_stay_that_were_used_last(ask: Ask, tool: Path) -> None:
    ask("one", "two")
    one, two = kept(tool)
    for number in range(3000):
        file = tool / f".minified/{number}"
        file.write_bytes(b"")
        os.utime(file, (number, number))
    os.utime(two, (5, 5))
    ask("three")
    names = {file.name for file in kept(tool)}
    assert {one.name, "2999"} < names
    assert not {two.name, "0"} & names
    assert len(names) == 1501
