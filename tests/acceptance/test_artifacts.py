"""What the build of the shipped example leaves, by what is inside it."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from factory.cli.app import run
from factory.schemas import find_violation, schema

from .example_builds import EXAMPLE, Built, packed_files, snapshot

FRONTEND = "plugins/greetings"
BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"


def manifest(archive: Path) -> dict[str, Any]:
    return dict(json.loads(content(archive, "package/package.json")))


def content(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        file = opened.extractfile(name)
        assert file is not None
        return file.read()


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        return set(opened.getnames())


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (FRONTEND, "plugin-factory-example-plugin-greetings-dynamic-0.1.0.tgz"),
        (BACKEND, "plugin-factory-example-plugin-greetings-backend-dynamic-0.1.0.tgz"),
        (MODULE, "plugin-factory-example-plugin-greetings-backend-module-nordic-dynamic-0.1.0.tgz"),
    ],
)
def test_each_plugin_is_an_archive_named_after_the_exported_package(
    built: Built, plugin: str, name: str
) -> None:
    assert built.tgz(plugin).name == name
    assert built.tgz(plugin).is_file()


@pytest.mark.parametrize("plugin", [FRONTEND, BACKEND, MODULE])
def test_the_integrity_file_is_the_sha512_of_the_archive_and_a_newline(
    built: Built, plugin: str
) -> None:
    tgz = built.tgz(plugin)
    digest = base64.b64encode(hashlib.sha512(tgz.read_bytes()).digest()).decode()
    assert Path(f"{tgz}.integrity").read_text() == f"sha512-{digest}\n"
    assert built.plugin(plugin)["integrity"] == f"sha512-{digest}"


def test_the_app_config_of_a_plugin_lies_beside_its_archive(built: Built) -> None:
    written = built.config / FRONTEND / "app-config.dynamic.yaml"
    copied = Path(f"{built.tgz(FRONTEND)}.app-config.dynamic.yaml")
    assert copied.read_bytes() == written.read_bytes()


def test_the_backend_package_says_how_it_is_loaded(built: Built) -> None:
    package = manifest(built.tgz(BACKEND))
    assert package["name"] == "@plugin-factory-example/plugin-greetings-backend-dynamic"
    assert package["backstage"]["role"] == "backend-plugin"
    assert package["backstage"]["supported-versions"] == "1.42.0"
    assert package["main"] == "./dist/index.cjs.js" or package["main"] == "dist/index.cjs.js"
    assert f"package/{package['main'].removeprefix('./')}" in names(built.tgz(BACKEND))
    assert package["bundleDependencies"] is True
    assert not package.get("scripts")


def test_the_backend_package_shares_backstage_with_its_host(built: Built) -> None:
    package = manifest(built.tgz(BACKEND))
    assert "@backstage/backend-plugin-api" in package["peerDependencies"]
    assert not any(name.startswith("@backstage/") for name in package["dependencies"])
    inside = names(built.tgz(BACKEND))
    assert not any("/node_modules/@backstage/" in name for name in inside)


def test_the_backend_package_bundles_its_common_and_node_siblings(built: Built) -> None:
    inside = names(built.tgz(BACKEND))
    for sibling in ("common", "node"):
        folder = f"package/node_modules/@plugin-factory-example/plugin-greetings-{sibling}"
        assert f"{folder}/package.json" in inside
        assert any(name.startswith(f"{folder}/dist/") for name in inside)


def test_the_patch_is_in_what_was_compiled(built: Built) -> None:
    common = "package/node_modules/@plugin-factory-example/plugin-greetings-common/dist"
    text = b"".join(
        content(built.tgz(BACKEND), name)
        for name in names(built.tgz(BACKEND))
        if name.startswith(common) and name.endswith(".js")
    )
    assert b"portal" in text


def test_the_module_has_the_default_export_that_its_overlay_brings(built: Built) -> None:
    package = manifest(built.tgz(MODULE))
    assert package["backstage"]["role"] == "backend-plugin-module"
    entry = content(built.tgz(MODULE), f"package/{package['main'].removeprefix('./')}")
    assert b"exports.default" in entry


def test_the_frontend_package_has_scalprum_assets_as_its_config_says(built: Built) -> None:
    wanted = json.loads((built.config / FRONTEND / "scalprum-config.json").read_text())
    plugin = json.loads(content(built.tgz(FRONTEND), "package/dist-scalprum/plugin-manifest.json"))
    assert plugin["name"] == wanted["name"]
    assert plugin["version"] == "0.1.0"
    inside = names(built.tgz(FRONTEND))
    assert plugin["loadScripts"]
    for script in plugin["loadScripts"]:
        assert f"package/dist-scalprum/{script}" in inside
    exposed = b"".join(
        content(built.tgz(FRONTEND), f"package/dist-scalprum/{script}")
        for script in plugin["loadScripts"]
    )
    for module in wanted["exposedModules"]:
        assert module.encode() in exposed


def test_the_frontend_package_has_module_federation_assets(built: Built) -> None:
    federation = json.loads(content(built.tgz(FRONTEND), "package/dist/mf-manifest.json"))
    inside = names(built.tgz(FRONTEND))
    assert f"package/dist/{federation['metaData']['remoteEntry']['name']}" in inside
    assert federation["exposes"]
    assert any(shared["name"] == "react" for shared in federation["shared"])


def test_every_file_that_a_bundle_loads_is_there(built: Built) -> None:
    files = packed_files(built.tgz("plugins/greetings"))
    manifest = files["package/dist/mf-manifest.json"].decode()
    loaded = {word for word in manifest.split('"') if word.startswith("static/")}
    assert loaded
    assert {f"package/dist/{name}" for name in loaded} <= files.keys()
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        _, found, source_map = content.decode().rpartition("sourceMappingURL=")
        if found and name.endswith(".js"):
            assert f"{folder}/{source_map.split()[0]}" in files


def test_the_report_has_the_form_of_its_schema(built: Built) -> None:
    fastjsonschema.compile(schema("build-report"))(built.report)


def test_the_report_tells_what_was_made_of_what_and_with_what(built: Built) -> None:
    report = built.report
    assert report["outcome"] == "done"
    assert [plugin["path"] for plugin in report["plugins"]] == [FRONTEND, BACKEND, MODULE]
    assert report["tools"]["yarn"] == "4.12.0"
    assert report["tools"]["rhdh-cli"]
    assert report["source"]["patches"] == ["0001-greet-the-portal.patch"]
    assert report["source"]["overlays"] == [MODULE]
    for plugin in report["plugins"]:
        for file in plugin["files"]:
            assert (built.outputs / file["name"]).stat().st_size == file["size"]
        assert plugin["seconds"]["export"] > 0
        assert plugin["error"] is None


def test_every_stage_leaves_its_full_output_in_a_log(built: Built) -> None:
    logs = {file.name for file in (built.outputs / "logs").iterdir()}
    assert {"install.log", "tsc.log"} <= logs
    for plugin in ("plugins-greetings", "plugins-greetings-backend"):
        assert {f"{plugin}.export.log", f"{plugin}.pack.log"} <= logs
    assert (
        "rhdh-cli plugin export"
        in (built.outputs / "logs/plugins-greetings.export.log").read_text()
    )


def test_the_result_says_where_the_artifacts_are(built: Built) -> None:
    assert str(built.outputs) in built.ended.stdout
    assert built.tgz(BACKEND).name in built.ended.stdout


def test_a_plain_log_has_no_colours(built: Built) -> None:
    assert "\x1b[" not in built.ended.said


def test_the_source_folder_is_not_touched(built: Built) -> None:
    assert snapshot(built.config / "workspace") == snapshot(EXAMPLE / "workspace")


def test_a_build_writes_nothing_into_the_store_that_its_packages_are_links_to(
    built: Built, process: dict[str, str]
) -> None:
    store = Path(process["HOME"], ".yarn/berry/store/v1")
    linked = built.source / "node_modules/react/package.json"
    assert linked.stat().st_nlink > 1
    # A file of the store is called after its content.
    files = list(store.glob("*/*.dat"))
    assert len(files) > 1000
    changed = [
        file
        for file in files
        if hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
        != file.parent.name + file.stem
    ]
    assert changed == []


def test_nothing_half_made_is_left(built: Built) -> None:
    hidden = [item.name for item in built.outputs.iterdir() if item.name.startswith(".")]
    assert hidden == []


def test_the_next_release_takes_them_and_the_new_frontend_system_does_not_show_them(
    built: Built, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = built.outputs / "dynamic-plugins.tgz.yaml"
    found = {}
    for new in ("rhdh-2.0", "backstage-1.52"):
        words = ["upgrade", "--from=rhdh-1.10", f"--to={new}", f"--config={plugins}", "--json"]
        found[new] = (run(words, process), json.loads(capsys.readouterr().out))
        assert find_violation(found[new][1], "upgrade") is None
    code, document = found["rhdh-2.0"]
    assert (code, document["counts"]["fits"]) == (0, 3)
    code, document = found["backstage-1.52"]
    assert (code, document["counts"]["fits"], document["counts"]["shows-nothing"]) == (14, 2, 1)
    (frontend,) = (one for one in document["plugins"] if one["role"] == "frontend-plugin")
    dead = [one["key"].rpartition(".")[2] for one in frontend["keys-without-effect"]]
    assert dead == ["dynamicRoutes", "mountPoints"]
