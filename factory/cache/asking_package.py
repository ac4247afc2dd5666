"""A package whose source is at hand, as one that asks for its development dependencies too."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from factory.analysis.graph import DependencyGraph, Package
from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.cache.tree import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

# The fields of a package.json by which a package is entered.
_ENTRY_FIELDS = ("main", "module", "types", "typings", "browser", "exports")


@dataclass(frozen=True, kw_only=True, slots=True)
class AskingPackage:
    """A package.json, and its package with all that its build may use.

    ``reads_generated`` is whether package.json points at what builds have left in the folder.
    """

    manifest: Manifest
    asker: Package
    reads_generated: bool


def asking_package(
    folder: Path, graph: DependencyGraph, members: AbstractSet[str]
) -> AskingPackage:
    """Return the package in a folder; one without a package.json asks for nothing.

    Args:
        folder: the package's.
        graph: the workspace's.
        members: the names of the workspace's members.

    Raises:
        SourceError: the package.json cannot be used.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        manifest = Manifest(file=file)
        return AskingPackage(
            manifest=manifest, asker=Package(name="", version=""), reads_generated=False
        )
    manifest = read_manifest(file)
    package = graph.package(manifest)
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8-sig"))
    listed = document.get("devDependencies")
    development = {n: str(a) for n, a in listed.items()} if isinstance(listed, dict) else {}
    # A peer from elsewhere is given by somebody who depends on it; a member is here anyway.
    peers = {name: asked for name, asked in package.peers.items() if name in members}
    asker = replace(package, dependencies={**peers, **development, **package.dependencies})
    return AskingPackage(
        manifest=manifest,
        asker=asker,
        reads_generated=any(
            PurePosixPath(entry).parts[:1] and PurePosixPath(entry).parts[0] in GENERATED
            for name in _ENTRY_FIELDS
            for entry in _strings(document.get(name))
        ),
    )


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
