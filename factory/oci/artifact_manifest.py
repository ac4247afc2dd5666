"""Files that are no image, as a registry keeps them: a manifest that lists them as layers.

Image-spec 1.1, `manifest.md`, "Guidelines for Artifact Usage".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.oci.blob import MANIFEST_TYPE, Blob, blob_of, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.oci.descriptor import Descriptor

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
