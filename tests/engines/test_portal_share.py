"""What a plugin of Backstage's engine leaves to the portal, and which natives it may bring."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from factory.analysis.inventory import find_host
from factory.analysis.locked_workspace import LockedWorkspace, read_locked_workspace
from factory.errors import ExportError
from factory.export.portal_share import find_portal_share, refuse_native
from tests.acceptance.example_builds import EXAMPLE

HOST = find_host("rhdh-1.9")
API = "@backstage/backend-plugin-api"


@pytest.fixture(scope="module")
def locked() -> LockedWorkspace:
    return read_locked_workspace(EXAMPLE / "workspace", HOST)


def test_all_of_backstage_that_the_portal_has_is_left_to_it(locked: LockedWorkspace) -> None:
    shared = find_portal_share("", locked, HOST, self_contained=False).shared
    assert API in shared
    assert all(name.startswith("@backstage/") and name in HOST for name in shared)


def test_what_the_portal_lacks_is_brought_along(locked: LockedWorkspace) -> None:
    packages = {name: version for name, version in HOST.packages.items() if name != API}
    poorer = replace(HOST, packages=packages)
    assert API not in find_portal_share("", locked, poorer, self_contained=False).shared


@pytest.mark.parametrize(
    ("arguments", "name", "shares"),
    [
        ("--shared-package express", "express", True),
        (f"--shared-package !{API}", API, False),
        (f"--embed-package {API}", API, False),
    ],
)
def test_build_arguments_mean_what_they_mean_for_rhdh_cli(
    locked: LockedWorkspace, arguments: str, name: str, *, shares: bool
) -> None:
    share = find_portal_share(arguments, locked, HOST, self_contained=False)
    assert (name in share.shared) is shares


def test_a_self_contained_plugin_leaves_only_what_it_names(locked: LockedWorkspace) -> None:
    arguments = "--shared-package express"
    share = find_portal_share(arguments, locked, HOST, self_contained=True)
    assert share.shared == {"express"}


@pytest.mark.parametrize("name", ["@acme/../../../../x", "../x", "@acme/x/../../y"])
def test_a_name_that_leads_elsewhere_is_no_package(tmp_path: Path, name: str) -> None:
    """What is shared is removed from the installed packages, by its name."""
    for file in ("package.json", "yarn.lock"):
        (tmp_path / file).write_bytes((EXAMPLE / "workspace" / file).read_bytes())
    with (tmp_path / "yarn.lock").open("a", encoding="utf-8") as lockfile:
        lockfile.write(
            f'\n"{name}@npm:1.0.0":\n  version: 1.0.0\n  resolution: "{name}@npm:1.0.0"\n'
            "  checksum: 10c0/00\n  languageName: node\n  linkType: hard\n"
        )
    hostile = read_locked_workspace(tmp_path, HOST)
    assert name in hostile.graph.lockfile.versions
    share = find_portal_share("--shared-package /./", hostile, HOST, self_contained=False)
    assert "express" in share.shared
    assert name not in share.shared


def native(folder: Path, name: str, **fields: object) -> None:
    file = folder / "node_modules" / name / "package.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"name": name, **fields}))


@pytest.mark.parametrize(
    "fields", [{"gypfile": True}, {"binary": {"host": "h"}}, {"dependencies": {"bindings": "1"}}]
)
def test_a_native_package_is_refused_with_what_shows_it(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    native(tmp_path, "plain")
    native(tmp_path, "@scope/native", **fields)
    with pytest.raises(ExportError) as caught:
        refuse_native(tmp_path, "")
    assert "@scope/native (" in str(caught.value.found)
    assert "plain" not in str(caught.value.found)
    assert "--suppress-native-package @scope/native" in str(caught.value.hint)


def test_a_native_package_that_is_allowed_passes(tmp_path: Path) -> None:
    native(tmp_path, "@scope/native", gypfile=True)
    refuse_native(tmp_path, "--allow-native-package @scope/native")
