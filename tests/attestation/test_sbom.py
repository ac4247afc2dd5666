"""Bills of materials: valid, true, and the same for the same artifact."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.attestation.sbom import sbom
from tests.oci.plugin_archives import pack
from tests.slow_libraries import find_problem_of_bill

from .test_bundled import PLUGIN, manifest

FILES = {
    "node_modules/express/package.json": manifest(
        "express", "4.1.0", license="MIT", dependencies={"qs": "*"}
    ),
    "node_modules/qs/package.json": manifest("qs", "6.2.0", license="(MIT OR Apache-2.0)"),
    "node_modules/@types/qs/package.json": manifest("@types/qs", "6.9.0", license="SEE LICENSE"),
    "node_modules/two/package.json": manifest(
        "two", "1.0.0", licenses=[{"type": "MIT"}, {"type": "Public domain"}]
    ),
    "node_modules/@scope/plugin-a-common/package.json": manifest(
        "@scope/plugin-a-common", "1.0.0+embedded", license="Apache-2.0"
    ),
    "node_modules/nameless/index.js": b"1",
}


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return pack(tmp_path / "scope-plugin-a-backend-dynamic-1.0.0.tgz", PLUGIN, FILES)


def document(tgz: Path) -> dict[str, Any]:
    return dict(json.loads(sbom(tgz, tool_version="1.2.3")))


def component(tgz: Path, purl: str) -> dict[str, Any]:
    return dict(next(one for one in document(tgz)["components"] if one["purl"] == purl))


def test_it_is_what_the_schema_of_cyclonedx_1_6_says(artifact: Path) -> None:
    text = sbom(artifact, tool_version="1.2.3")

    assert find_problem_of_bill(text) is None
    assert json.loads(text)["specVersion"] == "1.6"


def test_the_main_component_is_the_artifact_with_its_digests(artifact: Path) -> None:
    main = document(artifact)["metadata"]["component"]

    assert main["purl"] == "pkg:npm/%40scope/plugin-a-backend-dynamic@1.0.0"
    assert (main["group"], main["name"], main["version"]) == (
        "@scope",
        "plugin-a-backend-dynamic",
        "1.0.0",
    )
    content = artifact.read_bytes()
    assert {one["alg"]: one["content"] for one in main["hashes"]} == {
        "SHA-256": hashlib.sha256(content).hexdigest(),
        "SHA-512": hashlib.sha512(content).hexdigest(),
    }


def test_every_package_is_there_with_name_version_and_purl(artifact: Path) -> None:
    assert [(one.get("version"), one["purl"]) for one in document(artifact)["components"]] == [
        ("1.0.0+embedded", "pkg:npm/%40scope/plugin-a-common@1.0.0"),
        ("6.9.0", "pkg:npm/%40types/qs@6.9.0"),
        ("4.1.0", "pkg:npm/express@4.1.0"),
        (None, "pkg:npm/nameless"),
        ("6.2.0", "pkg:npm/qs@6.2.0"),
        ("1.0.0", "pkg:npm/two@1.0.0"),
    ]


@pytest.mark.parametrize(
    ("purl", "licenses"),
    [
        ("pkg:npm/express@4.1.0", [{"license": {"id": "MIT"}}]),
        ("pkg:npm/qs@6.2.0", [{"expression": "(MIT OR Apache-2.0)"}]),
        ("pkg:npm/%40types/qs@6.9.0", [{"license": {"name": "SEE LICENSE"}}]),
        (
            "pkg:npm/two@1.0.0",
            [{"license": {"id": "MIT"}}, {"license": {"name": "Public domain"}}],
        ),
        ("pkg:npm/nameless", None),
    ],
)
def test_licences_are_spdx_where_they_can_be(
    artifact: Path, purl: str, licenses: list[Any] | None
) -> None:
    assert component(artifact, purl).get("licenses") == licenses


def test_who_needs_whom(artifact: Path) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in document(artifact)["dependencies"]}

    assert needs["pkg:npm/%40scope/plugin-a-backend-dynamic@1.0.0"] == [
        "pkg:npm/%40scope/plugin-a-common@1.0.0",
        "pkg:npm/%40types/qs@6.9.0",
        "pkg:npm/express@4.1.0",
        "pkg:npm/nameless",
        "pkg:npm/two@1.0.0",
    ]
    assert needs["pkg:npm/express@4.1.0"] == ["pkg:npm/qs@6.2.0"]


def test_a_package_names_its_place_and_the_digests_of_its_files(artifact: Path) -> None:
    express = component(artifact, "pkg:npm/express@4.1.0")

    assert [one["location"] for one in express["evidence"]["occurrences"]] == [
        "package/node_modules/express/package.json"
    ]
    assert express["swhid"][0].startswith("swh:1:dir:")
    assert {one["name"] for one in express["properties"]} == {
        "plugin-factory:origin",
        "plugin-factory:files-sha256",
    }
    assert "hashes" not in express


def test_the_same_package_with_other_files_is_a_component_of_its_own(tmp_path: Path) -> None:
    files = {
        "node_modules/b/package.json": manifest("b", "1.0.0"),
        "node_modules/a/package.json": manifest("a", "1.0.0", dependencies={"b": "*"}),
        "node_modules/a/node_modules/b/package.json": manifest("b", "1.0.0", patched=True),
    }
    text = sbom(pack(tmp_path / "a.tgz", PLUGIN, files), tool_version="1")

    assert find_problem_of_bill(text) is None
    references = [one["bom-ref"] for one in json.loads(text)["components"]]
    assert len(references) == len(set(references)) == 3


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_artifact_gives_the_same_bytes(artifact: Path, seed: str) -> None:
    program = (
        "import sys, pathlib; from factory.attestation.sbom import sbom;"
        "sys.stdout.write(sbom(pathlib.Path(sys.argv[1]), tool_version='1.2.3'))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(artifact)],
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert other == sbom(artifact, tool_version="1.2.3")
    assert "timestamp" not in other
    assert str(artifact.parent) not in other


def test_another_artifact_has_another_serial_number(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = pack(tmp_path / "other" / artifact.name, PLUGIN, FILES | {"README.md": b"x"})

    assert document(artifact)["serialNumber"] != document(other)["serialNumber"]


def test_a_plugin_that_carries_nothing_has_a_bill_too(tmp_path: Path) -> None:
    text = sbom(pack(tmp_path / "a.tgz", PLUGIN, {"dist/index.cjs.js": b"1"}), tool_version="1")

    assert find_problem_of_bill(text) is None
    assert "components" not in json.loads(text)


def test_the_library_is_loaded_only_when_a_bill_is_made() -> None:
    program = (
        "import sys; import factory.cache.examination, factory.pipeline.run;"
        "print({'cyclonedx', 'cryptography', 'nacl', 'packageurl'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "set()"
