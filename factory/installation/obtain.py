"""A plugin brought and checked: from an image, an npm registry, an archive or a folder.

What is brought is verified before anything of it is unpacked, and unpacked into a folder that no
portal looks into.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.archives.integrity import check_integrity, integrity_of
from factory.archives.npm_package import (
    LARGEST_PACKAGE_JSON,
    PACKAGE_FOLDER,
    PACKAGE_JSON,
    is_package_name,
)
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, ConfigurationError, Place
from factory.installation.folder_copy import copy_plugin_folder, folder_digest
from factory.installation.image_plugins import chosen_folder
from factory.installation.npm_registry import FoundPackage, find_package
from factory.installation.package_reference import (
    LocalArchive,
    LocalFolder,
    NpmPackage,
    OciPackage,
    RemoteArchive,
)
from factory.notation.json_text import parse_json
from factory.oci.pull import pull_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from factory.archives.limits import Limits
    from factory.installation.connections import Connections
    from factory.installation.plugin_list import PluginEntry
    from factory.oci.pull import OnFetched, PulledManifest

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Obtained:
    """A verified plugin at ``path``, to be staged as ``folder``; see :class:`Staged`."""

    path: Path
    folder: str
    source: str
    name: str
    version: str


def source_now(entry: PluginEntry, connections: Connections) -> str:
    """Return the ``source`` that the entry's package has now, downloading none of it.

    Nothing where only a download can tell.

    Raises:
        FactoryError: it cannot be asked, or is not there.
    """
    package = entry.package
    if isinstance(package, OciPackage):
        return connections.digest(connections.located(package))
    if isinstance(package, NpmPackage):
        return find_package(package, connections.means.npmrc, connections.web()).integrity
    if isinstance(package, LocalArchive):
        return _archive_source(package, entry)
    if isinstance(package, LocalFolder):
        return folder_digest(package.path)
    return ""


def obtain(
    entry: PluginEntry, into: Path, connections: Connections, on_progress: OnFetched
) -> Obtained:
    """Bring an entry's package and unpack it as ``into``, which is not there yet.

    Raises:
        FactoryError: it cannot be had, is not what it should be, or is not safe to unpack.
    """
    package = entry.package
    if isinstance(package, OciPackage):
        return _from_image(package, into, connections, on_progress)
    if isinstance(package, NpmPackage):
        found = find_package(package, connections.means.npmrc, connections.web())
        return _from_url(entry, found, into, connections, on_progress)
    if isinstance(package, RemoteArchive):
        found = FoundPackage(version="", url=package.url)
        return _from_url(entry, found, into, connections, on_progress)
    if isinstance(package, LocalArchive):
        return _from_file(entry, package.path, entry.integrity, into, connections.means.limits)
    source = folder_digest(package.path)
    copy_plugin_folder(package.path, into)
    return _obtained(into, source, str(package))


def _from_image(
    package: OciPackage, into: Path, connections: Connections, on_progress: OnFetched
) -> Obtained:
    package = connections.located(package)
    digest = connections.digest(package)
    manifest = pull_manifest(
        connections.registry(package.registry),
        package.repository,
        digest,
        platform=connections.means.platform,
    )
    _refuse_oversized(manifest, package, connections.means.limits)
    plugin = package.plugin_path or chosen_folder(manifest.annotations, package)
    there = 0
    for layer in manifest.layers:
        blob = connections.layer(package, layer, on_progress)
        unpacked = into if not there else into.with_name(f"{into.name}-more")
        files = unpack(
            blob,
            unpacked,
            select=plugin,
            archive=str(package),
            limits=connections.means.limits,
        )
        if files and there:
            raise ArtifactError(
                "the plugin is spread over several layers of its image",
                found=str(package),
                expected="one layer with the whole plugin",
                hint="build the image with 'plugin-factory push'",
            )
        if not files:
            shutil.rmtree(unpacked, ignore_errors=True)
        there += files
    if not there:
        raise ArtifactError(
            f"the image holds no plugin {plugin}",
            found=str(package),
            expected=f"a folder {plugin} at the image's root",
            hint="write the folder's name behind '!', as the image's annotation "
            "io.backstage.dynamic-packages has it",
        )
    return _obtained(into, digest, str(package), folder=plugin)


def _refuse_oversized(manifest: PulledManifest, package: OciPackage, limits: Limits) -> None:
    """What is packed is not larger than what it unpacks to may be: else it is not even fetched."""
    size = sum(layer.size for layer in manifest.layers)
    if size > limits.total:
        raise ArtifactError(
            "the image is larger than it may be",
            found=f"{size} bytes in {len(manifest.layers)} layers: {package}",
            expected=f"at most {limits.total} bytes",
            hint="check the image's name: no plugin is that large",
        )


def _from_url(
    entry: PluginEntry,
    found: FoundPackage,
    into: Path,
    connections: Connections,
    on_progress: OnFetched,
) -> Obtained:
    archive = into.with_name(f"{into.name}.tgz")
    means = connections.means

    def authorize(url: str) -> str:
        return means.npmrc.authorization(url, registry=found.registry)

    try:
        connections.web().file(
            found.url,
            archive,
            authorize=authorize,
            largest=means.limits.total,
            on_progress=on_progress,
        )
        integrity = entry.integrity or found.integrity
        return _from_file(entry, archive, integrity, into, means.limits)
    finally:
        archive.unlink(missing_ok=True)


def _from_file(
    entry: PluginEntry, archive: Path, integrity: str, into: Path, limits: Limits
) -> Obtained:
    name = str(entry.package)
    try:
        with archive.open("rb") as stream:
            if integrity:
                check_integrity(stream, integrity, name=name, place=entry.place)
                stream.seek(0)
            source = integrity_of(stream)
            stream.seek(0)
            files = unpack(stream, into, select=PACKAGE_FOLDER, archive=name, limits=limits)
    except OSError as error:
        raise ArtifactError(
            f"the archive cannot be read: {error.strerror or error}",
            place=Place(file=archive),
            hint="relative paths count from the folder of the file that they are written in",
        ) from error
    if not files:
        shutil.rmtree(into, ignore_errors=True)
        raise ArtifactError(
            "the archive holds no plugin",
            found=name,
            expected=f"a folder {PACKAGE_FOLDER}, as 'npm pack' makes it",
        )
    return _obtained(into, source, name)


def _archive_source(package: LocalArchive, entry: PluginEntry) -> str:
    try:
        return integrity_of(package.path)
    except OSError as error:
        raise ConfigurationError(
            f"the archive cannot be read: {error.strerror or error}",
            place=entry.place,
            found=str(package.path),
            hint="relative paths count from the folder of the file that they are written in",
        ) from error


def _obtained(path: Path, source: str, shown: str, *, folder: str = "") -> Obtained:
    file = path / PACKAGE_JSON
    package: object = None
    try:
        if file.is_file() and file.stat().st_size <= LARGEST_PACKAGE_JSON:
            package = parse_json(file.read_bytes())
    except (OSError, ValueError):
        package = None
    fields = package if isinstance(package, dict) else {}
    name, version = fields.get("name"), fields.get("version")
    right = isinstance(name, str) and isinstance(version, str)
    if not right or not is_package_name(str(name)) or not _VERSION.fullmatch(str(version)):
        raise ArtifactError(
            "what was brought is no plugin: its package.json has no usable name and version",
            found=shown,
            expected="an exported plugin, with package.json at its top",
            hint="export the plugin with 'plugin-factory build'",
        )
    packed = f"{name}-{version}".replace("@", "").replace("/", "-")
    return Obtained(
        path=path, folder=folder or packed, source=source, name=str(name), version=str(version)
    )
