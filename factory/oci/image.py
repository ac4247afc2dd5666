"""A plugin image as a value: layer, config and manifest, made of packed plugins.

Image-spec 1.1: `manifest.md`, `config.md`, and `annotations.md` for ``org.opencontainers.image.*``.
What portals read of it is in :mod:`factory.oci.dynamic_packages`.
"""

from __future__ import annotations

import json
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from factory.errors import PackError
from factory.oci.descriptor import (
    CONFIG_TYPE,
    MANIFEST_TYPE,
    Blob,
    blob_of,
    canonical_json,
)
from factory.oci.layer import Layer, write_layer
from factory.oci.packed_plugin import (
    DYNAMIC_PACKAGES,
    PluginArchive,
    annotation_of,
    dynamic_packages,
    source_name,
)
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INDEX_FILE = "index.json"

# The image holds JavaScript, which runs anywhere, but the config must name a platform (image-spec,
# config.md). One is named for all, or the digest would depend on the machine that built it.
_ARCHITECTURE = "amd64"
_OS = "linux"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STANDARD = "org.opencontainers.image."
_SPDX = lazy_pattern(r"[A-Za-z0-9.+() -]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """What an image says of itself that its plugins do not know.

    ``repository`` and ``revision`` are the source's address and commit, ``created`` that commit's
    time. ``title`` and ``version`` are needed for several plugins in one image only.
    """

    repository: str = ""
    revision: str = ""
    created: datetime | None = None
    title: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image: its manifest's digest names it, and nothing in it can change."""

    manifest: Blob
    config: Blob
    layer: Layer
    plugins: tuple[PluginArchive, ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """The digest by which the image is pulled."""
        return self.manifest.digest

    @property
    def size(self) -> int:
        """The bytes to be transferred for the whole image."""
        return sum(blob.size for blob in (self.manifest, *self.blobs))

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """What the manifest refers to: a registry must have it before the manifest."""
        return (self.layer.blob, self.config)


def image_facts(repository: str, commit: str | None, committed_at: int | None) -> ImageFacts:
    """Return what an image says of its source: its address if others can reach it, its commit.

    ``committed_at`` counts seconds since 1970.
    """
    return ImageFacts(
        # A folder of the machine that built it says nothing to anybody else.
        repository=repository if _is_remote(repository) else "",
        revision=commit or "",
        created=None if committed_at is None else datetime.fromtimestamp(committed_at, UTC),
    )


def build_image(
    plugins: Sequence[PluginArchive],
    layer_file: Path,
    *,
    facts: ImageFacts | None = None,
) -> Image:
    """Return the image of one or several plugins; its layer is written to ``layer_file``.

    The image is usable as long as ``layer_file`` is there.

    Raises:
        PackError: there is no plugin, several need a title, or as
            :func:`factory.oci.layer.write_layer`.
        StorageError: as :func:`factory.oci.layer.write_layer`.
    """
    ordered = tuple(sorted(plugins, key=lambda plugin: plugin.folder))
    facts = facts or ImageFacts()
    if not ordered:
        raise PackError("an image needs at least one plugin", hint="build a plugin first")
    if len(ordered) > 1 and not facts.title:
        raise PackError(
            "an image with several plugins needs a name of its own",
            hint="name it with --bundle NAME",
        )
    index = json.dumps(dynamic_packages(ordered), indent=2, ensure_ascii=False) + "\n"
    layer = write_layer(ordered, layer_file, root_files={INDEX_FILE: index.encode("utf-8")})
    return image_of(ordered, layer, facts=facts)


def build_files_image(files: Mapping[str, bytes], layer_file: Path, *, facts: ImageFacts) -> Image:
    """Return an image of files alone, by their paths; its layer is written to ``layer_file``.

    The image is usable as long as ``layer_file`` is there. The same files make the same image.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    return image_of((), write_layer((), layer_file, root_files=files), facts=facts)


def image_of(plugins: Sequence[PluginArchive], layer: Layer, *, facts: ImageFacts) -> Image:
    """Return the image that ``layer``, made of ``plugins``, is in. Pure."""
    described = standard_annotations(plugins, facts)
    config = blob_of(canonical_json(_config(layer, described, facts.created)), CONFIG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config.descriptor,
        "layers": [layer.blob.descriptor],
        "annotations": described | ({DYNAMIC_PACKAGES: annotation_of(plugins)} if plugins else {}),
    }
    return Image(
        manifest=blob_of(canonical_json(manifest), MANIFEST_TYPE),
        config=config,
        layer=layer,
        plugins=tuple(plugins),
    )


def standard_annotations(plugins: Sequence[PluginArchive], facts: ImageFacts) -> dict[str, str]:
    """Return the ``org.opencontainers.image.*`` annotations that have a value."""
    first = plugins[0] if plugins else None
    single = first if len(plugins) == 1 else None
    values = {
        "title": facts.title or (source_name(first.name) if first else ""),
        "version": facts.version or (single.version if single else ""),
        "source": facts.repository or (_repository(single) if single else ""),
        "revision": facts.revision,
        "licenses": _licenses(plugins),
        "created": _rfc3339(facts.created) if facts.created else "",
    }
    return {f"{_STANDARD}{name}": value for name, value in values.items() if value}


def _is_remote(address: str) -> bool:
    return "://" in address and not address.startswith("file:")


def _config(layer: Layer, labels: dict[str, str], created: datetime | None) -> dict[str, Any]:
    when = _rfc3339(created or _EPOCH)
    return {
        "architecture": _ARCHITECTURE,
        "os": _OS,
        "created": when,
        # Tools that convert manifests drop annotations but keep labels.
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created": when, "created_by": "plugin-factory"}],
    }


def _licenses(plugins: Sequence[PluginArchive]) -> str:
    """An SPDX expression; a field that is not one, such as ``SEE LICENSE IN``, adds nothing."""
    found = {plugin.package.get("license") for plugin in plugins if _is_spdx(plugin)}
    expressions = sorted(str(one) for one in found)
    if len(expressions) > 1:
        expressions = [f"({one})" if " " in one else one for one in expressions]
    return " AND ".join(expressions)


def _is_spdx(plugin: PluginArchive) -> bool:
    text = plugin.package.get("license")
    return (
        isinstance(text, str)
        and bool(_SPDX.fullmatch(text))
        and not text.upper().startswith(("SEE LICENSE", "UNLICENSED"))
    )


def _repository(plugin: PluginArchive) -> str:
    repository = plugin.package.get("repository")
    address = repository.get("url") if isinstance(repository, dict) else repository
    return address.removeprefix("git+") if isinstance(address, str) and "://" in address else ""


def _rfc3339(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
