"""What a published plugin needs of registries: as it says, and as its scripts show."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.published.published_manifest import settle_ranges
from factory.quantities import join_names
from factory.values import dataclass
from factory.versions import is_range, satisfies

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from factory.analysis.inventory import HostInventory
    from factory.published.published_manifest import PublishedManifest

log = logging.getLogger(__name__)

# What portals have one of, and every frontend is built against, unless it says otherwise.
_OF_FRONTENDS = {"react": "18.3.1", "react-dom": "18.3.1", "react-router-dom": "6.30.1"}
_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedDependencies:
    """The ranges of a plugin's dependencies by kind, and what its workspace brings for its peers.

    ``added`` are those dependencies that only its scripts tell of.
    """

    dependencies: Mapping[str, str]
    optional: Mapping[str, str]
    peers: Mapping[str, str]
    around: Mapping[str, str]
    added: tuple[str, ...] = ()


def settle_dependencies(
    manifest: PublishedManifest, imports: Collection[str], host: HostInventory
) -> PublishedDependencies:
    """Return what has to be installed for a plugin.

    What is imported and not declared is taken in the range of the published devDependencies, else
    in the portal's version. What neither knows is reported, and left: a word in a text may look
    like an import.

    Raises:
        SourceError: a dependency is not from a registry.
    """

    def version_in_portal(name: str) -> str | None:
        return (host.versions(name) or (None,))[-1]

    dependencies = settle_ranges(manifest, "dependencies", version_in_portal)
    optional = settle_ranges(manifest, "optionalDependencies", version_in_portal)
    peers = settle_ranges(manifest, "peerDependencies", version_in_portal)
    declared = {*dependencies, *optional, *peers, manifest.name}
    added: dict[str, str] = {}
    unknown: list[str] = []
    for name in sorted(set(imports) - declared):
        if not manifest.is_backend and name in _OF_FRONTENDS:
            continue
        wanted = _development_range(manifest, name)
        version = version_in_portal(name)
        if wanted or version:
            added[name] = wanted or f"^{version}"
        else:
            unknown.append(name)
    _tell(manifest, added, unknown)
    return PublishedDependencies(
        dependencies=dict(sorted({**dependencies, **added}.items())),
        optional=optional,
        peers=peers,
        around=_around(manifest, peers, {*dependencies, *added}, imports),
        added=tuple(added),
    )


def _development_range(manifest: PublishedManifest, name: str) -> str:
    """The range that the plugin was developed with; one that has leaked serves nobody."""
    wanted = manifest.mapping("devDependencies").get(name)
    return wanted if isinstance(wanted, str) and wanted and is_range(wanted) else ""


def _tell(manifest: PublishedManifest, added: Mapping[str, str], unknown: list[str]) -> None:
    if added:
        log.info(
            "%s imports what it does not declare; added: %s",
            manifest.name,
            join_names((f"{name} {wanted}" for name, wanted in added.items()), _SHOWN),
        )
    if unknown:
        log.debug(
            "%s may import what it does not declare, and nothing says in which version: %s. If it "
            "does, a patch of plugin/package.json can add it.",
            manifest.name,
            join_names(unknown, _SHOWN),
        )


def _around(
    manifest: PublishedManifest,
    peers: Mapping[str, str],
    there: Collection[str],
    imports: Collection[str],
) -> dict[str, str]:
    """What the workspace's root brings: peers, but for optional ones that no script imports."""
    meta = manifest.mapping("peerDependenciesMeta")
    around: dict[str, str] = {}
    if not manifest.is_backend:
        for name, usual in _OF_FRONTENDS.items():
            around[name] = f"^{usual.partition('.')[0]}.0.0"
    for name, wanted in peers.items():
        about = meta.get(name)
        optional = isinstance(about, dict) and bool(about.get("optional"))
        if name in there or (optional and name not in imports):
            continue
        admits = name in around and is_range(wanted) and satisfies(_OF_FRONTENDS[name], wanted)
        around[name] = around[name] if admits else wanted
    return dict(sorted(around.items()))
