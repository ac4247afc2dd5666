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
from factory.installation.overriding import (
    WrittenEntry,
    base_of,
    bases_of,
    is_derived,
    overridden,
    settled,
)
from factory.installation.package_reference import (
    INHERIT,
    NpmPackage,
    OciPackage,
    Package,
    RemoteArchive,
    WrittenPackage,
    parse_package,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from factory.config.documents import Document

log = logging.getLogger(__name__)

SCHEMA: Literal["dynamic-plugins"] = "dynamic-plugins"

PullPolicy: TypeAlias = Literal["IfNotPresent", "Always"]

DEFAULT_LIST = "dynamic-plugins.default.yaml"
"""The included file that a catalogue's index has in the place of the one on disk."""

_DEEPEST_INCLUDE = 16
_UNREADABLE = "?"
# What the schema allows of the fields of an entry, for those that are off.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "package": lambda value: isinstance(value, str) and bool(value.strip()),
    "integrity": lambda value: isinstance(value, str | None),
    "pluginConfig": lambda value: isinstance(value, dict) or value is None,
    "pullPolicy": lambda value: value in ("IfNotPresent", "Always"),
    "forceDownload": lambda value: isinstance(value, bool | None),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultList:
    """The default list of a catalogue's index: where it is now, and what messages call it."""

    file: Path
    shown: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class _List:
    """A file, and the folder that paths in it count from."""

    document: Document
    folder: Path


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
            return package.plugin_path or package.last_part
        if isinstance(package, NpmPackage):
            return package.name
        if isinstance(package, RemoteArchive):
            return urlsplit(package.url).path.rpartition("/")[2]
        return package.path.name


def read_plugin_list(
    path: Path, *, default_list: DefaultList | None = None
) -> tuple[PluginEntry, ...]:
    """Return the plugins of the file and of those that it includes, each once.

    Included plugins come first, in the order of their files; what these include comes before them.
    An entry that is off blocks nothing: where it cannot be read, stands twice, or may mean several
    plugins, a warning says so.

    Args:
        path: the list.
        default_list: the file that is meant by :data:`DEFAULT_LIST` among the includes, if it is
            not the one beside the list: that of a catalogue's index. Paths in it count from the
            list's folder.

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
    own = _read(path)
    included = _included_entries(_all_included(own, default_list, (path.resolve(),)))
    merged = dict(included)
    settled_by: dict[str, WrittenEntry] = {}
    for entry in _entries(own):
        if entry.is_off:
            off = _switched_off(entry, included)
            merged |= {key: one for key, one in off if key not in settled_by}
            continue
        base = base_of(entry, included)
        key = base.package.identity if base else entry.package.identity
        if key in settled_by:
            raise _doubled(entry, settled_by[key], path.name)
        settled_by[key] = entry
        merged[key] = overridden(base, replace(entry, package=settled(entry, base)))
    return _without_doubles(_entry(written) for written in merged.values())


def display_names(entries: Iterable[PluginEntry]) -> dict[str, str]:
    """Return what to call each plugin, by identity: the short name where only one has it."""
    listed = tuple(entries)
    times = Counter(entry.name for entry in listed)
    return {
        entry.package.identity: entry.name if times[entry.name] == 1 else entry.package.identity
        for entry in listed
    }


def _read(path: Path, *, folder: Path | None = None) -> _List:
    document = with_merged_items(read_app_config(path), list_field="plugins")
    document = taken_as_meant(document, SCHEMA)
    plugins = document.value.get("plugins") if isinstance(document.value, dict) else None
    if isinstance(plugins, list):
        mild = [_readable(item) if _is_off(item) else item for item in plugins]
        document = replace(document, value={**document.value, "plugins": mild})
    document = checked(document, SCHEMA)
    unknown = unknown_fields(document, SCHEMA)
    if unknown:
        log.warning("%s: unknown fields, not used: %s", path, ", ".join(map(str, unknown)))
    for place, unknown_field in unknown_items_fields(document, SCHEMA, list_field="plugins"):
        log.warning("%s: an unknown field, not used: %s", place, unknown_field)
    return _List(document=document, folder=folder or path.parent)


def _is_off(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    enabled, disabled = item.get("enabled"), item.get("disabled")
    return (disabled is True and enabled is not True) or (enabled is False and disabled is None)


def _readable(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry that is off, without what the schema would refuse: it is not used."""
    kept = {name: value for name, value in item.items() if name not in _FITS or _FITS[name](value)}
    if "package" in item:
        kept.setdefault("package", _UNREADABLE)
    return kept


def _all_included(
    file: _List, default_list: DefaultList | None, way: tuple[Path, ...]
) -> Iterator[_List]:
    """The files that a file includes, each after those that it includes itself."""
    document = file.document
    for number, name in enumerate(document.value.get("includes") or ()):
        place = place_of(document, "includes", str(number))
        path = Path(file.folder, name.strip())
        if default_list and path.name == DEFAULT_LIST:
            path, one = default_list.file, _read(default_list.file, folder=file.folder)
            one = replace(one, document=replace(one.document, path=default_list.shown))
        else:
            one = _included(path, place)
        if path.resolve() in way or len(way) > _DEEPEST_INCLUDE:
            raise ConfigurationError(
                "the files include one another without end",
                place=place,
                found=" -> ".join(step.name for step in (*way, path)),
                hint="remove one of the includes",
            )
        yield from _all_included(one, default_list, (*way, path.resolve()))
        yield one


def _included(path: Path, place: Place) -> _List:
    if path.is_file():
        return _read(path)
    hint = "correct the path: it counts from the folder of the file that includes it"
    if path.name == DEFAULT_LIST:
        hint = (
            "set CATALOG_INDEX_IMAGE to the index that your portal takes the file from, for "
            f"example quay.io/rhdh/plugin-catalog-index:1.9; or {hint}"
        )
    raise ConfigurationError(
        "an included file is not there", place=place, found=f"no file {path}", hint=hint
    )


def _included_entries(files: Iterable[_List]) -> dict[str, WrittenEntry]:
    found: dict[str, WrittenEntry] = {}
    for file in files:
        for entry in _entries(file):
            if is_derived(entry.package):
                _refuse_derived(entry)
                continue
            earlier = found.get(entry.package.identity)
            if earlier:
                log.warning(
                    "%s is in two included files (%s and %s): the latter overrides, but a portal "
                    "may refuse that",
                    entry.package.identity,
                    earlier.place,
                    entry.place,
                )
            found[entry.package.identity] = overridden(earlier, entry)
    return found


def _refuse_derived(entry: WrittenEntry) -> None:
    if not entry.is_off:
        raise ConfigurationError(
            "an included file cannot take a version from another",
            place=entry.place,
            found=str(entry.package),
            expected="an image with its tag or digest",
        )
    log.warning("%s: an entry that is off has no version: %s", entry.place, entry.package)


def _switched_off(
    entry: WrittenEntry, included: Mapping[str, WrittenEntry]
) -> Iterator[tuple[str, WrittenEntry]]:
    """What an entry that is off makes of the included ones; itself, if it means none of them."""
    bases = bases_of(entry, included)
    if len(bases) > 1:
        meant = ", ".join(str(one.package) for one in bases)
        log.warning("%s: several plugins are meant, and all are off: %s", entry.place, meant)
    for base in bases:
        package = base.package if len(bases) > 1 else settled(entry, base)
        yield base.package.identity, overridden(base, replace(entry, package=package))
    if not bases and is_derived(entry.package):
        log.warning("%s: an entry that is off means no plugin: %s", entry.place, entry.package)
    elif not bases:
        yield entry.package.identity, entry


def _package_of(
    item: Mapping[str, Any], file: _List, place: Place, *, is_off: bool
) -> WrittenPackage | None:
    """What an entry names; None if that cannot be told of one that is off."""
    written = str(item["package"])
    try:
        return parse_package(written, folder=file.folder, place=place)
    except ConfigurationError as error:
        if not is_off:
            raise
        image, bang, plugin_path = written.strip().partition("!")
        try:  # an image without a version still says which plugin is meant
            return parse_package(f"{image}:{INHERIT}{bang}{plugin_path}", folder=file.folder)
        except ConfigurationError:
            log.warning("%s: an entry that is off cannot be read: %s", place, error.problem)
            return None


def _doubled(entry: WrittenEntry, first: WrittenEntry, name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{entry.package.identity} stands in {name} twice",
        place=entry.place,
        found=f"the same plugin on line {first.place.line}",
        hint="remove one of the two",
    )


def _entries(file: _List) -> list[WrittenEntry]:
    document = file.document
    found: dict[str, WrittenEntry] = {}
    for number, item in enumerate(document.value.get("plugins") or ()):
        place = place_of(document, "plugins", str(number), "package")
        is_off = _is_off(item)
        package = _package_of(item, file, place, is_off=is_off)
        if package is None:
            continue
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
        entry = WrittenEntry(package=package, place=place, fields=given)
        first = found.get(package.identity)
        if first and not is_off and not first.is_off:
            raise _doubled(entry, first, document.path.name)
        if first:
            log.warning("%s: %s stands twice, and is off in one", place, package.identity)
        if first is None or first.is_off:
            found[package.identity] = entry
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
        if isinstance(entry.package, OciPackage) and entry.enabled:
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
