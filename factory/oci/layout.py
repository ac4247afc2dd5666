"""Images on disk, for skopeo, podman and crane: an OCI layout folder, or the same as one tar.

Image-spec 1.1, `image-layout.md`; skopeo's names for the two are ``oci:`` and ``oci-archive:``.
Both appear whole or not at all, and the tar depends on nothing but the image and its name.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING

from factory.errors import StorageError
from factory.files import replace_file, replace_folder
from factory.oci.descriptor import (
    INDEX_TYPE,
    canonical_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.oci.descriptor import Blob
    from factory.oci.image import Image

LAYOUT_MARKER = "oci-layout"
_VERSION = b'{"imageLayoutVersion":"1.0.0"}'
_INDEX = "index.json"
_BLOBS = "blobs/sha256"
REF_NAME = "org.opencontainers.image.ref.name"
_READABLE_FOLDER = 0o755
_READABLE_FILE = 0o644


def write_layout(images: Sequence[tuple[Image, str]], destination: Path) -> Path:
    """Write images, each with its name (``quay.io/team/plugin:1.0``), as a layout folder.

    A layout that is there already is replaced. Returns ``destination``.

    Raises:
        StorageError: the disk is full, the folder cannot be written, or ``destination`` is
            something other than a layout, which is left as it is.
    """
    if destination.exists() and not (destination / LAYOUT_MARKER).is_file():
        raise StorageError(
            "the image layout would replace something that is not an image layout",
            found=str(destination),
            hint="move it away, or choose another output folder",
        )
    try:
        with replace_folder(destination) as fresh:
            (fresh / _BLOBS).mkdir(parents=True)
            (fresh / LAYOUT_MARKER).write_bytes(_VERSION)
            (fresh / _INDEX).write_bytes(_index(images))
            for blob in _blobs(images):
                with blob.open() as source, (fresh / _BLOBS / blob.hex).open("wb") as copy:
                    shutil.copyfileobj(source, copy)
    except OSError as error:
        raise _unwritable(destination, error) from error
    return destination


def write_archive(images: Sequence[tuple[Image, str]], destination: Path) -> Path:
    """Write images, each with its name, as one tar of the layout. Returns ``destination``.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    try:
        with (
            replace_file(destination) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            # The small files first: a reader learns what it has before the layers come.
            _add(tar, LAYOUT_MARKER, _VERSION)
            _add(tar, _INDEX, _index(images))
            for folder in ("blobs", _BLOBS):
                info = tarfile.TarInfo(folder)
                info.type, info.mode = tarfile.DIRTYPE, _READABLE_FOLDER
                tar.addfile(info)
            for blob in _blobs(images):
                info = tarfile.TarInfo(f"{_BLOBS}/{blob.hex}")
                info.size, info.mode = blob.size, _READABLE_FILE
                with blob.open() as source:
                    tar.addfile(info, source)
    except OSError as error:
        raise _unwritable(destination, error) from error
    return destination


def _index(images: Sequence[tuple[Image, str]]) -> bytes:
    manifests = [
        image.manifest.descriptor | {"annotations": {REF_NAME: name}} for image, name in images
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
    return canonical_json(index)


def _blobs(images: Sequence[tuple[Image, str]]) -> list[Blob]:
    """Every blob once, in an order of their own."""
    found = {blob.hex: blob for image, _ in images for blob in (image.manifest, *image.blobs)}
    return sorted(found.values(), key=lambda blob: (blob.size, blob.hex))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), _READABLE_FILE
    tar.addfile(info, io.BytesIO(content))


def _unwritable(destination: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the image cannot be written: {error.strerror or error}",
        found=str(destination),
        hint="free some space, or choose another output folder",
    )
