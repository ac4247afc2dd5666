"""A page that shows what a bundle is made of: a box a package, as large as its share.

The layout is the squarified treemap (Bruls, Huizing, van Wijk, 2000). The page has no script, and
loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.outside_text import clean
from factory.quantities import size
from factory.reports.markup import Markup, element, join, raw
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.inspection.inspect_bundle import InspectedBundle, PackageWeight

_MOST_BOXES = 150
_WIDE, _HIGH = 100.0, 100.0
# Wider than high on a screen, so that rows are laid out by what people see.
_RATIO = 1.8
_THINNEST = 1e-9
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem;
  color: #1b1f24; background: #fff; }
.map { position: relative; width: 100%; aspect-ratio: 1.8; background: #d0d7de; }
.box { position: absolute; box-sizing: border-box; overflow: hidden; border: 1px solid #fff;
  background: #b6d4f5; padding: 2px 4px; font-size: 12px; }
.box.start { background: #f5c6a5; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; }
td.number { text-align: right; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  .map { background: #30363d; }
  .box { border-color: #0d1117; background: #1f4b7a; }
  .box.start { background: #7a431f; }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in hundredths of the whole; ``of`` is the number of what it stands for."""

    of: int
    x: float
    y: float
    width: float
    height: float


def lay_out(weights: Sequence[float]) -> tuple[Box, ...]:
    """Return a box for each weight, of an area that is its share; weights descend, none is zero."""
    total = sum(weights)
    areas = [weight / total * _WIDE * _RATIO * _HIGH for weight in weights]
    boxes: list[Box] = []
    x, y, wide, high = 0.0, 0.0, _WIDE * _RATIO, _HIGH
    at = 0
    while at < len(areas):
        short = max(min(wide, high), _THINNEST)
        end = at + 1
        while end < len(areas) and _worst(areas[at : end + 1], short) <= _worst(
            areas[at:end], short
        ):
            end += 1
        row = areas[at:end]
        depth = sum(row) / short
        along = 0.0
        for number, area in enumerate(row, at):
            length = area / depth
            stands = wide >= high
            boxes.append(
                Box(
                    of=number,
                    x=(x if stands else x + along) / _RATIO,
                    y=y + along if stands else y,
                    width=(depth if stands else length) / _RATIO,
                    height=length if stands else depth,
                )
            )
            along += length
        if wide >= high:
            x, wide = x + depth, wide - depth
        else:
            y, high = y + depth, high - depth
        at = end
    return tuple(boxes)


def treemap_page(title: str, bundles: Sequence[InspectedBundle]) -> str:
    """Return the page of a plugin's bundles."""
    return "<!doctype html>\n" + element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width"),
            element("title", clean(title)),
            element("style", raw(_STYLE)),
        ),
        element("body", element("h1", clean(title)), *(_section(one) for one in bundles)),
        lang="en",
    )


def _section(bundle: InspectedBundle) -> Markup:
    return join(
        element("h2", f"{clean(bundle.name)} ({bundle.system} frontend system)"),
        element(
            "table",
            element("tr", *(element("th", head) for head in ("loaded", "files", "size", "gzip"))),
            *(
                element(
                    "tr",
                    element("td", when),
                    element("td", str(len(files)), class_="number"),
                    element("td", size(bundle.total(when)[0]), class_="number"),
                    element("td", size(bundle.total(when)[1]), class_="number"),
                )
                for when, files in bundle.files.items()
            ),
        ),
        element("p", "Packages by source map; those that a page's start needs are warm."),
        _map([one for one in bundle.packages if one.size][:_MOST_BOXES]),
    )


def _map(packages: Sequence[PackageWeight]) -> Markup:
    boxes = lay_out([one.size for one in packages]) if packages else ()
    return element("div", *(_box(box, packages[box.of]) for box in boxes), class_="map")


def _box(box: Box, package: PackageWeight) -> Markup:
    label = f"{clean(package.name)} {size(package.size)}"
    return element(
        "div",
        label,
        class_="box start" if package.at_once > package.later else "box",
        title=label,
        style=f"left:{box.x:.3f}%;top:{box.y:.3f}%;width:{box.width:.3f}%;height:{box.height:.3f}%",
    )


def _worst(row: Sequence[float], short: float) -> float:
    """The worst proportion in a row of areas along a side."""
    total = sum(row)
    return max(
        short * short * max(row) / (total * total), total * total / (short * short * min(row))
    )
