"""What ``plugin-factory upgrade`` has found: a table for people, a document for machines."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from factory.installation.package_reference import RemoteArchive
from factory.quantities import pluralize
from factory.ui.text import Span, Style, printable
from factory.upgrading.portal_move import VERDICTS
from factory.upgrading.shown_frontends import find_systems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.errors import FactoryError
    from factory.installation.plugin_list import ListedPlugin
    from factory.ui.printing import Printer
    from factory.ui.text import Line
    from factory.upgrading.portal_move import DefaultPlugin, MovedList, MovedPlugin, Verdict

_WORDS: dict[Verdict, tuple[Style, str]] = {
    "shows-nothing": ("problem", "shows nothing"),
    "rebuild": ("problem", "needs a rebuild"),
    "unknown": ("warn", "unknown"),
    "fits": ("good", "still fits"),
}
# Of one plugin, and of several.
_COUNTED: dict[Verdict, tuple[str, str]] = {
    "shows-nothing": ("shows nothing", "show nothing"),
    "rebuild": ("to rebuild", "to rebuild"),
    "unknown": ("unknown", "unknown"),
    "fits": ("still fits", "still fit"),
}
_WIDTH = max(len(word) for _, word in _WORDS.values())
_INDENT = " " * (_WIDTH + 2)
_MOST = 20


def show_move(moved: MovedList, new: str, out: Printer) -> None:
    """Print a line a plugin, with its reasons below it, and what to type next.

    Args:
        moved: what the move does.
        new: the new portal, as it was named on the command line.
        out: prints it.
    """
    lines: list[Line] = []
    host = moved.move.new.name
    names = [_name(one) for one in moved.plugins]
    longest = max(map(len, names), default=0)
    for one, name in zip(moved.plugins, names, strict=True):
        style, word = _WORDS[one.verdict]
        about = f"  {one.version:10}  {one.role}" if one.name else ""
        head = Span(f"{word:{_WIDTH}}  ", style)
        lines.append((head, Span(f"{name:{longest}}{about}".rstrip(), "strong")))
        lines += [(Span(f"{_INDENT}{text}", style),) for style, text in _reasons(one, host)]
    out.styled_lines([*lines, *_ending(moved, shlex.quote(new))])


def _name(one: MovedPlugin) -> str:
    return printable(one.name or package_text(one.entry))


def _describe_default(brought: DefaultPlugin, new: str) -> str:
    if brought.on:
        return f"{new} brings it itself, and has it on: without this entry, that one is loaded"
    return f"{new} brings it itself, and has it off: an entry of that one may switch it on"


def _reasons(one: MovedPlugin, new: str) -> Iterator[tuple[Style, str]]:
    if one.hidden:
        yield "", f"{one.hidden.why}{_mark(before=one.hidden.before)}"
        if one.hidden.hint:
            yield "dim", f"try: {one.hidden.hint}"
    for reason in one.rebuild[:_MOST]:
        yield "", f"{reason.why}{_mark(before=reason.before)}"
    if (more := len(one.rebuild) - _MOST) > 0:
        yield "dim", f"and {more} more: --json lists them"
    for key in one.keys[:_MOST]:
        yield "warn", f"no effect: {key.key}: {key.why}{_mark(before=key.before)}"
    if one.brought:
        yield "dim", f"{_describe_default(one.brought, new)}{_mark(before=one.brought.before)}"
    for remark in one.remarks[:_MOST]:
        yield "dim", remark
    if one.error:
        for text in str(one.error).splitlines():
            yield "", text


def _mark(*, before: bool) -> str:
    return " (so it was before)" if before else ""


def _ending(moved: MovedList, new: str) -> Iterator[Line]:
    move = moved.move
    counts = ", ".join(
        f"{count} {words[count > 1]}"
        for verdict, words in _COUNTED.items()
        if (count := moved.count(verdict))
    )
    off = f"; {len(moved.off)} disabled, not checked" if moved.off else ""
    total = pluralize(len(moved.plugins), "plugin")
    style: Style = "problem" if moved.exit_code else "good"
    yield ()
    route = f"{_describe(move.old)} to {_describe(move.new)}"
    yield (Span(f"{route}: {total}{f': {counts}' if counts else ''}{off}", style),)
    if moved.count("rebuild"):
        yield (
            Span(
                f"try: plugin-factory update --host {new}, which finds versions that fit; then "
                f"plugin-factory build --host {new}"
            ),
        )


def _describe(host: HostInventory) -> str:
    return f"{host.name} (Backstage {host.backstage or 'unknown'})"


def package_text(entry: ListedPlugin) -> str:
    """Return a plugin as its list names it; what an address asks for may be secret, and is not."""
    if isinstance(entry.package, RemoteArchive):
        return urlsplit(entry.package.url)._replace(query="", fragment="").geturl()
    return str(entry.package)


def move_document(moved: MovedList, config: Path) -> dict[str, Any]:
    """Return what the move does as ``factory/schemas/upgrade.schema.json`` has it."""
    return {
        "format": 1,
        "from": _portal(moved.move.old),
        "to": _portal(moved.move.new),
        "list": os.fspath(config),
        "exit-code": moved.exit_code,
        "counts": {
            **{verdict: moved.count(verdict) for verdict in VERDICTS},
            "disabled": len(moved.off),
        },
        "plugins": [_plugin(one) for one in moved.plugins],
        "disabled": [_entry(one) for one in moved.off],
    }


def _portal(host: HostInventory) -> dict[str, Any]:
    return {
        "name": host.name,
        "release": host.release or None,
        "backstage": host.backstage or None,
        "node": host.profile.node or None,
        "frontend-systems": list(find_systems(host)),
    }


def _entry(entry: ListedPlugin) -> dict[str, Any]:
    return {"package": package_text(entry), "place": str(entry.place)}


def _plugin(one: MovedPlugin) -> dict[str, Any]:
    return {
        **_entry(one.entry),
        "name": one.name or None,
        "version": one.version or None,
        "role": one.role or None,
        "verdict": one.verdict,
        "rebuild": [
            {
                "kind": each.kind,
                "why": each.why,
                "package": each.package or None,
                "asked": each.asked or None,
                "old-versions": list(each.old),
                "new-versions": list(each.new),
                "before": each.before,
            }
            for each in one.rebuild
        ],
        "shows-nothing": {
            "why": one.hidden.why,
            "hint": one.hidden.hint or None,
            "before": one.hidden.before,
        }
        if one.hidden
        else None,
        "keys-without-effect": [
            {"key": each.key, "why": each.why, "before": each.before} for each in one.keys
        ],
        "brought-by-portal": {"on": one.brought.on, "before": one.brought.before}
        if one.brought
        else None,
        "remarks": list(one.remarks),
        "error": _error(one.error) if one.error else None,
    }


def _error(error: FactoryError) -> dict[str, Any]:
    return {
        "kind": error.kind,
        "problem": error.problem,
        "found": error.found,
        "expected": error.expected,
        "hint": error.hint,
    }
