"""What a build leaves beside its artifacts, of the shipped example with all real tools."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.slow_libraries import find_problem_of_bill

from .example_builds import Built, Tree
from .test_push import MODULE, registry_variables

BACKEND, FRONTEND = "plugins/greetings-backend", "plugins/greetings"


def beside(built: Built, path: str, suffix: str) -> dict[str, Any]:
    tgz = built.tgz(path)
    return dict(json.loads(tgz.with_name(f"{tgz.name}{suffix}").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [BACKEND, FRONTEND, MODULE])
def test_every_artifact_has_a_valid_bill_and_a_provenance_of_itself(
    built: Built, path: str
) -> None:
    tgz = built.tgz(path)
    listed = [one["name"] for one in built.plugin(path)["files"]]
    bill = tgz.with_name(f"{tgz.name}.cdx.json").read_text(encoding="utf-8")

    assert {f"{tgz.name}.cdx.json", f"{tgz.name}.provenance.json"} <= set(listed)
    assert find_problem_of_bill(bill) is None
    digest = hashlib.sha256(tgz.read_bytes()).hexdigest()
    assert beside(built, path, ".provenance.json")["subject"][0]["digest"]["sha256"] == digest
    main = json.loads(bill)["metadata"]["component"]
    assert digest in [one["content"] for one in main["hashes"]]


def test_a_backends_bill_has_every_package_that_is_packed(built: Built) -> None:
    with tarfile.open(built.tgz(BACKEND)) as archive:
        manifests = [
            json.loads(archive.extractfile(one).read())  # type: ignore[union-attr]
            for one in archive.getmembers()
            if one.name.endswith("/package.json") and "/node_modules/" in one.name
        ]
    packed = {(one["name"], one["version"]) for one in manifests if "version" in one}
    bill = beside(built, BACKEND, ".cdx.json")
    named = {
        ("/".join(filter(None, (one.get("group"), one["name"]))), one.get("version"))
        for one in bill["components"]
    }

    assert named == packed
    assert ("express", "4.") in {(name, str(version)[:2]) for name, version in named}


def test_a_frontends_bill_has_what_its_scripts_were_made_of(built: Built) -> None:
    components = {one["purl"]: one for one in beside(built, FRONTEND, ".cdx.json")["components"]}

    assert "pkg:npm/%40plugin-factory-example/plugin-greetings-common@0.1.0" in components
    react = next(one for purl, one in components.items() if purl.startswith("pkg:npm/react@18."))
    assert {"name": "plugin-factory:shared-with-host", "value": "true"} in react["properties"]
    assert react["licenses"] == [{"license": {"id": "MIT"}}]
    unversioned = [purl for purl in components if "@" not in purl.rpartition("/")[2]]
    assert not unversioned


def test_the_provenance_names_patches_overlays_lockfile_and_tools(built: Built) -> None:
    predicate = beside(built, BACKEND, ".provenance.json")["predicate"]
    materials = {
        one["name"]: one.get("digest", {}).get("sha256")
        for one in predicate["buildDefinition"]["resolvedDependencies"]
    }

    for file in sorted((built.config / "patches").iterdir()):
        assert materials[f"patches/{file.name}"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert [name for name in materials if "/overlay/" in name]
    assert materials["yarn.lock"]
    tools = built.report["tools"]
    assert predicate["runDetails"]["builder"]["version"] == {
        "node": tools["node"],
        "plugin-factory": tools["factory"],
        "rhdh-cli": tools["rhdh-cli"],
        "yarn": tools["yarn"],
    }


def test_neither_names_a_folder_of_this_machine(built: Built) -> None:
    for path in (BACKEND, FRONTEND):
        for suffix in (".cdx.json", ".provenance.json"):
            text = json.dumps(beside(built, path, suffix))
            assert str(built.source) not in text
            assert str(built.config) not in text


def test_a_key_that_is_none_is_found_before_anything_is_fetched(
    sources: Tree, tmp_path: Path
) -> None:
    (tmp_path / "no.key").write_text("no key")
    ended = sources.build(
        "--push-images", "--sign-key", tmp_path / "no.key", **registry_variables("127.0.0.1:9")
    )

    assert ended.code == 3
    assert "openssl genpkey" in ended.stderr
    assert "started" not in ended.stderr


def test_signing_without_pushing_is_a_contradiction(sources: Tree, tmp_path: Path) -> None:
    ended = sources.build("--sign-key", tmp_path / "any.key")

    assert ended.code == 2
    assert "--push-images" in ended.stderr
