"""A plugin brought and checked: from an image, an npm registry, an archive or a folder.

What is brought is verified before anything of it is unpacked, and unpacked into a folder that no
portal looks into.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from factory.archives.integrity import check_integrity, integrity_of
from factory.archives.limits import refuse_large_image
from factory.archives.npm_package import (
    LARGEST_PACKAGE_JSON,
    PACKAGE_FOLDER,
    PACKAGE_JSON,
    is_package_name,
)
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, ConfigurationError, Place
from factory.installation.folder_copy import copy_plugin_folder, folder_digest
from factory.installation.npm_registry import FoundPackage, find_package
from factory.installation.package_reference import (
    LocalArchive,
    LocalFolder,
    NpmPackage,
    OciPackage,
    RemoteArchive,
)
from factory.notation.json_text import parse_json
from factory.oci.packed_plugin import (
    DYNAMIC_PACKAGES,
    folders_in,
    is_plugin_folder,
)
from factory.oci.pull import pull_manifest
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.archives.limits import ArchiveLimits
    from factory.installation.connections import Connections
    from factory.installation.plugin_list import ListedPlugin
    from factory.oci.pull import OnFetched


def plugin_folders(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders that the annotation names, or none where there is no annotation.

    Raises:
        ArtifactError: the annotation is not base64 of a JSON array of objects.
    """
    encoded = annotations.get(DYNAMIC_PACKAGES, "")
    if not encoded:
        return ()
    try:
        return folders_in(encoded)
    except ValueError as error:
        raise ArtifactError(
            f"the image's annotation {DYNAMIC_PACKAGES} cannot be read",
            expected="base64 of a JSON array of objects, one per plugin",
            hint="write the plugin's folder after the image: oci://…!plugin-path",
        ) from error


def choose_folder(annotations: Mapping[str, str], package: OciPackage) -> str:
    """Return the folder of the image's only plugin.

    Raises:
        ArtifactError: there is none, or several, which are named.
    """
    folders = plugin_folders(annotations)
    if len(folders) == 1:
        folder = folders[0]
        if not is_plugin_folder(folder):
            raise ArtifactError(
                "the image names a plugin's folder that does not exist",
                found=f"{folder!r} in {package}",
                expected="a folder at the image's root",
                hint="make the image again with 'plugin-factory push'",
            )
        return folder
    if folders:
        raise ArtifactError(
            "the image contains several plugins",
            found=str(package),
            expected="one of " + ", ".join(f"{package}!{folder}" for folder in folders),
            hint="add !plugin-path to the package",
        )
    raise ArtifactError(
        "the image does not say which plugins it contains",
        found=f"{package} has no annotation {DYNAMIC_PACKAGES}",
        expected="the plugin's folder in the package: oci://registry/repository:tag!plugin-path",
        hint="add !plugin-path to the package",
    )


_VERSION = lazy_pattern(r"[0-9A-Za-z][0-9A-Za-z.+-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObtainedPlugin:
    """A verified plugin at ``path``, to be staged as ``folder``; see :class:`Staged`."""

    path: Path
    folder: str
    source: str
    name: str
    version: str


def source_now(entry: ListedPlugin, connections: Connections) -> str:
    """Return the ``source`` that the entry's package has now, downloading none of it.

    Nothing where only a download can tell.

    Raises:
        FactoryError: it cannot be asked, or is not there.
    """
    package = entry.package
    if isinstance(package, OciPackage):
        return connections.digest(connections.locate(package))
    if isinstance(package, NpmPackage):
        return find_package(package, connections.options.npmrc, connections.web()).integrity
    if isinstance(package, LocalArchive):
        return _archive_source(package, entry)
    if isinstance(package, LocalFolder):
        return folder_digest(package.path)
    return ""


def obtain(
    entry: ListedPlugin, into: Path, connections: Connections, on_progress: OnFetched
) -> ObtainedPlugin:
    """Bring an entry's package and unpack it as ``into``, which is not there yet.

    Raises:
        FactoryError: it is not available, is not what it should be, or is not safe to unpack.
    """
    package = entry.package
    if isinstance(package, OciPackage):
        return _from_image(package, into, connections, on_progress)
    if isinstance(package, NpmPackage):
        found = find_package(package, connections.options.npmrc, connections.web())
        return _from_url(entry, found, into, connections, on_progress)
    if isinstance(package, RemoteArchive):
        found = FoundPackage(version="", url=package.url)
        return _from_url(entry, found, into, connections, on_progress)
    if isinstance(package, LocalArchive):
        return _from_file(entry, package.path, entry.integrity, into, connections.options.limits)
    source = folder_digest(package.path)
    copy_plugin_folder(package.path, into)
    return _describe_obtained(into, source, str(package))


def _from_image(
    package: OciPackage, into: Path, connections: Connections, on_progress: OnFetched
) -> ObtainedPlugin:
    package = connections.locate(package)
    digest = connections.digest(package)
    manifest = pull_manifest(
        connections.registry(package.registry),
        package.repository,
        digest,
        platform=connections.options.platform,
    )
    sizes = [layer.size for layer in manifest.layers]
    refuse_large_image(sizes, connections.options.limits, str(package))
    plugin = package.plugin_path or choose_folder(manifest.annotations, package)
    there = 0
    for layer in manifest.layers:
        blob = connections.layer(package, layer, on_progress)
        unpacked = into if not there else into.with_name(f"{into.name}-more")
        files = unpack(
            blob,
            unpacked,
            select=plugin,
            archive=str(package),
            limits=connections.options.limits,
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
            f"the image contains no plugin {plugin}",
            found=str(package),
            expected=f"a folder {plugin} at the image's root",
            hint="write the folder's name after '!', as the image's annotation "
            "io.backstage.dynamic-packages has it",
        )
    return _describe_obtained(into, digest, str(package), folder=plugin)


def _from_url(
    entry: ListedPlugin,
    found: FoundPackage,
    into: Path,
    connections: Connections,
    on_progress: OnFetched,
) -> ObtainedPlugin:
    archive = into.with_name(f"{into.name}.tgz")
    options = connections.options

    def authorize(url: str) -> str:
        return options.npmrc.authorization(url, registry=found.registry)

    try:
        connections.web().file(
            found.url,
            archive,
            authorize=authorize,
            largest=options.limits.total,
            on_progress=on_progress,
        )
        integrity = entry.integrity or found.integrity
        return _from_file(entry, archive, integrity, into, options.limits)
    finally:
        archive.unlink(missing_ok=True)


def _from_file(
    entry: ListedPlugin, archive: Path, integrity: str, into: Path, limits: ArchiveLimits
) -> ObtainedPlugin:
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
            hint="relative paths start at the folder of the file that contains them",
        ) from error
    if not files:
        shutil.rmtree(into, ignore_errors=True)
        raise ArtifactError(
            "the archive contains no plugin",
            found=name,
            expected=f"a folder {PACKAGE_FOLDER}, as 'npm pack' makes it",
        )
    return _describe_obtained(into, source, name)


def _archive_source(package: LocalArchive, entry: ListedPlugin) -> str:
    try:
        return integrity_of(package.path)
    except OSError as error:
        raise ConfigurationError(
            f"the archive cannot be read: {error.strerror or error}",
            place=entry.place,
            found=str(package.path),
            hint="relative paths start at the folder of the file that contains them",
        ) from error


def _describe_obtained(path: Path, source: str, shown: str, *, folder: str = "") -> ObtainedPlugin:
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
            "this is not a plugin: its package.json has no usable name and version",
            found=shown,
            expected="an exported plugin, with package.json at its top level",
            hint="export the plugin with 'plugin-factory build'",
        )
    packed = f"{name}-{version}".replace("@", "").replace("/", "-")
    return ObtainedPlugin(
        path=path, folder=folder or packed, source=source, name=str(name), version=str(version)
    )
