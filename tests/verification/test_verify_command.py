"""``plugin-factory verify``: files, folders, layouts and images of a real registry."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    BuiltFrom,
    BuiltWith,
    Material,
    ProvenanceSubject,
    provenance,
)
from factory.cli.push import push
from factory.cli.verify import verify
from factory.oci.descriptor import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    blob_of,
)
from factory.oci.image import ImageFacts, build_image
from factory.oci.layout import write_archive, write_layout
from factory.oci.packed_plugin import read_plugin_archive
from factory.oci.registry import Registry

from ..archives.hostile import CORPUS
from ..oci.registries import Server, serving
from .locked_sources import ONCE, locked_source
from .plugins import backend, frontend, node, write_folder, write_tgz

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

ADDRESS = "https://github.com/acme/plugins"


def run(command: Callable[..., None], *words: str | Path, **variables: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    environment = {"PATH": f"{node().parent}:/usr/bin:/bin"} | variables
    return CliRunner().invoke(app, [str(word) for word in words], obj=environment)


def verified(*words: str | Path, **variables: str) -> Result:
    """The command's end."""
    return run(verify, *words, **variables)


def results(*words: str | Path, **variables: str) -> list[dict[str, Any]]:
    """What the command prints of each plugin as JSON."""
    document = json.loads(verified(*words, "--json", **variables).stdout)
    assert document["holds"] == all(one["holds"] for one in document["plugins"])
    return list(document["plugins"])


def checks(plugin: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["result"] for one in plugin["checks"]}


def failures(plugin: dict[str, Any]) -> dict[str, str]:
    """What failed, with everything that is said of it."""
    return {
        one["check"]: " ".join(map(str, one.values()))
        for one in plugin["checks"]
        if one["result"] == "failed"
    }


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """What a build of a backend and a frontend leaves."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    for name, files in (("backend.tgz", backend()), ("frontend.tgz", frontend())):
        tgz = write_tgz(folder / name, files)
        digest = hashlib.sha256(tgz.read_bytes()).hexdigest()
        text = provenance(
            [ProvenanceSubject(name=name, sha256=digest)],
            BuiltFrom(repository=ADDRESS, ref="main", commit="0" * 40, workspace_path="."),
            BuiltWith(plugin_path="plugins/todo", arguments=()),
        )
        tgz.with_name(f"{name}{PROVENANCE_SUFFIX}").write_text(text)
    return folder


def test_a_folder_of_outputs_is_verified_plugin_by_plugin(outputs: Path) -> None:
    end = verified(outputs)

    assert end.exit_code == 0, end.output
    assert "2 plugins verified, all checks passed" in end.stdout
    for words in ("backend.tgz  @scope/plugin-todo-backend-dynamic 1.2.3", "passed   entry point"):
        assert words in end.stdout
    assert "FAILED" not in end.stdout


def test_json_names_every_check(outputs: Path) -> None:
    first, second = results(outputs)

    assert first["artifact"] == str(outputs / "backend.tgz")
    assert (first["name"], first["role"]) == (
        "@scope/plugin-todo-backend-dynamic",
        "backend-plugin",
    )
    assert checks(first) == dict.fromkeys(
        [
            "integrity",
            "archive",
            "package",
            "entry point",
            "dependencies",
            "shared packages",
            "native binaries",
        ],
        "passed",
    )
    assert checks(second) == dict.fromkeys(
        ["integrity", "archive", "package", "manifests", "frontend systems", "native binaries"],
        "passed",
    )


def test_folders_of_several_workspaces_are_looked_into(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    outputs.rename(tmp_path / "all/todo")
    (tmp_path / "all/logs").mkdir()

    assert len(results(tmp_path / "all")) == 2


def test_one_failure_fails_the_command_and_says_what_to_do(outputs: Path) -> None:
    write_tgz(outputs / "frontend.tgz", frontend(files={"dist/static/1.js": None}))

    end = verified(outputs)

    assert end.exit_code == 14
    assert "FAILED   manifests" in end.stdout
    for words in ("found: static/1.js", "expected: each of them", "try: build the plugin again"):
        assert words in end.stdout
    assert "2 plugins verified, 1 failed" in end.stdout


@pytest.mark.parametrize(
    ("sidecar", "found"),
    [
        ("sha512-" + "A" * 86 + "==", "sha512-"),
        ("md5-1B2M2Y8AsgTpgAmY7PhCfg==", "algorithm"),
        ("", "empty"),
    ],
)
def test_a_wrong_integrity_is_refused(sidecar: str, found: str, outputs: Path) -> None:
    (outputs / "backend.tgz.integrity").write_text(sidecar)

    plugin = results(outputs)[0]

    assert list(failures(plugin)) == ["integrity"]
    assert found in failures(plugin)["integrity"]


def test_an_archive_changed_after_its_integrity_was_written_is_refused(outputs: Path) -> None:
    write_tgz(outputs / "backend.tgz", backend({"description": "evil"}), integrity=False)

    assert "integrity" in failures(results(outputs)[0])


@pytest.mark.parametrize(
    "name", ["traversal", "link out", "occurs twice", "cut in the compression"]
)
def test_a_hostile_archive_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "hostile.tgz").write_bytes(CORPUS[name]())

    end = verified(tmp_path / "hostile.tgz")

    assert end.exit_code == 14
    assert "FAILED   archive" in end.stdout
    assert CORPUS[name].names in end.stdout


def test_the_largest_entry_is_the_portals(outputs: Path) -> None:
    plugin = results(outputs / "backend.tgz", MAX_ENTRY_SIZE="100")[0]
    assert "MAX_ENTRY_SIZE" in failures(plugin)["archive"]

    assert results(outputs / "backend.tgz", "--max-entry-size", "1000000", MAX_ENTRY_SIZE="100")[0][
        "holds"
    ]


def test_what_an_artifact_says_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    write_tgz(tmp_path / "a.tgz", backend({"main": "\x1b[2J\x1b]0;evil\x07gone"}))

    end = verified(tmp_path / "a.tgz")

    assert "\x1b" not in end.stdout
    assert "gone" in end.stdout


def test_an_unpacked_plugin_is_verified_where_it_is(tmp_path: Path) -> None:
    write_folder(tmp_path / "dist-dynamic", backend())

    (plugin,) = results(tmp_path / "dist-dynamic")

    assert plugin["holds"]
    assert "integrity" not in checks(plugin)


def test_a_plugin_is_not_loaded_if_that_is_asked_for(tmp_path: Path) -> None:
    write_tgz(tmp_path / "a.tgz", backend(files={"dist/index.cjs.js": "throw new Error('run')"}))

    assert checks(results(tmp_path / "a.tgz", "--no-load")[0])["entry point"] == "skipped"
    assert checks(results(tmp_path / "a.tgz")[0])["entry point"] == "failed"


def test_a_hosts_version_counts_if_it_is_asked_for(outputs: Path) -> None:
    lockfile = outputs / "portal/yarn.lock"
    lockfile.parent.mkdir()
    lockfile.write_text('# yarn lockfile v1\n\n\nonce@^1.0.0:\n  version "1.4.0"\n')
    (lockfile.parent / "backstage.json").write_text('{"version": "1.39.0"}')

    plugin = results(outputs / "backend.tgz", "--host", lockfile)[0]

    assert "1.39.0" in failures(plugin)["host version"]


def test_a_package_may_be_bundled_if_that_is_allowed(tmp_path: Path) -> None:
    api = json.dumps({"name": "@backstage/errors", "version": "1.0.0"})
    write_tgz(
        tmp_path / "a.tgz", backend(files={"node_modules/@backstage/errors/package.json": api})
    )

    failure = failures(results(tmp_path / "a.tgz")[0])["shared packages"]
    assert "--allow-bundled @backstage/errors" in failure
    assert results(tmp_path / "a.tgz", "--allow-bundled", "@backstage/errors")[0]["holds"]


def test_a_platform_may_be_named(tmp_path: Path) -> None:
    arm = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\x00\xb7\x00" + b"\0" * 100
    write_tgz(tmp_path / "a.tgz", backend(files={"node_modules/once/a.node": arm}))

    assert results(tmp_path / "a.tgz", "--platform", "linux-arm64")[0]["holds"]
    assert "native binaries" in failures(results(tmp_path / "a.tgz", "--platform", "linux-x64")[0])


@pytest.mark.parametrize(
    "words",
    [
        ["/does/not/exist.tgz"],
        ["."],
        ["oci://no-tag.test/team/plugin"],
        ["{outputs}", "--platform", "linux/amd64"],
        ["{outputs}", "--host", "no-such-host"],
        ["{outputs}", "--host-modules", "/does/not/exist"],
        ["{outputs}", "--max-entry-size", "40MB"],
    ],
)
def test_what_cannot_be_asked_is_an_error_of_usage(
    words: list[str], outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    end = verified(*(word.format(outputs=outputs) for word in words))

    assert end.exit_code == 2, end.output


# Layouts


@pytest.fixture
def layout(outputs: Path) -> Path:
    """An OCI layout with both plugins in one image."""
    plugins = [read_plugin_archive(outputs / name) for name in ("backend.tgz", "frontend.tgz")]
    facts = ImageFacts(title="both", version="1.0.0")
    image = build_image(plugins, outputs / "layer", facts=facts)
    folder = write_layout([(image, "quay.io/team/both:1.0.0")], outputs / "both.oci")
    (outputs / "layer").unlink(missing_ok=True)
    return folder


def test_a_layout_is_verified_with_every_plugin_in_it(layout: Path) -> None:
    both = results(layout)

    assert [one["holds"] for one in both] == [True, True]
    assert [one["artifact"] for one in both] == [
        f"{layout} (quay.io/team/both:1.0.0)!scope-plugin-todo",
        f"{layout} (quay.io/team/both:1.0.0)!scope-plugin-todo-backend",
    ]
    assert all(checks(one)["image"] == "passed" for one in both)


def test_a_layout_among_the_outputs_is_verified_too(layout: Path) -> None:
    assert len(results(layout.parent)) == 4


def test_a_layout_in_one_file_is_verified_too(outputs: Path) -> None:
    plugin = read_plugin_archive(outputs / "backend.tgz")
    image = build_image([plugin], outputs / "layer")
    archive = write_archive([(image, "quay.io/team/plugin:1.0.0")], outputs / "plugin.oci.tar")

    (found,) = results(archive)

    assert found["holds"]
    assert checks(found)["image"] == "passed"


def blobs(layout: Path) -> list[Path]:
    """The layout's blobs, the largest first: the layer."""
    return sorted((layout / "blobs/sha256").iterdir(), key=lambda one: -one.stat().st_size)


@pytest.mark.parametrize("kind", ["layer", "config"])
def test_a_changed_blob_is_refused(kind: str, layout: Path) -> None:
    layer, *small = blobs(layout)
    config = next(one for one in small if one.name != manifest_of(layout))
    changed = layer if kind == "layer" else config
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 0xFF]))

    end = verified(layout)

    assert end.exit_code == 14, end.output
    assert "a blob does not match its digest" in end.stdout
    assert changed.name in end.stdout


def manifest_of(layout: Path) -> str:
    """The name of the manifest's blob."""
    index = json.loads((layout / "index.json").read_text())
    return str(index["manifests"][0]["digest"]).partition(":")[2]


def test_without_its_manifest_there_is_no_image(layout: Path) -> None:
    manifest = layout / "blobs/sha256" / manifest_of(layout)
    manifest.write_bytes(manifest.read_bytes() + b" ")

    end = verified(layout)

    assert end.exit_code == 15, end.output
    assert manifest.name in end.stdout


def test_a_missing_blob_is_refused(layout: Path) -> None:
    blobs(layout)[0].unlink()

    end = verified(layout)

    assert end.exit_code == 14
    assert "the layout lacks a blob" in end.stdout


# Registries


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that anybody may push to."""
    with serving(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with a key pair, and another public key."""
    for name in ("signer", "stranger"):
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (tmp_path / f"{name}.pem").write_bytes(private)
        (tmp_path / f"{name}.pub").write_bytes(public)
    return tmp_path


def variables(registry: Server, namespace: str) -> dict[str, str]:
    return {
        "REGISTRY_URL": registry.host,
        "REGISTRY_NAMESPACE": namespace,
        "REGISTRY_INSECURE": "true",
        "REGISTRY_USERNAME": "x",
        "REGISTRY_PASSWORD": "of nobody",
    }


def pushed(registry: Server, namespace: str, outputs: Path, *options: str | Path) -> list[str]:
    """Push the outputs and return the images' names with their digests."""
    end = run(push, outputs, *options, **variables(registry, namespace))
    assert end.exit_code == 0, end.output
    return [f"oci://{line}" for line in end.stdout.split()]


def test_an_image_of_a_registry_is_pulled_and_verified(registry: Server, outputs: Path) -> None:
    names = pushed(registry, "plain", outputs)

    both = results(*names, **variables(registry, "plain"))

    assert [one["holds"] for one in both] == [True, True]
    assert [one["artifact"] for one in both] == names
    assert checks(both[0])["integrity"] == checks(both[0])["image"] == "passed"


def test_a_tag_and_a_plugins_folder_may_be_named(registry: Server, outputs: Path) -> None:
    pushed(registry, "bundle", outputs, "--bundle", "both", "--tag-template", "all")
    name = f"oci://{registry.host}/bundle/both:all"
    reached = variables(registry, "bundle")

    assert len(results(name, **reached)) == 2
    (one,) = results(f"{name}!scope-plugin-todo", **reached)
    assert one["artifact"] == f"{name}!scope-plugin-todo"
    (none,) = results(f"{name}!no-such-plugin", **reached)
    assert "scope-plugin-todo-backend" in failures(none)["image"]


def test_an_image_that_is_not_there_is_named(registry: Server) -> None:
    name = f"oci://{registry.host}/nobody/plugin:1.0.0"

    end = verified(name, **variables(registry, "nobody"))

    assert end.exit_code == 11
    assert f"{registry.host}/nobody/plugin" in end.stdout


def test_a_signature_is_checked_with_the_key(registry: Server, outputs: Path, keys: Path) -> None:
    name = pushed(registry, "signed", outputs, "--sign-key", keys / "signer.pem")[0]
    reached = variables(registry, "signed")

    (signed,) = results(name, "--key", keys / "signer.pub", **reached)
    assert checks(signed)["signature"] == "passed"

    (unsigned,) = results(name, "--key", keys / "stranger.pub", **reached)
    assert "not signed with this key" in failures(unsigned)["signature"]


def test_an_unsigned_image_is_refused_if_a_key_is_given(
    registry: Server, outputs: Path, keys: Path
) -> None:
    name = pushed(registry, "unsigned", outputs)[0]

    (found,) = results(name, "--key", keys / "signer.pub", **variables(registry, "unsigned"))

    assert list(failures(found)) == ["signature"]


def test_the_provenance_attached_to_an_image_is_about_it(registry: Server, outputs: Path) -> None:
    name = pushed(registry, "known", outputs)[0]

    (found,) = results(name, "--provenance", **variables(registry, "known"))

    assert checks(found)["provenance"] == "passed"


def test_an_image_without_provenance_is_refused_if_it_is_asked_for(
    registry: Server, outputs: Path
) -> None:
    for file in outputs.glob(f"*{PROVENANCE_SUFFIX}"):
        file.unlink()
    name = pushed(registry, "unknown", outputs)[0]

    (found,) = results(name, "--provenance", **variables(registry, "unknown"))

    assert list(failures(found)) == ["provenance"]


def test_the_provenance_beside_a_file_is_about_it(outputs: Path) -> None:
    first, second = results(outputs, "--provenance")
    assert checks(first)["provenance"] == checks(second)["provenance"] == "passed"

    write_tgz(outputs / "backend.tgz", backend({"description": "another"}))
    assert "another artifact" in failures(results(outputs, "--provenance")[0])["provenance"]

    (outputs / f"backend.tgz{PROVENANCE_SUFFIX}").unlink()
    assert "provenance" in failures(results(outputs, "--provenance")[0])


def test_a_file_has_no_signature_that_could_hold(outputs: Path, keys: Path) -> None:
    first = results(outputs, "--key", keys / "signer.pub")[0]

    assert "oci://" in failures(first)["signature"]


def test_what_is_bundled_is_compared_with_the_workspaces_that_are_named(tmp_path: Path) -> None:
    tgz = write_tgz(tmp_path / "todo.tgz", backend())
    source = locked_source(tmp_path / "source")

    (plugin,) = results(tgz, "--workspace", source)
    assert checks(plugin)["locked versions"] == "passed"
    # Also from a folder within it.
    (plugin,) = results(tgz, "--workspace", source / "plugins/todo-backend")
    assert checks(plugin)["locked versions"] == "passed"

    locked_source(source, ONCE.replace("1.4.0", "1.4.1"))
    ended = verified(tgz, "--workspace", source)
    assert ended.exit_code == 14
    assert "once: 1.4.0 instead of 1.4.1" in ended.stdout
    assert str(source / "yarn.lock") in ended.stdout


@pytest.mark.parametrize("path", ["", ".", "workspaces/todo"])
@pytest.mark.parametrize("folder", ["", "workspaces/todo"])
def test_a_workspace_with_another_lockfile_than_was_built_with_is_said(
    tmp_path: Path, path: str, folder: str
) -> None:
    """Both digests are named: the tree may fit by chance, and the wrong commit be at hand."""
    tgz = write_tgz(tmp_path / "todo.tgz", backend())
    source = locked_source(tmp_path / "source")
    there = hashlib.sha256((source / "yarn.lock").read_bytes()).hexdigest()
    then = "5" * 64
    name = f"{folder}/yarn.lock".lstrip("/")
    sidecar = tmp_path / f"todo.tgz{PROVENANCE_SUFFIX}"

    def built_with(digest: str) -> None:
        origin = BuiltFrom(
            repository="https://example.com/p",
            ref=None,
            commit="a" * 40,
            workspace_path=path,
            materials=(
                Material(name=name, sha256=digest),
                Material(name="plugins/todo-backend/overlay/yarn.lock", sha256="7" * 64),
            ),
        )
        sha256 = hashlib.sha256(tgz.read_bytes()).hexdigest()
        subject = ProvenanceSubject(name=tgz.name, sha256=sha256)
        how = BuiltWith(plugin_path="plugins/todo-backend", arguments=())
        sidecar.write_text(provenance([subject], origin, how))

    built_with(there)
    assert verified(tgz, "--workspace", source).exit_code == 0
    built_with(then)
    ended = verified(tgz, "--workspace", source)
    is_on_the_way_up = not folder or folder == path
    assert ended.exit_code == (14 if is_on_the_way_up else 0)
    if is_on_the_way_up:
        said = " ".join(ended.stdout.split())
        assert "built with another yarn.lock than the workspace has" in said
        assert f"sha256:{there}" in said
        assert f"sha256:{then}" in said


def test_a_workspace_without_a_lockfile_is_an_error(tmp_path: Path) -> None:
    tgz = write_tgz(tmp_path / "todo.tgz", backend())
    source = locked_source(tmp_path / "source")
    (source / "yarn.lock").unlink()

    ended = verified(tgz, "--workspace", source)

    assert ended.exit_code != 0
    assert "the workspace has no yarn.lock" in ended.output


def test_an_empty_key_is_an_error_and_no_verification(outputs: Path) -> None:
    ended = verified(outputs, PLUGIN_FACTORY_KEY="")
    assert ended.exit_code == 3
    assert "PLUGIN_FACTORY_KEY is set but empty" in ended.stderr


@pytest.mark.parametrize("spoil", ["pipe", "link", "invisible", "case"])
def test_a_folder_that_install_refuses_is_refused(spoil: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "plugin", backend())
    if spoil == "pipe":
        os.mkfifo(folder / "pipe")
    elif spoil == "link":
        (folder / "passwd").symlink_to("/etc/passwd")
    else:
        other = "in\u200bdex.js" if spoil == "invisible" else "INDEX.js"
        (folder / "index.js").write_text("")
        (folder / other).write_text("")
    (result,) = results(folder)
    assert set(failures(result)) == {"archive"}


def test_the_signature_is_of_what_the_tag_names(outputs: Path, keys: Path, tmp_path: Path) -> None:
    """One signed image in an index does not make the index signed."""
    with serving(tmp_path) as server:
        variables = {
            "REGISTRY_URL": server.host,
            "REGISTRY_NAMESPACE": "team",
            "REGISTRY_INSECURE": "true",
        }
        done = run(push, outputs, "--sign-key", keys / "signer.pem", **variables)
        assert done.exit_code == 0, done.output
        pinned = done.stdout.split()[0]
        repository, _, digest = pinned.removeprefix(f"{server.host}/").partition("@")
        with Registry(server.target()) as registry:
            manifest = registry.get_manifest(repository, digest)
            assert manifest
            index = {
                "schemaVersion": 2,
                "mediaType": INDEX_TYPE,
                "manifests": [blob_of(manifest, MANIFEST_TYPE).descriptor],
            }
            content = json.dumps(index).encode()
            registry.put_manifest(repository, "index", blob_of(content, INDEX_TYPE))
        options = ("--key", keys / "signer.pub", "--no-load")
        (signed,) = results(f"oci://{pinned}", *options, **variables)
        (unsigned,) = results(f"oci://{server.host}/{repository}:index", *options, **variables)
        assert "signature" not in failures(signed)
        assert "not signed" in failures(unsigned)["signature"]
