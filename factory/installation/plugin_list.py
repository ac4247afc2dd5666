"""``dynamic-plugins.yaml``: the plugins of a portal, with what included files say of them.

An entry of the file itself overrides the fields of an included file's entry for the same plugin;
fields that it does not have keep the included values.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from factory.config.documents import read_app_config, unknown_fields
from factory.config.lenient import read_as_meant
from factory.config.nested_places import (
    check_nested,
    place_of,
    unknown_items_fields,
    with_merged_items,
)
from factory.config.portal_lists import unwrap_list
from factory.errors import ConfigurationError, Place
from factory.installation.package_reference import (
    INHERIT,
    IncludedByName,
    NpmPackage,
    OciPackage,
    Package,
    RemoteArchive,
    WrittenPackage,
    parse_package,
    with_version_of,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from factory.config.documents import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenEntry:
    """An entry as a file has it, its package read; fields that say nothing are left out."""

    package: WrittenPackage
    place: Place
    fields: Mapping[str, Any]

    @property
    def is_off(self) -> bool:
        """Whether the plugin is not to be loaded."""
        return bool(self.fields.get("disabled", False))


def base_of(entry: WrittenEntry, included: Mapping[str, WrittenEntry]) -> WrittenEntry | None:
    """Return the included entry that one of the list itself overrides, if any.

    Raises:
        ConfigurationError: the entry takes its version or its name from an included one, and there
            is none, or several.
    """
    package = entry.package
    candidates = bases_of(entry, included)
    if not candidates and not is_derived(package):
        return None
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ConfigurationError(
            "no included file has this plugin, and its version should come from one",
            place=entry.place,
            found=str(package),
            expected="an entry for the same image in one of the files under 'includes'",
            hint="write the tag or the digest, or include the file that has it",
        )
    raise ConfigurationError(
        "several plugins of the included files match",
        place=entry.place,
        found=str(package),
        expected="one of " + ", ".join(str(one.package) for one in candidates),
        hint="add !plugin-path to say which",
    )


def bases_of(entry: WrittenEntry, included: Mapping[str, WrittenEntry]) -> list[WrittenEntry]:
    """Return every included entry that one of the list may mean.

    An image is known by the last part of its name, whatever the registry, as the portals of 2026
    have it; one that has the very name comes before those.
    """
    package = entry.package
    if isinstance(package, IncludedByName):
        return [one for one in included.values() if _is_called(one.package, package.name)]
    if not isinstance(package, OciPackage):
        return [included[package.identity]] if package.identity in included else []
    same_name = [one for one in included.values() if _is_of_image(one.package, package)]
    exact = [one for one in same_name if cast("OciPackage", one.package).name == package.name]
    return exact or same_name


def is_derived(package: WrittenPackage) -> bool:
    """Return whether a package's version or name is that of an included one."""
    return isinstance(package, IncludedByName) or (
        isinstance(package, OciPackage) and package.inherits
    )


def _is_called(package: WrittenPackage, name: str) -> bool:
    return isinstance(package, OciPackage) and name in (package.last_part, package.plugin_path)


def _is_of_image(package: WrittenPackage, wanted: OciPackage) -> bool:
    return (
        isinstance(package, OciPackage)
        and package.last_part == wanted.last_part
        and (not wanted.plugin_path or package.plugin_path in ("", wanted.plugin_path))
    )


def settle_package(entry: WrittenEntry, base: WrittenEntry | None) -> Package:
    """Return an entry's package with what it takes from the one that it overrides."""
    package = entry.package
    if base and isinstance(base.package, OciPackage):
        if isinstance(package, IncludedByName):
            return base.package
        if isinstance(package, OciPackage) and package.inherits:
            return with_version_of(package, base.package)
        if isinstance(package, OciPackage):
            return replace(package, plugin_path=package.plugin_path or base.package.plugin_path)
    return cast("Package", package)


def override(base: WrittenEntry | None, entry: WrittenEntry) -> WrittenEntry:
    """Return an entry with the fields that only the one which it overrides has."""
    if base is None:
        return entry
    fields = {**base.fields, **entry.fields}
    if str(base.package) != str(entry.package) and "integrity" not in entry.fields:
        fields.pop("integrity", None)  # that of another version
    return replace(entry, fields=fields)


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
class ListedPlugin:
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
) -> tuple[ListedPlugin, ...]:
    """Return the plugins of the file and of those that it includes, each once.

    Included plugins come first, in the order of their files; what these include comes before them.
    An entry that is off blocks nothing: where it cannot be read, appears twice, or may mean several
    plugins, a warning says so.

    Args:
        path: the list.
        default_list: the file that is meant by :data:`DEFAULT_LIST` among the includes, if it is
            not the one beside the list: that of a catalogue's index. Paths in it count from the
            list's folder.

    Raises:
        ConfigurationError: a file is missing, is not YAML or does not fit the schema, has a
            plugin twice, or takes a version from an included file that does not have it.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"there is no {path.name}",
            place=Place(file=path),
            hint="name the list of plugins with --config FILE",
        )
    own = _read(path)
    included = _read_included_entries(_all_included(own, default_list, (path.resolve(),)))
    merged = dict(included)
    settled_by: dict[str, WrittenEntry] = {}
    for entry in _entries(own):
        if entry.is_off:
            off = _switch_off(entry, included)
            merged |= {key: one for key, one in off if key not in settled_by}
            continue
        base = base_of(entry, included)
        key = base.package.identity if base else entry.package.identity
        if key in settled_by:
            raise _doubled_error(entry, settled_by[key], path.name)
        settled_by[key] = entry
        merged[key] = override(base, replace(entry, package=settle_package(entry, base)))
    return _without_doubles(_entry(written) for written in merged.values())


def display_names(entries: Iterable[ListedPlugin]) -> dict[str, str]:
    """Return what to call each plugin, by identity: the short name where only one has it."""
    listed = tuple(entries)
    times = Counter(entry.name for entry in listed)
    return {
        entry.package.identity: entry.name if times[entry.name] == 1 else entry.package.identity
        for entry in listed
    }


def _read(path: Path, *, folder: Path | None = None) -> _List:
    document = with_merged_items(unwrap_list(read_app_config(path)), list_field="plugins")
    document = read_as_meant(document, SCHEMA)
    plugins = document.value.get("plugins") if isinstance(document.value, dict) else None
    if isinstance(plugins, list):
        mild = [_readable(item) if _is_off(item) else item for item in plugins]
        document = replace(document, value={**document.value, "plugins": mild})
    document = check_nested(document, SCHEMA)
    unknown = unknown_fields(document, SCHEMA)
    if unknown:
        log.warning("%s: unknown fields, ignored: %s", path, ", ".join(map(str, unknown)))
    for place, unknown_field in unknown_items_fields(document, SCHEMA, list_field="plugins"):
        log.warning("%s: an unknown field, ignored: %s", place, unknown_field)
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
            one = _read_included(path, place)
        if path.resolve() in way or len(way) > _DEEPEST_INCLUDE:
            raise ConfigurationError(
                "the files include one another in a circle",
                place=place,
                found=" -> ".join(step.name for step in (*way, path)),
                hint="remove one of the includes",
            )
        yield from _all_included(one, default_list, (*way, path.resolve()))
        yield one


def _read_included(path: Path, place: Place) -> _List:
    if path.is_file():
        return _read(path)
    hint = "correct the path: it starts at the folder of the file that includes it"
    if path.name == DEFAULT_LIST:
        hint = (
            "set CATALOG_INDEX_IMAGE to the index that your portal takes the file from, for "
            f"example quay.io/rhdh/plugin-catalog-index:1.9; or {hint}"
        )
    raise ConfigurationError(
        "an included file does not exist", place=place, found=f"no file {path}", hint=hint
    )


def _read_included_entries(files: Iterable[_List]) -> dict[str, WrittenEntry]:
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
            found[entry.package.identity] = override(earlier, entry)
    return found


def _refuse_derived(entry: WrittenEntry) -> None:
    if not entry.is_off:
        raise ConfigurationError(
            "an included file cannot take a version from another",
            place=entry.place,
            found=str(entry.package),
            expected="an image with its tag or digest",
        )
    log.warning("%s: a disabled entry has no version: %s", entry.place, entry.package)


def _switch_off(
    entry: WrittenEntry, included: Mapping[str, WrittenEntry]
) -> Iterator[tuple[str, WrittenEntry]]:
    """What an entry that is off makes of the included ones; itself, if it means none of them."""
    bases = bases_of(entry, included)
    if len(bases) > 1:
        meant = ", ".join(str(one.package) for one in bases)
        log.warning("%s: several plugins match, and all are disabled: %s", entry.place, meant)
    for base in bases:
        package = base.package if len(bases) > 1 else settle_package(entry, base)
        yield base.package.identity, override(base, replace(entry, package=package))
    if not bases and is_derived(entry.package):
        log.warning("%s: a disabled entry does not match a plugin: %s", entry.place, entry.package)
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
            log.warning("%s: a disabled entry cannot be read: %s", place, error.problem)
            return None


def _doubled_error(entry: WrittenEntry, first: WrittenEntry, name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{entry.package.identity} appears twice in {name}",
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
            raise _doubled_error(entry, first, document.path.name)
        if first:
            log.warning("%s: %s appears twice, and is disabled in one", place, package.identity)
        if first is None or first.is_off:
            found[package.identity] = entry
    return list(found.values())


def _entry(written: WrittenEntry) -> ListedPlugin:
    fields, package = written.fields, cast("Package", written.package)
    policy = cast("PullPolicy | None", fields.get("pullPolicy"))
    floating = isinstance(package, OciPackage) and package.tag == "latest" and not package.digest
    default: PullPolicy = "Always" if floating else "IfNotPresent"
    return ListedPlugin(
        package=package,
        place=written.place,
        enabled=not fields.get("disabled", False),
        integrity=(fields.get("integrity") or "").strip(),
        config=fields.get("pluginConfig") or {},
        pull_policy=policy or default,
        force=bool(fields.get("forceDownload")) and policy is None,
    )


def _without_doubles(entries: Iterable[ListedPlugin]) -> tuple[ListedPlugin, ...]:
    """An image named once with a plugin's path and once without may be one plugin twice."""
    listed = tuple(entries)
    images: dict[str, list[ListedPlugin]] = defaultdict(list)
    for entry in listed:
        if isinstance(entry.package, OciPackage) and entry.enabled:
            images[entry.package.name].append(entry)
    for same in images.values():
        whole = [one for one in same if not cast("OciPackage", one.package).plugin_path]
        if whole and len(same) > 1:
            raise ConfigurationError(
                "an image is listed both with and without a plugin's path",
                place=whole[0].place,
                found=", ".join(str(one.package) for one in same),
                hint="add !plugin-path to each",
            )
    return listed
