"""``dynamic-plugins.yaml``: the plugins of a portal, with what included files say of them.

An entry of the file itself overrides the fields of an included file's entry for the same plugin;
fields that it does not have keep the included values.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from factory.config.documents import read_app_config, unknown_fields
from factory.config.lenient import taken_as_meant
from factory.config.nested_places import (
    checked,
    place_of,
    unknown_items_fields,
    with_merged_items,
)
from factory.errors import ConfigurationError, Place
from factory.installation.overriding import WrittenEntry, base_of, overridden, settled
from factory.installation.package_reference import (
    BY_NAME,
    INHERIT,
    NpmPackage,
    OciPackage,
    Package,
    RemoteArchive,
    parse_package,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.config.documents import Document

log = logging.getLogger(__name__)

SCHEMA: Literal["dynamic-plugins"] = "dynamic-plugins"

PullPolicy: TypeAlias = Literal["IfNotPresent", "Always"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginEntry:
    """A plugin that the portal is to load, or not to load. ``place`` is where its package stands.

    ``pull_policy`` is settled: the one written, or what follows from the package and
    ``forceDownload``. ``force`` is true when it is to be downloaded in any case.
    """

    package: Package
    place: Place
    enabled: bool = True
    integrity: str = ""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    pull_policy: PullPolicy = "IfNotPresent"
    force: bool = False

    @property
    def name(self) -> str:
        """What the plugin is called on a screen: short, and without its version."""
        package = self.package
        if isinstance(package, OciPackage):
            return package.plugin_path or package.repository.rpartition("/")[2]
        if isinstance(package, NpmPackage):
            return package.name
        if isinstance(package, RemoteArchive):
            return urlsplit(package.url).path.rpartition("/")[2]
        return package.path.name


def read_plugin_list(path: Path) -> tuple[PluginEntry, ...]:
    """Return the plugins of the file and of those that it includes, each once.

    Included plugins come first, in the order of their files.

    Raises:
        ConfigurationError: a file is missing, is no YAML or not of the form of the schema, has a
            plugin twice, or takes a version from an included file that does not have it.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"there is no {path.name}",
            place=Place(file=path),
            hint="name the list of plugins with --config FILE",
        )
    document = _read(path)
    included: dict[str, WrittenEntry] = {}
    for include, place in _includes(document):
        for entry in _entries(_included(include, place)):
            earlier = included.get(entry.package.identity)
            if earlier:
                log.warning(
                    "%s is in two included files (%s and %s): the latter overrides, but a portal "
                    "may refuse that",
                    entry.package.identity,
                    earlier.place,
                    entry.place,
                )
            included[entry.package.identity] = overridden(earlier, entry)
    merged = dict(included)
    for entry in _entries(document):
        base = base_of(entry, included)
        own = replace(entry, package=settled(entry, base))
        key = base.package.identity if base else own.package.identity
        merged[key] = overridden(base, own)
    return _without_doubles(_entry(written) for written in merged.values())


def display_names(entries: Iterable[PluginEntry]) -> dict[str, str]:
    """Return what to call each plugin, by identity: the short name where only one has it."""
    listed = tuple(entries)
    times = Counter(entry.name for entry in listed)
    return {
        entry.package.identity: entry.name if times[entry.name] == 1 else entry.package.identity
        for entry in listed
    }


def _read(path: Path) -> Document:
    merged = with_merged_items(read_app_config(path), list_field="plugins")
    document = checked(taken_as_meant(merged, SCHEMA), SCHEMA)
    unknown = unknown_fields(document, SCHEMA)
    if unknown:
        log.warning("%s: unknown fields, not used: %s", path, ", ".join(map(str, unknown)))
    for place, unknown_field in unknown_items_fields(document, SCHEMA, list_field="plugins"):
        log.warning("%s: an unknown field, not used: %s", place, unknown_field)
    return document


def _includes(document: Document) -> Iterator[tuple[Path, Place]]:
    for number, name in enumerate(document.value.get("includes") or ()):
        yield (
            Path(document.path.parent, name.strip()),
            place_of(document, "includes", str(number)),
        )


def _included(path: Path, place: Place) -> Document:
    if not path.is_file():
        raise ConfigurationError(
            "an included file is not there",
            place=place,
            found=f"no file {path}",
            hint="correct the path: it counts from the folder of the file that includes it",
        )
    document = _read(path)
    if document.value.get("includes"):
        log.warning("%s: includes of an included file are not followed", path)
    for number, item in enumerate(document.value.get("plugins") or ()):
        if INHERIT in item["package"] or item["package"].strip().startswith(BY_NAME):
            raise ConfigurationError(
                "an included file cannot take a version from another",
                place=place_of(document, "plugins", str(number), "package"),
                found=item["package"],
                expected="an image with its tag or digest",
            )
    return document


def _entries(document: Document) -> list[WrittenEntry]:
    found: dict[str, WrittenEntry] = {}
    for number, item in enumerate(document.value.get("plugins") or ()):
        place = place_of(document, "plugins", str(number), "package")
        package = parse_package(item["package"], folder=document.path.parent, place=place)
        first = found.get(package.identity)
        if first:
            raise ConfigurationError(
                f"{package.identity} stands in {document.path.name} twice",
                place=place,
                found=f"the same plugin on line {first.place.line}",
                hint="remove one of the two",
            )
        given = {name: value for name, value in item.items() if value is not None}
        if "enabled" in given and given["enabled"] == given.get("disabled"):
            raise ConfigurationError(
                "the plugin is both enabled and disabled, or neither",
                place=place_of(document, "plugins", str(number), "enabled"),
                found=f"enabled: {given['enabled']}, disabled: {given['disabled']}".lower(),
                expected="one of the two fields",
            )
        if "enabled" in given:
            given["disabled"] = not given.pop("enabled")
        found[package.identity] = WrittenEntry(package=package, place=place, fields=given)
    return list(found.values())


def _entry(written: WrittenEntry) -> PluginEntry:
    fields, package = written.fields, cast("Package", written.package)
    policy = cast("PullPolicy | None", fields.get("pullPolicy"))
    floating = isinstance(package, OciPackage) and package.tag == "latest" and not package.digest
    default: PullPolicy = "Always" if floating else "IfNotPresent"
    return PluginEntry(
        package=package,
        place=written.place,
        enabled=not fields.get("disabled", False),
        integrity=(fields.get("integrity") or "").strip(),
        config=fields.get("pluginConfig") or {},
        pull_policy=policy or default,
        force=bool(fields.get("forceDownload")) and policy is None,
    )


def _without_doubles(entries: Iterable[PluginEntry]) -> tuple[PluginEntry, ...]:
    """An image named once with a plugin's path and once without may be one plugin twice."""
    listed = tuple(entries)
    images: dict[str, list[PluginEntry]] = defaultdict(list)
    for entry in listed:
        if isinstance(entry.package, OciPackage):
            images[entry.package.name].append(entry)
    for same in images.values():
        whole = [one for one in same if not cast("OciPackage", one.package).plugin_path]
        if whole and len(same) > 1:
            raise ConfigurationError(
                "an image is listed with a plugin's path and without",
                place=whole[0].place,
                found=", ".join(str(one.package) for one in same),
                hint="add !plugin-path to each",
            )
    return listed
