"""What the words of a command line name, as the entries of a portal's list of plugins."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import PACKAGE_JSON
from factory.config.build_plan import APP_CONFIG
from factory.errors import ConfigurationError, Place, UsageError
from factory.folders import folders_in
from factory.installation.package_reference import (
    LocalArchive,
    LocalFolder,
    parse_image,
)
from factory.installation.plugin_list import ListedPlugin, read_plugin_list
from factory.verification.configuration import GivenConfig, read_sidecar_config
from factory.verification.targets import PackedTarget, UnpackedFolder, find_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.installation.package_reference import Package
    from factory.installation.plugin_list import DefaultList

_IMAGE = "oci://"
_LISTS = (".yaml", ".yml")


def list_tried_plugins(
    words: Iterable[str], *, default_list: DefaultList | None = None
) -> tuple[ListedPlugin, ...]:
    """Return the plugins that are named, each once, with the configuration that comes with it.

    Args:
        words: archives, folders of them, folders of plugins, images, or lists of a portal, of
            which those that are on count.
        default_list: that of a catalogue's index, for lists that include it.

    Raises:
        UsageError: a word names nothing that can be tried.
        ConfigurationError: a list, or the configuration beside an archive, cannot be read.
    """
    found: dict[str, ListedPlugin] = {}
    for word in words:
        for entry in _list_word(word, default_list):
            found.setdefault(entry.package.identity, entry)
    if not found:
        raise UsageError(
            "no plugin is named that could be tried",
            expected="a .tgz, a folder of them, a plugin's folder, oci://REGISTRY/REPOSITORY:TAG, "
            "or a portal's list with plugins that are on",
            hint="plugin-factory try --help",
        )
    return tuple(found.values())


def _list_word(word: str, default_list: DefaultList | None) -> Iterator[ListedPlugin]:
    path = Path(word)
    if word.endswith(_LISTS):
        listed = read_plugin_list(path, default_list=default_list)
        yield from (entry for entry in listed if entry.enabled)
    elif word.startswith(_IMAGE):
        yield _entry(parse_image(word), path)
    elif _holds_plugins(path):
        for folder in folders_in(path):
            if (folder / PACKAGE_JSON).is_file() and not folder.name.startswith("."):
                yield _entry(LocalFolder(path=folder.absolute(), written=str(folder)), folder)
    else:
        yield from _list_files(word)


def _holds_plugins(path: Path) -> bool:
    """Whether plugins are staged in a folder, each in a folder of its own."""
    if not path.is_dir() or (path / PACKAGE_JSON).exists():
        return False
    return any((folder / PACKAGE_JSON).is_file() for folder in folders_in(path))


def _list_files(word: str) -> Iterator[ListedPlugin]:
    """The archives that a word names; an unpacked plugin's folder is one plugin."""
    for target in find_targets([word]):
        if isinstance(target, PackedTarget):
            package = LocalArchive(path=target.file.absolute(), written=os.fspath(target.file))
            yield _entry(package, target.file, config=_read_config(target.file))
        elif isinstance(target, UnpackedFolder):
            folder = target.folder
            yield _entry(LocalFolder(path=folder.absolute(), written=os.fspath(folder)), folder)


def _read_config(tgz: Path) -> Mapping[str, Any]:
    given = read_sidecar_config(tgz)
    if given is None:
        return {}
    if isinstance(given, GivenConfig):
        return given.config
    raise ConfigurationError(
        given.detail,
        place=Place(file=tgz.with_name(f"{tgz.name}.{APP_CONFIG}")),
        found=given.found or None,
        expected=given.expected or None,
    )


def _entry(
    package: Package, file: Path, *, config: Mapping[str, Any] = MappingProxyType({})
) -> ListedPlugin:
    return ListedPlugin(package=package, place=Place(file=file), config=config)
