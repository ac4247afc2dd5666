"""A package.json as a value, and what an unusable one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.analysis.manifest import parse_manifest, read_manifest
from factory.errors import SourceError

FILE = Path("plugins/x/package.json")


def test_the_fields_that_matter() -> None:
    manifest = parse_manifest(
        """{"name": "@acme/x", "version": "1.2.3", "backstage": {"role": "backend-plugin"},
            "dependencies": {"a": "^1.0.0"}, "optionalDependencies": {"b": "^2.0.0"},
            "peerDependencies": {"c": "*"}, "peerDependenciesMeta": {"c": {"optional": true}},
            "resolutions": {"a": "1.0.1"}, "workspaces": ["plugins/*"], "bundled": true}""",
        FILE,
    )
    assert (manifest.name, manifest.version, manifest.role) == (
        "@acme/x",
        "1.2.3",
        "backend-plugin",
    )
    assert manifest.dependencies == {"a": "^1.0.0"}
    assert manifest.optional_dependencies == {"b": "^2.0.0"}
    assert manifest.peer_dependencies == {"c": "*"}
    assert manifest.optional_peers == {"c"}
    assert manifest.resolutions == {"a": "1.0.1"}
    assert manifest.workspaces == ("plugins/*",)
    assert manifest.bundled


def test_workspaces_may_be_an_object() -> None:
    assert parse_manifest('{"workspaces": {"packages": ["a/*"]}}', FILE).workspaces == ("a/*",)


@pytest.mark.parametrize(
    ("text", "where", "found", "expected"),
    [
        ("[]", "plugins/x/package.json", "a list", "an object"),
        ('"x"', "plugins/x/package.json", "a string", "an object"),
        ("null", "plugins/x/package.json", "null", "an object"),
        ('{"name": 3}', "plugins/x/package.json (name)", "the number 3", "a string"),
        ('{"backstage": []}', "plugins/x/package.json (backstage)", "a list", "an object"),
        (
            '{"dependencies": {"a": true}}',
            "plugins/x/package.json (dependencies.a)",
            "true",
            "a string",
        ),
        ('{"workspaces": "a/*"}', "plugins/x/package.json (workspaces)", "a string", "a list"),
        ('{\n "name": "x",\n}', "plugins/x/package.json:", "", ""),
    ],
)
def test_an_unusable_package_json_is_named(
    text: str, where: str, found: str, expected: str
) -> None:
    with pytest.raises(SourceError) as caught:
        parse_manifest(text, FILE)
    assert str(caught.value.place).startswith(where)
    assert found in (caught.value.found or "")
    assert expected in (caught.value.expected or "")


def test_invalid_json_is_located() -> None:
    with pytest.raises(SourceError) as caught:
        parse_manifest('{\n "name": "x"\n "version": "1"}', FILE)
    place = caught.value.place
    assert place
    assert (place.line, place.column) == (3, 2)


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_bytes(b'\xef\xbb\xbf{"name": "x"}')
    assert read_manifest(tmp_path / "package.json").name == "x"


def test_other_encodings_are_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(SourceError, match="not UTF-8"):
        read_manifest(tmp_path / "package.json")
