"""Ranges mean what npm says: npm_ranges.json holds the answers of npm's own semver 7.7.2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.versions import (
    highest,
    is_in,
    is_range,
    is_version,
    lowest_in,
    release_of,
    satisfies,
)

TABLE = json.loads(Path(__file__).with_name("npm_ranges.json").read_text(encoding="utf-8"))
VERSIONS: list[str] = TABLE["versions"]
RANGES: dict[str, list[str] | None] = TABLE["ranges"]
LOWEST: dict[str, str | None] = TABLE["lowest"]


@pytest.mark.parametrize("asked", LOWEST)
def test_the_lowest_version_in_a_range_is_npms_min_version(asked: str) -> None:
    assert lowest_in(asked) == LOWEST[asked]


@pytest.mark.parametrize("asked", [asked for asked, found in RANGES.items() if found is not None])
def test_the_same_versions_satisfy_a_range_as_in_npm(asked: str) -> None:
    assert [v for v in VERSIONS if satisfies(v, asked)] == RANGES[asked]


@pytest.mark.parametrize("asked", [asked for asked, found in RANGES.items() if found is None])
def test_what_npm_calls_no_range_is_an_error(asked: str) -> None:
    assert not is_range(asked)
    with pytest.raises(ValueError, match="not an npm version range"):
        satisfies("1.0.0", asked)


def test_an_invalid_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a semantic version"):
        satisfies("one", "*")


def test_the_highest_version_is_not_the_last_alphabetically() -> None:
    assert highest(["1.2.0", "1.10.0", "1.9.0"]) == "1.10.0"
    assert highest([]) is None


def test_a_release_is_higher_than_its_prereleases() -> None:
    assert highest(["1.0.0-rc.2", "1.0.0", "1.0.0-rc.10"]) == "1.0.0"
    assert highest([]) is None


def test_nothing_is_in_what_is_no_range() -> None:
    assert is_in("1.2.0", "^1.0.0")
    assert not is_in("1.2.0", "^2.0.0")
    assert not is_in("1.2.0", "workspace:^")
    assert not is_in("one", "^1.0.0")


def test_a_version_has_three_numbers() -> None:
    assert is_version("1.52.0")
    assert is_version("1.52.0-next.1")
    assert not is_version("1.52")
    assert not is_version("main")


@pytest.mark.parametrize(
    ("version", "release"),
    [("1.42.0", "1.42.0"), ("1.42.0-next.1", "1.42.0"), ("2.0.1+build.5", "2.0.1")],
)
def test_the_release_of_a_version(version: str, release: str) -> None:
    assert release_of(version) == release


def test_what_is_no_version_has_no_release() -> None:
    with pytest.raises(ValueError, match="not a semantic version"):
        release_of("1.42")
