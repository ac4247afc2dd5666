"""Which release of Backstage packages belong to: by all manifests that there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.analysis.backstage_releases import (
    find_release,
    list_releases,
    pack_releases,
    packages_of_release,
)
from factory.analysis.inventory import find_host
from factory.analysis.release_match import lowest_versions, match_release
from factory.analysis.workspace_backstage import find_workspace_backstage
from factory.errors import ConfigurationError
from factory.versions import is_version

if TYPE_CHECKING:
    from pathlib import Path

BACKEND_API = "@backstage/backend-plugin-api"


@pytest.mark.parametrize("release", list_releases())
def test_the_packages_of_a_release_belong_to_it(release: str) -> None:
    packages = packages_of_release(release)
    assert all(map(is_version, packages.values()))
    match = match_release({name: (version,) for name, version in packages.items()})
    assert match
    assert release in match.releases
    assert not match.others
    assert match.known == match.agreeing == len(packages)
    assert match.version == match.releases[0]
    # A tie is one of patch releases that have the same versions of all these packages.
    assert all(packages_of_release(other).items() >= packages.items() for other in match.releases)


@given(st.sampled_from(list_releases()), st.data())
def test_a_part_of_a_release_never_belongs_to_another_one(
    release: str, data: st.DataObject
) -> None:
    packages = packages_of_release(release)
    names = data.draw(st.sets(st.sampled_from(sorted(packages)), min_size=1, max_size=8))
    match = match_release({name: (packages[name],) for name in names})
    assert match
    assert release in match.releases
    for other in match.releases:
        assert all(packages_of_release(other).get(name) == packages[name] for name in names)
    others = set(list_releases()) - set(match.releases)
    assert all(
        any(packages_of_release(other).get(name) != packages[name] for name in names)
        for other in others
    )


def test_packages_of_two_releases_belong_to_that_of_most() -> None:
    versions = {name: (version,) for name, version in packages_of_release("1.42.0").items()}
    newer = packages_of_release("1.52.0")
    versions |= {name: (newer[name],) for name in (BACKEND_API, "@backstage/cli")}
    match = match_release(versions)
    assert match
    assert match.version == "1.42.0"
    assert {BACKEND_API, "@backstage/cli"} <= set(match.others)
    assert str(match).startswith(f"{match.agreeing} of its {match.known} @backstage packages are")


def test_packages_of_many_releases_belong_to_none() -> None:
    names = [BACKEND_API, "@backstage/cli", "@backstage/catalog-client", "@backstage/core-app-api"]
    releases = ["1.30.0", "1.36.0", "1.42.0", "1.49.0"]
    versions = {
        name: (packages_of_release(release)[name],)
        for name, release in zip(names, releases, strict=True)
    }
    match = match_release(versions)
    assert match is None or match.version is None


def test_one_of_several_locked_versions_does() -> None:
    old, new = (packages_of_release(release)[BACKEND_API] for release in ("1.42.0", "1.52.0"))
    own = packages_of_release("1.52.0")
    match = match_release({BACKEND_API: (old, new), "@backstage/cli": (own["@backstage/cli"],)})
    assert match
    assert match.version == "1.52.0"


def test_packages_of_no_release_tell_nothing() -> None:
    assert match_release({}) is None
    assert match_release({"react": ("18.3.1",)}) is None
    assert match_release({BACKEND_API: ("99.0.0",)}) is None


def test_a_published_package_says_by_its_ranges_what_it_was_built_with() -> None:
    own = packages_of_release("1.45.0")
    dependencies = {name: f"^{own[name]}" for name in (BACKEND_API, "@backstage/catalog-client")}
    dependencies |= {"react": "^18.0.0", "@backstage/types": "backstage:^", "@backstage/x": "next"}
    asked = lowest_versions(dependencies)
    assert dict(asked) == {
        BACKEND_API: (own[BACKEND_API],),
        "@backstage/catalog-client": (own["@backstage/catalog-client"],),
    }
    match = match_release(asked)
    assert match
    assert "1.45.0" in match.releases


@pytest.mark.parametrize(
    "name", ["rhdh-1.7", "rhdh-1.8", "rhdh-1.9", "rhdh-1.10", "rhdh-2.0", "veecode-1.3.8"]
)
def test_real_portals_are_on_the_minor_that_they_say(name: str) -> None:
    """Their lockfiles hold plugins from elsewhere too, which bring other versions along."""
    host = find_host(name)
    own = {each: host.versions(each) for each in host.packages if each.startswith("@backstage/")}
    match = match_release(own)
    assert match
    assert (match.version or "").rpartition(".")[0] == host.backstage.rpartition(".")[0]


def test_the_newest_patch_of_a_minor_is_meant() -> None:
    assert find_release("1.45") == "1.45.6"
    assert find_release("1.45.3") == "1.45.3"
    assert find_release("1.45.4") is None  # there was none
    assert find_release("1.4") is None
    assert find_release("") is None


def test_what_is_packed_is_what_was_given() -> None:
    manifests = [
        {"releaseVersion": "1.10.0", "packages": {"a": "1.0.0", "c": "3.0.0"}},
        {"releaseVersion": "1.9.0", "packages": {"a": "1.0.0", "b": "2.0.0"}},
    ]
    document = json.loads(pack_releases(manifests))
    assert document["releases"] == "1.9.0 1.10.0"
    assert document["packages"] == {"a": "1.0.0*2", "b": "2.0.0*1 -*1", "c": "-*1 3.0.0*1"}
    with pytest.raises(ValueError, match="not a release manifest"):
        pack_releases([{"packages": {}}])


def workspace(folder: Path, versions: dict[str, str], others: dict[str, str]) -> Path:
    (folder / "plugins/one").mkdir(parents=True)
    root = {"name": "root", "private": True, "workspaces": ["plugins/*"]}
    (folder / "package.json").write_text(json.dumps(root))
    own = {
        "name": "one",
        "version": "1.0.0",
        "dependencies": {n: f"^{v}" for n, v in versions.items()},
    }
    (folder / "plugins/one/package.json").write_text(json.dumps(own))
    entries = [
        f'"{name}@npm:^{version}":\n  version: {version}\n'
        f'  resolution: "{name}@npm:{version}"\n  languageName: node\n  linkType: hard\n'
        for name, version in [*versions.items(), *others.items()]
    ]
    (folder / "yarn.lock").write_text("__metadata:\n  version: 8\n\n" + "\n".join(entries))
    return folder


def test_a_workspace_is_on_the_release_of_what_it_asks_for_itself(tmp_path: Path) -> None:
    newest, older = packages_of_release("1.52.0"), packages_of_release("1.36.0")
    asked = {name: newest[name] for name in (BACKEND_API, "@backstage/cli")}
    brought = {name: version for name, version in older.items() if name not in asked}
    found = find_workspace_backstage(workspace(tmp_path, asked, brought))
    assert (found.version, found.said) == ("1.52.0", False)
    assert found.why.startswith("all of its 2 @backstage packages are those of 1.52.0")
    assert found.computed == "1.52.0"


def test_backstage_json_comes_first(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {BACKEND_API: packages_of_release("1.52.0")[BACKEND_API]}, {})
    (folder / "backstage.json").write_text('{"version": "1.36.0"}')
    for where in (folder, folder / "plugins/one"):
        found = find_workspace_backstage(where)
        assert (found.version, found.said, found.computed) == ("1.36.0", True, "")
    (folder / "backstage.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"backstage.json is not valid JSON"):
        find_workspace_backstage(folder)


def test_a_folder_without_a_lockfile_is_on_no_release(tmp_path: Path) -> None:
    assert find_workspace_backstage(tmp_path).version == ""
    (tmp_path / "yarn.lock").write_bytes(b"\xff\xfe")
    assert find_workspace_backstage(tmp_path).version == ""
