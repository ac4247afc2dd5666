"""Images in an OCI layout (image-spec 1.1, `image-layout.md`), a folder or a tar of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.errors import ArtifactError, Place
from factory.oci.descriptor import (
    INDEX_TYPE,
    Descriptor,
    annotations_of,
    descriptor_of,
    hash_for,
    is_digest,
)
from factory.oci.layout import REF_NAME
from factory.values import dataclass
from factory.verification.images import FoundImage
from factory.verification.plugin_folder import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1024 * 1024
_LARGEST_DOCUMENT = 4 * 1024 * 1024
_DEEPEST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutBlobs:
    """The blobs of a layout's folder; ``shown`` is what errors call it."""

    folder: Path
    shown: Path

    def blob(self, descriptor: Descriptor, work: Path) -> Path:  # noqa: ARG002 - as Blobs asks
        """Return the blob's own file.

        Raises:
            ArtifactError: it is not there, or is another.
        """
        algorithm, _, digits = descriptor.digest.partition(":")
        file = self.folder / "blobs" / algorithm / digits
        if not is_digest(descriptor.digest) or not file.is_file():
            raise self._broken("the layout lacks a blob", descriptor.digest, "it is not there")
        digest = hash_for(descriptor.digest)
        with file.open("rb") as stream:
            while data := stream.read(_CHUNK):
                digest.update(data)
        if digest.hexdigest() != digits:
            found = f"{algorithm}:{digest.hexdigest()}"
            raise self._broken("a blob does not match its digest", descriptor.digest, found)
        if file.stat().st_size != descriptor.size:
            found = f"{file.stat().st_size} bytes"
            raise self._broken("a blob has another size", f"{descriptor.size} bytes", found)
        return file

    def document(self, descriptor: Descriptor) -> dict[str, Any]:
        """Return a manifest or an index.

        Raises:
            ArtifactError: it is not there, is another, or no JSON object.
        """
        file = self.blob(descriptor, self.folder)
        try:
            return json_object(file, limit=_LARGEST_DOCUMENT)
        except ValueError as error:
            raise self._broken("a manifest cannot be read", "JSON", str(error)) from error

    def _broken(self, problem: str, expected: str, found: str) -> ArtifactError:
        return ArtifactError(
            problem,
            place=Place(file=self.shown),
            found=found,
            expected=expected,
            hint="make the layout again",
        )


def images_in_layout(folder: Path, shown: Path) -> Iterator[FoundImage]:
    """Yield each image of a layout; attached artifacts, such as signatures, are left out.

    Raises:
        ArtifactError: the index or a manifest is not there, or not what its digest says.
    """
    blobs = LayoutBlobs(folder=folder, shown=shown)
    try:
        index = json_object(folder / "index.json", limit=_LARGEST_DOCUMENT)
    except ValueError as error:
        raise ArtifactError(
            "the layout's index.json cannot be read",
            place=Place(file=shown),
            found=str(error),
            expected="an OCI image index",
        ) from error
    yield from _images(index, blobs, name="", depth=0)


def _images(
    index: dict[str, Any], blobs: LayoutBlobs, *, name: str, depth: int
) -> Iterator[FoundImage]:
    manifests = index.get("manifests")
    for entry in manifests if isinstance(manifests, list) else ():
        descriptor = descriptor_of(entry, where=str(blobs.shown))
        named = descriptor.annotations.get(REF_NAME, name)
        document = blobs.document(descriptor)
        if {"manifests", "layers"} <= document.keys():
            raise ArtifactError(
                "a manifest is an image and an index at once",
                place=Place(file=blobs.shown),
                found=descriptor.digest,
                expected="layers or manifests",
                hint="make the layout again",
            )
        if descriptor.media_type == INDEX_TYPE and depth < _DEEPEST:
            yield from _images(document, blobs, name=named, depth=depth + 1)
            continue
        if document.get("subject") or document.get("artifactType"):
            continue
        shown = descriptor.digest
        layers = document.get("layers")
        yield FoundImage(
            name=f"{blobs.shown} ({named})" if named else str(blobs.shown),
            digest=shown,
            named=shown,
            annotations=annotations_of(document, where=descriptor.digest),
            config=descriptor_of(
                document.get("config"), where=f"the config of {descriptor.digest}"
            ),
            layers=tuple(
                descriptor_of(layer, where=f"a layer of {descriptor.digest}")
                for layer in (layers if isinstance(layers, list) else ())
            ),
            blobs=blobs,
        )
