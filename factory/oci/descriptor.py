"""Content that images refer to: descriptors, read and checked, and the bytes behind them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from factory.errors import RegistryError
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable


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


MOST_ENTRIES = 1000
"""Entries of one list: an index has one a platform, an image with signatures one a signature."""

_LARGEST_SIZE = 2**63 - 1  # the image-spec's int64
_PLATFORM_FIELDS = ("os", "architecture", "variant")
_DIGEST = lazy_pattern(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class Hash(Protocol):
    """What of :mod:`hashlib` a digest is checked with."""

    def update(self, data: bytes, /) -> None:
        """Add to what is hashed."""

    def hexdigest(self) -> str:
        """Return the hash so far."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """What is referred to: media type, digest, size in bytes; the artifact's type if it has one.

    ``platform`` is ``linux/arm64/v8``, or "" where the descriptor names none.
    """

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
        RegistryError: it is not a descriptor.
    """
    fields = value if isinstance(value, Mapping) else {}
    digest, size = fields.get("digest"), fields.get("size")
    if (
        not is_digest(digest)
        or not isinstance(size, int)
        or isinstance(size, bool)
        or not 0 <= size <= _LARGEST_SIZE
    ):
        raise RegistryError(
            f"{where} does not have a valid descriptor",
            found=repr(value)[:200],
            expected='an object with "mediaType", "digest" (sha256:…) and "size"',
        )
    return Descriptor(
        media_type=text_field(fields, "mediaType", where=where),
        digest=str(digest),
        size=size,
        artifact_type=text_field(fields, "artifactType", where=where),
        annotations=annotations_of(fields, where=where),
        platform=_platform(fields.get("platform"), where),
    )


def annotations_of(fields: Mapping[str, Any], *, where: str) -> Mapping[str, str]:
    """Return the annotations of a manifest or a descriptor: text by text, as the image-spec says.

    Raises:
        RegistryError: they are something else.
    """
    found = fields.get("annotations") or {}
    if not isinstance(found, Mapping) or not all(
        isinstance(text, str | None) for text in found.values()
    ):
        raise RegistryError(
            f"the annotations of {where} are not text",
            found=repr(found)[:200],
            expected="an object whose values are text",
            hint="push the image again",
        )
    return MappingProxyType({key: text or "" for key, text in found.items()})


def text_field(fields: Mapping[str, Any], name: str, *, where: str) -> str:
    """Return a field that is text, "" if it is not there.

    Raises:
        RegistryError: it is something else.
    """
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise RegistryError(
            f"{where} has a field {name} that is not text", found=repr(value)[:200], expected="text"
        )
    return value or ""


def _platform(value: object, where: str) -> str:
    if value is None:
        return ""
    fields = value if isinstance(value, Mapping) else {}
    system, processor, variant = (
        text_field(fields, name, where=where) for name in _PLATFORM_FIELDS
    )
    return "/".join([system, processor, *([variant] if variant else [])])


def descriptors_in(index: bytes, *, where: str) -> tuple[Descriptor, ...]:
    """Return the entries of an index's ``manifests``.

    Raises:
        RegistryError: it is not an index.
    """
    return tuple(descriptor_of(entry, where=where) for entry in entries_of(index, where=where))


def entries_of(index: bytes, *, where: str) -> list[dict[str, Any]]:
    """Return the same as they are, with whatever fields they have.

    Raises:
        RegistryError: it is not an index.
    """
    try:
        entries = parse_object(index).get("manifests")
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RegistryError(
            f"{where} is not an image index",
            found=index[:200].decode("utf-8", "replace"),
            expected='JSON with "manifests", a list of descriptors',
        )
    refuse_too_many(entries, where=where)
    return entries


def refuse_too_many(entries: Sequence[object], *, where: str) -> None:
    """Check that a list is not longer than any that is meant.

    Raises:
        RegistryError: it has more than :data:`MOST_ENTRIES` entries.
    """
    if len(entries) > MOST_ENTRIES:
        raise RegistryError(
            f"{where} has too many parts",
            found=f"{len(entries)}",
            expected=f"at most {MOST_ENTRIES}",
            hint="ask its author",
        )


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


TITLE = "org.opencontainers.image.title"
"""The annotation of a layer that has a file's name: by it, tools such as oras save the file."""

EMPTY = blob_of(b"{}", "application/vnd.oci.empty.v1+json")
"""The config of an artifact, which has none; a registry must have it before the manifest."""


def artifact_manifest(
    artifact_type: str,
    files: Iterable[tuple[str, Blob]],
    *,
    subject: Descriptor | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Blob:
    """Return the manifest of an artifact.

    Args:
        artifact_type: what the artifact is, as a media type.
        files: its contents in order, each with its file's name, "" for one that has none.
        subject: the image that it is about, if it is about one.
        annotations: of the manifest itself.
    """
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": EMPTY.descriptor,
        "layers": [
            {**blob.descriptor, **({"annotations": {TITLE: name}} if name else {})}
            for name, blob in files
        ],
    }
    if subject:
        manifest["subject"] = {
            "mediaType": subject.media_type,
            "digest": subject.digest,
            "size": subject.size,
        }
    if annotations:
        manifest["annotations"] = dict(annotations)
    return blob_of(canonical_json(manifest), MANIFEST_TYPE)
