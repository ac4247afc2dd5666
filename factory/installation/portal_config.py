"""``app-config.dynamic-plugins.yaml``: the pluginConfig of all enabled plugins as one document.

Maps are merged key by key, except those that are one value: an interval such as ``{minutes: 30}``,
and what is taken from elsewhere, such as ``{$env: TOKEN}``. Two plugins may say the same of a key,
but not different things: which of them the portal would follow depends on their order, which
nobody means.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError
from factory.notation.yaml_text import yaml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.errors import Place
    from factory.installation.plugin_list import ListedPlugin

CONFIG_FILE = "app-config.dynamic-plugins.yaml"
_HEAD = "# Written by 'plugin-factory install' from the plugins' pluginConfig; do not edit.\n"
_LONGEST = 80
# What an interval of a schedule is made of: Backstage's HumanDuration, or another kind of trigger
# (https://backstage.io/docs/backend-system/core-services/scheduler).
_INTERVAL = frozenset(
    {"years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds"}
    | {"cron", "trigger"}
)


def merge_config(entries: Iterable[ListedPlugin], *, root_directory: str) -> dict[str, Any]:
    """Return the configuration of all enabled plugins, with where the portal finds them.

    Raises:
        ConfigurationError: two plugins say different things of a key; both are named.
    """
    merged = _Merged()
    own = {"dynamicPlugins": {"rootDirectory": root_directory}}
    merged.add(own, origin="--root-directory", place=None)
    for entry in entries:
        if entry.enabled:
            merged.add(entry.config, origin=str(entry.package), place=entry.place)
    return merged.config


def config_text(config: Mapping[str, Any]) -> str:
    """Return the document as YAML that version 1.1 and 1.2 read alike."""
    return _HEAD + yaml_text(config)


class _Merged:
    """A configuration that grows, and who said first what stands under each key."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self._origins: dict[tuple[str, ...], str] = {}

    def add(self, more: Mapping[str, Any], *, origin: str, place: Place | None) -> None:
        """Merge a plugin's configuration in."""
        todo: list[tuple[tuple[str, ...], dict[str, Any], Mapping[str, Any]]] = [
            ((), self.config, more)
        ]
        while todo:
            path, into, source = todo.pop()
            for key, value in source.items():
                here = (*path, str(key))
                if key not in into:
                    into[key] = {} if _is_open(value) else value
                    self._origins[here] = origin
                if _is_open(value) and _is_open(into[key]):
                    todo.append((here, into[key], value))
                elif not _is_same(into[key], value):
                    raise ConfigurationError(
                        f"two plugins configure {'.'.join(here)} differently",
                        place=place,
                        found=f"{_show(into[key])} by {self._origins[here]}, "
                        f"{_show(value)} by {origin}",
                        expected="the same value in both, or in only one of the two",
                        hint="change pluginConfig of one of them",
                    )


def _is_open(value: object) -> bool:
    """Whether a value is a map that another plugin may add keys to."""
    return isinstance(value, dict) and not _is_interval(value) and not _is_inclusion(value)


def _is_interval(value: Mapping[str, Any]) -> bool:
    return (
        bool(value)
        and value.keys() <= _INTERVAL
        and not any(isinstance(part, dict | list) for part in value.values())
    )


def _is_inclusion(value: Mapping[str, Any]) -> bool:
    """Whether a map stands for a value: https://backstage.io/docs/conf/writing#includes-and-dynamic-data."""
    return any(key in {"$env", "$file", "$include"} for key in value)


def _is_same(one: object, other: object) -> bool:
    """Whether two values say the same to JavaScript: 60 and 60.0 do, 1 and true do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if _is_number(one) and _is_number(other):
        return one == other or (one != one and other != other)  # noqa: PLR0124 - .nan
    return type(one) is type(other) and one == other


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
