"""The page of where the time goes, and its picture: Markdown and SVG of what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PICTURE_SHOWS = "Bars over time: each stage of each build, and the parts of short commands"
WIDTH, LEFT, ROW, BAR = 960, 300, 22, 14
# Colours that are told apart in print and by people who see few of them (Okabe and Ito).
COLOURS = {
    "source": "#999999",
    "override": "#999999",
    "analyse": "#f0e442",
    "toolchain": "#56b4e9",
    "install": "#0072b2",
    "tsc": "#cc79a7",
    "compile": "#e69f00",
    "export": "#d55e00",
    "pack": "#009e73",
    "verify": "#00d0a0",
    "push": "#444444",
    "Python": "#999999",
    "libraries": "#56b4e9",
    "own modules": "#0072b2",
    "work": "#d55e00",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time, in seconds from the start of what it is a part of."""

    label: str
    stage: str
    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where the time of one thing went."""

    title: str
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        return max((span.end for span in self.spans), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure and its limit; ``against`` is what a ratio is of, such as "106.0 s / 199.0 s"."""

    name: str
    value: float
    limit: float
    unit: str = ""
    against: str = ""
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        beside = f"{self.against}; " if self.against else ""
        return f"{self.name:44}{self.value:8.2f}{self.unit}   ({beside}{word} {self.limit:g})"


def page(figures: Sequence[Figure], profiles: Sequence[Profile], about: str) -> str:
    """Return the page, which shows the picture that lies beside it in ``images``."""
    lines = [
        "# Where the time goes",
        "",
        "<!-- written by: python benchmarks/where_the_time_goes.py --write -->",
        "",
        "What a build costs, beside the same tools run by hand in the best order, and where its",
        "time goes. The page is written by a benchmark, which measures each part of it in one run:",
        "",
        "```sh",
        "python benchmarks/where_the_time_goes.py --write",
        "```",
        "",
        about,
        "",
        "| Figure | Measured | Of | Aim |",
        "| --- | --- | --- | --- |",
    ]
    for figure in figures:
        aim = f"{'at least' if figure.at_least else 'at most'} {figure.limit:g}{figure.unit}"
        value = f"{figure.value:.2f}{figure.unit}"
        lines.append(f"| {figure.name} | {value} | {figure.against or '-'} | {aim} |")
    lines += [
        "",
        f"![{PICTURE_SHOWS}](images/where-the-time-goes.svg)",
        "",
        "Bars that overlap ran at the same time.",
    ]
    for profile in profiles:
        lines += ["", f"## {profile.title}", "", "| Part | Seconds |", "| --- | --- |"]
        lines += [
            f"| {span.stage} of {span.label} | {span.end - span.begin:.2f} |"
            if span.label
            else f"| {span.stage} | {span.end - span.begin:.3f} |"
            for span in profile.spans
        ]
        lines.append(f"| in all | {profile.seconds:.2f} |")
    return "\n".join(lines) + "\n"


def picture(profiles: Sequence[Profile]) -> str:
    """Return the picture as SVG: a part a profile, each with a time scale of its own."""
    parts: list[str] = []
    top = 10
    for profile in profiles:
        parts.append(
            _text(10, top + 14, f"{profile.title}: {_seconds(profile.seconds)}", bold=True)
        )
        top += 26
        for span in profile.spans:
            parts += _bar(span, profile.seconds, top)
            top += ROW
        top += 18
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join(
        [head, f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>', *parts, "</svg>\n"]
    )


def _bar(span: Span, whole: float, top: int) -> Iterator[str]:
    scale = (WIDTH - LEFT - 80) / (whole or 1)
    left, width = LEFT + span.begin * scale, max((span.end - span.begin) * scale, 1)
    colour = COLOURS.get(span.stage, "#888888")
    yield _text(10, top + 12, f"{span.label}  {span.stage}".strip())
    yield (
        f'<rect x="{left:.1f}" y="{top + 1}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>'
    )
    yield _text(left + width + 4, top + 12, _seconds(span.end - span.begin))


def _text(x: float, y: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y}" fill="#222"{weight}>{escape(text)}</text>'


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
