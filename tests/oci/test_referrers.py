"""What is attached to an image: in registries that list it, and in those that do not."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from factory.errors import RegistryError
from factory.oci.descriptor import blob_of
from factory.oci.pull import pull_manifest, read_blob
from factory.oci.referrers import attach, list_referrers, referrers_tag
from factory.oci.registry import Registry

from .faulty_proxy import Fault, faulty
from .test_pull import pushed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .registries import Server

SBOM = "application/vnd.cyclonedx+json"
SIGNATURE = "application/vnd.example.signature"


def test_what_is_attached_is_found_again_without_a_referrers_api(
    anonymous: Server, tmp_path: Path
) -> None:
    image = pushed(anonymous, tmp_path)
    repository = image.reference.repository

    with Registry(anonymous.target()) as registry:
        subject = pull_manifest(registry, repository, "1").descriptor
        sbom = attach(
            registry,
            repository,
            subject,
            artifact_type=SBOM,
            blobs=[blob_of(b'{"bomFormat":"CycloneDX"}', SBOM)],
            annotations={"org.example.made-by": "the test"},
        )
        signature = attach(
            registry,
            repository,
            subject,
            artifact_type=SIGNATURE,
            blobs=[blob_of(b"signed", SIGNATURE)],
        )
        found = list_referrers(registry, repository, image.digest)
        only = list_referrers(registry, repository, image.digest, artifact_type=SBOM)
        artifact = pull_manifest(registry, repository, sbom)
        content = read_blob(registry, repository, artifact.layers[0])

    assert [one.digest for one in found] == [sbom, signature]
    assert [one.digest for one in only] == [sbom]
    assert only[0].annotations == {"org.example.made-by": "the test"}
    assert artifact.document["subject"]["digest"] == image.digest
    assert content == b'{"bomFormat":"CycloneDX"}'


def test_the_same_attached_twice_is_there_once(anonymous: Server, tmp_path: Path) -> None:
    image = pushed(anonymous, tmp_path)
    repository = image.reference.repository

    with Registry(anonymous.target()) as registry:
        subject = pull_manifest(registry, repository, "1").descriptor
        digests = {
            attach(
                registry,
                repository,
                subject,
                artifact_type="application/vnd.example.twice",
                blobs=[blob_of(b"same", "text/plain")],
            )
            for _ in range(2)
        }
        found = list_referrers(
            registry, repository, image.digest, artifact_type="application/vnd.example.twice"
        )

    assert {one.digest for one in found} == digests
    assert len(found) == 1


def test_nothing_is_attached_to_a_fresh_image(anonymous: Server) -> None:
    with Registry(anonymous.target(), reads_only=True) as registry:
        assert list_referrers(registry, "team/none", f"sha256:{'0' * 64}") == ()


def test_skopeo_reads_the_list_that_is_kept(
    anonymous: Server, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    image = pushed(anonymous, tmp_path)
    with Registry(anonymous.target()) as registry:
        subject = pull_manifest(registry, image.reference.repository, "1").descriptor
        attach(
            registry,
            image.reference.repository,
            subject,
            artifact_type=SBOM,
            blobs=[blob_of(b"{}", SBOM)],
        )

    name = f"docker://{image.reference.name}:{referrers_tag(image.digest)}"
    index = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", name))

    assert SBOM in [one["artifactType"] for one in index["manifests"]]


def test_a_registry_that_lists_referrers_is_asked_and_its_pages_followed(
    anonymous: Server,
) -> None:
    digest = f"sha256:{'1' * 64}"

    def page(number: int, kind: str) -> bytes:
        entry = {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": f"sha256:{number:064x}",
            "size": 7,
            "artifactType": kind,
        }
        return json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()

    path = f"/v2/team/x/referrers/{digest}"
    first = Fault(
        method="GET",
        path="referrers",
        body=page(1, SBOM),
        headers={"Link": f'<{path}?page=2>; rel="next"'},
    )
    second = Fault(method="GET", path="page=2", body=page(2, SIGNATURE))
    with (
        faulty(anonymous.host, first, second) as proxy,
        Registry(anonymous.target(REGISTRY_URL=proxy.host), reads_only=True) as registry,
    ):
        found = list_referrers(registry, "team/x", digest)

    assert [one.artifact_type for one in found] == [SBOM, SIGNATURE]
    assert not proxy.count("GET", "manifests")


def test_a_list_that_is_none_is_an_error(anonymous: Server) -> None:
    nonsense = Fault(method="GET", path="referrers", body=b"<html>")
    with (
        faulty(anonymous.host, nonsense) as proxy,
        Registry(anonymous.target(REGISTRY_URL=proxy.host), reads_only=True) as registry,
        pytest.raises(RegistryError, match="not an image index"),
    ):
        list_referrers(registry, "team/x", f"sha256:{'1' * 64}")


def test_several_attach_to_one_image_at_once(anonymous: Server, tmp_path: Path) -> None:
    image = pushed(anonymous, tmp_path)
    repository = image.reference.repository
    kind = "application/vnd.example.many"
    with Registry(anonymous.target()) as registry:
        subject = pull_manifest(registry, repository, "1").descriptor

        def one(number: int) -> None:
            attach(
                registry,
                repository,
                subject,
                artifact_type=kind,
                blobs=[blob_of(str(number).encode(), "text/plain")],
            )

        threads = [threading.Thread(target=one, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = list_referrers(registry, repository, image.digest, artifact_type=kind)

    assert len(found) == 3
