"""The plugins that a portal brings itself, as its ``dynamic-plugins.default.yaml`` lists them.

They are known by the names of their folders in images, which have neither version nor registry: one
entry may name an image, another one a folder, an archive or an npm package of the same plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.installation.plugin_list import read_plugin_list
from factory.oci.packed_plugin import plugin_folder
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.installation.plugin_list import ListedPlugin

# What `npm pack` adds to a name.
_PACKED = lazy_pattern(r"-\d+\.\d+\.\d+[^/]*?\.(?:tgz|tar\.gz)")


def name_default_plugin(entry: ListedPlugin) -> str:
    """Return the name of a plugin whatever its entry names: ``acme-plugin-todo``."""
    return plugin_folder(_PACKED.sub("", entry.name))


def read_default_plugins(file: Path) -> Mapping[str, bool]:
    """Return the plugins of a portal's default list, with whether each is on.

    Raises:
        ConfigurationError: the list cannot be used.
    """
    return {name_default_plugin(entry): entry.enabled for entry in read_plugin_list(file)}
