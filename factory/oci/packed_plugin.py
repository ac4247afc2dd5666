"""A packed plugin: the `.tgz` that `npm pack` made, its package.json, and what images say of it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.archives.names import fold_name
from factory.archives.npm_package import (
    LARGEST_PACKAGE_JSON,
    PACKAGE_FOLDER,
    PACKAGE_JSON,
    is_package_name,
    packed_entries,
)
from factory.errors import PackError, Place
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
        PackError: it is not a gzipped tar, or has no package.json with a name and a version.
    """
    place = Place(file=tgz, field=f"{PACKAGE_FOLDER}/{PACKAGE_JSON}")
    try:
        package = _package_json(tgz)
    except ValueError as error:
        raise PackError(
            "the plugin's package.json is not JSON",
            place=place,
            found=str(error),
            hint="build the plugin again: rhdh-cli writes the file",
        ) from error
    if package is None:
        raise PackError(
            "the archive is not a packed plugin: it contains no package.json",
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
            "the plugin's name gives a folder that portals use for something else",
            place=place,
            found=f"{package['name']}, in the folder {plugin_folder(package['name'])}",
            expected="another name",
            hint="rename the package",
        )
    return PluginArchive(tgz=tgz, package=MappingProxyType(package))


def _package_json(tgz: Path) -> dict[str, Any] | None:
    wanted = f"{PACKAGE_FOLDER}/{PACKAGE_JSON}"
    for member, content in packed_entries(tgz):
        if member.name.removeprefix("./") == wanted and content is not None:
            if member.size > LARGEST_PACKAGE_JSON:
                return None
            package = parse_json(content.read())
            return package if isinstance(package, dict) else None
    return None


DYNAMIC_PACKAGES = "io.backstage.dynamic-packages"
# What of a package.json portals and catalogues show; the order is the annotation's.
PACKAGE_FIELDS = (
    "name",
    "version",
    "description",
    "backstage",
    "homepage",
    "repository",
    "license",
    "maintainers",
    "author",
    "bugs",
    "keywords",
)


_FOLDER = lazy_pattern(r"[A-Za-z0-9_@~-][\w.@~-]*", re.ASCII)
# At the root of an image, or of the folder that a portal loads, these names have another meaning:
# Node.js looks for packages in the first and for a package's settings in the second, portals read
# or write the others.
_RESERVED = frozenset(
    {
        "node_modules",
        "package.json",
        "package-lock.json",
        "index.json",
        "app-config.dynamic-plugins.yaml",
        "dynamic-plugins.yaml",
        "dynamic-plugins.default.yaml",
        "catalog-entities",
        "install-dynamic-plugins.lock",
        "lost+found",
    }
)


def is_reserved_folder(name: str) -> bool:
    """Return whether a plugin's folder may not be called so, in whatever case."""
    return fold_name(name) in _RESERVED


def is_plugin_folder(name: str) -> bool:
    """Return whether ``name`` can be a plugin's folder: one part of a path, not hidden, free."""
    return bool(_FOLDER.fullmatch(name)) and not is_reserved_folder(name)


def dynamic_packages(plugins: Sequence[PluginArchive]) -> list[dict[str, dict[str, Any]]]:
    """Return what the annotation says of plugins, before it is encoded.

    Fields that a package.json does not have are left out.
    """
    return [
        {
            plugin.folder: {
                name: plugin.package[name] for name in PACKAGE_FIELDS if name in plugin.package
            }
        }
        for plugin in plugins
    ]


def annotation_of(plugins: Sequence[PluginArchive]) -> str:
    """Return the annotation's text."""
    text = json.dumps(dynamic_packages(plugins), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def folders_in(annotation: str) -> tuple[str, ...]:
    """Return the plugins' folders that an annotation names, in its order.

    Raises:
        ValueError: it is not base64 of a JSON array of objects.
    """
    try:
        entries = parse_json(base64.b64decode(annotation, validate=True))
    except ValueError as error:
        raise ValueError("it is not base64 of JSON") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("it is not an array of objects")
    return tuple(folder for entry in entries for folder in entry)
