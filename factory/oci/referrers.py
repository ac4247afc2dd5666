"""What is attached to an image: signatures, SBOMs, provenance; as the image's referrers.

Distribution-spec 1.1, sections "Listing Referrers" and "Pushing Manifests with Subject". Registries
older than that keep no lists: clients then keep one themselves, an index under a tag that is made
of the subject's digest ("Referrers Tag Schema").
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from factory.errors import RegistryError
from factory.oci.descriptor import (
    EMPTY,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    artifact_manifest,
    blob_of,
    canonical_json,
    descriptors_in,
    entries_of,
)
from factory.oci.push import push_blob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.oci.descriptor import Blob
    from factory.oci.registry import Registry

log = logging.getLogger(__name__)

# The tag's list is read, changed and written by whoever attaches: another may do so in between.
_TIMES = 5
_one_at_a_time = threading.Lock()


def attach(
    registry: Registry,
    repository: str,
    subject: Descriptor,
    *,
    artifact_type: str,
    blobs: Sequence[Blob],
    titles: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
) -> str:
    """Push an artifact that refers to ``subject`` and return its manifest's digest.

    The same artifact attached again changes nothing.

    Args:
        registry: the conversation.
        repository: the subject's.
        subject: the image's manifest, as :attr:`PulledManifest.descriptor` gives it.
        artifact_type: what the artifact is, as a media type.
        blobs: its contents.
        titles: their file names, if they have any: by these, tools such as oras save them.
        annotations: of its manifest; lists of referrers show them too.

    Raises:
        RegistryError: the registry refuses, or others keep changing the list of referrers.
    """
    named = zip(titles or [""] * len(blobs), blobs, strict=True)
    manifest = artifact_manifest(artifact_type, named, subject=subject, annotations=annotations)
    for blob in (EMPTY, *blobs):
        push_blob(registry, repository, blob)
    kept = registry.put_manifest(repository, manifest.digest, manifest)
    if not kept:
        entry = Descriptor(
            media_type=MANIFEST_TYPE,
            digest=manifest.digest,
            size=manifest.size,
            artifact_type=artifact_type,
            annotations=annotations or {},
        )
        with _one_at_a_time:
            _add_to_tag(registry, repository, subject.digest, entry)
    return manifest.digest


def list_referrers(
    registry: Registry, repository: str, digest: str, *, artifact_type: str | None = None
) -> tuple[Descriptor, ...]:
    """Return what refers to the manifest ``digest``, of ``artifact_type`` if one is given.

    Raises:
        RegistryError: the registry refuses, or the answer is not such a list.
    """
    found = registry.referrers(repository, digest, artifact_type)
    if found is not None:
        return found
    index = registry.get_manifest(repository, referrers_tag(digest))
    if index is None:
        return ()
    where = f"{repository}:{referrers_tag(digest)}"
    return tuple(
        one
        for one in descriptors_in(index, where=where)
        if not artifact_type or one.artifact_type == artifact_type
    )


def referrers_tag(digest: str) -> str:
    """Return the tag of the list that clients keep: ``sha256-…`` (at most 64 digits of it)."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


def _add_to_tag(registry: Registry, repository: str, subject: str, entry: Descriptor) -> None:
    tag = referrers_tag(subject)
    for _ in range(_TIMES):
        before = registry.get_manifest(repository, tag)
        entries = entries_of(before, where=f"{repository}:{tag}") if before is not None else []
        if any(one.get("digest") == entry.digest for one in entries):
            return
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [*entries, entry.as_json()],
        }
        registry.put_manifest(repository, tag, blob_of(canonical_json(index), INDEX_TYPE))
        log.debug("%s keeps no referrers: %s lists them", registry.target.registry, tag)
    raise RegistryError(
        "the list of the image's attachments keeps changing",
        found=f"{registry.target.registry}/{repository}:{tag}",
        expected=f"an entry {entry.digest}",
        hint="other processes are attaching to the same image: try again later",
    )
