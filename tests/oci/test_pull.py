"""Images pulled from a real registry, and what may go wrong on the way."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import Environment
from factory.errors import RegistryError, UsageError
from factory.oci.answers import RetryPolicy
from factory.oci.descriptor import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    blob_of,
    digest_of,
)
from factory.oci.image import build_image
from factory.oci.names import image_name
from factory.oci.pull import fetch_blob, pull_document, pull_manifest, read_blob
from factory.oci.push import push_blob, push_image
from factory.oci.reference import reference_for
from factory.oci.registry import Registry
from factory.oci.target import AuthFileLogin, HostLogin, UserLogin, pull_target

from .faulty_proxy import Fault, faulty
from .plugin_archives import plugin
from .registries import NAMESPACE, PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.oci.push import PushedImage

    from .registries import Server, TokenServer

QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.02)
REPOSITORY = f"{NAMESPACE}/plain"


def pushed(server: Server, folder: Path, **variables: str) -> PushedImage:
    """An image in the registry."""
    target = server.target(**variables)
    image = build_image([plugin(folder / "p.tgz")], folder / "layer")
    reference = reference_for(
        registry=target.registry, namespace=target.namespace, package="todo", version="1"
    )
    with Registry(target) as registry:
        return push_image(registry, image, reference)


def put_blob(server: Server, content: bytes) -> Descriptor:
    """A blob in the registry."""
    blob = blob_of(content, "application/octet-stream")
    with Registry(server.target()) as registry:
        push_blob(registry, REPOSITORY, blob)
    return Descriptor(media_type=blob.media_type, digest=blob.digest, size=blob.size)


@contextmanager
def reading(host: str, server: Server, **variables: str) -> Iterator[Registry]:
    """A conversation that only reads."""
    environment = server.environment(REGISTRY_INSECURE="true", REGISTRY_URL=host, **variables)
    with Registry(pull_target(environment, host), policy=QUICK, reads_only=True) as registry:
        yield registry


def test_an_image_is_pulled_by_tag_and_by_digest(anonymous: Server, tmp_path: Path) -> None:
    image = pushed(anonymous, tmp_path)
    name = image_name(f"oci://{image.pinned}")

    with reading(anonymous.host, anonymous) as registry:
        by_tag = pull_manifest(registry, name.repository, "1")
        by_digest = pull_manifest(registry, name.repository, name.wanted)
        fetch_blob(registry, name.repository, by_tag.layers[0], tmp_path / "pulled")
        config = json.loads(read_blob(registry, name.repository, by_tag.config))

    assert by_tag == by_digest
    assert by_tag.digest == image.digest
    assert by_tag.media_type == MANIFEST_TYPE
    assert by_tag.annotations["org.opencontainers.image.version"] == "0.15.0"
    assert (tmp_path / "pulled").read_bytes() == (tmp_path / "layer").read_bytes()
    assert config["os"] == "linux"


def test_the_digest_of_a_tag_is_known_without_its_manifest(
    anonymous: Server, tmp_path: Path
) -> None:
    image = pushed(anonymous, tmp_path)

    with (
        faulty(anonymous.host) as proxy,
        reading(proxy.host, anonymous) as registry,
    ):
        assert registry.manifest_digest(image.reference.repository, "1") == image.digest
        assert registry.manifest_digest(image.reference.repository, "none") is None
    assert not proxy.count("GET", "manifests")


def test_of_an_index_the_platform_that_is_asked_for_is_pulled(
    anonymous: Server, tmp_path: Path
) -> None:
    image = pushed(anonymous, tmp_path)
    repository = image.reference.repository
    with Registry(anonymous.target()) as registry:
        content = registry.get_manifest(repository, "1")
        assert content
        other = blob_of(content.replace(b"0.15.0", b"0.15.1"), MANIFEST_TYPE)
        registry.put_manifest(repository, other.digest, other)
        entries = [
            other.descriptor | {"platform": {"os": "linux", "architecture": "arm64"}},
            {"mediaType": MANIFEST_TYPE, "digest": image.digest, "size": len(content)}
            | {"platform": {"os": "linux", "architecture": "amd64"}},
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
        blob = blob_of(json.dumps(index).encode(), INDEX_TYPE)
        registry.put_manifest(repository, "several", blob)

    with reading(anonymous.host, anonymous) as registry:
        assert pull_manifest(registry, repository, "several").digest == image.digest
        arm = pull_manifest(registry, repository, "several", platform="linux-arm64")
        assert arm.digest == other.digest
        with pytest.raises(RegistryError, match="not for linux/s390x") as error:
            pull_manifest(registry, repository, "several", platform="linux-s390x")
        assert other.digest in str(error.value)
        assert "--platform" in (error.value.hint or "")
        assert pull_document(registry, repository, "several").digest == blob.digest


def test_an_image_that_is_not_there_is_named(anonymous: Server) -> None:
    with (
        reading(anonymous.host, anonymous) as registry,
        pytest.raises(RegistryError) as caught,
    ):
        pull_manifest(registry, f"{NAMESPACE}/nothing", "7")

    assert f"{anonymous.host}/{NAMESPACE}/nothing:7" in caught.value.problem


def test_a_blob_that_is_not_there_is_an_error(anonymous: Server, tmp_path: Path) -> None:
    wanted = Descriptor(media_type="x/y", digest=digest_of(b"never pushed"), size=12)

    with (
        reading(anonymous.host, anonymous) as registry,
        pytest.raises(RegistryError, match="does not have the requested part"),
    ):
        fetch_blob(registry, REPOSITORY, wanted, tmp_path / "blob")

    assert list(tmp_path.iterdir()) == []


def test_a_broken_transfer_is_taken_up_where_it_broke(anonymous: Server, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    blob = put_blob(anonymous, content)
    seen: list[int] = []

    with (
        faulty(anonymous.host, Fault(method="GET", path="blobs", stop=1_500_000)) as proxy,
        reading(proxy.host, anonymous) as registry,
    ):
        fetch_blob(
            registry, REPOSITORY, blob, tmp_path / "blob", lambda there, _: seen.append(there)
        )

    assert (tmp_path / "blob").read_bytes() == content
    assert seen == sorted(seen)
    assert seen[-1] == len(content)
    assert proxy.ranges[0] == ""
    assert proxy.ranges[1].startswith("bytes=")


def test_a_registry_without_ranges_is_asked_for_all_of_it_again(
    anonymous: Server, tmp_path: Path
) -> None:
    content = os.urandom(2_000_000)
    blob = put_blob(anonymous, content)

    with (
        faulty(
            anonymous.host, Fault(method="GET", path="blobs", stop=900_000), ranges=False
        ) as proxy,
        reading(proxy.host, anonymous) as registry,
    ):
        fetch_blob(registry, REPOSITORY, blob, tmp_path / "blob")

    assert (tmp_path / "blob").read_bytes() == content


def test_what_is_not_what_the_digest_names_is_refused(anonymous: Server, tmp_path: Path) -> None:
    content = b"genuine" * 1000
    blob = put_blob(anonymous, content)
    forged = Descriptor(
        media_type=blob.media_type,
        digest=f"sha256:{hashlib.sha256(b'another').hexdigest()}",
        size=blob.size,
    )

    with (
        faulty(anonymous.host, Fault(method="GET", path="blobs", body=content)) as proxy,
        reading(proxy.host, anonymous) as registry,
        pytest.raises(RegistryError, match="something other") as caught,
    ):
        fetch_blob(registry, REPOSITORY, forged, tmp_path / "blob")

    assert caught.value.found == blob.digest
    assert list(tmp_path.iterdir()) == []


def test_more_than_was_promised_is_not_taken(anonymous: Server, tmp_path: Path) -> None:
    blob = put_blob(anonymous, os.urandom(2_000_000))
    short = Descriptor(media_type=blob.media_type, digest=blob.digest, size=1000)

    with (
        reading(anonymous.host, anonymous) as registry,
        pytest.raises(RegistryError, match="something other") as caught,
    ):
        fetch_blob(registry, REPOSITORY, short, tmp_path / "blob")

    assert caught.value.found == "more than 1000 bytes"
    assert list(tmp_path.iterdir()) == []


def test_a_forged_manifest_is_refused(anonymous: Server, tmp_path: Path) -> None:
    image = pushed(anonymous, tmp_path)
    forged = json.dumps({"schemaVersion": 2, "layers": []}).encode()

    with (
        faulty(anonymous.host, Fault(method="GET", path="manifests", body=forged)) as proxy,
        reading(proxy.host, anonymous) as registry,
        pytest.raises(RegistryError, match="a different manifest"),
    ):
        pull_manifest(registry, image.reference.repository, image.digest)


def test_a_registry_that_asks_to_wait_is_asked_again(anonymous: Server, tmp_path: Path) -> None:
    blob = put_blob(anonymous, b"content")
    busy = Fault(method="GET", path="blobs", status=429, headers={"Retry-After": "1"})
    down = Fault(method="GET", path="blobs", status=503)

    with (
        faulty(anonymous.host, busy, down) as proxy,
        reading(proxy.host, anonymous) as registry,
    ):
        fetch_blob(registry, REPOSITORY, blob, tmp_path / "blob")

    assert proxy.count("GET", "blobs") == 3


def test_another_server_that_has_the_blob_is_not_told_who_we_are(
    protected: Server, tmp_path: Path
) -> None:
    content = os.urandom(500_000)
    blob = put_blob(protected, content)
    storage = Fault(method="GET", path="^/elsewhere", body=content)

    with faulty("nothing.invalid:1", storage) as elsewhere:
        away = Fault(
            method="GET",
            path="blobs",
            status=307,
            headers={"Location": f"http://{elsewhere.host}/elsewhere?signed=1"},
        )
        with (
            faulty(protected.host, away) as proxy,
            reading(
                proxy.host, protected, REGISTRY_USERNAME=USER, REGISTRY_PASSWORD=PASSWORD
            ) as registry,
        ):
            fetch_blob(registry, REPOSITORY, blob, tmp_path / "blob")

    assert (tmp_path / "blob").read_bytes() == content
    assert elsewhere.authorizations == [""]
    assert proxy.authorizations[-1].startswith("Basic ")


def test_a_token_for_pulling_is_enough(
    tokened: Server, tokens: TokenServer, tmp_path: Path
) -> None:
    image = pushed(tokened, tmp_path)
    tokens.asked.clear()

    with reading(
        tokened.host, tokened, REGISTRY_USERNAME=USER, REGISTRY_PASSWORD=PASSWORD
    ) as registry:
        manifest = pull_manifest(registry, image.reference.repository, "1")
        fetch_blob(registry, image.reference.repository, manifest.layers[0], tmp_path / "blob")

    assert tokens.asked == [(f"repository:{image.reference.repository}:pull",)]


def test_the_configured_login_is_used_for_no_other_registry(tmp_path: Path) -> None:
    environment = Environment(
        variables={
            "REGISTRY_URL": "quay.example/path",
            "REGISTRY_USERNAME": USER,
            "REGISTRY_PASSWORD": PASSWORD,
            "REGISTRY_INSECURE": "true",
            "HOME": str(tmp_path),
        }
    )

    own, other = pull_target(environment, "quay.example"), pull_target(environment, "ghcr.example")

    assert own.login == UserLogin(username=USER, password=PASSWORD)
    assert own.insecure
    assert isinstance(other.login, HostLogin)
    assert not other.insecure


def test_an_auth_file_is_for_every_registry(tmp_path: Path) -> None:
    environment = Environment(variables={"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")})

    assert pull_target(environment, "ghcr.example").login == AuthFileLogin(
        file=tmp_path / "auth.json"
    )


@pytest.mark.parametrize(
    ("text", "registry", "repository", "wanted"),
    [
        ("oci://quay.io/team/x:1.0", "quay.io", "team/x", "1.0"),
        ("docker://localhost:5000/x:1", "localhost:5000", "x", "1"),
        (f"quay.io/x:1@sha256:{'a' * 64}", "quay.io", "x", f"sha256:{'a' * 64}"),
        ("docker.io/node:22", "docker.io", "library/node", "22"),
    ],
)
def test_an_images_name_is_read(text: str, registry: str, repository: str, wanted: str) -> None:
    name = image_name(text)

    assert (name.registry, name.repository, name.wanted) == (registry, repository, wanted)


@pytest.mark.parametrize(
    "text",
    ["x:1", "team/x:1", "quay.io/team/x", "quay.io/Team/x:1", "quay.io/x@sha256:12", "quay.io/x:"],
)
def test_a_name_that_names_no_one_image_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="the image's name") as caught:
        image_name(text)

    assert caught.value.found == text


def test_a_refusal_speaks_of_pulling(protected: Server, tmp_path: Path) -> None:
    image = pushed(protected, tmp_path)

    with (
        reading(protected.host, protected, HOME=str(tmp_path)) as registry,
        pytest.raises(RegistryError, match="does not let this login pull"),
    ):
        pull_manifest(registry, image.reference.repository, "1")
