"""``app-config.dynamic-plugins.yaml``: the pluginConfig of all enabled plugins as one document.

Maps are merged key by key. Two plugins may say the same of a key, but not different things: which
of them the portal would follow depends on their order, which nobody means.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.errors import Place
    from factory.installation.plugin_list import PluginEntry

CONFIG_FILE = "app-config.dynamic-plugins.yaml"
_HEAD = "# Written by 'plugin-factory install' from the plugins' pluginConfig; do not edit.\n"
# Text that no reader of YAML 1.1 or 1.2 takes for something else.
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
_LONGEST = 80
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def merged_config(entries: Iterable[PluginEntry], *, root_directory: str) -> dict[str, Any]:
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
    import yaml  # noqa: PLC0415 - late: --help does not need it

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="" if plain else '"')

    Dumper.add_representer(str, text)
    return _HEAD + yaml.dump(
        config, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )


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
                new = key not in into
                if new:
                    into[key] = {} if isinstance(value, dict) else value
                    self._origins[here] = origin
                if isinstance(value, dict) and isinstance(into[key], dict):
                    todo.append((here, into[key], value))
                elif not new and not _same(into[key], value):
                    raise ConfigurationError(
                        f"two plugins configure {'.'.join(here)} differently",
                        place=place,
                        found=f"{_shown(into[key])} by {self._origins[here]}, "
                        f"{_shown(value)} by {origin}",
                        expected="the same value by both, or one of the two alone",
                        hint="change pluginConfig of one of them",
                    )


def _same(one: object, other: object) -> bool:
    """Whether two values say the same: 1 and true do not."""
    return type(one) is type(other) and one == other


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
