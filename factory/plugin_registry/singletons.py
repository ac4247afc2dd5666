"""Whether the modules that a page may have only once fit all plugins, and the host.

Module federation does not compare versions of singletons: the highest one on the page is used, and
a plugin that cannot work with it breaks at run time. So they are compared beforehand, with npm's
rules for ranges (Backstage BEP-0002, "Singleton dependencies verification").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.plugin_registry.frontend_plugins import package_of
from factory.values import dataclass
from factory.versions import satisfies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.analysis.inventory import HostInventory
    from factory.plugin_registry.frontend_plugins import Singleton, StagedPlugin


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """A singleton that ``plugin`` cannot take from ``provider``: another plugin, or the host."""

    module: str
    plugin: str
    accepts: str
    provider: str
    provides: str

    def __str__(self) -> str:
        """One sentence that names both sides."""
        return (
            f"{self.module}: {self.plugin} accepts {self.accepts}, "
            f"but {self.provider} has {self.provides}"
        )


def find_mismatches(
    plugins: Sequence[StagedPlugin], host: HostInventory | None = None
) -> tuple[Mismatch, ...]:
    """Return each singleton that does not fit: plugin against host, then plugin against plugin."""
    return (*_against_host(plugins, host), *_between(plugins))


def accepted_range(singleton: Singleton) -> str:
    """Return the range of versions that a plugin works with.

    Where it names none, that is what is compatible with the version it was built with.
    """
    return singleton.range or f"^{singleton.version}"


def _against_host(
    plugins: Sequence[StagedPlugin], host: HostInventory | None
) -> Iterator[Mismatch]:
    if host is None:
        return
    for plugin in plugins:
        for singleton in plugin.singletons:
            versions = host.versions(package_of(singleton.module))
            # A host that has several serves the one that its app was built with: any may be it.
            if versions and not any(_fits(version, singleton) for version in versions):
                yield Mismatch(
                    module=singleton.module,
                    plugin=plugin.name,
                    accepts=accepted_range(singleton),
                    provider=host.name,
                    provides=" and ".join(versions),
                )


def _between(plugins: Sequence[StagedPlugin]) -> Iterator[Mismatch]:
    for plugin in plugins:
        for other in plugins:
            if other is plugin:
                continue
            theirs = {one.module: one for one in other.singletons}
            for singleton in plugin.singletons:
                provided = theirs.get(singleton.module)
                if provided and not _fits(provided.version, singleton):
                    yield Mismatch(
                        module=singleton.module,
                        plugin=plugin.name,
                        accepts=accepted_range(singleton),
                        provider=other.name,
                        provides=provided.version,
                    )


def _fits(version: str, singleton: Singleton) -> bool:
    try:
        return satisfies(version, accepted_range(singleton))
    except ValueError:
        # A range that npm cannot compare (a tag, an address): the build's own version decides.
        return version == singleton.version
