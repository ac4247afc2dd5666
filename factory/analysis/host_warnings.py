"""What may go wrong with a plugin in its host, as warnings: facts that no argument mends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.catalogs import CATALOG, YARN_SETTINGS
from factory.analysis.lockfile import effective_range, origin_of
from factory.analysis.native import is_refused
from factory.analysis.reasons import ARROW, AnalysisWarning
from factory.patterns import lazy_pattern
from factory.versions import lowest_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from factory.analysis.build_arguments import BuildArguments
    from factory.analysis.context import AnalysisContext
    from factory.analysis.embed_walk import Embedded, Use, Walk
    from factory.analysis.graph import Package
    from factory.analysis.inventory import HostInventory
    from factory.analysis.manifest import Manifest


# Facts that many packages of a plugin may share, and how all of them are said in one line.
_SHARED_FACTS = {
    "host-version": "requested in versions that the host does not have",
    "not-in-host": "shared and not in the host",
    "peer-not-in-host": "required as a peer and not in the host",
}
_CREDENTIALS = lazy_pattern(r"//[^/@\s]*@")


def warnings_about(
    manifest: Manifest, computed: BuildArguments, around: AnalysisContext
) -> tuple[AnalysisWarning, ...]:
    """Return every warning about one plugin, the most serious kind first, each once."""
    found = computed.found
    if found is None:
        return ()
    plugin = found.start.package
    every = [
        *_warn_of_bundled(manifest),
        *_warn_of_missing(found),
        *_versions(found, around.host),
        *_peers(plugin, found, around.host),
        *_embedding(found, around),
        *_protocols(found),
        *_conflicts(computed),
        *_natives(plugin, computed, around),
    ]
    return tuple(dict.fromkeys(every))


def in_short(warnings: Iterable[AnalysisWarning]) -> tuple[AnalysisWarning, ...]:
    """Return the warnings about one plugin with one for each fact that many packages share.

    Of several packages that differ in the same way the worst is named, with their number; where
    there is one, its own warning stays.
    """
    by_kind: dict[str, list[AnalysisWarning]] = {}
    for warning in warnings:
        by_kind.setdefault(warning.kind, []).append(warning)
    short: list[AnalysisWarning] = []
    for kind, several in by_kind.items():
        if kind in _SHARED_FACTS and len(several) > 1:
            count = len({warning.package for warning in several})
            packages = "1 package is" if count == 1 else f"{count} packages are"
            fact = f"{packages} {_SHARED_FACTS[kind]} (--verbose shows all)"
            worst = max(several, key=_distance)
            short.append(replace(worst, text=f"{fact}, as {worst.text}"))
        else:
            short += several
    return tuple(short)


def _distance(warning: AnalysisWarning) -> tuple[int, ...]:
    """How far what is asked for is from what the host has: majors count before minors."""
    versions = warning.found.split(", ")
    try:
        asked = lowest_in(warning.expected) or "0.0.0"
    except ValueError:
        return (0, 0, 0)
    pairs = zip(_numbers(asked), _numbers(versions[-1]), strict=False)
    return tuple(abs(wanted - there) for wanted, there in pairs)


def older_host(workspace_backstage: str, host: HostInventory) -> tuple[AnalysisWarning, ...]:
    """Return a warning if the workspace is on a newer Backstage than the host."""
    if not workspace_backstage or not host.backstage:
        return ()
    if _numbers(workspace_backstage) <= _numbers(host.backstage):
        return ()
    return (
        AnalysisWarning(
            kind="newer-backstage",
            text=(
                f"the workspace is on Backstage {workspace_backstage}, "
                f"{host.name} on {host.backstage}"
            ),
            found=workspace_backstage,
            expected=host.backstage,
        ),
    )


def _warn_of_bundled(manifest: Manifest) -> Iterator[AnalysisWarning]:
    if manifest.bundled:
        yield AnalysisWarning(
            kind="bundled",
            text='rhdh-cli refuses a plugin whose package.json says "bundled": true',
            package=manifest.name,
        )


def _warn_of_missing(found: Walk) -> Iterator[AnalysisWarning]:
    for use in found.missing:
        yield AnalysisWarning(
            kind="not-locked",
            text=_why_missing(use),
            package=use.edge.name,
            expected=use.edge.asked,
        )


def _why_missing(use: Use) -> str:
    asked = f"{use.edge.name}@{use.edge.asked}"
    if use.edge.asked.startswith(CATALOG):
        return (
            f"no catalog of {YARN_SETTINGS} has the entry that {asked} means ({_chain(use)}): add "
            "it, or write the range"
        )
    return (
        f"yarn.lock has no entry for {asked} ({_chain(use)}): run 'yarn install' and analyse again"
    )


def _protocols(found: Walk) -> Iterator[AnalysisWarning]:
    """Private packages that come from elsewhere than a registry."""
    for use in found.private:
        asked = use.edge.asked
        origin = origin_of(asked)
        if use.edge.target.folder is not None or origin is None:
            continue
        name = use.edge.name
        if origin == "path":
            text = (
                f"{_asking(use)} asks for {name} as {_show(asked)}: a path that means nothing in "
                "the exported package. Publish it, make it a member of the workspace "
                "(workspace:^), or patch the range"
            )
        else:
            text = (
                f"{_asking(use)} asks for {name} as {_show(asked)}: it comes from there, not from "
                "a registry, when the plugin is exported"
            )
        yield AnalysisWarning(
            kind=f"from-{origin}", text=text, package=name, found=_show(asked), expected="a range"
        )


def _show(asked: str) -> str:
    """A range without credentials."""
    return _CREDENTIALS.sub("//***@", asked)


def _conflicts(computed: BuildArguments) -> Iterator[AnalysisWarning]:
    for conflict in computed.conflicts:
        if conflict.fitting is None:
            yield AnalysisWarning(
                kind="ranges-differ",
                text=(
                    f"{conflict.name} is requested as {conflict.first} and {conflict.second} (by "
                    f"{conflict.asking}), and no known version is in both: rhdh-cli will refuse it"
                ),
                package=conflict.name,
                found=conflict.first,
                expected=conflict.second,
            )


def _versions(found: Walk, host: HostInventory) -> Iterator[AnalysisWarning]:
    """Shared packages for which the host has no version that is asked for."""
    for use in found.shared:
        name, target = use.edge.name, use.edge.target
        if name not in host:
            yield AnalysisWarning(
                kind="not-in-host",
                text=f"{name} is shared, but not in {host.name}: the plugin will not find it",
                package=name,
                expected=use.edge.asked,
            )
            continue
        asked = _range(use, target)
        if asked and not host.satisfying(name, asked):
            versions = ", ".join(host.versions(name))
            yield AnalysisWarning(
                kind="host-version",
                text=(f"{name}: {_asking(use)} asks for {asked}, {host.name} has {versions}"),
                package=name,
                found=versions,
                expected=asked,
            )


def _peers(plugin: Package, found: Walk, host: HostInventory) -> Iterator[AnalysisWarning]:
    """rhdh-cli leaves peer dependencies to the host, and hoists those of what it embeds."""
    brought = {*plugin.dependencies, *found.embedded_names}
    for package in (plugin, *(embedded.package for embedded in found.embedded)):
        for name, asked in package.peers.items():
            if name in host or name in brought or name in package.optional_peers:
                continue
            yield AnalysisWarning(
                kind="peer-not-in-host",
                text=f"{package.name} needs its peer {name} {asked}, which {host.name} lacks",
                package=name,
                expected=asked,
            )


def _embedding(found: Walk, around: AnalysisContext) -> Iterator[AnalysisWarning]:
    """What rhdh-cli will refuse, or do by halves, about the packages to embed."""
    versions: dict[str, list[str]] = {}
    for embedded in found.embedded:
        versions.setdefault(embedded.package.name, []).append(embedded.package.version)
        trail = embedded.trail
        if trail.parent is None or embedded.package.folder is not None:
            continue
        asked = _range_as_read(embedded, around)
        if asked and (":" in asked or not effective_range(asked)):
            yield AnalysisWarning(
                kind="range-not-npm",
                text=(
                    f"rhdh-cli cannot embed {embedded.package.name}: it compares versions, and "
                    f"{trail.parent.package.name} asks for {asked}"
                ),
                package=embedded.package.name,
                found=asked,
                expected="a version range",
            )
    for name, several in versions.items():
        if len(several) > 1:
            yield AnalysisWarning(
                kind="embedded-twice",
                text=f"{name} would be embedded as {' and '.join(several)}; rhdh-cli keeps one",
                package=name,
                found=", ".join(several),
            )


def _range_as_read(embedded: Embedded, around: AnalysisContext) -> str:
    """The range of an embedded package as rhdh-cli reads it from whoever asks for it."""
    parent = embedded.trail.parent
    if parent is None:
        return ""
    edges = around.graph.edges(parent.package)
    asked = next((edge.asked for edge in edges if edge.name == embedded.package.name), "")
    # Of a published package only the lockfile has the protocol.
    return asked if parent.package.folder is not None else asked.removeprefix("npm:")


def _natives(
    plugin: Package, computed: BuildArguments, around: AnalysisContext
) -> Iterator[AnalysisWarning]:
    allowed = frozenset(computed.arguments.allowed)
    for choice in computed.natives:
        yield AnalysisWarning(
            kind="native-suppressed",
            text=(
                f"{choice.name} is replaced by a stub that throws ({choice.reason.fact}); if the "
                f"plugin cannot do without it, write --allow-native-package {choice.name} instead"
            ),
            package=choice.name,
        )
    embedded = computed.found.embedded if computed.found else ()
    for package in (plugin, *(each.package for each in embedded)):
        marker = around.markers.lockfile_marker(package)
        if marker and is_refused(package, marker) and package.name not in allowed:
            yield AnalysisWarning(
                kind="native-embedded",
                text=(
                    f"{package.name} is itself native ({marker}), and rhdh-cli refuses it unless "
                    f"you write --allow-native-package {package.name}"
                ),
                package=package.name,
            )


def _range(use: Use, target: Package) -> str:
    if use.edge.asked.startswith("workspace:"):
        wanted = use.edge.asked.removeprefix("workspace:")
        return wanted.removesuffix("*") + target.version if wanted in {"^", "~", "*"} else wanted
    return effective_range(use.edge.asked, target.keys)


def _asking(use: Use) -> str:
    return "the plugin" if use.trail.parent is None else str(use.trail.package)


def _chain(use: Use) -> str:
    return ARROW.join(("plugin", *use.trail.names()[1:], use.edge.name))


def _numbers(version: str) -> tuple[int, ...]:
    core = version.partition("+")[0].partition("-")[0]
    return tuple(int(part) if part.isdigit() else 0 for part in core.split("."))
