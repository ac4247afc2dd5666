"""Which frontend system the app of a trial is of: that of the portal, or that of the plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.frontend.bundle_verdict import judge_bundle
from factory.frontend.verdict import NEW_SYSTEM, OLD_SYSTEM
from factory.trial.verdicts import read_role, read_tried_manifest
from factory.verification.frontend_systems import find_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from factory.frontend.verdict import System

_FRONTEND = "frontend"


def find_systems(host: str | None) -> tuple[System, ...]:
    """Return the frontend systems of a portal, the one of its pages first; () without a portal.

    Raises:
        ConfigurationError: there is no such portal.
    """
    if not host:
        return ()
    found = find_host(host)
    loads = found.profile.frontend_systems
    old: tuple[System, ...] = (OLD_SYSTEM,) if "scalprum" in loads else ()
    new: tuple[System, ...] = (NEW_SYSTEM,) if "new-frontend-system" in loads else ()
    if find_system(found.name) == NEW_SYSTEM:
        return new or (NEW_SYSTEM,)
    return (*old, *new)


def find_frontends(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders of the staged plugins that are frontends."""
    return tuple(folder for folder in folders if _is_frontend(folder))


def _is_frontend(folder: Path) -> bool:
    return read_role(read_tried_manifest(folder)).startswith(_FRONTEND)


def choose_system(folders: Iterable[Path], wanted: Sequence[System] = ()) -> System:
    """Return the frontend system of the app for the plugins in these folders.

    It is the first of those that are wanted, or else of the new one and the old one, in which a
    plugin may show; the first of them where none does.
    """
    systems = wanted or (NEW_SYSTEM, OLD_SYSTEM)
    if len(systems) == 1:
        return systems[0]
    judged = [judge_bundle(folder, read_tried_manifest(folder)) for folder in folders]
    for system in systems:
        for verdict in judged:
            if any(one.system == system and one.shows is not False for one in verdict.systems):
                return system
    return systems[0]
