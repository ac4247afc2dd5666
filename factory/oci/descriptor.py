"""Descriptors as manifests and indexes of others have them: read, checked, one value each.

Image-spec 1.1, `descriptor.md`; the digests that are taken are those that it registers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from factory.errors import RegistryError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class Hash(Protocol):
    """What of :mod:`hashlib` a digest is checked with."""

    def update(self, data: bytes, /) -> None:
        """Add to what is hashed."""

    def hexdigest(self) -> str:
        """Return the hash so far."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """What is referred to: media type, digest, size in bytes; the artifact's type if it has one."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    platform: str = ""

    def as_json(self) -> dict[str, Any]:
        """The descriptor as a manifest has it; the platform is left out."""
        fields: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.artifact_type:
            fields["artifactType"] = self.artifact_type
        if self.annotations:
            fields["annotations"] = dict(self.annotations)
        return fields


def descriptor_of(value: object, *, where: str) -> Descriptor:
    """Return the descriptor that ``value``, read from JSON, is; ``where`` names it for messages.

    Raises:
        RegistryError: it is none.
    """
    fields = value if isinstance(value, Mapping) else {}
    digest, size = fields.get("digest"), fields.get("size")
    if not is_digest(digest) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise RegistryError(
            f"{where} is not described as images describe their parts",
            found=json.dumps(value)[:200],
            expected='an object with "mediaType", "digest" (sha256:…) and "size"',
        )
    annotations = fields.get("annotations")
    platform = fields.get("platform")
    return Descriptor(
        media_type=str(fields.get("mediaType") or ""),
        digest=str(digest),
        size=size,
        artifact_type=str(fields.get("artifactType") or ""),
        annotations=MappingProxyType(
            {str(key): str(text) for key, text in annotations.items()}
            if isinstance(annotations, Mapping)
            else {}
        ),
        platform=f"{platform.get('os')}/{platform.get('architecture')}"
        if isinstance(platform, Mapping)
        else "",
    )


def descriptors_in(index: bytes, *, where: str) -> tuple[Descriptor, ...]:
    """Return the entries of an index's ``manifests``.

    Raises:
        RegistryError: it is no index.
    """
    return tuple(descriptor_of(entry, where=where) for entry in entries_of(index, where=where))


def entries_of(index: bytes, *, where: str) -> list[dict[str, Any]]:
    """Return the same as they are, with whatever fields they have.

    Raises:
        RegistryError: it is no index.
    """
    try:
        document = json.loads(index)
    except ValueError:
        document = None
    entries = document.get("manifests") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RegistryError(
            f"{where} is no image index",
            found=index[:200].decode("utf-8", "replace"),
            expected='JSON with "manifests", a list of descriptors',
        )
    return entries


def is_digest(text: object) -> bool:
    """Return whether ``text`` is a digest of an algorithm that can be checked."""
    return isinstance(text, str) and bool(_DIGEST.fullmatch(text))


def hash_for(digest: str) -> Hash:
    """Return a fresh hash of the digest's algorithm."""
    return hashlib.new(digest.partition(":")[0])


def matches(content: bytes, digest: str) -> bool:
    """Return whether ``content`` has the digest."""
    found = hash_for(digest)
    found.update(content)
    return found.hexdigest() == digest.partition(":")[2]
