"""Which of the published versions of rhdh-cli somebody means, by what a registry answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.analysis.inventory import find_host, host_names, plain_host_names
from factory.config.environment import Environment
from factory.config.options import ArgumentOptions
from factory.errors import ConfigurationError, ToolchainError, UsageError
from factory.export.tool_choice import wanted_by_portal, wanted_tools
from factory.toolchain.rhdh_cli_version import (
    PublishedVersions,
    find_known_version,
    pick_version,
    read_published,
    refuse_no_version,
)
from factory.toolchain.wanted_tools import WantedNode, WantedRhdhCli
from factory.versions import is_in

ALL = PublishedVersions(
    versions=(
        *("1.7.2", "1.8.0", "1.9.0", "1.9.1", "1.9.2", "1.9.3", "1.10.7", "1.10.8", "1.10.9"),
        *("1.11.2", "2.0.0-next.1", "2.0.0", "2.0.1"),
    ),
    tags={"latest": "2.0.1", "next": "2.0.0-next.1", "release-1.10": "1.10.9"},
)
LONELY = PublishedVersions(versions=("1.9.1",), tags={"latest": "1.9.1"})


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("1.9.1", "1.9.1"),
        ("5.0.0", "5.0.0"),  # the registry may hide it; its installation tells
        ("latest", "2.0.1"),
        ("release-1.10", "1.10.9"),
        ("~1.10.0", "1.10.9"),
        ("1.x", "1.11.2"),
        (">=1.9.2 <1.10.9", "1.10.8"),
        ("1.7.2 || 1.8.0", "1.8.0"),
        ("*", "2.0.1"),
    ],
)
def test_the_user_says_a_version_a_tag_or_a_range(wanted: str, version: str) -> None:
    refuse_no_version(wanted)
    chosen = pick_version(WantedRhdhCli(wanted=wanted), ALL)
    assert chosen.version == version
    assert "RHDH_CLI_VERSION" in chosen.why or f"the tag '{wanted}' of" in chosen.why
    assert not chosen.warning


@pytest.mark.parametrize("wanted", ["", " ", "npm:1.9.1", "../x", "--tag", "a b", "1.9.1;", "@x/y"])
def test_anything_else_is_refused(wanted: str) -> None:
    with pytest.raises(ConfigurationError, match="RHDH_CLI_VERSION is not a version"):
        refuse_no_version(wanted)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("~1.10.0", r"no rhdh-cli of the npm registry is in RHDH_CLI_VERSION=~1.10.0"),
        ("release-1.10", "which rhdh-cli is 'release-1.10'"),
    ],
)
def test_what_the_user_asks_for_is_never_replaced(wanted: str, problem: str) -> None:
    with pytest.raises(ToolchainError, match=problem) as caught:
        pick_version(WantedRhdhCli(wanted=wanted), LONELY)
    assert "it has 1.9.1" in str(caught.value.found)
    assert "RHDH_CLI_VERSION=1.9.1" in str(caught.value.hint)


RELEASED_WITH = {
    "rhdh-1.7": "1.7.2",
    "rhdh-1.8": "1.8.0",
    "rhdh-1.9": "1.9.2",
    "rhdh-1.10": "1.10.8",
    "rhdh-2.0": "2.0.0",
    "veecode-1.3.8": "1.11.2",
    "butler-2026-03": "1.9.2",
}


@pytest.mark.parametrize("host", host_names())
def test_a_portal_wants_what_it_was_released_with(host: str) -> None:
    chosen = pick_version(wanted_by_portal(find_host(host)), ALL)
    assert chosen.version == RELEASED_WITH[host]
    assert chosen.why == f"{host} was released with it"
    assert not chosen.warning


@pytest.mark.parametrize("host", [*host_names(), "backstage-1.36", "backstage-1.52"])
def test_where_the_registry_lacks_it_the_newest_that_serves_is_taken_and_said(host: str) -> None:
    wanted, version = wanted_by_portal(find_host(host)), "1.9.1"
    chosen = pick_version(wanted, LONELY)
    assert chosen.version == version
    assert wanted.wanted in chosen.warning
    assert f"using {version}" in chosen.warning
    assert "lacks" in chosen.why


def test_the_fallback_is_the_newest_and_none_that_is_newer_than_the_portal() -> None:
    without = PublishedVersions(
        versions=tuple(one for one in ALL.versions if one != "1.10.8"), tags=ALL.tags
    )
    assert pick_version(wanted_by_portal(find_host("rhdh-1.10")), without).version == "1.10.9"
    newer = PublishedVersions(versions=("1.11.2", "2.0.1"), tags={})
    for host in ("rhdh-1.7", "rhdh-1.10"):
        wanted = wanted_by_portal(find_host(host))
        with pytest.raises(ToolchainError, match="the npm registry has no rhdh-cli for") as caught:
            pick_version(wanted, newer)
        assert caught.value.found == "it has 1.11.2, 2.0.1"
        assert wanted.wanted in str(caught.value.expected)
        assert "RHDH_CLI_VERSION=2.0.1" in str(caught.value.hint)


@pytest.mark.parametrize("host", [*host_names(), *plain_host_names()])
def test_every_portal_accepts_what_it_was_released_with(host: str) -> None:
    profile = find_host(host).profile
    for versions in profile.engine_versions.values():
        assert is_in(versions.version, versions.accepts)
    assert "rhdh" in profile.engine_versions
    assert {profile.engine.frontend, profile.engine.backend} <= set(profile.engine_versions)


@pytest.mark.parametrize(
    "answer",
    [
        *("", "[]", '"1.9.1"', "{}", '{"versions": {}, "dist-tags": {}}'),
        '{"versions": ["1.9.1"], "dist-tags": []}',
    ],
)
def test_an_answer_of_another_form_is_refused(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_published(answer)


def test_what_is_no_version_in_an_answer_is_passed_over() -> None:
    answer = {
        "versions": ["1.10.0", "1.9.1", "../../etc", 7, None, "1.9"],
        "dist-tags": {"latest": "1.10.0", "bad": "$(id)"},
    }
    published = read_published(json.dumps(answer))
    assert published.versions == ("1.9.1", "1.10.0")
    assert dict(published.tags) == {"latest": "1.10.0"}
    assert read_published('{"versions": "1.9.1", "dist-tags": {}}').versions == ("1.9.1",)


@pytest.mark.parametrize("content", [b"\xff", b"{", b'{"versions": 1}', b"1.9.1\n"])
def test_a_kept_answer_that_cannot_be_read_is_asked_for_again(
    content: bytes, tmp_path: Path
) -> None:
    wanted = WantedRhdhCli(wanted="latest")
    folder = tmp_path / "rhdh-cli"
    folder.mkdir()
    assert find_known_version(wanted, env={}, cache=tmp_path, installed=()) is None
    digest = "44136fa355b3"  # of no settings: {}
    file = folder / f".published-{digest}"
    file.write_text('{"versions": ["1.9.1"], "dist-tags": {"latest": "1.9.1"}}')
    known = find_known_version(wanted, env={}, cache=tmp_path, installed=())
    assert known
    assert known.version == "1.9.1"
    file.write_bytes(content)
    assert find_known_version(wanted, env={}, cache=tmp_path, installed=()) is None


def environment(**variables: str) -> Environment:
    return Environment(variables=variables)


def test_a_portal_that_nobody_named_decides_rhdh_cli_and_not_node() -> None:
    host = find_host()
    tools = wanted_tools(ArgumentOptions(), environment(), host)
    assert tools.rhdh_cli.wanted == "1.10.8"
    assert tools.node == WantedNode()
    assert tools.engine_why == "rhdh-1.10, the default portal"


def test_the_portal_that_is_named_decides_both_unless_the_user_says_otherwise() -> None:
    host = find_host("rhdh-1.9")
    named = wanted_tools(ArgumentOptions(host=("rhdh-1.9",)), environment(), host)
    assert named.rhdh_cli == WantedRhdhCli(wanted="1.9.2", portal="rhdh-1.9", accepts="~1.9.0")
    assert named.node == WantedNode(range="22", portal="rhdh-1.9")
    said = ArgumentOptions(host=("rhdh-1.9",), node="20")
    told = wanted_tools(said, environment(RHDH_CLI_VERSION="~1.10.0"), host)
    assert told.rhdh_cli == WantedRhdhCli(wanted="~1.10.0")
    assert told.node == WantedNode(range="20")
    with pytest.raises(UsageError, match="--node is not a version"):
        wanted_tools(ArgumentOptions(node="latest"), environment(), host)
