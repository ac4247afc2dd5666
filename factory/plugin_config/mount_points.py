"""Whether a plugin of the old frontend system is mounted on what its portal has.

The names, and that each ``entity.page.*`` has a ``/cards`` and a ``/context``, are those of RHDH's
documentation, "Front-end plugin wiring". What is mounted elsewhere does not show, without an error;
but plugins can have mount points of their own, so that only what is nearly a name of the portal's
is a mistake.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from factory.patterns import lazy_pattern
from factory.plugin_config.config_schema import SchemaProblem
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.notation.limits import Steps

_FRONTEND = ("dynamicPlugins", "frontend")
_PAGE = "entity.page."
_ADMIN = "admin.page."
_VARIATIONS = ("/cards", "/context")
_STEPS = lazy_pattern(r"[./]")
_CLOSE = 0.75
_LONGEST = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalMounts:
    """The mount points of a portal, as configurations write them; none if they are not known."""

    portal: str
    points: frozenset[str] = frozenset()


def portal_mounts(
    portal: str, points: Iterable[str], configs: Iterable[Mapping[str, Any]]
) -> PortalMounts:
    """Return the mount points of a portal.

    Args:
        portal: what it is called.
        points: those of its profile; none if they are not known.
        configs: what its plugins are configured with: they may add tabs to an entity's page.
    """
    own = {name for point in points for name in _write_out(point)}
    tabs = {name for config in configs for name in _find_tabs(config)} if own else ()
    return PortalMounts(portal=portal, points=frozenset(own).union(tabs))


def check_mount_points(
    config: Mapping[str, Any], mounts: PortalMounts | None
) -> tuple[tuple[SchemaProblem, ...], tuple[str, ...]]:
    """Return what is wrong with the mount points of a configuration, and what cannot be told.

    Args:
        config: what a plugin is configured with.
        mounts: those of its portal; None if it is not known which one that is.
    """
    used = list(_find_used(config))
    if not used:
        return (), ()
    if mounts is None or not mounts.points:
        of = f"of {mounts.portal} " if mounts else ""
        why = f"the mount points {of}are not known"
        return (), (f"{why}; --host names a portal whose profile has them",)
    known = mounts.points.union(_find_tabs(config))
    problems = []
    others = []
    for way, point in used:
        if point in known:
            continue
        meant = _find_meant(point, known)
        if meant:
            problems.append(
                SchemaProblem(
                    way=way,
                    found=json.dumps(point, ensure_ascii=False)[:_LONGEST],
                    expected=f"a mount point of {mounts.portal}, such as {meant}",
                )
            )
        else:
            others.append(point[:_LONGEST])
    listed = ", ".join(dict.fromkeys(others))
    note = f"{mounts.portal} has no mount point {listed}: another plugin must have it"
    return tuple(problems), (note,) if others else ()


def _find_meant(point: str, known: Iterable[str]) -> str:
    """Return the mount point that was meant, "" if none of the known ones is near.

    That is one of the same steps but for one, which is nearly the same; or with a variation more.
    """
    steps = _STEPS.split(point.casefold())
    best = (_CLOSE, "")
    for one in sorted(known):
        theirs = _STEPS.split(one.casefold())
        if theirs[:-1] == steps and one.endswith(_VARIATIONS):
            return one
        if len(theirs) != len(steps):
            continue
        pairs = [(a, b) for a, b in zip(steps, theirs, strict=True) if a != b]
        if len(pairs) > 1:
            continue
        near = min((difflib.SequenceMatcher(None, a, b).ratio() for a, b in pairs), default=1.0)
        if near >= best[0]:
            best = (near + 1e-9, one)  # of equally near ones the first
    return best[1]


def _write_out(point: str) -> tuple[str, ...]:
    """The mount points that a name in a profile stands for: those of pages have variations."""
    if point.endswith(_VARIATIONS):
        return (point,)
    variations = tuple(f"{point}{one}" for one in _VARIATIONS)
    if point.startswith(_PAGE):
        return variations
    return (point, *variations) if point.startswith(_ADMIN) else (point,)


def _find_used(config: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    for name, number, entry in _entries(config, "mountPoints"):
        point = entry.get("mountPoint")
        if isinstance(point, str):
            yield (*_FRONTEND, name, "mountPoints", str(number), "mountPoint"), point


def _find_tabs(config: Mapping[str, Any]) -> Iterator[str]:
    """The mount points of the tabs that a configuration adds to an entity's page."""
    for _, _, entry in _entries(config, "entityTabs"):
        point = entry.get("mountPoint")
        if isinstance(point, str):
            yield from (f"{point}{one}" for one in _VARIATIONS)


def _entries(config: Mapping[str, Any], field: str) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """The maps in a list that each plugin's part of a configuration may have."""
    plugins: Any = config
    for step in _FRONTEND:
        plugins = plugins.get(step) if isinstance(plugins, dict) else None
    for name, own in plugins.items() if isinstance(plugins, dict) else ():
        listed = own.get(field) if isinstance(own, dict) else None
        for number, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry, dict):
                yield str(name), number, entry
