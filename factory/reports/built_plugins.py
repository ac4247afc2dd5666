"""What earlier builds left in output directories: packed plugins, and which source they are of."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from factory.errors import UsageError
from factory.folders import output_folders
from factory.oci.image import ImageFacts, image_facts
from factory.oci.packed_plugin import (
    PluginArchive,
    read_plugin_archive,
    source_name,
)
from factory.oci.planned_images import BuiltPlugins
from factory.oci.reference import NamedHost
from factory.reports.build_report import REPORT_FILE
from factory.reports.reading import read_report
from factory.versions import highest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


def find_built_plugins(output_dirs: Sequence[Path]) -> tuple[BuiltPlugins, ...]:
    """Return what the output directories hold, one value a workspace, in the order of their names.

    An output directory of several workspaces has one folder each, that of several portals one for
    each portal, which may hold one for each workspace. The source is taken from
    ``build-report.json`` beside the plugins; without it their own package.json
    says what it can.

    Raises:
        UsageError: a directory does not exist, or holds no packed plugin.
        PackError: a ``.tgz`` is not a packed plugin.
        ConfigurationError: a ``build-report.json`` is not the report of a run.
    """
    found: list[BuiltPlugins] = []
    for directory in output_dirs:
        if not directory.is_dir():
            raise UsageError(
                "the output directory does not exist",
                found=str(directory),
                hint="build first: plugin-factory build --output-dir DIRECTORY",
            )
        folders = output_folders(directory)
        here = [built for folder in folders if (built := _read_built(folder))]
        if not here:
            raise UsageError(
                "the output directory contains no packed plugin",
                found=str(directory),
                expected="*.tgz, in it or in a folder for each workspace",
                hint="build first: plugin-factory build --output-dir DIRECTORY",
            )
        found += here
    return tuple(found)


def _read_built(folder: Path) -> BuiltPlugins | None:
    archives = sorted(path for path in folder.glob("*.tgz") if path.is_file())
    if not archives:
        return None
    plugins = _newest([read_plugin_archive(path) for path in archives])
    is_reported = (folder / REPORT_FILE).is_file()
    document = read_report(folder).document if is_reported else {}
    return BuiltPlugins(
        folder=folder,
        plugins=plugins,
        facts=_facts(document),
        lacking=_lacking(document, plugins),
        host=_host(document),
    )


def _newest(plugins: Sequence[PluginArchive]) -> tuple[PluginArchive, ...]:
    """Of each plugin the newest version: a portal does not take two, and earlier builds leave some.

    Archives of one version stay all: which of them is meant only the user knows.
    """
    by_name: dict[str, list[PluginArchive]] = defaultdict(list)
    for plugin in plugins:
        by_name[plugin.name].append(plugin)
    kept = []
    for several in by_name.values():
        newest = highest([plugin.version for plugin in several]) or several[-1].version
        for plugin in several:
            if plugin.version == newest:
                kept.append(plugin)
            else:
                log.warning(
                    "%s is left from an earlier build and is ignored: %s %s exists too; "
                    "remove the file if it is not needed",
                    plugin.tgz,
                    plugin.name,
                    newest,
                )
    return tuple(plugin for plugin in plugins if plugin in kept)


def _facts(document: Mapping[str, Any]) -> ImageFacts:
    source = document.get("source")
    if not isinstance(source, dict):
        return ImageFacts()
    committed = source.get("committed-at")
    repository = source.get("repo")
    return image_facts(
        repository if isinstance(repository, str) else "",
        str(source.get("commit") or ""),
        committed if isinstance(committed, int) else None,
    )


def _host(document: Mapping[str, Any]) -> NamedHost:
    tools = document.get("tools")
    told = tools if isinstance(tools, dict) else {}
    name, version, backstage = (
        value if isinstance(value := told.get(field), str) else ""
        for field in ("host", "host-version", "host-backstage")
    )
    return NamedHost(name=name, version=version, backstage=backstage)


def _lacking(document: Mapping[str, Any], plugins: Sequence[PluginArchive]) -> tuple[str, ...]:
    """The plugins that a report names, built or left out, and that have no archive here.

    One that failed counts: what there may be of it is from an earlier build.
    """
    here = {source_name(plugin.name) for plugin in plugins}
    lacking: list[str] = []
    for part in ("plugins", "left-out"):
        listed = document.get(part)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and one.get("name"):
                name = source_name(str(one.get("exported-name") or one["name"]))
                if name not in here or one.get("files") == []:
                    lacking.append(str(one.get("path")))
    return tuple(lacking)
