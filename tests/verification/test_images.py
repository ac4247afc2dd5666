"""Images that are not as they should be, made by hand."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from factory.errors import ArtifactError
from factory.verification.findings import ARCHIVE, IMAGE, INTEGRITY, Verified
from factory.verification.images import FoundImage, verify_image
from factory.verification.layouts import images_in_layout

from ..archives.hostile import END, entry, link
from .plugins import backend, terms

DYNAMIC_PACKAGES = "io.backstage.dynamic-packages"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def annotation(*folders: str) -> dict[str, str]:
    """The annotation that names these folders."""
    text = json.dumps([{folder: {"name": folder}} for folder in folders])
    return {DYNAMIC_PACKAGES: base64.b64encode(text.encode()).decode()}


def plugin(folder: str) -> bytes:
    """A whole backend as entries of a layer."""
    return b"".join(entry(f"{folder}/{name}", content) for name, content in backend().items())


class Images:
    """A layout's folder that images are written to by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        self.manifests: list[dict[str, Any]] = []

    def blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add(self, *layers: bytes, annotations: dict[str, str] | None = None, **more: Any) -> None:
        document = {
            "schemaVersion": 2,
            "config": self.blob(b"{}", "application/vnd.oci.image.config.v1+json"),
            "layers": [self.blob(gzip.compress(layer), LAYER_TYPE) for layer in layers],
            "annotations": annotations or {},
            **more,
        }
        manifest = json.dumps(document).encode()
        self.manifests.append(self.blob(manifest, "application/vnd.oci.image.manifest.v1+json"))
        self.write_index()

    def write_index(self) -> None:
        index = {"schemaVersion": 2, "manifests": self.manifests}
        (self.folder / "index.json").write_text(json.dumps(index))

    def found(self) -> list[FoundImage]:
        return list(images_in_layout(self.folder, self.folder))


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path / "layout")


def verified(images: Images) -> tuple[Verified, ...]:
    (image,) = images.found()
    return verify_image(image, terms())


def test_an_image_of_two_plugins_holds(images: Images) -> None:
    images.add(plugin("a") + plugin("b") + END, annotations=annotation("a", "b"))

    assert [one.holds for one in verified(images)] == [True, True]


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        ({}, DYNAMIC_PACKAGES),
        (annotation("b"), "b"),
        (annotation("a", "b"), "a, b"),
        ({DYNAMIC_PACKAGES: "no base64!"}, "base64"),
        ({DYNAMIC_PACKAGES: base64.b64encode(b"[1]").decode()}, "base64"),
        ({DYNAMIC_PACKAGES: base64.b64encode(b"{").decode()}, "base64"),
    ],
)
def test_the_annotation_must_name_what_is_in_the_image(
    annotations: dict[str, str], named: str, images: Images
) -> None:
    images.add(plugin("a") + END, annotations=annotations)

    (one,) = verified(images)

    (failure,) = one.failures
    assert failure.check == IMAGE
    assert named in f"{failure.detail} {failure.found}"


def test_an_image_without_a_plugin_is_refused(images: Images) -> None:
    images.add(entry("etc/passwd", b"x") + END, annotations=annotation())

    (one,) = verified(images)

    assert [failure.check for failure in one.failures] == [IMAGE]


def test_a_hostile_layer_is_refused_by_the_entrys_name(images: Images) -> None:
    images.add(plugin("a") + entry("a/../../evil", b"x") + END, annotations=annotation("a"))

    one = verified(images)[0]

    failure = next(failure for failure in one.failures if failure.check == ARCHIVE)
    assert "a/../../evil" in failure.detail


def test_a_link_to_another_plugin_is_refused(images: Images) -> None:
    layer = plugin("a") + plugin("b") + link("a/stolen", "../b/package.json") + END
    images.add(layer, annotations=annotation("a", "b"))

    for one in verified(images):
        failure = next(failure for failure in one.failures if failure.check == ARCHIVE)
        assert "a/stolen -> ../b/package.json" in failure.found


def test_a_size_that_is_not_the_blobs_is_refused(images: Images) -> None:
    images.add(plugin("a") + END, annotations=annotation("a"))
    images.manifests[0]["size"] += 1
    images.write_index()

    with pytest.raises(ArtifactError, match="another size"):
        images.found()


def test_a_layer_that_is_not_there_fails_integrity(images: Images) -> None:
    images.add(plugin("a") + END, annotations=annotation("a"))
    (image,) = images.found()
    digest = image.layers[0].digest.partition(":")[2]
    (images.folder / "blobs/sha256" / digest).unlink()

    (one,) = verified(images)

    assert INTEGRITY in [failure.check for failure in one.failures]


def test_attached_artifacts_are_no_images_of_plugins(images: Images) -> None:
    images.add(plugin("a") + END, annotations=annotation("a"))
    images.add(b"x", subject=images.manifests[0])

    assert len(images.found()) == 1


def test_an_index_within_the_index_is_followed(images: Images) -> None:
    images.add(plugin("a") + END, annotations=annotation("a"))
    inner = json.dumps({"schemaVersion": 2, "manifests": images.manifests}).encode()
    images.manifests = [images.blob(inner, "application/vnd.oci.image.index.v1+json")]
    images.write_index()

    assert verified(images)[0].holds


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_broken_index_is_an_error(text: str, images: Images) -> None:
    (images.folder / "index.json").write_text(text)

    with pytest.raises(ArtifactError, match=r"index\.json"):
        images.found()
