"""Why a built plugin has to be built again for a portal's next release.

A range that the old portal satisfied and the new one does not is a reason, by npm's rules. One that
the old portal did not satisfy either is a reason only where the plugin asks for what the portal
cannot give: portals give newer packages of Backstage's to older plugins all the time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.frontend.bundle_manifests import BrokenManifestError, read_federation
from factory.plugin_registry.frontend_plugins import package_of
from factory.updating.portal_fit import find_misfits, list_taken
from factory.upgrading.native_code import find_native_reasons
from factory.upgrading.portal_move import RebuildReason
from factory.upgrading.shown_frontends import FEDERATED, find_systems
from factory.verification.bundled import SCOPE, find_bundled_twice
from factory.verification.supported_versions import check_supported_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.analysis.inventory import HostInventory
    from factory.analysis.manifest import Manifest
    from factory.upgrading.portal_move import PortalMove
    from factory.verification.plugin_folder import PluginFolder


def find_rebuild_reasons(
    plugin: PluginFolder, move: PortalMove
) -> tuple[tuple[RebuildReason, ...], tuple[str, ...]]:
    """Return why an unpacked plugin has to be built again, and what is worth a remark.

    Raises:
        SourceError: a field of its package.json has another form.
    """
    manifest = _without_bundled(read_manifest(plugin.root / MANIFEST_FILE), plugin)
    asked = dict(list_taken(manifest))
    if plugin.is_frontend:
        asked |= _list_federated(plugin, move.new)
    reasons, remarks = _judge_ranges(asked, move)
    if plugin.is_backend:
        reasons += _find_missing(manifest, move)
        reasons += _find_bundled(plugin, move)
        reasons += find_native_reasons(plugin.root, move)
    reasons += _judge_backstage(plugin, move)
    return tuple(reasons), tuple(remarks)


def _without_bundled(manifest: Manifest, plugin: PluginFolder) -> Manifest:
    """What a plugin has in its own node_modules it does not take from its portal."""
    modules = plugin.root / "node_modules"
    taken = {
        name: asked
        for name, asked in manifest.dependencies.items()
        if not (modules / name / MANIFEST_FILE).is_file()
    }
    return replace(manifest, dependencies=taken)


def _list_federated(plugin: PluginFolder, host: HostInventory) -> dict[str, str]:
    """The modules that a page has only once, with the ranges that the bundle states."""
    if not FEDERATED & set(find_systems(host)):
        return {}
    try:
        manifest = read_federation(plugin.root)
    except BrokenManifestError:
        return {}
    shares = set(host.profile.shares)
    return {
        package_of(one.name): one.required
        for one in (manifest.shared if manifest else ())
        if one.singleton and one.name in shares and one.required not in ("", "*")
    }


def _judge_ranges(
    asked: Mapping[str, str], move: PortalMove
) -> tuple[list[RebuildReason], list[str]]:
    reasons: list[RebuildReason] = []
    remarks: list[str] = []
    misfits_before = {one.package for one in find_misfits(asked.items(), move.old)}
    for one in find_misfits(asked.items(), move.new):
        before = one.package in misfits_before
        old = move.old.versions(one.package)
        why = (
            f"it asks for {one.package} {one.asked}; {_has(move.old, old)}, "
            f"{_has(move.new, one.versions)}"
        )
        fitted_before = bool(old) and not before
        if one.is_against or fitted_before:
            reasons.append(
                RebuildReason(
                    kind="range",
                    why=why,
                    package=one.package,
                    asked=one.asked,
                    old=old,
                    new=one.versions,
                    before=before,
                )
            )
        else:
            remarks.append(why)
    return reasons, remarks


def _has(host: HostInventory, versions: tuple[str, ...]) -> str:
    return f"{host.name} has {', '.join(versions) or 'none'}"


def _find_missing(manifest: Manifest, move: PortalMove) -> Iterator[RebuildReason]:
    """What a backend takes from its portal, which the new one does not have."""
    needed = {
        name: asked
        for name, asked in manifest.peer_dependencies.items()
        if name not in manifest.optional_peers and name in move.old
    } | dict(manifest.dependencies)
    for name, asked in needed.items():
        if name in move.new or not _is_known(name, move.new):
            continue
        before = name not in move.old and _is_known(name, move.old)
        yield RebuildReason(
            kind="missing",
            why=f"it takes {name} from the portal, and {move.new.name} does not have it",
            package=name,
            asked=asked,
            old=move.old.versions(name),
            before=before,
        )


def _is_known(package: str, host: HostInventory) -> bool:
    """Whether a host would tell that it has a package: a release of Backstage has its own alone."""
    return package.startswith(SCOPE) or "react" in host or "express" in host


def _find_bundled(plugin: PluginFolder, move: PortalMove) -> Iterator[RebuildReason]:
    twice_before = find_bundled_twice(plugin, move.old)
    for name, version in find_bundled_twice(plugin, move.new).items():
        yield RebuildReason(
            kind="bundled",
            why=f"it bundles {name} {version}, which {move.new.name} shares",
            package=name,
            asked=version,
            old=move.old.versions(name),
            new=move.new.versions(name),
            before=name in twice_before,
        )


def _judge_backstage(plugin: PluginFolder, move: PortalMove) -> Iterator[RebuildReason]:
    found = check_supported_versions(plugin, move.new)
    if found.result == "failed":
        before = check_supported_versions(plugin, move.old).result == "failed"
        yield RebuildReason(
            kind="backstage",
            why=f"{found.detail}, {move.new.backstage}: {found.found}",
            before=before,
        )
