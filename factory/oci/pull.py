"""Images and their parts, taken from a registry: checked by digest, whole or not at all.

Distribution-spec 1.1, section "Pull"; image-spec 1.1, `image-index.md` for the platforms.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import field
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from factory.errors import RegistryError, StorageError
from factory.files import replace_file
from factory.notation.json_text import parse_object
from factory.oci.answers import TemporaryFailure
from factory.oci.descriptor import (
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Hash,
    annotations_of,
    descriptor_of,
    digest_of,
    hash_for,
    is_digest,
    matches,
    refuse_too_many,
    text_field,
)
from factory.oci.platforms import choose_manifest, default_platform, image_platform
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import TypeAlias

    from factory.oci.registry import Registry

    # Called with the bytes that are there and the bytes that there will be (0: not known).
    OnFetched: TypeAlias = Callable[[int, int], None]

LARGEST_SMALL_BLOB = 4 * 1024 * 1024
_INDEXES = frozenset({INDEX_TYPE, DOCKER_LIST_TYPE})
_IMAGES = frozenset({MANIFEST_TYPE, DOCKER_MANIFEST_TYPE})
# What makes a document an image, an index, or one of docker's first format; of one kind alone
# (containers/image refuses others as "ambiguous": two readers could read two images).
_TELLING = frozenset({"config", "fslayers", "history", "layers", "manifests"})
_OF_INDEX, _OF_IMAGE = frozenset({"manifests"}), frozenset({"config", "layers"})
_DEEPEST_INDEX = 4
_MOST_SHOWN = 5


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
        """The manifest's annotations.

        Raises:
            RegistryError: they are not text.
        """
        return annotations_of(self.document, where=self.digest)

    @property
    def is_index(self) -> bool:
        """Whether it leads to other manifests."""
        return self.media_type in _INDEXES

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
        return self._describe("layers")

    @property
    def manifests(self) -> tuple[Descriptor, ...]:
        """An index's manifests.

        Raises:
            RegistryError: the index does not describe them.
        """
        return self._describe("manifests")

    def _describe(self, name: str) -> tuple[Descriptor, ...]:
        parts = self.document.get(name)
        if not isinstance(parts, list):
            parts = [None]
        refuse_too_many(parts, where=self.digest)
        where = f"one of the {name} of {self.digest}"
        return tuple(descriptor_of(one, where=where) for one in parts)


def pull_manifest(
    registry: Registry, repository: str, tag_or_digest: str, *, platform: str = ""
) -> PulledManifest:
    """Return an image's manifest; of an index that of a platform, and never another's.

    Args:
        registry: the conversation.
        repository: where the image is.
        tag_or_digest: which one.
        platform: as Node.js calls it (``linux-x64``); without it, Linux on this processor.

    Raises:
        RegistryError: the registry refuses or has no such image, has none for the platform, or what
            it has is not a manifest, or not what the digest names.
    """
    platform = platform or default_platform()
    wanted = tag_or_digest
    for _ in range(_DEEPEST_INDEX):
        found = pull_document(registry, repository, wanted)
        if not found.is_index:
            return found
        chosen = choose_manifest(
            found.manifests,
            image_platform(platform),
            takes_unnamed=found.media_type == INDEX_TYPE,
        )
        if chosen is None:
            raise _of_other_platforms(found, f"{registry.target.registry}/{repository}", platform)
        wanted = chosen.digest
    raise RegistryError(
        "the image's indexes are nested too deeply",
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
        raise missing_error(name)
    digest = tag_or_digest if is_digest(tag_or_digest) else digest_of(content)
    if not matches(content, digest):
        raise RegistryError(
            f"the registry returned a different manifest than was requested: {name}",
            found=digest_of(content),
            expected=digest,
            hint="a proxy or mirror in front of the registry may be at fault: try again without it",
        )
    try:
        document = parse_object(content, each_key_once=True)
    except ValueError as error:
        raise _no_image(name, str(error)) from error
    return PulledManifest(
        digest=digest,
        media_type=_media_type(document, name),
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
        with replace_file(destination) as file:
            os.fchmod(file.fileno(), 0o644)  # whatever the umask: what is pulled is not secret
            _fetch(registry, repository, descriptor, file, on_progress or _ignore_progress)
    except OSError as error:
        raise StorageError(
            f"the pulled image cannot be written: {error.strerror or error}",
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
            "a part of the image is larger than allowed",
            found=f"{descriptor.size} bytes: {descriptor.digest}",
            expected=f"at most {limit} bytes",
        )
    with tempfile.SpooledTemporaryFile(max_size=limit + 1) as file:
        _fetch(registry, repository, descriptor, file, _ignore_progress)
        file.seek(0)
        return file.read()


def missing_error(name: str) -> RegistryError:
    """Return the error for an image that is not there."""
    return RegistryError(
        f"the registry has no image {name}",
        found="HTTP 404 for its manifest",
        hint="check the name and the tag; a private repository looks missing without a login",
    )


def _media_type(document: dict[str, Any], name: str) -> str:
    """What kind of manifest a document is; one that two readers could take for two is refused.

    Go's reader, which portals' tools have, takes names of fields in any case.
    """
    said = text_field(document, "mediaType", where=name)
    telling = {field for field in document if field.lower() in _TELLING}
    for kind, types, unsaid in (
        (_OF_INDEX, _INDEXES, INDEX_TYPE),
        (_OF_IMAGE, _IMAGES, MANIFEST_TYPE),
    ):
        if telling & kind - {"config"} and telling <= kind and said in ("", *types):
            return said or unsaid
    shown = ", ".join(sorted(telling)) or "no layers and no manifests"
    raise _no_image(name, f"{said or 'no media type'}, with {shown}")


def _no_image(name: str, found: str) -> RegistryError:
    return RegistryError(
        f"what the registry has is not an image: {name}",
        found=found,
        expected="an image manifest with layers, or an index with manifests, of the OCI image-spec "
        "or docker's schema 2",
    )


def _of_other_platforms(index: PulledManifest, name: str, platform: str) -> RegistryError:
    others = [one for one in index.manifests if one.platform not in ("", "unknown/unknown")]
    shown = ", ".join(f"{one.platform} ({one.digest})" for one in others[:_MOST_SHOWN])
    first = others[0].digest if others else "sha256:…"
    return RegistryError(
        f"the image is not for {image_platform(platform)}",
        found=f"{shown or 'no platform at all'}, in the index {index.digest}",
        expected=f"an image for {image_platform(platform)}",
        hint="push one for it, or choose one with --platform (a plugin without native "
        f"modules runs anywhere), or name one by its digest: {name}@{first}",
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
            raise TemporaryFailure(f"only {there} of {descriptor.size} bytes were received")

    if descriptor.size:
        registry.transport.retry(attempt, registry.base_url())
    if hashed.hexdigest() != descriptor.digest.partition(":")[2]:
        found = f"{descriptor.digest.partition(':')[0]}:{hashed.hexdigest()}"
        raise _not_as_described(name, found, descriptor)


def _not_as_described(name: str, found: str, descriptor: Descriptor) -> RegistryError:
    return RegistryError(
        f"the registry sends something other than what the image's manifest describes: {name}",
        found=found,
        expected=f"{descriptor.digest}, {descriptor.size} bytes",
        hint="a proxy or mirror in front of the registry may be at fault: try again without it",
    )


def _name(registry: Registry, repository: str, tag_or_digest: str) -> str:
    joint = "@" if is_digest(tag_or_digest) else ":"
    return f"{registry.target.registry}/{repository}{joint}{tag_or_digest}"


def _ignore_progress(there: int, total: int) -> None:
    """Progress that nobody watches."""
