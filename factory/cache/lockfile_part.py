"""Which entries of a yarn.lock can reach an artifact, and what each says.

Below the packages that a plugin is built from, and below the workspace's root, whose development
dependencies are the tools. A peer dependency is given by whoever else has it, so every entry of
that name counts.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from factory.analysis.graph import Package
from factory.analysis.lockfile import split_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.analysis.graph import DependencyGraph
    from factory.analysis.lockfile import Lockfile

_DIGITS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackages:
    """A workspace's graph and the digest of what each entry of its lockfile says."""

    graph: DependencyGraph
    bodies: Mapping[str, str]
    _below: dict[Package, frozenset[Package]] = field(default_factory=dict, repr=False)

    def reached_from(self, roots: Iterable[Package]) -> Mapping[str, str]:
        """Return what is below ``roots``: by name its versions, each ``VERSION#DIGEST``.

        Members of the workspace are not among them: their source has what they say.
        """
        reached: dict[Package, None] = {}
        for root in roots:
            reached.update(dict.fromkeys(self._reached(root)))
        versions: dict[str, set[str]] = {}
        for package in reached:
            if package.folder is None:
                said = self.bodies.get(package.keys[0], "") if package.keys else ""
                versions.setdefault(package.name, set()).add(f"{package.version}#{said}")
        return {name: ", ".join(sorted(said)) for name, said in sorted(versions.items())}

    def members_below(self, root: Package) -> frozenset[Package]:
        """Return the members of the workspace that ``root`` reaches without another in between.

        A package from a registry may bring one in too: by a peer dependency, or a resolution.
        """
        return frozenset(
            package
            for package in self._reached(root)
            if package.folder is not None and package is not root
        )

    def _reached(self, root: Package) -> frozenset[Package]:
        if root not in self._below:
            self._below[root] = frozenset(self._walk(root))
        return self._below[root]

    def _walk(self, root: Package) -> dict[Package, None]:
        found = {root: None}
        pending = deque((root,))
        peers: set[str] = set()
        while pending:
            package = pending.popleft()
            for target in self._next(package, peers):
                if target not in found:
                    found[target] = None
                    if target.folder is None:  # a member is a root of its own
                        pending.append(target)
        return found

    def _next(self, package: Package, peers: set[str]) -> Iterator[Package]:
        for edge in self.graph.edges(package):
            yield edge.target
        fresh = package.peers.keys() - peers
        peers.update(fresh)
        for name in fresh:
            for entry in self.graph.lockfile.named(name):
                alias, wanted = split_descriptor(entry.descriptors[0])
                asker = Package(name="", version="", dependencies={alias: wanted})
                yield from (edge.target for edge in self.graph.edges(asker))


def locked_packages(graph: DependencyGraph) -> LockedPackages:
    """Return the packages of a graph's lockfile with the digests of their entries.

    Raises:
        OSError: the lockfile cannot be read.
    """
    return LockedPackages(graph=graph, bodies=_bodies(graph.lockfile))


def _bodies(lockfile: Lockfile) -> dict[str, str]:
    """By an entry's first descriptor, a digest of its lines below the descriptors.

    The line of descriptors is left out: another package that asks for the same version in another
    range changes it, and nothing else.
    """
    lines = lockfile.file.read_bytes().splitlines()
    starts = [entry.line for entry in lockfile.entries]
    ends = [*starts[1:], len(lines) + 1]
    found = {}
    for entry, start, end in zip(lockfile.entries, starts, ends, strict=True):
        body = b"\n".join(lines[start : end - 1]).rstrip()
        found[entry.descriptors[0]] = hashlib.sha256(body).hexdigest()[:_DIGITS]
    return found
