"""Each check, on a plugin that is whole and on one that is broken in one place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.backstage_releases import packages_of_release
from factory.verification.findings import (
    CHECKS,
    DEPENDENCIES,
    ENTRY_POINT,
    HOST,
    MANIFESTS,
    NATIVE,
    PACKAGE,
    SHARED,
    SHOWS,
    CheckFinding,
    Verified,
)
from factory.verification.plugin_checks import verify_plugin_folder

from .plugins import (
    BACKEND,
    FEDERATION,
    SCALPRUM,
    backend,
    frontend,
    terms,
    write_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

ERRORS_PACKAGE = json.dumps({"name": "@backstage/errors", "version": "1.2.0"})


def verified(folder: Path, files: dict[str, bytes], **how: Any) -> Verified:
    return verify_plugin_folder(write_folder(folder, files), "the plugin", terms(**how))


def found(result: Verified, check: str) -> CheckFinding:
    return next(one for one in result.findings if one.check == check)


def test_a_whole_backend_passes_every_check(tmp_path: Path) -> None:
    result = verified(tmp_path, backend(), checks_host_version=True)

    assert result.holds
    assert {one.check: one.result for one in result.findings} == dict.fromkeys(
        (PACKAGE, ENTRY_POINT, DEPENDENCIES, SHARED, NATIVE, HOST), "passed"
    )
    assert (result.name, result.version, result.role) == (
        BACKEND["name"],
        "1.2.3",
        "backend-plugin",
    )


def test_a_whole_frontend_passes_every_check(tmp_path: Path) -> None:
    result = verified(tmp_path, frontend(), checks_host_version=True)

    assert {one.check: one.result for one in result.findings} == dict.fromkeys(
        (PACKAGE, MANIFESTS, SHOWS, NATIVE, HOST), "passed"
    )


def test_every_check_says_what_it_means_when_it_passes(tmp_path: Path) -> None:
    checks = {one.check for one in verified(tmp_path, backend()).findings}
    assert checks <= set(CHECKS)


def _federation(**fields: Any) -> str:
    return json.dumps({**FEDERATION, **fields})


def _scalprum(**fields: Any) -> str:
    return json.dumps({**SCALPRUM, **fields})


BROKEN_BACKENDS: dict[str, tuple[dict[str, bytes], str, str]] = {
    "no package.json": (backend(files={"package.json": None}), PACKAGE, "package.json"),
    "no JSON": (backend(files={"package.json": "{"}), PACKAGE, "package.json"),
    "no object": (backend(files={"package.json": "[]"}), PACKAGE, "not an object"),
    "no name": (backend({"name": ""}), PACKAGE, "name"),
    "a name that is no text": (backend({"name": 7}), PACKAGE, "7"),
    "no version": (backend({"version": None}), PACKAGE, "version"),
    "no role": (backend({"backstage": {}}), PACKAGE, "backstage.role"),
    "no backstage": (backend({"backstage": "backend-plugin"}), PACKAGE, "backstage.role"),
    "another role": (backend({"backstage": {"role": "cli"}}), PACKAGE, "cli"),
    "no main": (backend({"main": None}), PACKAGE, "main"),
    "a main that is not there": (
        backend(files={"dist/index.cjs.js": None}),
        PACKAGE,
        "dist/index.cjs.js",
    ),
    "a main outside": (backend({"main": "../../etc/passwd"}), PACKAGE, "../../etc/passwd"),
    "a dependency that is nowhere": (
        backend({"dependencies": {"left-pad": "^1.0.0"}}),
        DEPENDENCIES,
        "left-pad",
    ),
    "a shared package bundled": (
        backend(files={"node_modules/@backstage/errors/package.json": ERRORS_PACKAGE}),
        SHARED,
        "@backstage/errors 1.2.0",
    ),
    "a shared package bundled deeper": (
        backend(
            files={"node_modules/once/node_modules/@backstage/errors/package.json": ERRORS_PACKAGE}
        ),
        SHARED,
        "@backstage/errors 1.2.0",
    ),
}


@pytest.mark.parametrize("name", BROKEN_BACKENDS)
def test_a_broken_backend_fails_the_check_that_it_breaks(name: str, tmp_path: Path) -> None:
    files, check, named = BROKEN_BACKENDS[name]

    result = verified(tmp_path, files)

    assert [one.check for one in result.failures] == [check]
    failure = found(result, check)
    assert named in f"{failure.detail} {failure.found} {failure.expected}"
    assert failure.expected
    assert failure.hint


BROKEN_FRONTENDS: dict[str, tuple[dict[str, bytes], str]] = {
    "no manifests": (
        frontend(files={"dist/mf-manifest.json": None, "dist/remoteEntry.js": None})
        | {"dist-scalprum/plugin-manifest.json": b"{"},
        "plugin-manifest.json",
    ),
    "none at all": (
        {"package.json": frontend()["package.json"]},
        "neither",
    ),
    "a script that is not there": (
        frontend(files={"dist-scalprum/scope.todo.0123.js": None}),
        "scope.todo.0123.js",
    ),
    "no script": (
        frontend(files={"dist-scalprum/plugin-manifest.json": _scalprum(loadScripts=[])}),
        "loadScripts",
    ),
    "no name": (
        frontend(files={"dist-scalprum/plugin-manifest.json": _scalprum(name=None)}),
        "name",
    ),
    "a script outside": (
        frontend(
            files={"dist-scalprum/plugin-manifest.json": _scalprum(loadScripts=["../package.json"])}
        ),
        "../package.json",
    ),
    "a script elsewhere": (
        frontend(
            files={
                "dist-scalprum/plugin-manifest.json": _scalprum(loadScripts=["https://x.test/a.js"])
            }
        ),
        "https://x.test/a.js",
    ),
    "no remote entry": (frontend(files={"dist/remoteEntry.js": None}), "remoteEntry.js"),
    "no name of a remote entry": (
        frontend(files={"dist/mf-manifest.json": _federation(metaData={})}),
        "remoteEntry",
    ),
    "no name of a federated module": (
        frontend(files={"dist/mf-manifest.json": _federation(name="")}),
        "name",
    ),
    "a name that is no text": (
        frontend(files={"dist/mf-manifest.json": _federation(name=5)}),
        "name: 5",
    ),
    "a remote entry's name that is no text": (
        frontend(files={"dist/mf-manifest.json": _federation(metaData={"remoteEntry": {}})}),
        "remoteEntry",
    ),
    "nothing exposed": (
        frontend(files={"dist/mf-manifest.json": _federation(exposes=None)}),
        "exposes: null",
    ),
    "an exposed module without a name": (
        frontend(files={"dist/mf-manifest.json": _federation(exposes=[{"assets": {}}])}),
        "exposes",
    ),
    "a bundle without its manifest": (
        frontend(files={"dist/mf-manifest.json": None}),
        "dist/mf-manifest.json",
    ),
    "a shared chunk that is not there": (
        frontend(files={"dist/static/1.js": None}),
        "static/1.js",
    ),
    "an exposed style that is not there": (
        frontend(files={"dist/static/2.css": None}),
        "static/2.css",
    ),
}


@pytest.mark.parametrize("name", BROKEN_FRONTENDS)
def test_a_frontend_whose_manifest_is_wrong_is_refused(name: str, tmp_path: Path) -> None:
    files, named = BROKEN_FRONTENDS[name]

    result = verified(tmp_path, files)

    assert [one.check for one in result.failures] == [MANIFESTS]
    failure = found(result, MANIFESTS)
    assert named in f"{failure.detail} {failure.found} {failure.expected}"


@pytest.mark.parametrize(
    "left_out",
    [("dist/mf-manifest.json", "dist/remoteEntry.js"), ("dist-scalprum/plugin-manifest.json",)],
)
def test_one_kind_of_manifest_is_enough(left_out: tuple[str, ...], tmp_path: Path) -> None:
    assert verified(tmp_path, frontend(files=dict.fromkeys(left_out))).holds


def test_what_a_host_has_need_not_be_bundled(tmp_path: Path) -> None:
    files = backend({"dependencies": {"once": "^1.0.0", "express": "^4.0.0"}})

    result = verified(tmp_path, files)

    assert result.holds
    assert found(result, DEPENDENCIES).detail == "1 bundled, from the host: express"


@pytest.mark.parametrize(
    "package",
    [
        {"dependencies": {"@backstage/errors": "^1.2.0", "once": "^1.0.0"}},
        {"bundleDependencies": ["@backstage/errors", "once"]},
    ],
)
def test_a_package_bundled_by_intent_may_be_there_with_what_it_needs(
    package: dict[str, Any], tmp_path: Path
) -> None:
    errors = json.dumps(
        {"name": "@backstage/errors", "version": "1.2.0", "dependencies": {"@backstage/types": "1"}}
    )
    types = json.dumps({"name": "@backstage/types", "version": "1.0.0"})
    files = backend(
        package,
        {
            "node_modules/@backstage/errors/package.json": errors,
            "node_modules/@backstage/types/package.json": types,
        },
    )

    finding = found(verified(tmp_path, files), SHARED)

    assert finding.result == "passed"
    assert "@backstage/errors, @backstage/types" in finding.detail


def test_a_package_may_be_allowed_by_name(tmp_path: Path) -> None:
    files = backend(files={"node_modules/@backstage/errors/package.json": ERRORS_PACKAGE})
    assert verified(tmp_path, files, allowed=frozenset({"@backstage/errors"})).holds


def test_a_backstage_package_that_the_host_lacks_may_be_bundled(tmp_path: Path) -> None:
    other = json.dumps({"name": "@backstage/plugin-other", "version": "1.0.0"})
    files = backend(files={"node_modules/@backstage/plugin-other/package.json": other})
    assert verified(tmp_path, files).holds


@pytest.mark.parametrize(
    ("supported", "result"),
    [
        ("1.42.0", "passed"),
        ("1.42.9", "passed"),
        ("1.40.1", "passed"),
        ("1.43.0", "failed"),
        ("2.0.0", "failed"),
        ("~1.42.0", "passed"),
        ("^1.43.0", "failed"),
        (">=1.40 <1.42", "failed"),
        ("1.43.0, 1.42.1", "passed"),
        ("1.42.x", "passed"),
        ("1.43.x", "failed"),
        ("latest", "failed"),
        (142, "failed"),
        (None, "passed"),  # by its packages
    ],
)
def test_supported_versions_are_compared_with_the_hosts(
    supported: object, result: str, tmp_path: Path
) -> None:
    files = backend({"backstage": {"role": "backend-plugin", "supported-versions": supported}})

    finding = found(verified(tmp_path, files, loads=False, checks_host_version=True), HOST)

    assert finding.result == result


@pytest.mark.parametrize(
    ("release", "result"), [("1.42.0", "passed"), ("1.36.0", "passed"), ("1.45.0", "failed")]
)
def test_a_plugin_that_says_none_is_of_the_release_of_its_packages(
    release: str, result: str, tmp_path: Path
) -> None:
    own = packages_of_release(release)
    names = ("@backstage/backend-plugin-api", "@backstage/backend-defaults")
    files = backend(
        {
            "backstage": {"role": "backend-plugin"},
            "peerDependencies": {name: f"^{own[name]}" for name in names},
        }
    )

    finding = found(verified(tmp_path, files, loads=False, checks_host_version=True), HOST)

    assert finding.result == result
    said = finding.found or finding.detail
    assert f"its 2 @backstage packages are those of {release}" in said


def test_packages_of_no_release_tell_nothing(tmp_path: Path) -> None:
    asked = {"@backstage/backend-plugin-api": "backstage:^", "@backstage/types": "^99.0.0"}
    files = backend({"backstage": {"role": "backend-plugin"}, "peerDependencies": asked})

    finding = found(verified(tmp_path, files, loads=False, checks_host_version=True), HOST)

    assert finding.result == "skipped"
    assert "tell no release" in finding.detail


def test_supported_versions_do_not_matter_unless_a_host_is_asked_for(tmp_path: Path) -> None:
    files = backend({"backstage": {"role": "backend-plugin", "supported-versions": "9.9.9"}})
    assert verified(tmp_path, files, loads=False).holds
