"""Provenance statements: what was built, of what, with what."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from factory.attestation.provenance import (
    BUILD_TYPE,
    BuiltFrom,
    BuiltWith,
    Material,
    ProvenanceSubject,
    check_statement,
    provenance,
    read_statement,
    source_uri,
    with_subject,
)
from factory.errors import CheckError

COMMIT = "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1"
ARTIFACT = ProvenanceSubject(name="plugin-dynamic-1.0.0.tgz", sha256="a" * 64, sha512="b" * 128)
IMAGE = ProvenanceSubject(name="registry.example.com/team/plugin", sha256="c" * 64)
SOURCE = BuiltFrom(
    repository="https://github.com/backstage/community-plugins",
    ref="main",
    commit=COMMIT,
    workspace_path="workspaces/todo",
    materials=(
        Material(name="yarn.lock", sha256="2" * 64),
        Material(name="patches/0001.patch", sha256="1" * 64),
    ),
)
BUILD = BuiltWith(
    plugin_path="plugins/todo-backend",
    arguments=("--embed-package", "@scope/one"),
    tools={"yarn": "4.12.0", "node": "20.20.2"},
)


def statement(source: BuiltFrom = SOURCE) -> dict[str, Any]:
    return dict(json.loads(provenance([ARTIFACT], source, BUILD)))


def dependencies(source: BuiltFrom) -> list[dict[str, Any]]:
    found = statement(source)["predicate"]["buildDefinition"]["resolvedDependencies"]
    return list(found)


def test_a_whole_statement() -> None:
    assert statement() == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": "plugin-dynamic-1.0.0.tgz",
                "digest": {"sha256": "a" * 64, "sha512": "b" * 128},
            }
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "source": {
                        "repository": "https://github.com/backstage/community-plugins",
                        "ref": "main",
                    },
                    "workspacePath": "workspaces/todo",
                    "pluginPath": "plugins/todo-backend",
                    "arguments": ["--embed-package", "@scope/one"],
                },
                "resolvedDependencies": [
                    {
                        "name": "source",
                        "uri": "git+https://github.com/backstage/community-plugins@main",
                        "digest": {"gitCommit": COMMIT},
                    },
                    {"name": "patches/0001.patch", "digest": {"sha256": "1" * 64}},
                    {"name": "yarn.lock", "digest": {"sha256": "2" * 64}},
                ],
            },
            "runDetails": {
                "builder": {
                    "id": "urn:plugin-factory:builder",
                    "version": {"node": "20.20.2", "yarn": "4.12.0"},
                }
            },
        },
    }


def test_it_does_not_depend_on_the_order_of_materials() -> None:
    turned = replace(SOURCE, materials=SOURCE.materials[::-1])

    assert provenance([ARTIFACT], turned, BUILD) == provenance([ARTIFACT], SOURCE, BUILD)


@pytest.mark.parametrize("repository", ["/home/me/plugins", "plugins", "file:///home/me/plugins"])
def test_a_folder_of_the_builders_machine_is_not_named(repository: str) -> None:
    local = replace(SOURCE, repository=repository, ref=None)
    text = provenance([ARTIFACT], local, BUILD)

    assert "/home/me" not in text
    assert dependencies(local)[0] == {"name": "source", "digest": {"gitCommit": COMMIT}}
    parameters = json.loads(text)["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["source"] == {"repository": None, "ref": None}


def test_changes_beside_the_commit_are_said() -> None:
    assert dependencies(replace(SOURCE, modified=True))[0]["annotations"] == {"modified": True}


def test_a_plain_folder_leaves_only_its_materials() -> None:
    plain = replace(SOURCE, repository="/folder", ref=None, commit=None, modified=True)

    assert [one["name"] for one in dependencies(plain)] == ["patches/0001.patch", "yarn.lock"]


@pytest.mark.parametrize(
    ("repository", "uri"),
    [
        ("https://host/a/b", "git+https://host/a/b@v1"),
        ("ssh://git@host/a/b", "git+ssh://git@host/a/b@v1"),
        ("git@host:a/b.git", "git+ssh://git@host/a/b.git@v1"),
        ("git://host/a", "git://host/a@v1"),
        ("/folder", ""),
        ("./folder:with/colon", ""),
        ("file:///folder", ""),
    ],
)
def test_repositories_as_download_locations(repository: str, uri: str) -> None:
    assert source_uri(repository, "v1") == uri


def test_an_image_becomes_a_second_subject_once() -> None:
    once = with_subject(provenance([ARTIFACT], SOURCE, BUILD), IMAGE)
    moved = with_subject(once, replace(IMAGE, sha256="d" * 64))

    assert read_statement(once).subjects == (ARTIFACT, IMAGE)
    assert [one.sha256 for one in read_statement(moved).subjects] == ["a" * 64, "d" * 64]
    assert json.loads(once)["predicate"] == statement()["predicate"]


def test_a_statement_counts_for_its_subjects_alone() -> None:
    read = read_statement(with_subject(provenance([ARTIFACT], SOURCE, BUILD), IMAGE))

    assert check_statement(read, sha256="c" * 64) == IMAGE
    with pytest.raises(CheckError, match="another artifact") as error:
        check_statement(read, sha256="e" * 64)
    assert "e" * 64 in str(error.value)
    assert ARTIFACT.name in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v0.2"},
        {"subject": []},
        {"subject": [{"name": "a"}]},
        {"subject": ["a"]},
        {"predicate": None},
    ],
)
def test_what_is_no_statement_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match="not a provenance statement"):
        read_statement(json.dumps(statement() | change))


@pytest.mark.parametrize("text", ["", "{", "[]", b"\xff"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(CheckError, match="not a provenance statement"):
        read_statement(text)
