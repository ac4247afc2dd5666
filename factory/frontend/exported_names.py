"""Which names the scripts of a package export, and under which one its plugin of the old system."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from factory.frontend.script_tokens import UnreadableScriptError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.frontend.default_features import ScriptReader

_MOST_SCRIPTS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOnNames:
    """The names that a script exports; ``is_all`` is false if it may export more."""

    names: frozenset[str]
    is_all: bool


def find_exported_names(reader: ScriptReader, path: str) -> PassedOnNames:
    """Return the names that a script exports, with those that it passes on from others.

    Args:
        reader: reads the package's scripts.
        path: the script, as :meth:`ScriptReader.find` has it.
    """
    names: set[str] = set()
    is_all = True
    todo, seen = [path], {path}
    while todo:
        here = todo.pop()
        try:
            module = reader.module(here)
        except UnreadableScriptError:
            is_all = False
            continue
        # 'export *' leaves out the default export.
        names |= set(module.exports) - (set() if here == path else {"default"})
        is_all = is_all and not module.is_common_js and len(seen) < _MOST_SCRIPTS
        for source in module.passed_on:
            target = _resolve(reader, here, source)
            if target is None:
                is_all = False
            elif target not in seen and len(seen) < _MOST_SCRIPTS:
                seen.add(target)
                todo.append(target)
    return PassedOnNames(names=frozenset(names), is_all=is_all)


def walk_scripts(reader: ScriptReader, entries: list[str]) -> Iterator[str]:
    """Each script that can be read of those that the entry points are made of, these first."""
    todo, seen = list(entries), set(entries)
    while todo and len(seen) <= _MOST_SCRIPTS:
        path = todo.pop(0)
        try:
            module = reader.module(path)
        except UnreadableScriptError:
            continue
        yield path
        for source in module.sources:
            target = _resolve(reader, path, source)
            if target and target not in seen:
                seen.add(target)
                todo.append(target)


def _resolve(reader: ScriptReader, path: str, source: str) -> str | None:
    if not source.startswith("."):
        return None
    return reader.find(posixpath.join(posixpath.dirname(path), source))
