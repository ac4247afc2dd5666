"""The packages of a workspace and what each depends on, as yarn installs them.

Members of the workspace come from their package.json, everything else from the lockfile. Nothing
here recurses, so neither cycles nor chains of any length matter.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from factory.analysis.catalogs import Catalogs
from factory.analysis.lockfile import NO_NAMES, NOTHING, LockEntry, Lockfile
from factory.analysis.resolutions import Resolutions, parse_resolutions
from factory.values import dataclass
from factory.versions import is_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.analysis.discovery import WorkspacePackage
    from factory.analysis.manifest import Manifest


NO_CATALOGS = Catalogs()
# Yarn binds these to the package that asks.
_BOUND_PROTOCOLS = ("patch:", "file:", "link:", "portal:")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Package:
    """A package in one version. ``dependencies`` does not hold the optional ones.

    ``folder`` is set for packages whose source is at hand: the members of the workspace. A package
    that the lockfile lacks has no ``version``.
    """

    name: str
    version: str
    locator: str = ""
    dependencies: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    optional: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    peers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    optional_peers: frozenset[str] = NO_NAMES
    conditions: str = ""
    role: str = ""
    folder: Path | None = None
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The name, and the version if it is known."""
        return f"{self.name} {self.version}".rstrip()


class Edge(NamedTuple):
    """That a package asks for another: under which name, in which range, and what it gets.

    A named tuple, because there are ten thousand of them.
    """

    name: str
    asked: str
    optional: bool
    target: Package


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """The next package on the shortest way to a target, the target, and how far it is."""

    following: Package
    target: Package
    distance: int


class DependencyGraph:
    """Answers what a package depends on; every answer is worked out once."""

    def __init__(
        self,
        lockfile: Lockfile,
        members: Mapping[str, WorkspacePackage],
        resolutions: Mapping[str, str],
        catalogs: Catalogs = NO_CATALOGS,
    ) -> None:
        self.lockfile = lockfile
        self._catalogs = catalogs
        self._meaning = catalogs.meaning  # what a range stands for
        self.members = members
        self._resolutions: Resolutions = parse_resolutions(resolutions)
        self._edges: dict[Package, tuple[Edge, ...]] = {}
        self._by_manifest: dict[str, Package] = {}
        self._by_entry: dict[int, Package] = {}
        self._targets: dict[tuple[str, str], Package] = {}

    def package(self, manifest: Manifest) -> Package:
        """Return the package whose source has this package.json."""
        key = os.path.realpath(manifest.file)  # a workspace may be reached through a link
        if key not in self._by_manifest:
            self._by_manifest[key] = Package(
                name=manifest.name,
                version=manifest.version,
                locator=f"{manifest.name}@workspace:{manifest.file.parent}",
                # npm and yarn let an optional dependency win over a plain one of the same name.
                dependencies={
                    name: asked
                    for name, asked in manifest.dependencies.items()
                    if name not in manifest.optional_dependencies
                },
                optional=manifest.optional_dependencies,
                peers=self._catalogs.meanings(manifest.peer_dependencies),
                optional_peers=manifest.optional_peers,
                role=manifest.role,
                folder=manifest.file.parent,
            )
        return self._by_manifest[key]

    def edges(self, package: Package) -> tuple[Edge, ...]:
        """Return what the package depends on, optional dependencies last.

        Optional packages for other systems than Linux, where hosts run, are left out.
        """
        if package not in self._edges:
            plain = [
                Edge(name, self._meaning(name, asked), False, self._target(package, name, asked))
                for name, asked in package.dependencies.items()
            ]
            optional = [
                Edge(name, self._meaning(name, asked), True, target)
                for name, asked in package.optional.items()
                if _runs_on_linux(target := self._target(package, name, asked)) and target.version
            ]
            self._edges[package] = (*plain, *optional)
        return self._edges[package]

    def reachable(self, roots: Iterable[Package]) -> tuple[Package, ...]:
        """Return every package below ``roots`` with the roots themselves, nearest first."""
        found = dict.fromkeys(roots)
        pending = deque(found)
        while pending:
            for edge in self.edges(pending.popleft()):
                if edge.target not in found:
                    found[edge.target] = None
                    pending.append(edge.target)
        return tuple(found)

    def dependents(self, packages: Iterable[Package]) -> dict[Package, list[Package]]:
        """Return, for each package that any of ``packages`` depends on, which of them do."""
        found: dict[Package, list[Package]] = {}
        for package in packages:
            for edge in self.edges(package):
                found.setdefault(edge.target, []).append(package)
        return found

    def _target(self, package: Package, name: str, asked: str) -> Package:
        if name in self._resolutions.by_name or asked.startswith(_BOUND_PROTOCOLS):
            return self._resolve(package, name, asked)
        # What a descriptor leads to does not depend on who asks.
        key = (name, asked)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._resolve(package, name, asked)
        return found

    def _resolve(self, package: Package, name: str, asked: str) -> Package:
        asked = self._meaning(name, asked)  # before resolutions, as in yarn
        replaced = self._resolutions.replace_range(name, asked, package.name, package.version)
        wanted = self._meaning(name, replaced)
        member = self.members.get(name)
        if member and wanted.startswith("workspace:"):
            return self.package(member.manifest)
        if member and self.lockfile.generation == "classic" and _serves(member, wanted):
            return self.package(member.manifest)
        entry = self.lockfile.resolve(name, wanted, locator=package.locator)
        if entry is None and wanted != asked:
            entry = self.lockfile.resolve(name, asked, locator=package.locator)
        if member and (entry.is_workspace if entry else _serves(member, wanted)):
            return self.package(member.manifest)
        if entry is None:
            return Package(name=name, version="")
        if id(entry) not in self._by_entry:
            self._by_entry[id(entry)] = _package(entry)
        return self._by_entry[id(entry)]


def ways_to(
    targets: Iterable[Package], dependents: Mapping[Package, list[Package]]
) -> dict[Package, Hop]:
    """Return every package whose dependencies reach a target, and the shortest way to one.

    A way ends at the first target on it, so a target is in the answer only if it reaches another.
    """
    final = dict.fromkeys(targets)
    found: dict[Package, Hop] = {}
    pending = deque(final)
    while pending:
        package = pending.popleft()
        hop = None if package in final else found[package]
        for dependent in dependents.get(package, ()):
            if dependent in found:
                continue
            found[dependent] = Hop(
                following=package,
                target=hop.target if hop else package,
                distance=hop.distance + 1 if hop else 1,
            )
            if dependent not in final:
                pending.append(dependent)
    return found


def _package(entry: LockEntry) -> Package:
    plain, optional = entry.dependencies, NOTHING
    if entry.optional:
        optional = {n: asked for n, asked in plain.items() if n in entry.optional}
        plain = {n: asked for n, asked in plain.items() if n not in entry.optional}
    return Package(
        name=entry.name,
        version=entry.version,
        locator=entry.resolution,
        dependencies=plain,
        optional=optional,
        peers=entry.peer_dependencies,
        optional_peers=entry.optional_peers,
        conditions=entry.conditions,
        keys=entry.descriptors,
    )


def _serves(member: WorkspacePackage, wanted: str) -> bool:
    return is_in(member.manifest.version, wanted)


def _runs_on_linux(package: Package) -> bool:
    return "os=" not in package.conditions or "os=linux" in package.conditions
