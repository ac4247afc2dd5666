"""Where plugins come from: images, npm registries, archives and folders."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from factory.archives.integrity import integrity_of
from tests.archives.hostile import END, entry
from tests.oci.plugin_archives import FRONTEND, TODO
from tests.oci.registries import PASSWORD, USER, new_authority

from .desk import CONFIG, MARKER, TODO_FOLDER, pushed, pushed_index, pushed_layers
from .npm_server import TOKEN, NpmServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oci.registries import Server

    from .desk import Desk

NAME = "@backstage-community/plugin-todo-backend-dynamic"
PACKED = "backstage-community-plugin-todo-backend-dynamic-0.15.0"
FRONTEND_FOLDER = "backstage-community-plugin-todo"


# Images


def test_an_image_by_tag_is_staged_in_its_plugins_folder(desk: Desk, images: Server) -> None:
    pinned = pushed(images, desk.folder, TODO, repository="by-tag", tag="1.0")
    desk.listed(f"oci://{images.host}/team/by-tag:1.0!{TODO_FOLDER}")

    (plugin,) = desk.report()["plugins"]

    assert plugin["outcome"] == "installed"
    assert plugin["source"] == pinned.partition("@")[2]
    assert desk.folders == [TODO_FOLDER]
    assert json.loads((desk.root / TODO_FOLDER / "package.json").read_text()) == TODO
    assert (desk.root / TODO_FOLDER / "dist/index.cjs.js").is_file()


def test_an_image_by_digest(desk: Desk, images: Server) -> None:
    pinned = pushed(images, desk.folder, TODO, repository="by-digest", tag="1.0")
    desk.listed(f"oci://{pinned}!{TODO_FOLDER}")
    assert desk.outcomes() == {TODO_FOLDER: "installed"}


def test_the_only_plugin_of_an_image_needs_no_path(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, repository="single", tag="1.0")
    desk.listed(f"oci://{images.host}/team/single:1.0")
    assert desk.report()["plugins"][0]["folder"] == TODO_FOLDER


def test_of_several_plugins_one_must_be_chosen(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, FRONTEND, repository="bundle", tag="1.0")
    desk.listed(f"oci://{images.host}/team/bundle:1.0")

    done = desk.run()

    assert done.exit_code == 15
    assert f"bundle:1.0!{TODO_FOLDER}" in done.stderr
    assert f"bundle:1.0!{FRONTEND_FOLDER}" in done.stderr
    assert "dynamic-plugins.yaml:2" in done.stderr
    assert not (desk.root / CONFIG).exists()


def test_several_plugins_of_one_image_are_fetched_once(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, FRONTEND, repository="two", tag="1.0")
    image = f"oci://{images.host}/team/two:1.0"
    desk.listed(f"{image}!{TODO_FOLDER}", f"{image}!{FRONTEND_FOLDER}")
    assert desk.outcomes() == {TODO_FOLDER: "installed", FRONTEND_FOLDER: "installed"}
    assert desk.folders == [FRONTEND_FOLDER, TODO_FOLDER]


def test_a_path_that_the_image_does_not_hold(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, repository="other-path", tag="1.0")
    desk.listed(f"oci://{images.host}/team/other-path:1.0!nothing")
    done = desk.run()
    assert done.exit_code == 15
    assert "the image contains no plugin nothing" in done.stderr


def test_an_image_without_annotation_needs_a_path(desk: Desk, images: Server) -> None:
    content = gzip.compress(entry("todo/package.json", json.dumps(TODO).encode()) + END)
    pushed_layers(images, "team/bare", content)
    desk.listed(f"oci://{images.host}/team/bare:1")
    done = desk.run()
    assert done.exit_code == 15
    assert "does not say which plugins it contains" in done.stderr
    desk.listed(f"oci://{images.host}/team/bare:1!todo")
    assert desk.outcomes() == {"todo": "installed"}


def test_an_image_may_have_a_layer_a_plugin_but_not_a_plugin_in_layers(
    desk: Desk, images: Server
) -> None:
    one, two = (
        gzip.compress(
            entry(f"{name}/package.json", json.dumps(TODO | {"name": name}).encode()) + END
        )
        for name in ("one", "two")
    )
    more = gzip.compress(entry("one/more.js", b"1") + END)
    pushed_layers(images, "team/layers", one, two)
    desk.listed(*(f"oci://{images.host}/team/layers:1!{name}" for name in ("one", "two")))
    assert desk.outcomes() == {"one": "installed", "two": "installed"}
    pushed_layers(images, "team/spread", one, more)
    desk.listed(f"oci://{images.host}/team/spread:1!one")
    done = desk.run()
    assert done.exit_code == 15
    assert "spread over several layers" in done.stderr


def test_an_index_leads_to_the_image(desk: Desk, images: Server) -> None:
    pinned = pushed(images, desk.folder, TODO, repository="indexed", tag="1.0")
    digest = pushed_index(images, "team/indexed", pinned.partition("@")[2], tag="latest")
    desk.listed(f"oci://{images.host}/team/indexed:latest")
    assert desk.report()["plugins"][0]["source"] == digest
    assert desk.outcomes() == {"indexed": "kept"}


def test_an_image_that_is_not_there(desk: Desk, images: Server) -> None:
    desk.listed(f"oci://{images.host}/team/absent:1.0!x")
    done = desk.run()
    assert done.exit_code == 11
    assert "/team/absent:1.0" in done.stderr


def test_a_private_registry_of_images(desk: Desk, locked_images: Server) -> None:
    pushed(locked_images, desk.folder, TODO, tag="1.0")
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    auths = {"auths": {locked_images.host: {"auth": pair}}}
    file = desk.written(json.dumps(auths), "auth.json")
    desk.listed(f"oci://{locked_images.host}/team/todo:1.0")

    refused = desk.run()
    assert refused.exit_code == 11
    assert desk.outcomes(REGISTRY_AUTH_FILE=str(file)) == {"todo": "installed"}


# npm


def test_a_version_of_an_npm_package(desk: Desk, npm: NpmServer) -> None:
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    desk.written(f"registry={npm.url}\n", ".npmrc")
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})

    (plugin,) = desk.report()["plugins"]

    assert (plugin["version"], plugin["source"]) == ("0.15.0", integrity)
    assert desk.folders == [PACKED]


def test_ranges_and_tags_mean_what_npm_takes_for_them(desk: Desk, npm: NpmServer) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0", "2.0.0"):
        npm.publish(
            NAME, version, desk.packed(version=version), deprecated="old" * (version == "1.2.0")
        )
    npm.publish(NAME, "3.0.0-rc.1", desk.packed(version="3.0.0-rc.1"), tag="next")
    npm.packages[NAME]["dist-tags"]["latest"] = "2.0.0"
    wanted = {"^1.0.0": "1.1.0", ">=1": "2.0.0", "next": "3.0.0-rc.1", "latest": "2.0.0"}
    for text, version in wanted.items():
        desk.listed(f"{NAME}@{text}")
        (plugin,) = desk.report("--skip-integrity-check", npm_config_registry=npm.url)["plugins"]
        assert plugin["version"] == version, text


def test_a_version_that_there_is_none_of(desk: Desk, npm: NpmServer) -> None:
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.1", "integrity": integrity})
    done = desk.run(npm_config_registry=npm.url)
    assert done.exit_code == 11
    assert f"the npm registry has no {NAME}@0.15.1" in done.stderr
    assert "0.15.0" in done.stderr


def test_a_scope_has_its_own_registry_and_login(
    desk: Desk, npm: NpmServer, private_npm: NpmServer
) -> None:
    other = desk.packed("other.tgz", name="other", version="1.0.0")
    ours = private_npm.publish(NAME, "0.15.0", desk.packed())
    theirs = npm.publish("other", "1.0.0", other)
    desk.written(
        f"registry={npm.url}\n"
        f"@backstage-community:registry = {private_npm.url}\n"
        f"//{private_npm.host}/:_authToken = ${{OUR_NPM_TOKEN}}\n",
        ".npmrc",
    )
    desk.listed(
        {"package": f"{NAME}@0.15.0", "integrity": ours},
        {"package": "other@1.0.0", "integrity": theirs},
    )

    assert desk.outcomes(OUR_NPM_TOKEN=TOKEN) == {NAME: "installed", "other": "installed"}
    assert {login for _, login in npm.seen} == {""}
    assert {login for _, login in private_npm.seen} == {f"Bearer {TOKEN}"}


def test_basic_authentication_in_both_of_npms_forms(desk: Desk) -> None:
    pair = base64.b64encode(b"robot:a password").decode()
    server = NpmServer(authorization=f"Basic {pair}")
    integrity = server.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity, "forceDownload": True})
    password = base64.b64encode(b"a password").decode()
    try:
        for login in (
            f"//{server.host}/:_auth={pair}\n",
            f"//{server.host}/:username=robot\n//{server.host}/:_password={password}\n",
        ):
            desk.written(f"registry={server.url}\n{login}", ".npmrc")
            assert list(desk.outcomes()) == [NAME]
    finally:
        server.close()


def test_without_a_login_a_private_registry_refuses(desk: Desk, private_npm: NpmServer) -> None:
    integrity = private_npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    done = desk.run(npm_config_registry=private_npm.url)
    assert done.exit_code == 11
    assert f"//{private_npm.host}/:_authToken=…" in done.stderr


def test_a_variable_of_npmrc_that_is_not_set_is_named(desk: Desk, private_npm: NpmServer) -> None:
    integrity = private_npm.publish(NAME, "0.15.0", desk.packed())
    desk.written(
        f"registry={private_npm.url}\n//{private_npm.host}/:_authToken=${{OUR_NPM_TOKEN}}\n",
        ".npmrc",
    )
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    done = desk.run()
    assert done.exit_code == 3
    assert "OUR_NPM_TOKEN" in done.stderr
    assert ".npmrc:2" in done.stderr


def test_no_token_is_ever_shown(desk: Desk, private_npm: NpmServer) -> None:
    wrong = "npm_wrong-token-of-the-test"
    integrity = private_npm.publish(NAME, "0.15.0", desk.packed())
    private_npm.answers["/broken"] = f"you said {wrong}".encode()
    desk.written(
        f"registry={private_npm.url}\n//{private_npm.host}/:_authToken={wrong}\n", ".npmrc"
    )
    desk.listed(
        {"package": f"{NAME}@0.15.0", "integrity": integrity},
        {"package": f"{private_npm.url}{wrong}/x.tgz", "integrity": integrity},
    )
    done = desk.run("--continue-on-error", "--json", "--log-level", "DEBUG", "--verbose")
    assert done.exit_code == 11
    assert wrong not in done.output
    assert "***" in done.output


def test_a_login_does_not_follow_a_redirect_to_another_host(
    desk: Desk, private_npm: NpmServer, npm: NpmServer
) -> None:
    tgz = desk.packed()
    integrity = private_npm.publish(NAME, "0.15.0", tgz)
    path = f"/{NAME}/-/plugin-todo-backend-dynamic-0.15.0.tgz"
    private_npm.redirects[path] = f"{npm.url}store/todo.tgz"
    npm.answers["/store/todo.tgz"] = tgz.read_bytes()
    desk.written(
        f"registry={private_npm.url}\n//{private_npm.host}/:_authToken={TOKEN}\n", ".npmrc"
    )
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    assert desk.outcomes() == {NAME: "installed"}
    assert npm.seen == [("/store/todo.tgz", "")]


def test_a_download_that_is_cut_short_is_begun_again(desk: Desk, npm: NpmServer) -> None:
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    npm.cuts = 1
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    assert desk.outcomes(npm_config_registry=npm.url) == {NAME: "installed"}
    assert npm.count(".tgz") == 2


def test_a_mirrors_answer_that_names_the_public_registry_means_the_mirror(
    desk: Desk, npm: NpmServer
) -> None:
    npm.archives_at = "https://registry.npmjs.org"
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    assert desk.outcomes(npm_config_registry=npm.url) == {NAME: "installed"}


def test_a_package_of_the_public_registry(desk: Desk, process: dict[str, str]) -> None:
    integrity = (
        "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK"
        "9cGvNp6NZWZUBlbGXYxxng=="
    )
    desk.listed({"package": "is-number@^7.0.0", "integrity": integrity})
    own = {"HOME", "PATH", "PLUGIN_FACTORY_CACHE_DIR"}
    reached = {name: value for name, value in process.items() if name not in own}
    (plugin,) = desk.report(**reached)["plugins"]
    assert (plugin["folder"], plugin["version"]) == ("is-number-7.0.0", "7.0.0")
    assert plugin["source"] == integrity


def test_an_archive_beside_the_registry_gets_its_login(desk: Desk) -> None:
    """As GitLab has it: archives on the same host, not below the registry's address."""
    server = NpmServer(authorization=f"Bearer {TOKEN}")
    tgz = desk.packed()
    try:
        integrity = server.publish(NAME, "0.15.0", tgz)
        server.answers[f"/api/npm/{NAME}"] = json.dumps(server.packages[NAME]).encode()
        desk.written(
            f"registry={server.url}api/npm/\n//{server.host}/api/npm/:_authToken={TOKEN}\n",
            ".npmrc",
        )
        desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
        assert desk.outcomes() == {NAME: "installed"}
    finally:
        server.close()


@pytest.fixture
def encrypted_npm(tmp_path: Path) -> Iterator[NpmServer]:
    """An npm registry with a certificate of an authority that no machine trusts."""
    (tmp_path / "authority").mkdir()
    server = NpmServer(identity=new_authority(tmp_path / "authority"))
    yield server
    server.close()


def test_a_registrys_own_authority_is_trusted_when_npmrc_names_it(
    desk: Desk, encrypted_npm: NpmServer
) -> None:
    assert encrypted_npm.identity
    integrity = encrypted_npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    desk.written(f"registry={encrypted_npm.url}\nstrict-ssl=false\n", ".npmrc")
    refused = desk.run()
    assert refused.exit_code == 11
    assert "certificate is not trusted" in refused.stderr
    assert "strict-ssl=false is ignored" in refused.stderr
    authority = encrypted_npm.identity.authority
    desk.written(f"registry={encrypted_npm.url}\ncafile={authority}\n", ".npmrc")
    assert desk.outcomes() == {NAME: "installed"}


def test_a_redirect_from_https_to_http_is_not_followed(
    desk: Desk, npm: NpmServer, encrypted_npm: NpmServer
) -> None:
    assert encrypted_npm.identity
    tgz = desk.packed()
    npm.answers["/todo.tgz"] = tgz.read_bytes()
    encrypted_npm.redirects["/todo.tgz"] = f"{npm.url}todo.tgz"
    desk.listed({"package": f"{encrypted_npm.url}todo.tgz", "integrity": integrity_of(tgz)})
    done = desk.run(REGISTRY_CA_FILE=str(encrypted_npm.identity.authority))
    assert done.exit_code == 11
    assert "from https to an unprotected address" in done.stderr
    assert npm.seen == []


def test_redirects_in_a_circle_end(desk: Desk, npm: NpmServer) -> None:
    npm.redirects["/todo.tgz"] = f"{npm.url}todo.tgz"
    desk.listed(f"{npm.url}todo.tgz")
    done = desk.run("--skip-integrity-check")
    assert done.exit_code == 11
    assert "there are too many redirects" in done.stderr


def test_an_answer_that_is_no_metadata(desk: Desk, npm: NpmServer) -> None:
    for answer in (b"<html>", b"[]", b'{"versions": {"1.0.0": {}}}', b'{"versions": 7}'):
        npm.answers["/todo"] = answer
        desk.listed("todo@1.0.0")
        done = desk.run("--skip-integrity-check", npm_config_registry=npm.url)
        assert done.exit_code == 11, done.output
        assert "cannot be read" in done.stderr


# Archives and folders


def test_an_address_with_a_user_and_a_password(desk: Desk) -> None:
    pair = base64.b64encode(b"robot:a secret:word").decode()
    server = NpmServer(authorization=f"Basic {pair}")
    tgz = desk.packed()
    server.answers["/todo.tgz"] = tgz.read_bytes()
    address = f"http://robot:a%20secret%3Aword@{server.host}/todo.tgz"
    desk.listed({"package": address, "integrity": integrity_of(tgz)})
    try:
        done = desk.run("--json", "--verbose", "--log-level", "DEBUG")
        assert done.exit_code == 0
        assert "secret" not in done.output
    finally:
        server.close()


def test_an_archive_by_address(desk: Desk, npm: NpmServer) -> None:
    tgz = desk.packed()
    npm.answers["/files/todo.tgz"] = tgz.read_bytes()
    desk.listed({"package": f"{npm.url}files/todo.tgz", "integrity": integrity_of(tgz)})
    assert desk.outcomes() == {"todo.tgz": "installed"}
    assert desk.folders == [PACKED]


def test_an_archive_by_path_needs_no_integrity_but_heeds_one(desk: Desk) -> None:
    tgz = desk.packed()
    desk.listed("./todo.tgz")
    assert desk.outcomes() == {"todo.tgz": "installed"}
    wrong = integrity_of(desk.packed("other.tgz", version="9.9.9"))
    desk.listed({"package": "./todo.tgz", "integrity": wrong})
    done = desk.run()
    assert done.exit_code == 15
    assert integrity_of(tgz) in done.stderr


def test_paths_count_from_the_file_that_names_them(desk: Desk) -> None:
    desk.packed()
    (desk.folder / "lists").mkdir()
    desk.written("plugins:\n- package: ../todo.tgz\n", "lists/default.yaml")
    desk.listed(includes=["lists/default.yaml"])
    assert desk.outcomes() == {"todo.tgz": "installed"}


def test_a_folder_is_copied(desk: Desk) -> None:
    folder = desk.folder / "plugins/todo/dist-dynamic"
    (folder / "node_modules/.bin").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(TODO))
    (folder / "run.js").write_text("1")
    (folder / "run.js").chmod(0o755)
    (folder / "node_modules/.bin/run").symlink_to("../../run.js")
    desk.listed("./plugins/todo/dist-dynamic")

    assert desk.outcomes() == {"dist-dynamic": "installed"}

    staged = desk.root / PACKED
    assert (staged / "node_modules/.bin/run").readlink().as_posix() == "../../run.js"
    assert (staged / "run.js").stat().st_mode & 0o111
    assert not (folder / MARKER).exists()


def test_a_folder_with_a_link_out_of_it_is_refused(desk: Desk) -> None:
    folder = desk.folder / "plugin"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(TODO))
    (folder / "secrets").symlink_to("/etc")
    desk.listed("./plugin")
    done = desk.run()
    assert done.exit_code == 15
    assert "secrets leads out of it, to /etc" in done.stderr


def test_a_folder_that_is_in_the_portals_folder_already_stays_there(desk: Desk) -> None:
    folder = desk.root / "of-the-image"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(TODO))
    desk.listed({"package": str(folder), "pluginConfig": {"todo": {"on": True}}})
    assert desk.outcomes() == {"of-the-image": "kept"}
    assert desk.folders == ["of-the-image"]
    assert desk.merged["todo"] == {"on": True}


def test_a_folder_or_archive_that_is_not_there(desk: Desk) -> None:
    for package in ("./nothing", "./nothing.tgz"):
        desk.listed(package)
        done = desk.run()
        assert done.exit_code in (3, 15)
        assert "nothing" in done.stderr


def test_what_holds_no_plugin_is_refused(desk: Desk) -> None:
    (desk.folder / "empty").mkdir()
    desk.listed("./empty")
    done = desk.run()
    assert done.exit_code == 15
    assert "package.json has no usable name and version" in done.stderr


# A catalogue's index


def test_a_stock_list_installs_with_the_default_list_of_the_index(
    desk: Desk, images: Server
) -> None:
    pushed(images, desk.folder, TODO, repository="listed", tag="1.0")
    default = f"plugins:\n- package: oci://{images.host}/team/listed:1.0!{TODO_FOLDER}\n"
    entity = "kind: Package\n"
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w:gz") as tar:
        for name, text in {
            "dynamic-plugins.default.yaml": default + "  disabled: true\n",
            "catalog-entities/extensions/packages/todo.yaml": entity,
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    pushed_layers(images, "team/index", layer.getvalue(), tag="1.9")
    desk.listed(
        {"package": f"oci://{images.host}/else/listed:{{{{inherit}}}}", "disabled": False},
        includes=["dynamic-plugins.default.yaml"],
    )
    variables = {
        "CATALOG_INDEX_IMAGE": f"{images.host}/team/index:1.9",
        "EXTRA_CATALOG_INDEX_IMAGES": f"more={images.host}/team/index:1.9",
        "CATALOG_ENTITIES_EXTRACT_DIR": str(desk.folder / "extensions"),
    }
    assert desk.outcomes(**variables) == {TODO_FOLDER: "installed"}
    for folder in ("catalog-entities", "extra/more/catalog-entities"):
        file = desk.folder / "extensions" / folder / "packages/todo.yaml"
        assert file.read_text() == entity


@pytest.mark.parametrize("image", ["", "no registry", "quay.io/x:y:z"])
def test_a_variable_that_names_no_index_is_named(desk: Desk, image: str) -> None:
    desk.listed()
    done = desk.run(EXTRA_CATALOG_INDEX_IMAGES=f"name={image}")
    assert done.exit_code == 3
    assert "EXTRA_CATALOG_INDEX_IMAGES" in done.stderr
