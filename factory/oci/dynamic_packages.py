"""What an image says of its plugins: the annotation ``io.backstage.dynamic-packages``.

It is base64 of a JSON array of ``{folder: {fields of package.json}}``, as portals read it. The same
is in the image as ``index.json``, for people and tools that have unpacked it.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from factory.archives.names import folded
from factory.notation.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.oci.archive import PluginArchive

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


_FOLDER = re.compile(r"[A-Za-z0-9_@~-][\w.@~-]*", re.ASCII)
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
    return folded(name) in _RESERVED


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
        raise ValueError("it is no array of objects")
    return tuple(folder for entry in entries for folder in entry)
