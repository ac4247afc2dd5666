"""Whether a plugin's configuration is what the plugin takes, proved without starting a portal.

What is held against the plugin: the values against its schema, names against what the schema
describes, ``dynamicPlugins.frontend`` against what its bundle exposes (RHDH's documentation, "Using
dynamic frontend plugins") and against the portal's mount points, and ``app.extensions`` against the
extensions that the plugin makes.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from factory.patterns import lazy_pattern
from factory.plugin_config.app_extensions import check_extensions
from factory.plugin_config.config_schema import SchemaProblem, find_config_problems
from factory.plugin_config.mount_points import check_mount_points
from factory.plugin_config.unknown_keys import find_unknown_keys
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.notation.limits import Steps
    from factory.plugin_config.mount_points import PortalMounts
    from factory.plugin_config.shipped import ShippedConfig

MAIN_MODULE = "PluginRoot"
"""The module that RHDH takes an ``importName`` from where none is named."""

_FRONTEND = ("dynamicPlugins", "frontend")
_CLOSE = 0.75
_LONGEST = 80
# https://backstage.io/docs/conf/writing#environment-variable-substitution; "$${" stands for itself.
_VARIABLE = lazy_pattern(r"(?<!\$)\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvedConfig:
    """What was found of a configuration.

    ``problems`` are mistakes; ``undescribed`` are keys that the plugin's schema does not describe
    and does not forbid; ``variables`` what it takes from the portal's environment; ``untold`` says
    in sentences what cannot be told of it.
    """

    problems: tuple[SchemaProblem, ...]
    undescribed: tuple[Steps, ...] = ()
    variables: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


def prove_config(
    config: Mapping[str, Any], shipped: ShippedConfig, mounts: PortalMounts | None = None
) -> ProvedConfig:
    """Return what is wrong with a plugin's configuration, as far as the plugin tells.

    Args:
        config: what the plugin is configured with.
        shipped: what the plugin says of itself.
        mounts: the mount points of its portal; None if it is not known which one that is.
    """
    problems = [one for schema in shipped.schemas for one in find_config_problems(config, schema)]
    undescribed = []
    for unknown in find_unknown_keys(config, shipped.schemas):
        close = difflib.get_close_matches(unknown.way[-1], unknown.known, n=1, cutoff=_CLOSE)
        if close:
            problems.append(
                SchemaProblem(way=unknown.way, found="an unknown field", expected=close[0])
            )
        else:
            undescribed.append(unknown.way)
    problems += _check_frontend(config, shipped)
    mounted, not_mounted = check_mount_points(config, mounts)
    extended, not_extended = check_extensions(config, shipped)
    problems += [*mounted, *extended]
    return ProvedConfig(
        problems=tuple(dict.fromkeys(problems)),
        undescribed=tuple(undescribed),
        variables=tuple(sorted(set(_find_variables(config)))),
        untold=(*not_mounted, *not_extended),
    )


def _check_frontend(config: Mapping[str, Any], shipped: ShippedConfig) -> Iterator[SchemaProblem]:
    if not shipped.name:
        return
    plugins = _at(config, _FRONTEND)
    if not isinstance(plugins, dict) or not plugins:
        return
    if shipped.name not in plugins:
        yield SchemaProblem(
            way=(*_FRONTEND, str(next(iter(plugins)))),
            found=f"the configuration of {join_names(map(str, plugins))}",
            expected=f"{shipped.name}, the name in the plugin's manifest",
        )
        return
    own = plugins[shipped.name]
    for way, mounted in _find_mounted(own, (*_FRONTEND, shipped.name)):
        yield from _check_mounted(way, mounted, shipped)


def _find_mounted(value: Any, way: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    """Each map that names something of the bundle, at whatever depth; without recursion."""
    todo = [(way, value)]
    while todo:
        here, one = todo.pop(0)
        if isinstance(one, dict):
            if isinstance(one.get("importName"), str) or isinstance(one.get("module"), str):
                yield here, one
            todo += [((*here, str(key)), inner) for key, inner in one.items()]
        elif isinstance(one, list):
            todo += [((*here, str(number)), inner) for number, inner in enumerate(one)]


def _check_mounted(
    way: Steps, mounted: Mapping[str, Any], shipped: ShippedConfig
) -> Iterator[SchemaProblem]:
    module = mounted.get("module", MAIN_MODULE)
    if shipped.modules is not None and module not in shipped.modules:
        yield SchemaProblem(
            way=(*way, "module"),
            found=f"the module {_show(module)}",
            expected=f"a module that the bundle exposes: {join_names(sorted(shipped.modules))}",
        )
        return
    name = mounted.get("importName")
    # Whether a name is there at all can be told; of which module it is, cannot always.
    if isinstance(name, str) and shipped.exports and name not in shipped.exports:
        close = difflib.get_close_matches(name, sorted(shipped.exports), n=3, cutoff=_CLOSE)
        meant = f", such as {' or '.join(close)}" if close else ""
        yield SchemaProblem(
            way=(*way, "importName"),
            found=_show(name),
            expected=f"a name that a module of the bundle exports{meant}",
        )


def _find_variables(config: Any) -> Iterator[str]:
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(named := one.get("$env"), str):
                yield named
            todo += one.values()
        elif isinstance(one, list):
            todo += one
        elif isinstance(one, str):
            yield from (match[1] for match in _VARIABLE.finditer(one))


def _at(config: Any, way: Steps) -> Any:
    for step in way:
        config = config.get(step) if isinstance(config, dict) else None
    return config


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]
