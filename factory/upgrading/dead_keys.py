"""Keys of a plugin's configuration that have no effect in a portal.

``dynamicPlugins.frontend`` is read by pages of the old frontend system alone (RHDH's documentation,
"Using dynamic frontend plugins"), ``app.extensions`` by those of the new one
(https://backstage.io/docs/frontend-system/building-apps/configuring-extensions). What else has no
effect, the plugin's schema and its bundle tell, in any portal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.documents import field_name
from factory.plugin_config.proof import prove_config
from factory.upgrading.portal_move import DeadKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from factory.analysis.inventory import HostInventory
    from factory.analysis.portal_profile import FrontendSystem
    from factory.notation.limits import Steps
    from factory.plugin_config.shipped import ShippedConfig
    from factory.upgrading.portal_move import PortalMove

_FRONTEND = ("dynamicPlugins", "frontend")
_EXTENSIONS = ("app", "extensions")
_READERS: Mapping[Steps, frozenset[FrontendSystem]] = {
    _FRONTEND: frozenset({"scalprum", "module-federation"}),
    _EXTENSIONS: frozenset({"new-frontend-system"}),
}
_INSTEAD: Mapping[Steps, str] = {
    _FRONTEND: "its place is taken by the plugin's own extensions, and app.extensions",
    _EXTENSIONS: "its place is taken by dynamicPlugins.frontend",
}


def find_dead_keys(
    config: Mapping[str, Any], shipped: ShippedConfig, move: PortalMove
) -> tuple[DeadKey, ...]:
    """Return the keys of a plugin's configuration without effect in the new portal.

    Args:
        config: what the list gives the plugin.
        shipped: what the plugin ships of it.
        move: which portals.
    """
    dead = list(_find_unread(config, move))
    unread = tuple(one for one in _READERS if not _is_read(one, move.new))
    proved = prove_config(config, shipped)
    for problem in proved.problems:
        if not any(problem.way[: len(way)] == way for way in unread):
            why = f"it does not fit the plugin, which takes {problem.expected}"
            dead.append(DeadKey(key=field_name(problem.way), why=why, before=True))
    for way in proved.undescribed:
        why = "the plugin's schema does not describe it"
        dead.append(DeadKey(key=field_name(way), why=why, before=True))
    return tuple(dict.fromkeys(dead))


def _find_unread(config: Mapping[str, Any], move: PortalMove) -> Iterator[DeadKey]:
    for way, readers in _READERS.items():
        if _is_read(way, move.new):
            continue
        systems = " and ".join(move.new.profile.frontend_systems)
        why = (
            f"{move.new.name} loads frontends by {systems}, and {field_name(way)} is read by "
            f"{' and '.join(sorted(readers))} alone; {_INSTEAD[way]}"
        )
        for key in _list_keys(config, way):
            yield DeadKey(key=field_name(key), why=why, before=not _is_read(way, move.old))


def _is_read(way: Steps, host: HostInventory) -> bool:
    """Whether a portal reads what is there; yes where it is not known what it loads."""
    systems = host.profile.frontend_systems
    return not systems or bool(_READERS[way] & set(systems))


def _list_keys(config: Mapping[str, Any], way: Steps) -> Iterator[Steps]:
    """What stands under a key: of frontends each plugin's fields, such as its mount points."""
    value: Any = config
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return
    if way != _FRONTEND or not isinstance(value, dict):
        yield way
        return
    for name, fields in value.items():
        here = (*way, str(name))
        if isinstance(fields, dict) and fields:
            yield from ((*here, str(field)) for field in fields)
        else:
            yield here
