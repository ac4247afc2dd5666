"""Plugins as they are published on npm, built by the real command, and loaded by a real backend."""

from __future__ import annotations

import base64
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import Ended, run_factory
from tests.made_once import made_once

from .example_builds import KEPT_TOOLS
from .portal import running_portal

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = "@codeverse-gp/plugin-usage-statistics-backend"
FRONTEND = "@parsifal-m/plugin-dev-quotes-homepage"


def build(process: dict[str, str], folder: Path) -> tuple[Path, Ended]:
    """A backend that a configuration directory names by a range, and a frontend without one."""
    for name, package in (("backend", f"{BACKEND}@~1.5.0"), ("frontend", f"{FRONTEND}@3.0.8")):
        config = folder / "config" / name
        config.mkdir(parents=True)
        (config / "source.json").write_text(json.dumps({"package": package}), encoding="utf-8")
    for kind in ("node", "yarn", "rhdh-cli"):
        (KEPT_TOOLS / kind).mkdir(parents=True, exist_ok=True)
        (folder / "cache").mkdir(exist_ok=True)
        (folder / "cache" / kind).symlink_to(KEPT_TOOLS / kind)
    words = ("--config-dir", folder / "config", "--repo-path", folder / "source")
    ended = run_factory(
        keeping(process, folder), "build", *words, "--output-dir", folder / "outputs"
    )
    return folder, ended


def keeping(process: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment of runs that keep what they build, in a cache of their own."""
    own = {name: value for name, value in process.items() if name != "PLUGIN_FACTORY_NO_CACHE"}
    return own | {"PLUGIN_FACTORY_CACHE_DIR": str(folder / "cache")}


@pytest.fixture(scope="session")
def published(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both builds; nobody may change what is in it."""
    folder, ended = made_once(tmp_path_factory, "published", lambda to: build(process, to))
    assert ended.code == 0, ended.said
    return folder


def report_of(folder: Path, name: str) -> dict[str, Any]:
    file = folder / "outputs" / name / "build-report.json"
    return dict(json.loads(file.read_text(encoding="utf-8")))


def artifact(folder: Path, name: str) -> Path:
    (tgz,) = (folder / "outputs" / name).glob("*.tgz")
    return tgz


def packed_manifest(tgz: Path) -> dict[str, Any]:
    with tarfile.open(tgz) as archive:
        member = archive.extractfile("package/package.json")
        assert member
        return dict(json.load(member))


def test_both_roles_become_dynamic_plugins(published: Path) -> None:
    for name, package, licence in (
        ("backend", BACKEND, "MIT"),
        ("frontend", FRONTEND, "Apache-2.0"),
    ):
        (plugin,) = report_of(published, name)["plugins"]
        assert (plugin["name"], plugin["outcome"]) == (package, "done")
        made = packed_manifest(artifact(published, name))
        assert made["name"] == f"{package}-dynamic"
        assert made["license"] == licence
        assert made["repository"]
    with tarfile.open(artifact(published, "frontend")) as archive:
        names = archive.getnames()
    assert "package/dist/remoteEntry.js" in names
    assert "package/dist-scalprum/plugin-manifest.json" in names


def test_version_and_integrity_are_in_report_pin_and_provenance(published: Path) -> None:
    source = report_of(published, "backend")["source"]
    integrity = source["integrity"]
    assert source["repo"] == "pkg:npm/%40codeverse-gp/plugin-usage-statistics-backend"
    assert source["ref"].startswith("1.5.")
    pin = (published / "config/backend/yarn.lock").read_text(encoding="utf-8")
    assert pin.startswith(
        f"# Written by plugin-factory for {BACKEND}@{source['ref']} {integrity}\n"
    )
    tgz = artifact(published, "backend")
    statement = json.loads(tgz.with_name(f"{tgz.name}.provenance.json").read_text(encoding="utf-8"))
    built_from = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert built_from["uri"] == f"{source['repo']}@{source['ref']}"
    digest = base64.b64decode(integrity.removeprefix("sha512-")).hex()
    assert built_from["digest"] == {"sha512": digest}


def test_nothing_is_compiled_and_no_script_runs(published: Path) -> None:
    stages = report_of(published, "backend")["stages"]
    assert "tsc" not in stages
    assert "lock" in stages
    manifest = (published / "source/backend/plugin/package.json").read_text(encoding="utf-8")
    assert "scripts" not in json.loads(manifest)


def test_what_was_built_is_planned_as_cached_from_its_pin(
    published: Path, process: dict[str, str]
) -> None:
    own = keeping(process, published)
    ended = run_factory(own, "plan", "--config-dir", published / "config", "--json")
    assert ended.code == 0, ended.said
    outlook = json.loads(ended.stdout)
    for workspace in outlook["workspaces"]:
        assert workspace["source"]["integrity"].startswith("sha512-")
        assert [plugin["verdict"] for plugin in workspace["plugins"]] == ["cached"]


def test_the_backend_is_loaded_by_a_portal(
    published: Path, process: dict[str, str], tmp_path: Path
) -> None:
    with running_portal([artifact(published, "backend")], tmp_path, process) as portal:
        assert portal.names == {f"{BACKEND}-dynamic"}
        assert portal.failures == {}


def test_its_arguments_are_told_without_a_build(process: dict[str, str]) -> None:
    ended = run_factory(process, "analyze", "--package", f"{BACKEND}@1.5.0", "--json")
    assert ended.code == 0, ended.said
    (plugin,) = json.loads(ended.stdout)["plugins"]
    assert plugin["path"] == "plugin"
    assert plugin["name"] == BACKEND
