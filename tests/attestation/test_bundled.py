"""Which packages a packed plugin carries."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from factory.archives.unpack import unpack
from factory.attestation.bundled import (
    BundleContents,
    BundledPackage,
    ContentsReader,
    bundle_contents,
)
from factory.errors import PackError
from tests.oci.plugin_archives import pack

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN: dict[str, Any] = {
    "name": "@scope/plugin-a-backend-dynamic",
    "version": "1.0.0",
    "license": "Apache-2.0",
    "dependencies": {"express": "^4", "@scope/plugin-a-common": "1.0.0"},
    "resolutions": {"@scope/plugin-a-common": "file:./embedded/scope-plugin-a-common"},
}


def manifest(name: str, version: str, **fields: Any) -> bytes:
    return json.dumps({"name": name, "version": version} | fields).encode()


def contents(tmp_path: Path, files: dict[str, bytes], **keywords: Any) -> BundleContents:
    return bundle_contents(pack(tmp_path / "a.tgz", PLUGIN, files), **keywords)


def named(found: BundleContents) -> dict[str, BundledPackage]:
    return {f"{one.name}@{one.version}": one for one in found.packages}


def test_packages_of_node_modules_nested_ones_included(tmp_path: Path) -> None:
    found = contents(
        tmp_path,
        {
            "dist/index.cjs.js": b"1",
            "node_modules/express/package.json": manifest("express", "4.1.0", license="MIT"),
            "node_modules/express/index.js": b"2",
            "node_modules/express/node_modules/qs/package.json": manifest("qs", "6.1.0"),
            "node_modules/@types/qs/package.json": manifest("@types/qs", "6.9.0"),
            "node_modules/qs/package.json": manifest("qs", "6.2.0"),
        },
    )

    assert list(named(found)) == ["@types/qs@6.9.0", "express@4.1.0", "qs@6.1.0", "qs@6.2.0"]
    assert named(found)["qs@6.1.0"].locations == ("node_modules/express/node_modules/qs",)
    assert named(found)["express@4.1.0"].licenses == ("MIT",)


def test_who_unpacks_an_archive_reads_the_same_of_it(tmp_path: Path) -> None:
    sources = {"version": 3, "sources": ["webpack://x/../node_modules/lodash/map.js"]}
    files = {
        "dist/index.js": b"1" * 300_000,
        "dist/index.js.map": json.dumps(sources).encode(),
        "node_modules/express/package.json": manifest("express", "4.1.0", license="MIT"),
        "node_modules/express/index.js": b"2",
        "node_modules/express/empty.js": b"",
    }
    link = tarfile.TarInfo("package/node_modules/express/lib.js")
    link.type, link.linkname = tarfile.SYMTYPE, "index.js"
    program = tarfile.TarInfo("package/node_modules/express/run")
    program.mode, program.size = 0o755, 1
    tgz = pack(tmp_path / "a.tgz", PLUGIN, files, [(link, b""), (program, b"3")])
    reader = ContentsReader()

    unpack(tgz, tmp_path / "plugin", select="package", look=reader.look)

    assert reader.contents() == bundle_contents(tgz)
    assert list(named(reader.contents())) == ["express@4.1.0", "lodash@"]
    assert {path: (tmp_path / "plugin" / path).read_bytes() for path in files} == files


def test_what_no_package_is(tmp_path: Path) -> None:
    """Fixtures deep in a package, folders of tools, and the plugin's own files."""
    found = contents(
        tmp_path,
        {
            "dist/node_modules/not/package.json": manifest("not", "1.0.0"),
            "node_modules/.yarn-state.yml": b"x",
            "node_modules/.bin/tool": b"x",
            "node_modules/resolve/package.json": manifest("resolve", "1.0.0"),
            "node_modules/resolve/test/node_modules/fixture/package.json": b"{}",
        },
    )

    assert list(named(found)) == ["resolve@1.0.0"]


def test_digests_are_of_a_packages_own_files_without_nested_packages(tmp_path: Path) -> None:
    alone = {"node_modules/a/package.json": manifest("a", "1.0.0"), "node_modules/a/i.js": b"1"}
    nested = {"node_modules/a/node_modules/b/package.json": manifest("b", "1.0.0")}

    one = named(contents(tmp_path, alone))["a@1.0.0"]
    two = named(contents(tmp_path, alone | nested))["a@1.0.0"]
    three = named(contents(tmp_path, alone | {"node_modules/a/i.js": b"2"}))["a@1.0.0"]

    assert one.files == two.files
    assert one.files != three.files


def test_the_same_package_at_two_places_is_one_and_with_other_files_is_two(tmp_path: Path) -> None:
    same = manifest("b", "1.0.0")
    files = {
        "node_modules/a/package.json": manifest("a", "1.0.0"),
        "node_modules/a/node_modules/b/package.json": same,
        "node_modules/c/package.json": manifest("c", "1.0.0"),
        "node_modules/c/node_modules/b/package.json": same,
    }

    (b,) = (one for one in contents(tmp_path, files).packages if one.name == "b")
    assert b.locations == ("node_modules/a/node_modules/b", "node_modules/c/node_modules/b")

    files |= {"node_modules/c/node_modules/b/index.js": b"patched"}
    several = [one for one in contents(tmp_path, files).packages if one.name == "b"]
    assert [one.locations for one in several] == [
        ("node_modules/a/node_modules/b",),
        ("node_modules/c/node_modules/b",),
    ]


def test_what_rhdh_cli_embedded_is_known_as_such(tmp_path: Path) -> None:
    found = contents(
        tmp_path,
        {
            "node_modules/@scope/plugin-a-common/package.json": manifest(
                "@scope/plugin-a-common", "1.0.0+embedded"
            ),
            "node_modules/express/package.json": manifest("express", "4.1.0"),
        },
    )

    assert [one.origin for one in found.packages] == ["embedded", "node_modules"]


def test_dependencies_are_resolved_as_node_does(tmp_path: Path) -> None:
    found = contents(
        tmp_path,
        {
            "node_modules/express/package.json": manifest(
                "express", "4.1.0", dependencies={"qs": "6.1.0", "depd": "*", "absent": "*"}
            ),
            "node_modules/express/node_modules/qs/package.json": manifest("qs", "6.1.0"),
            "node_modules/qs/package.json": manifest("qs", "6.2.0"),
            "node_modules/depd/package.json": manifest("depd", "2.0.0"),
        },
    )
    express = named(found)["express@4.1.0"]

    assert [found.packages[at].version for at in found.needs] == ["4.1.0", "6.2.0"]
    assert [(found.packages[at].name, found.packages[at].version) for at in express.needs] == [
        ("depd", "2.0.0"),
        ("qs", "6.1.0"),
    ]


def test_what_no_other_package_is_known_to_need_the_plugin_needs(tmp_path: Path) -> None:
    found = contents(
        tmp_path,
        {
            "node_modules/alone/package.json": manifest("alone", "1.0.0", dependencies={"b": "*"}),
            "node_modules/b/package.json": manifest("b", "1.0.0"),
            "node_modules/circle/package.json": manifest("circle", "1", dependencies={"d": "*"}),
            "node_modules/d/package.json": manifest("d", "1", dependencies={"circle": "*"}),
        },
    )

    assert [found.packages[at].name for at in found.needs] == ["alone", "circle"]


@pytest.mark.parametrize(
    ("fields", "licenses"),
    [
        ({"license": "MIT"}, ("MIT",)),
        ({"license": {"type": "ISC", "url": "https://example.com"}}, ("ISC",)),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}, ("MIT", "GPL-2.0")),
        ({"license": ""}, ()),
        ({"license": 7}, ()),
        ({}, ()),
    ],
)
def test_every_form_of_a_licence(
    tmp_path: Path, fields: dict[str, Any], licenses: tuple[str, ...]
) -> None:
    found = contents(tmp_path, {"node_modules/a/package.json": manifest("a", "1.0.0", **fields)})

    assert found.packages[0].licenses == licenses


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"name": 7}', b"\xff"])
def test_a_package_whose_manifest_says_nothing_goes_by_its_folder(
    tmp_path: Path, content: bytes
) -> None:
    found = contents(tmp_path, {"node_modules/@s/a/package.json": content})

    assert [(one.name, one.version) for one in found.packages] == [("@s/a", "")]


def source_map(*sources: str) -> bytes:
    return json.dumps({"version": 3, "sources": list(sources), "mappings": ""}).encode()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An installed workspace; returns the folder of the plugin in it."""
    plugin = tmp_path / "workspace/plugins/a"
    for folder, content in {
        "": manifest("root", "0.0.0"),
        "plugins/a": manifest("@scope/plugin-a", "1.0.0"),
        "plugins/a-common": manifest("@scope/plugin-a-common", "1.2.3", license="MIT"),
        "node_modules/lodash": manifest("lodash", "4.17.21", license="MIT"),
        "node_modules/lodash/node_modules/x": manifest("x", "1.0.0"),
        "plugins/a/node_modules/lodash": manifest("lodash", "3.0.0", license="MIT"),
        "node_modules/.tool/node_modules/@s/runtime": manifest("@s/runtime", "0.9.1"),
    }.items():
        (tmp_path / "workspace" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace" / folder / "package.json").write_bytes(content)
    for module in ("plugins/a/src/index.ts", "plugins/a-common/src/index.ts"):
        (tmp_path / "workspace" / module).parent.mkdir()
        (tmp_path / "workspace" / module).write_bytes(b"")
    return plugin


def test_the_packages_of_a_frontend_are_those_that_its_source_maps_name(
    tmp_path: Path, workspace: Path
) -> None:
    maps = source_map(
        "webpack://scope_plugin_a/./src/index.ts",
        "webpack://scope_plugin_a/webpack/runtime/load script",
        "webpack://scope_plugin_a/../../node_modules/lodash/lodash.js?7f3a",
        "webpack://scope_plugin_a/../../node_modules/lodash/fp.js",
        "webpack://scope_plugin_a/../../node_modules/lodash/node_modules/x/index.js",
        "webpack://scope_plugin_a/./node_modules/lodash/lodash.js",
        "webpack://scope_plugin_a/../a-common/src/index.ts",
        "webpack://scope_plugin_a/external react",
        "webpack://scope_plugin_a/../../node_modules/.tool/entry.js",
        "webpack://scope_plugin_a/../../node_modules/.tool/node_modules/@s/runtime/index.js",
    )

    found = contents(tmp_path, {"dist/main.js.map": maps}, built_in=workspace)

    assert list(named(found)) == [
        "@s/runtime@0.9.1",
        "@scope/plugin-a-common@1.2.3",
        "lodash@3.0.0",
        "lodash@4.17.21",
        "x@1.0.0",
    ]
    assert {one.origin for one in found.packages} == {"source map"}
    assert {one.files for one in found.packages} == {None}


def test_paths_that_lost_their_way_up_are_found_all_the_same(
    tmp_path: Path, workspace: Path
) -> None:
    maps = source_map(
        "webpack://a/../node_modules/lodash/lodash.js",
        "webpack://a/javascript/node_modules/lodash/node_modules/x/index.js",
        "webpack://a/javascript/esm|../a-common/src/index.ts",
        "webpack://a/javascript/esm|./src/index.ts",
    )

    found = contents(tmp_path, {"dist-scalprum/a.js.map": maps}, built_in=workspace)

    assert list(named(found)) == ["@scope/plugin-a-common@1.2.3", "lodash@4.17.21", "x@1.0.0"]


def test_a_compilers_source_map_names_no_package(tmp_path: Path, workspace: Path) -> None:
    maps = source_map("../src/index.ts", "../a-common/src/index.ts")

    assert contents(tmp_path, {"dist/index.cjs.js.map": maps}, built_in=workspace).packages == ()


def test_without_the_workspace_packages_have_a_name_and_no_version(tmp_path: Path) -> None:
    maps = source_map(
        "webpack://a/../../node_modules/@s/b/index.js", "webpack://a/../a-common/src/index.ts"
    )

    found = contents(tmp_path, {"dist/main.js.map": maps})

    assert list(named(found)) == ["@s/b@"]


def test_what_the_host_may_replace_is_in_the_federation_manifest(
    tmp_path: Path, workspace: Path
) -> None:
    shared = [
        {"name": "react", "version": "18.3.1"},
        {"name": "@material-ui/core/styles", "version": "4.12.4"},
        {"name": "lodash", "version": "0.0.0"},
        {"version": "1"},
        "junk",
    ]
    found = contents(
        tmp_path,
        {
            "dist/mf-manifest.json": json.dumps({"shared": shared}).encode(),
            "dist/main.js.map": source_map("webpack://a/../../node_modules/lodash/lodash.js"),
        },
        built_in=workspace,
    )

    assert [(one.name, one.version, one.origin, one.shared) for one in found.packages] == [
        ("@material-ui/core", "4.12.4", "module federation", True),
        ("lodash", "4.17.21", "source map", True),
        ("react", "18.3.1", "module federation", True),
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"sources": 1}', b'{"sources": [1, null]}'])
def test_a_source_map_that_says_nothing_names_nothing(tmp_path: Path, content: bytes) -> None:
    assert contents(tmp_path, {"dist/main.js.map": content}).packages == ()


def test_a_damaged_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    tgz = pack(tmp_path / "a.tgz", PLUGIN)
    tgz.write_bytes(tgz.read_bytes()[:-40])

    with pytest.raises(PackError, match="damaged") as error:
        bundle_contents(tgz)
    assert str(tgz) in str(error.value)
