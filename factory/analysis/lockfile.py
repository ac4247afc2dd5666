"""A yarn.lock as a value: every package that it resolves, and which descriptor leads to which.

What a descriptor is: https://yarnpkg.com/advanced/lexicon#descriptor.
"""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias
from urllib.parse import parse_qs, unquote

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Generation: TypeAlias = Literal["berry", "classic"]

NOTHING: Mapping[str, str] = MappingProxyType({})
NO_NAMES: frozenset[str] = frozenset()
_PATCH = "patch:"
_NPM = "npm:"
_WORKSPACE = "workspace:"
_PATH_PROTOCOLS = ("file:", "link:", "portal:", "exec:", "patch:")
_REGISTRY_PROTOCOLS = ("npm:", "workspace:", "catalog:", "backstage:", "jsr:")


class LockEntry(NamedTuple):
    """One resolved package; a named tuple, because there are thousands of them.

    ``name`` is what the package calls itself: for an alias the package behind it. ``resolution`` is
    yarn's locator (``name@npm:1.2.3``); for classic the address that it was downloaded from.
    ``dependencies`` hold the optional ones too, whose names are in ``optional``. ``conditions`` say
    for which platforms it is installed (``os=linux & cpu=x64``). ``line`` counts from 1.
    """

    name: str
    version: str
    resolution: str
    descriptors: tuple[str, ...]
    line: int
    dependencies: Mapping[str, str] = NOTHING
    optional: frozenset[str] = NO_NAMES
    peer_dependencies: Mapping[str, str] = NOTHING
    optional_peers: frozenset[str] = NO_NAMES
    conditions: str = ""

    @property
    def is_workspace(self) -> bool:
        """Whether the package is a member of the workspace that the lockfile belongs to."""
        return _is_workspace(self.resolution)


class LockEntries(Protocol):
    """The entries of a yarn.lock, in the order of the file; what many ask for is told of all."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int) -> LockEntry:
        """Return an entry, the same each time."""

    def descriptors(self) -> Sequence[Sequence[str]]:
        """Return the descriptors of each entry."""

    def packages(self) -> Iterator[tuple[str, str, str]]:
        """Return name, version and resolution of each entry."""

    def lines(self) -> Sequence[int]:
        """Return the line that each entry begins at, counted from 1."""


class ParsedEntries(tuple[LockEntry, ...]):
    """Entries that have all been taken apart."""

    __slots__ = ()

    def descriptors(self) -> Sequence[Sequence[str]]:
        """Return the descriptors of each entry."""
        return [entry.descriptors for entry in self]

    def packages(self) -> Iterator[tuple[str, str, str]]:
        """Return name, version and resolution of each entry."""
        return ((entry.name, entry.version, entry.resolution) for entry in self)

    def lines(self) -> Sequence[int]:
        """Return the line that each entry begins at, counted from 1."""
        return [entry.line for entry in self]


@dataclass(frozen=True, kw_only=True)
class Lockfile:
    """A yarn.lock; ``found`` are its entries, which may be taken apart only when asked for."""

    file: Path
    generation: Generation
    found: LockEntries

    @cached_property
    def entries(self) -> tuple[LockEntry, ...]:
        """Every entry, in the order of the file."""
        return tuple(self.found[index] for index in range(len(self.found)))

    def resolve(self, name: str, asked: str, *, locator: str = "") -> LockEntry | None:
        """Return the entry that yarn installs for the dependency ``name: asked``, or None.

        Root ``resolutions`` are not looked at; they change ``asked`` before it comes here. Yarn's
        builtin patches (``fsevents``, ``resolve``, ``typescript``) win over what they patch, as in
        yarn. A descriptor that yarn bound to more than it says (``backstage:^``, ``patch:``,
        ``file:``, ``link:``, ``portal:``) is found without that; ``locator``, the depending
        package's, picks between several of them.
        """
        bare = asked.removeprefix(_NPM)
        places = self._by_descriptor
        found = self._builtin_patches.get((name, bare))
        if found is None:
            found = places.get(f"{name}@{asked}")
        if found is None:
            found = places.get(f"{name}@{_NPM}{bare}")
        if found is None and asked != bare:
            found = places.get(f"{name}@{bare}")
        if found is None:
            found = self._find_bound(f"{name}@{asked}", locator)
        if found is not None:
            return self.found[found]
        if asked.startswith(_WORKSPACE):
            return next((each for each in self.entries_of(name) if each.is_workspace), None)
        return None

    def entries_of(self, name: str) -> tuple[LockEntry, ...]:
        """Return every entry whose package is called ``name``."""
        return tuple(self.found[index] for index in self._by_name.get(name, ()))

    @cached_property
    def versions(self) -> Mapping[str, tuple[str, ...]]:
        """Every package name with its versions as the file has them, workspace members left out."""
        found: dict[str, dict[str, None]] = {}
        for name, version, resolution in self.found.packages():
            if not _is_workspace(resolution):
                found.setdefault(name, {})[version] = None
        return {name: tuple(versions) for name, versions in found.items()}

    @cached_property
    def _by_descriptor(self) -> dict[str, int]:
        return {
            descriptor: index
            for index, descriptors in enumerate(self.found.descriptors())
            for descriptor in descriptors
        }

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, (name, _, _) in enumerate(self.found.packages()):
            found.setdefault(name, []).append(index)
        return found

    @cached_property
    def _bound(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        for index, descriptors in enumerate(self.found.descriptors()):
            for key in descriptors:
                descriptor, separator, binding = key.partition("::")
                if separator:
                    found.setdefault(descriptor, []).append((binding, index))
        return found

    def _find_bound(self, descriptor: str, locator: str) -> int | None:
        choices = self._bound.get(descriptor, [])
        for binding, index in choices:
            if locator and locator in parse_qs(binding).get("locator", []):
                return index
        return choices[0][1] if choices else None

    @cached_property
    def _builtin_patches(self) -> dict[tuple[str, str], int]:
        found = {}
        for index, descriptors in enumerate(self.found.descriptors()):
            if "builtin<" not in descriptors[0]:
                continue
            for key in descriptors:
                name, asked = split_descriptor(key)
                source = asked.removeprefix(_PATCH).partition("#")[0]
                inner = unquote(split_descriptor(source)[1])
                found[name, inner.removeprefix(_NPM)] = index
        return found


def _is_workspace(resolution: str) -> bool:
    return f"@{_WORKSPACE}" in resolution


def split_descriptor(descriptor: str) -> tuple[str, str]:
    """Return the name and the range of ``name@range``; the range is empty if there is none."""
    at = descriptor.find("@", 1)
    return (descriptor, "") if at < 0 else (descriptor[:at], descriptor[at + 1 :])


def effective_range(asked: str, resolved_key: Iterable[str] = ()) -> str:
    """Return the npm range that a dependency's range stands for, or "" if it stands for none.

    ``npm:^1.0.0`` and ``npm:alias@^1.0.0`` are ``^1.0.0``; ``backstage:^`` is ``^`` and the npm
    version that yarn bound it to, which stands in the ``resolved_key`` of its entry
    (``…::backstage=1.52.1&npm=0.17.4``). An empty range is npm's ``*``.
    """
    if not asked.strip():
        return "*"
    if asked.startswith("backstage:"):
        prefix = asked.removeprefix("backstage:")
        for key in resolved_key:
            bound = parse_qs(key.partition("::")[2]).get("npm")
            if bound and asked in key:
                return prefix.replace("*", "") + bound[0]
        return ""
    if asked.startswith(_NPM):
        asked = asked.removeprefix(_NPM)
        return split_descriptor(asked)[1] if asked.find("@", 1) > 0 else asked
    return "" if ":" in asked or "/" in asked else asked


def origin_of(asked: str) -> Literal["path", "address"] | None:
    """Return where a dependency's range says that the package comes from, if not from a registry.

    A ``path`` is one on this machine (``file:``, ``link:``, ``portal:``, ``exec:``, ``patch:``, or
    a bare ``../folder`` or ``./x.tgz``); an ``address`` that of a git repository or an archive,
    among them GitHub's short form ``owner/name``
    (https://yarnpkg.com/protocols, https://docs.npmjs.com/cli/configuring-npm/package-json).
    """
    if asked.startswith(_PATH_PROTOCOLS) or asked.startswith(("./", "../", "/", "~/")):
        return "path"
    if asked.startswith(_REGISTRY_PROTOCOLS):
        return None
    if ":" in asked or (asked.count("/") == 1 and not asked.startswith("@")):
        return "address"
    return None
