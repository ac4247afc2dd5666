"""Prereleases are in a range as npm's own semver says, with ``includePrerelease``."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from factory.versions import is_affected_by, is_in_with_prereleases, is_range, satisfies
from tests.acceptance.portal import kept_node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# npm brings its semver along.
ASK = """
const semver = require(process.argv[1]);
const asked = JSON.parse(require('fs').readFileSync(0));
const answer = ([version, range]) => [
  semver.validRange(range) !== null,
  semver.satisfies(version, range),
  semver.satisfies(version, range, {includePrerelease: true}),
];
console.log(JSON.stringify(asked.map(answer)));
"""
OPERATORS = ("", "", "=", "<", "<=", ">", ">=", "^", "~", "~>", "v", "<= ", "^ ")
PRERELEASES = ("", "", "", "-alpha", "-alpha.1", "-rc.10", "-0", "-1.2.x", "-a-b")


def a_version(chance: random.Random) -> str:
    release = ".".join(chance.choice(("0", "1", "2", "3", "10", "11")) for _ in range(3))
    return release + chance.choice(PRERELEASES) + chance.choice(("", "", "+build.5"))


def a_partial(chance: random.Random) -> str:
    parts = a_version(chance).partition("-")[0].partition("+")[0].split(".")
    open_from = chance.randrange(4)
    if open_from == 3:
        return a_version(chance)
    shown = [*parts[:open_from], *(chance.choice("xX*") for _ in parts[open_from:])]
    return ".".join(shown[: chance.choice((max(open_from, 1), 3))])


def a_range(chance: random.Random) -> str:
    kind = chance.randrange(6)
    if kind == 0:
        return f"{a_partial(chance)} - {a_partial(chance)}"
    if kind == 1:
        return chance.choice(("*", "", "latest", "x", "||", ">1.x <3", " >=1.2 || <0.5 "))
    several = [
        chance.choice(OPERATORS) + a_partial(chance) for _ in range(chance.choice((1, 1, 2)))
    ]
    other = chance.choice(("", f" || {chance.choice(OPERATORS)}{a_partial(chance)}"))
    return " ".join(several) + other


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, str]]:
    chance = random.Random(20261128)
    return [(a_version(chance), a_range(chance)) for _ in range(8000)]


@pytest.fixture(scope="module")
def answers(
    cases: Sequence[tuple[str, str]], process: dict[str, str]
) -> list[tuple[bool, bool, bool]]:
    bin_dir: Path = kept_node(process).bin_dir
    npm = (bin_dir / "npm").resolve().parent.parent
    asked = subprocess.run(
        [bin_dir / "node", "-e", ASK, npm / "node_modules/semver"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(each) for each in json.loads(asked.stdout)]


def test_ranges_mean_what_npm_says(
    cases: Sequence[tuple[str, str]], answers: Sequence[tuple[bool, bool, bool]]
) -> None:
    assert sum(valid for valid, _, _ in answers) > len(cases) // 2
    ends = 0
    for (version, asked), (valid, installs, audited) in zip(cases, answers, strict=True):
        assert is_range(asked) == valid, asked
        if valid:
            assert satisfies(version, asked) == installs, (version, asked)
            ours = is_in_with_prereleases(version, asked)
            assert ours or not audited, (version, asked)
            assert is_affected_by(version, asked) or not audited, (version, asked)
            ends += ours != audited
    # Since node-semver 7.8 the first prereleases of ~1.x and ^0.1.2 are in; npm may be older.
    assert ends < len(cases) / 500
