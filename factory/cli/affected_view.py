"""What ``plugin-factory affected`` has found, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import join_names, pluralize
from factory.ui.text import Line, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.advisories.advisory import Advisory, Judgement
    from factory.advisories.examination import ExaminedPlugin, HeldPackage
    from factory.advisories.origin import PluginOrigin
    from factory.ui.printing import Printer
    from factory.ui.text import Style

_WIDTH = 13
_SHORT_COMMIT = 12
_STYLES: dict[Judgement, Style] = {"affected": "bad", "unknown": "warn", "not affected": "dim"}
_WORDS: dict[Judgement, str] = {
    "affected": "AFFECTED",
    "unknown": "UNKNOWN",
    "not affected": "not affected",
}


def show(advisory: Advisory, examined: Sequence[ExaminedPlugin], out: Printer) -> None:
    """Print what it is about, a block a plugin, and the sum."""
    lines: list[Line] = [(Span(_title(advisory), "strong"),)]
    for one in examined:
        lines += _block(one)
    out.styled_lines([*lines, (), _total(examined)])


def _title(advisory: Advisory) -> str:
    said = [advisory.id, *(f"({one})" for one in advisory.aliases[:3]), advisory.summary]
    return "  ".join(part for part in said if part)


def _block(one: ExaminedPlugin) -> Iterator[Line]:
    plugin = one.plugin
    name = f"{plugin.name} {plugin.version}".strip()
    yield (
        Span(f"{_WORDS[one.judgement]:{_WIDTH}}", _STYLES[one.judgement]),
        Span(name or plugin.artifact, "strong" if one.judgement != "not affected" else "dim"),
        Span(f"  {plugin.artifact}" if name else "", "dim"),
    )
    if one.judgement == "not affected":
        return
    if plugin.origin:
        yield _indent(f"from {_origin(plugin.origin)}")
    for held in one.held:
        yield from _package(held)
    if plugin.problem:
        for text in str(plugin.problem).splitlines():
            yield _indent(text)


def _origin(origin: PluginOrigin) -> str:
    commit = f"= {origin.commit[:_SHORT_COMMIT]}" if origin.commit not in ("", origin.ref) else ""
    place = "/".join(
        part for part in (origin.workspace_path, origin.plugin_path) if part not in ("", ".")
    )
    workspace = f"{origin.workspace}:" if origin.workspace else ""
    said = (workspace, origin.repository or "a folder", origin.ref, commit, place)
    return " ".join(part for part in said if part)


def _package(held: HeldPackage) -> Iterator[Line]:
    component = held.component
    notes = []
    if held.judgement == "unknown":
        notes.append(
            "whether this version is affected cannot be told"
            if component.version
            else "its version is not known"
        )
    if held.fixed_in:
        notes.append(f"fixed in {held.fixed_in}")
    if component.shared:
        notes.append("the portal's own may be used in its place")
    yield (
        *_indent(component.label),
        Span(f"  {', '.join(notes)}" if notes else "", "warn"),
    )
    for chain in held.chains:
        yield _indent(f"  {' > '.join(each.label for each in chain)}")
    if held.further:
        yield _indent(f"  and {pluralize(held.further, 'more chain')}")
    if not held.chains:
        places = join_names(component.locations, 3)
        yield _indent(f"  its bill does not say what needs it{f': {places}' if places else ''}")


def _indent(text: str) -> Line:
    return (Span(f"{'':{_WIDTH}}{text}"),)


def _total(examined: Sequence[ExaminedPlugin]) -> Line:
    affected = sum(one.judgement == "affected" for one in examined)
    unknown = sum(one.judgement == "unknown" for one in examined)
    said = f"{pluralize(len(examined), 'plugin')}: {affected} affected"
    if unknown:
        said += f", {unknown} not known"
    style: Style = "problem" if affected else "warn" if unknown else "good"
    return (Span(said, style),)
