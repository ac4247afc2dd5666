"""Pushing to real registries, read back by skopeo."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from factory.errors import RegistryError
from factory.oci.image import ImageFacts, build_image
from factory.oci.push import BlobProgress, check_target, push_image, push_images
from factory.oci.reference import Reference, reference_for
from factory.oci.registry import Registry

from .plugin_archives import FILES, FRONTEND, TODO, plugin
from .registries import PASSWORD, USER, Server, TokenServer, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.oci.image import Image
    from factory.oci.target import RegistryTarget

FOLDER = "backstage-community-plugin-todo-backend"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer")


def reference(target: RegistryTarget, name: str) -> Reference:
    return reference_for(
        registry=target.registry, namespace=target.namespace, package=name, version="1.0.0"
    )


def pushed_once(target: RegistryTarget, image: Image, name: str) -> Reference:
    to = reference(target, name)
    with Registry(target) as registry:
        push_image(registry, image, to)
    return to


def test_skopeo_inspects_and_copies_what_was_pushed(
    anonymous: Server, image: Image, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    to = pushed_once(anonymous.target(), image, "copied")

    found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{to}"))
    assert found["Digest"] == image.digest
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{to}"))
    annotation = base64.b64decode(raw["annotations"]["io.backstage.dynamic-packages"])
    assert list(json.loads(annotation)[0]) == [FOLDER]

    skopeo("copy", "--src-tls-verify=false", f"docker://{to}", f"dir:{tmp_path}/copy")
    (layer,) = raw["layers"]
    blob = tmp_path / "copy" / layer["digest"].removeprefix("sha256:")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xzf", blob, "-C", tmp_path / "unpacked"], check=True)
    unpacked = tmp_path / "unpacked" / FOLDER
    assert {name: (unpacked / name).read_bytes() for name in FILES} == FILES
    assert json.loads((unpacked / "package.json").read_text()) == TODO


@pytest.mark.parametrize("tool", ["podman", "buildah"])
def test_containers_tools_pull_and_unpack_what_was_pushed(
    anonymous: Server, image: Image, tmp_path: Path, tool: str
) -> None:
    program = shutil.which(tool)
    assert program, f"{tool} is not installed (apt-get install {tool})"
    to = pushed_once(anonymous.target(), image, f"for-{tool}")

    with TemporaryDirectory() as short:  # podman takes no longer path
        done = subprocess.run(
            [
                *(program, "--root", tmp_path / "root", "--runroot", short),
                *(
                    "--storage-driver",
                    "vfs",
                    "pull",
                    "--tls-verify=false",
                    to.with_digest(image.digest),
                ),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    assert done.returncode == 0, done.stderr
    (index,) = (tmp_path / "root" / "vfs" / "dir").glob("*/index.json")
    folder = image.plugins[0].folder
    assert (index.parent / folder / "dist" / "index.cjs.js").is_file()


def test_the_result_names_the_image_as_a_portal_does(anonymous: Server, image: Image) -> None:
    target = anonymous.target()
    to = reference(target, "named")
    with Registry(target) as registry:
        pushed = push_image(registry, image, to)

    name = f"{anonymous.host}/team/plugins/named@{image.digest}"
    assert pushed.pinned == name
    assert pushed.packages == (f"oci://{name}!{FOLDER}",)
    assert pushed.size == image.size


def test_blobs_that_are_there_are_not_sent_again(anonymous: Server, image: Image) -> None:
    target = anonymous.target()
    with Registry(target) as registry:
        first = push_image(registry, image, reference(target, "again"))
        states: list[BlobProgress] = []
        second = push_image(registry, image, reference(target, "again"), on_progress=states.append)

    assert first.bytes_sent == sum(blob.size for blob in image.blobs)
    assert second.bytes_sent == 0
    assert [one.state for one in states] == ["present", "present"]


def test_progress_counts_up_to_the_blobs_size(anonymous: Server, image: Image) -> None:
    target = anonymous.target()
    states: list[BlobProgress] = []
    with Registry(target) as registry:
        push_image(registry, image, reference(target, "watched"), on_progress=states.append)

    of_the_layer = [one for one in states if one.digest == image.layer.blob.digest]
    assert [one.state for one in of_the_layer] == ["sending", "sent"]
    assert of_the_layer[-1].sent == of_the_layer[-1].total == image.layer.blob.size


def test_a_tag_that_exists_is_moved(
    anonymous: Server, image: Image, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    other = build_image([plugin(tmp_path / "b.tgz", files={"x": b"1"})], tmp_path / "layer2")
    pushed_once(anonymous.target(), image, "moved")
    to = pushed_once(anonymous.target(), other, "moved")

    found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{to}"))
    assert found["Digest"] == other.digest


def test_a_bundle_is_one_image_with_a_folder_a_plugin(
    anonymous: Server, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    both = [plugin(tmp_path / "a.tgz"), plugin(tmp_path / "b.tgz", package=FRONTEND)]
    bundle = build_image(both, tmp_path / "layer", facts=ImageFacts(title="todo", version="1"))
    target = anonymous.target()
    with Registry(target) as registry:
        pushed = push_image(registry, bundle, reference(target, "todo"))

    assert [package.rpartition("!")[2] for package in pushed.packages] == [
        "backstage-community-plugin-todo",
        FOLDER,
    ]
    skopeo("inspect", "--tls-verify=false", f"docker://{pushed.reference}")


def test_several_images_are_pushed_at_once(anonymous: Server, tmp_path: Path) -> None:
    target = anonymous.target()
    images = [
        (
            build_image(
                [plugin(tmp_path / f"{n}.tgz", package=TODO | {"version": f"{n}"})],
                tmp_path / f"layer{n}",
            ),
            reference(target, f"several-{n}"),
        )
        for n in range(6)
    ]
    ended: list[Reference] = []
    with Registry(target) as registry:
        pushed = push_images(registry, images, on_end=lambda to, _: ended.append(to))

    digests = [end.digest for end in pushed if not isinstance(end, Exception)]
    assert digests == [image.digest for image, _ in images]
    assert len(ended) == 6


def test_one_that_fails_does_not_stop_the_others(anonymous: Server, image: Image) -> None:
    target = anonymous.target()
    bad = replace(reference(target, "bad"), repository="NOT/ALLOWED")
    with Registry(target) as registry:
        ends = push_images(registry, [(image, bad), (image, reference(target, "good"))])

    assert isinstance(ends[0], RegistryError)
    assert not isinstance(ends[1], Exception)


def test_user_and_password_open_a_protected_registry(
    protected: Server, image: Image, skopeo: Callable[..., str]
) -> None:
    to = pushed_once(protected.target(), image, "by-password")

    skopeo("inspect", "--tls-verify=false", f"--creds={USER}:{PASSWORD}", f"docker://{to}")


def test_an_auth_file_that_skopeo_wrote_opens_it(
    protected: Server, image: Image, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    file = tmp_path / "auth.json"
    skopeo(
        *("login", "--tls-verify=false", "--authfile", str(file)),
        *("--username", USER, "--password", PASSWORD, protected.host),
    )
    target = protected.target(REGISTRY_AUTH_FILE=str(file), REGISTRY_PASSWORD="wrong")

    pushed_once(target, image, "by-auth-file")


def test_an_entry_for_the_namespace_opens_it(
    protected: Server, image: Image, tmp_path: Path
) -> None:
    right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    wrong = base64.b64encode(b"somebody:else").decode()
    file = tmp_path / "auth.json"
    auths = {protected.host: {"auth": wrong}, f"{protected.host}/team": {"auth": right}}
    file.write_text(json.dumps({"auths": auths}))

    pushed_once(protected.target(REGISTRY_AUTH_FILE=str(file)), image, "by-namespace")


def test_a_credential_helper_opens_it(protected: Server, image: Image, tmp_path: Path) -> None:
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    program = tmp_path / "docker-credential-test"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"credHelpers": {protected.host: "test"}}))
    target = protected.target(REGISTRY_AUTH_FILE=str(file), PATH=f"{tmp_path}:/usr/bin:/bin")

    pushed_once(target, image, "by-helper")


def test_the_hosts_own_login_opens_it(
    protected: Server,
    image: Image,
    tmp_path: Path,
    skopeo: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    skopeo(
        *("login", "--tls-verify=false"),
        *("--authfile", str(tmp_path / ".config" / "containers" / "auth.json")),
        *("--username", USER, "--password", PASSWORD, protected.host),
    )
    target = protected.target(REGISTRY_USERNAME=None, REGISTRY_PASSWORD=None, HOME=str(tmp_path))

    pushed_once(target, image, "by-host")

    assert "this host's own login is used" in caplog.text


def test_a_registrys_certificate_of_an_own_authority_is_trusted_when_named(
    encrypted: Server, image: Image, authority_file: str
) -> None:
    target = encrypted.target(REGISTRY_INSECURE="false", REGISTRY_CA_FILE=authority_file)

    pushed_once(target, image, "trusted")


def test_an_insecure_push_takes_any_certificate(encrypted: Server, image: Image) -> None:
    pushed_once(encrypted.target(), image, "insecure")


@pytest.mark.parametrize("kind", ["password", "identity token"])
def test_a_registry_with_tokens_gets_one_for_each_repository(
    tokened: Server, tokens: TokenServer, image: Image, tmp_path: Path, kind: str
) -> None:
    target = tokened.target()
    if kind == "identity token":
        file = tmp_path / "auth.json"
        entry = {"auth": base64.b64encode(b"x:").decode(), "identitytoken": "an identity token"}
        file.write_text(json.dumps({"auths": {tokened.host: entry}}))
        target = tokened.target(REGISTRY_AUTH_FILE=str(file))
    one, two = reference(target, "one"), reference(target, "two")
    with Registry(target) as registry:
        push_image(registry, image, one)
        push_image(registry, image, two)

    assert tokens.asked == [
        ("repository:team/plugins/one:pull,push",),
        ("repository:team/plugins/two:pull,push",),
    ]


def test_a_token_that_has_ended_is_replaced(
    tokened: Server, tokens: TokenServer, image: Image
) -> None:
    tokens.lifetime = 1  # within the margin: never used twice
    pushed_once(tokened.target(), image, "short-lived")

    assert len(tokens.asked) > 2


def test_a_push_can_be_repeated_against_read_only_storage_elsewhere(
    anonymous: Server, image: Image, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    """What a read-only mirror of the same storage serves is what was pushed."""
    to = pushed_once(anonymous.target(), image, "mirrored")
    read_only = {"maintenance": {"readonly": {"enabled": True}}}
    with serving(tmp_path, storage=anonymous.storage, storage_options=read_only) as mirror:
        name = str(to).replace(anonymous.host, mirror.host)
        found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
        assert found["Digest"] == image.digest
        with pytest.raises(RegistryError, match="read-only"):
            check_target(mirror.target(), ["team/plugins/mirrored"])
