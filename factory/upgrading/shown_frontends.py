"""Whether a built frontend shows in the systems that a portal loads frontends by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import CheckError
from factory.frontend.bundle_manifests import FEDERATION, BrokenManifestError, read_federation
from factory.frontend.bundle_verdict import judge_bundle
from factory.frontend.verdict import NEW_SYSTEM, OLD_SYSTEM, say_hidden, say_shown
from factory.upgrading.portal_move import HiddenFrontend
from factory.verification.frontend_systems import find_system

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.portal_profile import FrontendSystem
    from factory.frontend.verdict import SystemVerdict
    from factory.upgrading.portal_move import PortalMove
    from factory.verification.plugin_folder import PluginFolder

_SCALPRUM: FrontendSystem = "scalprum"
_OLD_FEDERATION: FrontendSystem = "module-federation"
_NEW: FrontendSystem = "new-frontend-system"
FEDERATED: frozenset[FrontendSystem] = frozenset({_OLD_FEDERATION, _NEW})
"""The systems whose pages load module federation's bundles."""


def find_systems(host: HostInventory) -> tuple[FrontendSystem, ...]:
    """Return the systems that a portal's page is made with, as far as its profile says.

    Releases of RHDH have the packages of two, and a page that is made with one of them.
    """
    systems = host.profile.frontend_systems
    if _SCALPRUM in systems and _NEW in systems and (one := find_system(host.name)):
        return (_SCALPRUM,) if one == OLD_SYSTEM else (_NEW,)
    return systems


def judge_frontend(
    plugin: PluginFolder, move: PortalMove
) -> tuple[HiddenFrontend | None, CheckError | None]:
    """Return why a frontend shows nothing in the new portal, or why that cannot be told."""
    old, new = find_systems(move.old), find_systems(move.new)
    if not new:
        return None, None if old == new else _say_unknown_portal(move)
    shown = _judge_systems(plugin.root, plugin, new)
    if any(one.shows for one in shown):
        return None, None
    said = "; ".join(dict.fromkeys(f"{one.system}: {one.why}" for one in shown))
    hint = next((one.hint for one in shown if one.hint), "")
    if any(one.shows is None for one in shown):
        # What cannot be told is as it was where the portal stays as it is.
        return None, None if old == new else _say_undecided(move, said, hint)
    showed = any(one.shows is not False for one in _judge_systems(plugin.root, plugin, old))
    before = bool(old) and not showed
    why = f"{move.new.name} loads frontends by {' and '.join(new)} ({said})"
    return HiddenFrontend(why=why, hint=hint, before=before), None


def _judge_systems(
    root: Path, plugin: PluginFolder, systems: Iterable[FrontendSystem]
) -> list[SystemVerdict]:
    verdict = judge_bundle(root, plugin.package)
    by_system = {
        _SCALPRUM: lambda: verdict.old,
        _NEW: lambda: verdict.new,
        _OLD_FEDERATION: lambda: _judge_old_federation(root),
    }
    return [by_system[system]() for system in systems]


def _judge_old_federation(root: Path) -> SystemVerdict:
    """In a page of the old frontend system that loads module federation's bundles."""
    try:
        manifest = read_federation(root)
    except BrokenManifestError as error:
        return say_hidden(OLD_SYSTEM, f"{error.problem} ({error.found})")
    if manifest is None or not manifest.exposed:
        hint = "export it without --no-generate-module-federation-assets"
        return say_hidden(OLD_SYSTEM, f"there is no {FEDERATION} that exposes a module", hint=hint)
    return say_shown(OLD_SYSTEM, f"{FEDERATION} exposes modules")


def _say_undecided(move: PortalMove, said: str, hint: str) -> CheckError:
    return CheckError(
        f"it cannot be told whether the plugin shows in {move.new.name}",
        found=said,
        expected=f"a default export of the {NEW_SYSTEM} frontend system",
        hint=hint or None,
    )


def _say_unknown_portal(move: PortalMove) -> CheckError:
    return CheckError(
        f"it is not known by what {move.new.name} loads frontends",
        expected="frontend-systems in the portal's profile",
        hint="plugin-factory host import --frontend-systems new-frontend-system --lockfile "
        "yarn.lock --name NAME makes a profile that says so",
    )
