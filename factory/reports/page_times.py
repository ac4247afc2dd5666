"""Where the time of a run went, as a picture: a bar a workspace and a bar a plugin, by stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import duration
from factory.reports.markup import Markup, element, join
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.reports.summary import RunSummary

# The style sheet has a colour for each; what is not here shares one.
STAGES = (
    *("source", "override", "analyse", "toolchain", "install", "tsc"),
    *("compile", "export", "pack", "verify", "push"),
)
OTHER = "other"
_WIDTH = 1000.0
_SHOWN = 12
# Less than this part of the longest cannot be seen.
_LEAST = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedRow:
    """A bar: what it is about, and seconds by stage."""

    label: str
    stages: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(self.stages.values())


def times_section(run: RunSummary) -> Markup | None:
    """Return the picture with its legend; None where nothing took any time."""
    workspaces = [
        TimedRow(label=each.name or "the workspace", stages=each.stages) for each in run.workspaces
    ]
    plugins = [
        TimedRow(
            label=f"{each.label_in_any_portal} ({each.portal})" if each.portal else each.label,
            stages=each.stages,
        )
        for each in run.plugins
        if not each.cached
    ]
    groups = [
        ("Workspaces", "what each took beside its plugins", _longest(workspaces)),
        ("Plugins", "those that were built", _longest(plugins)),
    ]
    groups = [group for group in groups if group[2]]
    if not groups:
        return None
    most = max(row.seconds for _, _, rows in groups for row in rows)
    used = {_kind(stage) for _, _, rows in groups for row in rows for stage in row.stages}
    legend = [
        element("li", element("span", class_=f"dot s-{stage}", aria_hidden="true"), stage)
        for stage in (*STAGES, OTHER)
        if stage in used
    ]
    return element(
        "section",
        element("h2", "Where the time went", id="times"),
        element("ul", *legend, class_="legend", aria_label="Stages by colour"),
        *(_group(title, note, rows, most) for title, note, rows in groups),
        aria_labelledby="times",
    )


def _longest(rows: Sequence[TimedRow]) -> list[TimedRow]:
    return sorted((row for row in rows if row.seconds > 0), key=lambda row: -row.seconds)


def _group(title: str, note: str, rows: Sequence[TimedRow], most: float) -> Markup:
    drawn = [_row(row, most) for row in rows]
    rest = drawn[_SHOWN:]
    more = element(
        "details",
        element("summary", f"{len(rest)} more, each shorter"),
        element("ul", *rest, class_="bars"),
    )
    return join(
        element("h3", title, " ", element("small", note)),
        element("ul", *drawn[:_SHOWN], class_="bars"),
        more if rest else None,
    )


def _row(row: TimedRow, most: float) -> Markup:
    told = ", ".join(f"{name} {duration(seconds)}" for name, seconds in row.stages.items())
    return element(
        "li",
        element("span", row.label, class_="what"),
        element("span", duration(row.seconds), class_="number"),
        element(
            "svg",
            *_parts(row, most),
            class_="bar",
            viewBox=f"0 0 {_WIDTH:g} 10",
            preserveAspectRatio="none",
            role="img",
            aria_label=told,
        ),
    )


def _parts(row: TimedRow, most: float) -> list[Markup]:
    drawn, at = [], 0.0
    for name, seconds in row.stages.items():
        width = _WIDTH * seconds / most
        if width >= _LEAST:
            drawn.append(
                element(
                    "rect",
                    element("title", f"{name}: {duration(seconds)}"),
                    x=f"{at:.1f}",
                    y=0,
                    width=f"{width:.1f}",
                    height=10,
                    class_=f"s-{_kind(name)}",
                )
            )
        at += width
    return drawn


def _kind(stage: str) -> str:
    return stage if stage in STAGES else OTHER
