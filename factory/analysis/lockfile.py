"""A yarn.lock as a value: every package that it resolves, and which descriptor leads to which.

What a descriptor is: https://yarnpkg.com/advanced/lexicon#descriptor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Generation: TypeAlias = Literal["berry", "classic"]

NOTHING: Mapping[str, str] = MappingProxyType({})
NO_NAMES: frozenset[str] = frozenset()
_PATCH = "patch:"
_NPM = "npm:"
_WORKSPACE = "workspace:"
_PATH_PROTOCOLS = ("file:", "link:", "portal:", "exec:", "patch:")
_REGISTRY_PROTOCOLS = ("npm:", "workspace:", "catalog:", "backstage:", "jsr:")


def _nothing() -> Mapping[str, str]:
    return NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class LockEntry:
    """One resolved package.

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
    dependencies: Mapping[str, str] = field(default_factory=_nothing)
    optional: frozenset[str] = NO_NAMES
    peer_dependencies: Mapping[str, str] = field(default_factory=_nothing)
    optional_peers: frozenset[str] = NO_NAMES
    conditions: str = ""

    @property
    def is_workspace(self) -> bool:
        """Whether the package is a member of the workspace that the lockfile belongs to."""
        return f"@{_WORKSPACE}" in self.resolution


@dataclass(frozen=True, kw_only=True)
class Lockfile:
    """The entries of a yarn.lock, in the order of the file."""

    file: Path
    generation: Generation
    entries: tuple[LockEntry, ...]

    def resolve(self, name: str, asked: str, *, locator: str = "") -> LockEntry | None:
        """Return the entry that yarn installs for the dependency ``name: asked``, or None.

        Root ``resolutions`` are not looked at; they change ``asked`` before it comes here. Yarn's
        builtin patches (``fsevents``, ``resolve``, ``typescript``) win over what they patch, as in
        yarn. A descriptor that yarn bound to more than it says (``backstage:^``, ``patch:``,
        ``file:``, ``link:``, ``portal:``) is found without that; ``locator``, the depending
        package's, picks between several of them.
        """
        bare = asked.removeprefix(_NPM)
        patched = self._builtin_patches.get((name, bare))
        if patched:
            return patched
        index = self._by_descriptor
        found = index.get(f"{name}@{asked}") or index.get(f"{name}@{_NPM}{bare}")
        if found is None and asked != bare:
            found = index.get(f"{name}@{bare}")
        if found is None:
            found = self._find_bound(f"{name}@{asked}", locator)
        if found is None and asked.startswith(_WORKSPACE):
            found = next((e for e in self.entries_of(name) if e.is_workspace), None)
        return found

    def entries_of(self, name: str) -> tuple[LockEntry, ...]:
        """Return every entry whose package is called ``name``."""
        return tuple(self._by_name.get(name, ()))

    @cached_property
    def versions(self) -> Mapping[str, tuple[str, ...]]:
        """Every package name with its versions as the file has them, workspace members left out."""
        found: dict[str, dict[str, None]] = {}
        for entry in self.entries:
            if not entry.is_workspace:
                found.setdefault(entry.name, {})[entry.version] = None
        return {name: tuple(versions) for name, versions in found.items()}

    @cached_property
    def _by_descriptor(self) -> dict[str, LockEntry]:
        return {key: entry for entry in self.entries for key in entry.descriptors}

    @cached_property
    def _by_name(self) -> dict[str, list[LockEntry]]:
        found: dict[str, list[LockEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.name, []).append(entry)
        return found

    @cached_property
    def _bound(self) -> dict[str, list[tuple[str, LockEntry]]]:
        found: dict[str, list[tuple[str, LockEntry]]] = {}
        for entry in self.entries:
            for key in entry.descriptors:
                descriptor, separator, binding = key.partition("::")
                if separator:
                    found.setdefault(descriptor, []).append((binding, entry))
        return found

    def _find_bound(self, descriptor: str, locator: str) -> LockEntry | None:
        choices = self._bound.get(descriptor, [])
        for binding, entry in choices:
            if locator and locator in parse_qs(binding).get("locator", []):
                return entry
        return choices[0][1] if choices else None

    @cached_property
    def _builtin_patches(self) -> dict[tuple[str, str], LockEntry]:
        found = {}
        for entry in self.entries:
            if "builtin<" not in entry.descriptors[0]:
                continue
            for key in entry.descriptors:
                name, asked = split_descriptor(key)
                source = asked.removeprefix(_PATCH).partition("#")[0]
                inner = unquote(split_descriptor(source)[1])
                found[name, inner.removeprefix(_NPM)] = entry
        return found


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
