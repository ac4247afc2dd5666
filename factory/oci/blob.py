"""Content that an image refers to: its descriptor, and where its bytes are.

Rules from the OCI image-spec 1.1, `descriptor.md`: a digest is ``sha256:`` and 64 lower-case hex
digits of the blob's bytes, a size is in bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
# What docker and buildah's --format docker make: read, never written.
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """Bytes with their media type, digest and size; small ones in memory, layers in a file."""

    media_type: str
    digest: str
    size: int
    content: bytes | Path = field(repr=False)

    def open(self) -> BinaryIO:
        """Return the bytes as a stream at its start; the caller closes it."""
        if isinstance(self.content, Path):
            return self.content.open("rb")
        return io.BytesIO(self.content)

    @property
    def descriptor(self) -> dict[str, str | int]:
        """The blob as a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    @property
    def hex(self) -> str:
        """The digest without its algorithm: the blob's file name in a layout."""
        return self.digest.partition(":")[2]


def digest_of(content: bytes) -> str:
    """Return the sha256 digest of ``content`` as descriptors write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob_of(content: bytes, media_type: str) -> Blob:
    """Return ``content`` as a blob in memory."""
    return Blob(
        media_type=media_type, digest=digest_of(content), size=len(content), content=content
    )


def canonical_json(value: object) -> bytes:
    """Return a JSON value as bytes that follow from it alone: names sorted, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
