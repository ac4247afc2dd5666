"""What ``app.extensions`` says to a plugin: its form, and whether the plugin has such extensions.

The form is that of https://backstage.io/docs/frontend-system/building-apps/configuring-extensions.
An app passes over an id that no extension has, without an error that a person would see.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from factory.patterns import lazy_pattern
from factory.plugin_config.config_schema import SchemaProblem
from factory.quantities import join_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.notation.limits import Steps
    from factory.plugin_config.shipped import ShippedConfig

EXTENSIONS = ("app", "extensions")
"""Where they are configured."""

_ID = lazy_pattern(r"(?:(?P<kind>[^:/]*):)?(?P<namespace>[^:/]+)(?:/.+)?")
_CLOSE = 0.75
_LONGEST = 80
_SHOWN = 10


def check_extensions(
    config: Mapping[str, Any], shipped: ShippedConfig
) -> tuple[tuple[SchemaProblem, ...], tuple[str, ...]]:
    """Return what is wrong with a configuration's ``app.extensions``, and what cannot be told."""
    app = config.get("app")
    extensions = app.get("extensions") if isinstance(app, dict) else None
    if extensions is None:
        return (), ()
    if not isinstance(extensions, list):
        return (SchemaProblem(way=EXTENSIONS, found=_show(extensions), expected="a list"),), ()
    problems: list[SchemaProblem] = []
    unknown: list[str] = []
    others: list[str] = []
    for number, entry in enumerate(extensions):
        way = (*EXTENSIONS, str(number))
        found = list(_check_form(entry, way))
        problems += found
        if found:
            continue
        name = entry if isinstance(entry, str) else next(iter(entry))
        known = _judge_id(name, shipped)
        if isinstance(known, SchemaProblem):
            problems.append(SchemaProblem(way=way, found=known.found, expected=known.expected))
        elif known is None:
            unknown.append(name)
        elif not known:
            others.append(name)
    return tuple(problems), tuple(_say(unknown, others, shipped))


def _check_form(entry: Any, way: Steps) -> Iterator[SchemaProblem]:
    """An app refuses to start where an entry has another form."""
    name: Any
    settings: Any
    if isinstance(entry, str):
        name, settings = entry, True
    elif isinstance(entry, dict) and len(entry) == 1:
        name, settings = next(iter(entry.items()))
    else:
        yield SchemaProblem(
            way=way, found=_show(entry), expected="an extension's id, or a map with that key"
        )
        return
    if not isinstance(name, str) or not name or name != name.strip():
        yield SchemaProblem(way=way, found=_show(name), expected="an extension's id")
    if not isinstance(settings, bool | dict | None):
        yield SchemaProblem(
            way=(*way, str(name)),
            found=_show(settings),
            expected="true, false, or a map with 'config', 'disabled' or 'attachTo'",
        )


def _judge_id(name: str, shipped: ShippedConfig) -> SchemaProblem | bool | None:
    """Whether the plugin has an extension of that id; None if that is not known.

    A problem if it is in the plugin's own namespace, and all that is there is known.
    """
    parts = _ID.fullmatch(name)
    kind, namespace = (parts["kind"] or "", parts["namespace"]) if parts else ("", "")
    own = [one for one in shipped.extensions if one.namespace == namespace]
    if any(name in one.ids for one in own):
        return True
    if not own:
        return None if shipped.extensions_note else False
    if not all(one.has_all(kind) for one in own):
        return None
    known = sorted({each for one in own for each in one.ids})
    close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    listed = join_names(known, _SHOWN) if known else "it has none"
    expected = close[0] if close else f"an extension of {namespace}: {listed}"
    return SchemaProblem(way=(), found=f"no extension has the id {_show(name)}", expected=expected)


def _say(unknown: list[str], others: list[str], shipped: ShippedConfig) -> Iterator[str]:
    if unknown:
        why = shipped.extensions_note or "the plugin may have more extensions than its source says"
        yield f"whether there is an extension {join_names(unknown, _SHOWN)} is not known: {why}"
    if others and shipped.extensions:
        names = join_names(sorted({one.namespace for one in shipped.extensions}))
        yield f"of other plugins than {names}: {join_names(others, _SHOWN)}"


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]
