"""What ``verify`` says of frontends by frontend system, and of names that two of them have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.inventory import HostInventory
from factory.verification.findings import MANIFESTS, NAMES, SHOWS, Verified
from factory.verification.frontend_systems import check_names, find_system
from factory.verification.plugin_checks import Terms, verify_plugin_folder

from ..command_line import Ended, run_here
from ..frontend.bundles import NAMED_EXPORT, federated, scalprum, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from factory.frontend.verdict import System

OLD_ONLY = scalprum() | federated(".", script=NAMED_EXPORT)
NEW_ONLY = federated(".", "alpha")


def checked(root: Path, files: dict[str, str], *systems: System, **package: Any) -> Verified:
    write_bundle(root, files, **package)
    host = HostInventory(name="test-host", release="1.0", backstage="1.42.5", packages={})
    terms = Terms(host=host, loader=None, systems=frozenset(systems))
    return verify_plugin_folder(root, str(root), terms)


def said(result: Verified, check: str) -> tuple[str, str]:
    finding = next(one for one in result.findings if one.check == check)
    return finding.result, f"{finding.detail} {finding.found}"


@pytest.mark.parametrize(
    ("files", "systems", "result", "words"),
    [
        (OLD_ONLY, (), "passed", "old: shows; new: does not show (new because"),
        (NEW_ONLY, (), "passed", "old: does not show; new: shows (old because"),
        (scalprum() | NEW_ONLY, ("old", "new"), "passed", "old: shows; new: shows"),
        (OLD_ONLY, ("new",), "failed", "does not show in the new frontend system"),
        (NEW_ONLY, ("old",), "failed", "does not show in the old frontend system"),
        (federated(".", script=NAMED_EXPORT), (), "failed", "no portal shows the plugin"),
        (
            federated(".", shared=("@backstage/frontend-plugin-api",)),
            ("new",),
            "failed",
            "cannot be said to show in the new",
        ),
        ({}, (), "skipped", "manifests"),
    ],
)
def test_a_frontend_shows_where_it_must(
    files: dict[str, str], systems: tuple[System, ...], result: str, words: str, tmp_path: Path
) -> None:
    found = said(checked(tmp_path, files, *systems), SHOWS)
    assert found[0] == result
    assert words in found[1]


def test_manifests_that_are_not_whole_are_told_once(tmp_path: Path) -> None:
    result = checked(tmp_path, {})
    assert [one.check for one in result.failures] == [MANIFESTS]


def test_two_packages_of_one_name_are_told(tmp_path: Path) -> None:
    results = [
        checked(tmp_path / "a", scalprum() | NEW_ONLY),
        checked(tmp_path / "b", scalprum(name="other") | NEW_ONLY, name="@team/fork"),
        checked(tmp_path / "c", scalprum(), name="@team/third"),
        checked(tmp_path / "d", scalprum() | NEW_ONLY, version="2.0.0"),
    ]
    found = [
        [one.detail for one in each.failures if one.check == NAMES] for each in check_names(results)
    ]
    assert found == [
        [],
        ["two plugins are called team__todo in the new frontend system"],
        ["two plugins are called team.todo in the old frontend system"],
        [],  # another version of the first is no second plugin
    ]


@pytest.mark.parametrize(
    ("host", "system"),
    [
        ("rhdh-1.7", "old"),
        ("rhdh-1.10", "old"),
        ("rhdh-2.0", "old"),
        ("rhdh-2.1", "new"),
        ("rhdh-3.0", "new"),
        ("yarn.lock", None),
        ("", None),
    ],
)
def test_releases_of_rhdh_have_a_frontend_system(host: str, system: str | None) -> None:
    assert find_system(host) == system


def verify(*words: object) -> Ended:
    return run_here({}, "verify", *map(str, words), "--no-load")


def test_the_command_tells_it_for_people_and_machines(tmp_path: Path) -> None:
    write_bundle(tmp_path, OLD_ONLY)
    told = verify(tmp_path)
    assert told.code == 0, told.said
    told.assert_says("frontend systems", "old: shows; new: does not show")
    document = json.loads(verify(tmp_path, "--json").stdout)
    systems = document["plugins"][0]["frontend-systems"]
    assert systems["old"]["shows"] is True
    assert systems["new"] == {"shows": False, "why": "what it exposes has no default export"}


def test_a_system_is_asked_for_by_name_or_by_a_portal(tmp_path: Path) -> None:
    write_bundle(tmp_path, NEW_ONLY)
    assert verify(tmp_path, "--shows-in", "new").code == 0
    refused = verify(tmp_path, "--host", "rhdh-1.10")
    assert refused.code == 14
    refused.assert_says("does not show in the old frontend system", "plugin-manifest.json")
    assert verify(tmp_path, "--host", "rhdh-1.10", "--shows-in", "new").code == 0
