"""A packed plugin: the `.tgz` that `npm pack` made of an exported plugin, and its package.json."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import (
    DAMAGED,
    LARGEST_PACKAGE_JSON,
    PACKAGE_FOLDER,
    PACKAGE_JSON,
    damaged,
    is_package_name,
    unreadable,
)
from factory.errors import PackError, Place
from factory.notation.json_text import parse_json
from factory.oci.dynamic_packages import is_reserved_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DYNAMIC_SUFFIX = "-dynamic"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginArchive:
    """A packed plugin on disk and the ``package.json`` inside it."""

    tgz: Path
    package: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def name(self) -> str:
        """The npm package's name as exported, with ``-dynamic`` where rhdh-cli put it."""
        return str(self.package["name"])

    @property
    def version(self) -> str:
        """The package's version."""
        return str(self.package["version"])

    @property
    def folder(self) -> str:
        """The plugin's folder in an image."""
        return plugin_folder(self.name)


def source_name(package_name: str) -> str:
    """Return the name of the package that was exported: without rhdh-cli's ``-dynamic``."""
    return package_name.removesuffix(DYNAMIC_SUFFIX)


def plugin_folder(package_name: str) -> str:
    """Return a plugin's folder in an image: ``@scope/name-dynamic`` is in ``scope-name``."""
    return source_name(package_name).replace("@", "").replace("/", "-")


def read_plugin_archive(tgz: Path) -> PluginArchive:
    """Return the plugin in ``tgz``; reads the archive up to its ``package/package.json``.

    Raises:
        PackError: it is no gzipped tar, or has no package.json with a name and a version.
    """
    place = Place(file=tgz, field=f"{PACKAGE_FOLDER}/{PACKAGE_JSON}")
    try:
        with tarfile.open(tgz, "r|gz") as archive:
            package = _package_json(archive)
    except DAMAGED as error:
        raise damaged(tgz, error) from error
    except OSError as error:
        raise unreadable(tgz, error) from error
    except ValueError as error:
        raise PackError(
            "the plugin's package.json is not JSON",
            place=place,
            found=str(error),
            hint="build the plugin again: rhdh-cli writes the file",
        ) from error
    if package is None:
        raise PackError(
            "the archive is not a packed plugin: it holds no package.json",
            place=place,
            expected="a .tgz as 'npm pack' makes it",
        )
    for required in ("name", "version"):
        if not isinstance(package.get(required), str) or not package[required]:
            raise PackError(
                f"the plugin's package.json has no {required}",
                place=place,
                found=json.dumps(package.get(required)),
                expected="text",
            )
    if not is_package_name(package["name"]):
        raise PackError(
            "the plugin's name is not the name of an npm package",
            place=place,
            found=package["name"],
            expected="name or @scope/name",
        )
    if is_reserved_folder(plugin_folder(package["name"])):
        raise PackError(
            "the plugin's name makes a folder that portals use for something else",
            place=place,
            found=f"{package['name']}, in the folder {plugin_folder(package['name'])}",
            expected="another name",
            hint="rename the package",
        )
    return PluginArchive(tgz=tgz, package=MappingProxyType(package))


def _package_json(archive: tarfile.TarFile) -> dict[str, Any] | None:
    wanted = f"{PACKAGE_FOLDER}/{PACKAGE_JSON}"
    for member in archive:
        # a stream is read once: what is behind us need not stay in memory
        archive.members = []  # type: ignore[attr-defined]
        if member.name.removeprefix("./") == wanted and member.isreg():
            stream = archive.extractfile(member)
            if stream is None or member.size > LARGEST_PACKAGE_JSON:
                return None
            package = parse_json(stream.read())
            return package if isinstance(package, dict) else None
    return None
