"""Images and their parts, taken from a registry: checked by digest, whole or not at all.

Distribution-spec 1.1, section "Pull"; image-spec 1.1, `image-index.md` for the platforms.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from factory.errors import RegistryError, StorageError
from factory.oci.blob import DOCKER_LIST_TYPE, INDEX_TYPE, MANIFEST_TYPE, digest_of
from factory.oci.descriptor import (
    Descriptor,
    Hash,
    descriptor_of,
    descriptors_in,
    hash_for,
    is_digest,
    matches,
)
from factory.oci.retry import TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from factory.oci.registry import Registry

    # Called with the bytes that are there and the bytes that there will be (0: not known).
    OnFetched: TypeAlias = Callable[[int, int], None]

PLATFORM = "linux/amd64"
LARGEST_SMALL_BLOB = 4 * 1024 * 1024
_INDEXES = frozenset({INDEX_TYPE, DOCKER_LIST_TYPE})
_DEEPEST_INDEX = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledManifest:
    """A manifest as the registry has it, byte for byte."""

    digest: str
    media_type: str
    document: Mapping[str, Any] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def descriptor(self) -> Descriptor:
        """The manifest as others refer to it, for example as the subject of a signature."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.content))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The manifest's annotations."""
        found = self.document.get("annotations")
        return found if isinstance(found, dict) else {}

    @property
    def config(self) -> Descriptor:
        """The image's config.

        Raises:
            RegistryError: the manifest does not describe it.
        """
        return descriptor_of(self.document.get("config"), where=f"the config of {self.digest}")

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """The image's layers, the lowest first; an artifact's blobs.

        Raises:
            RegistryError: the manifest does not describe them.
        """
        layers = self.document.get("layers")
        if not isinstance(layers, list):
            layers = [None]
        where = f"a layer of {self.digest}"
        return tuple(descriptor_of(layer, where=where) for layer in layers)


def pull_manifest(
    registry: Registry, repository: str, tag_or_digest: str, *, platform: str = PLATFORM
) -> PulledManifest:
    """Return an image's manifest; of an index that of ``platform``, or of any if it has not that.

    Raises:
        RegistryError: the registry refuses or has no such image, or what it has is no manifest, or
            not what the digest names.
    """
    wanted = tag_or_digest
    for _ in range(_DEEPEST_INDEX):
        found = pull_document(registry, repository, wanted)
        if found.media_type not in _INDEXES:
            return found
        name = _name(registry, repository, wanted)
        manifests = descriptors_in(found.content, where=name)
        if not manifests:
            raise RegistryError(
                "the image's index is empty",
                found=name,
                expected=f"an image for {platform}",
                hint="push the image again",
            )
        of_platform = [one for one in manifests if one.platform == platform]
        wanted = (of_platform or manifests)[0].digest
    raise RegistryError(
        "the image's index leads to indexes without end",
        found=_name(registry, repository, tag_or_digest),
        expected=f"an image after at most {_DEEPEST_INDEX} indexes",
        hint="push the image again",
    )


def pull_document(registry: Registry, repository: str, tag_or_digest: str) -> PulledManifest:
    """Return a manifest or an index as it is, checked if it is asked for by digest.

    Raises:
        RegistryError: as :func:`pull_manifest`.
    """
    name = _name(registry, repository, tag_or_digest)
    content = registry.get_manifest(repository, tag_or_digest)
    if content is None:
        raise missing(name)
    digest = tag_or_digest if is_digest(tag_or_digest) else digest_of(content)
    if not matches(content, digest):
        raise RegistryError(
            f"the registry gives another manifest than it was asked for: {name}",
            found=digest_of(content),
            expected=digest,
            hint="a proxy or mirror before the registry may be at fault: try again without it",
        )
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not ({"layers", "manifests"} & document.keys()):
        raise RegistryError(
            f"what the registry has is no image: {name}",
            found=content[:200].decode("utf-8", "replace"),
            expected="an image manifest of the OCI image-spec, or docker's schema 2",
        )
    unnamed = INDEX_TYPE if "manifests" in document else MANIFEST_TYPE
    return PulledManifest(
        digest=digest,
        media_type=str(document.get("mediaType") or unnamed),
        document=MappingProxyType(document),
        content=content,
    )


def fetch_blob(
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    destination: Path,
    on_progress: OnFetched | None = None,
) -> None:
    """Write a blob to ``destination``, which appears when it is complete and its digest is right.

    A broken transfer is taken up where it broke, as often as the registry's retry policy has it.
    ``on_progress`` is called for each part, from this thread.

    Raises:
        RegistryError: the registry refuses or has no such blob, or what it sends is not what the
            descriptor says.
        StorageError: ``destination`` cannot be written.
        Interrupted: the registry's checkpoint ended the run.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{destination.name}.", dir=destination.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                _fetch(registry, repository, descriptor, file, on_progress or _unwatched)
            partial.chmod(0o644)
            partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"what is pulled cannot be written: {error.strerror or error}",
            found=str(destination),
            hint="free some space, or name another folder",
        ) from error


def read_blob(
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    *,
    limit: int = LARGEST_SMALL_BLOB,
) -> bytes:
    """Return a small blob's bytes: a config, a signature, an attestation.

    Raises:
        RegistryError: as :func:`fetch_blob`, or the blob is larger than ``limit`` bytes.
    """
    if descriptor.size > limit:
        raise RegistryError(
            "a part of the image is larger than it may be",
            found=f"{descriptor.size} bytes: {descriptor.digest}",
            expected=f"at most {limit} bytes",
        )
    with tempfile.SpooledTemporaryFile(max_size=limit + 1) as file:
        _fetch(registry, repository, descriptor, file, _unwatched)
        file.seek(0)
        return file.read()


def missing(name: str) -> RegistryError:
    """Return the error for an image that is not there."""
    return RegistryError(
        f"the registry has no image {name}",
        found="HTTP 404 for its manifest",
        hint="check the name and the tag; a private repository looks missing without a login",
    )


def _fetch(
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    file: IO[bytes],
    on_progress: OnFetched,
) -> None:
    name = _name(registry, repository, descriptor.digest)
    hashed: Hash = hash_for(descriptor.digest)
    there = 0

    def attempt() -> None:
        nonlocal hashed, there
        with registry.get_blob(repository, descriptor.digest, start=there) as (start, parts):
            if start != there:
                file.seek(0)
                file.truncate()
                hashed, there = hash_for(descriptor.digest), 0
            for part in parts:
                if there + len(part) > descriptor.size:
                    raise _not_as_described(name, f"more than {descriptor.size} bytes", descriptor)
                file.write(part)
                hashed.update(part)
                there += len(part)
                on_progress(there, descriptor.size)
        if there < descriptor.size:
            raise TemporaryFailure(f"only {there} of {descriptor.size} bytes came")

    if descriptor.size:
        registry.transport.retried(attempt, registry.base_url())
    if hashed.hexdigest() != descriptor.digest.partition(":")[2]:
        found = f"{descriptor.digest.partition(':')[0]}:{hashed.hexdigest()}"
        raise _not_as_described(name, found, descriptor)


def _not_as_described(name: str, found: str, descriptor: Descriptor) -> RegistryError:
    return RegistryError(
        f"the registry sends something else than the image's manifest describes: {name}",
        found=found,
        expected=f"{descriptor.digest}, {descriptor.size} bytes",
        hint="a proxy or mirror before the registry may be at fault: try again without it",
    )


def _name(registry: Registry, repository: str, tag_or_digest: str) -> str:
    joint = "@" if is_digest(tag_or_digest) else ":"
    return f"{registry.target.registry}/{repository}{joint}{tag_or_digest}"


def _unwatched(there: int, total: int) -> None:
    """Progress that nobody watches."""
