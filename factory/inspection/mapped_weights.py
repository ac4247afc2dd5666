"""How many bytes of a script each module has, by its source map.

Source maps of revision 3 (https://tc39.es/ecma426/): ``mappings`` has lines with ``;`` between and
segments with ``,`` between, each of base64 VLQs, of which the first is the column's distance from
the one before in the line, and the second the source's from the one before in the map. A segment
holds until the next one, or to the end of its line.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OWN = "(own source)"
BUNDLER = "(bundler)"
UNMAPPED = "(not mapped)"

_DIGITS = {
    char: value
    for value, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_MORE = 32
_LONGEST = 12
_PACKAGE = lazy_pattern(r".*node_modules/((?:@[^/]+/)?[^/]+)/")
_OWN = lazy_pattern(r"(?:webpack://[^/]*/)?(?:\./)?src/")


def weigh_packages(script: str, source_map: bytes) -> Counter[str]:
    """Return the characters of a script by the package of the module that they come from.

    What is outside of node_modules is :data:`OWN` if it is of the plugin's ``src``, else
    :data:`BUNDLER`; what no segment covers is :data:`UNMAPPED`.

    Raises:
        ValueError: the source map is not one.
    """
    document = parse_object(source_map)
    sources, mappings = document.get("sources"), document.get("mappings")
    if not isinstance(sources, list) or not isinstance(mappings, str):
        raise ValueError("it has no sources, or no mappings")  # noqa: TRY004 - of the document
    packages = [find_package(one if isinstance(one, str) else "") for one in sources]
    weights: Counter[str] = Counter()
    lines = script.split("\n")
    for line, spans in zip(lines, _spans(mappings.split(";")), strict=False):
        covered = 0
        for start, end, source in spans:
            first, last = max(0, min(start, len(line))), len(line) if end is None else end
            length = max(0, min(last, len(line)) - first)
            if length and 0 <= source < len(packages):
                weights[packages[source]] += length
                covered += length
        if len(line) > covered:
            weights[UNMAPPED] += len(line) - covered
    weights[UNMAPPED] += sum(map(len, lines[mappings.count(";") + 1 :]))
    return +weights


def find_package(source: str) -> str:
    """Return the package of a module as a source map names it."""
    if found := _PACKAGE.match(source):
        return found[1]
    return OWN if _OWN.match(source) else BUNDLER


def _spans(lines: Iterable[str]) -> Iterator[list[tuple[int, int | None, int]]]:
    """Of each line, where a segment begins and ends, and the number of its source; -1 for none."""
    source = 0
    for line in lines:
        column = 0
        starts: list[tuple[int, int]] = []
        for segment in line.split(",") if line else ():
            fields = _decode(segment)
            if not fields:
                continue
            column += fields[0]
            if len(fields) > 1:
                source += fields[1]
            starts.append((column, source if len(fields) > 1 else -1))
        ends: list[int | None] = [*(start for start, _ in starts[1:]), None]
        yield [(start, end, of) for (start, of), end in zip(starts, ends, strict=False)]


def _decode(segment: str) -> list[int]:
    """The first two numbers of a segment.

    Raises:
        ValueError: it is not base64 VLQ.
    """
    found: list[int] = []
    value = shift = 0
    for char in segment[: 2 * _LONGEST]:
        digit = _DIGITS.get(char)
        if digit is None:
            raise ValueError("its mappings are not base64 VLQ")
        value |= (digit & (_MORE - 1)) << shift
        if digit & _MORE:
            shift += 5
            continue
        found.append(-(value >> 1) if value & 1 else value >> 1)
        if len(found) == 2:  # noqa: PLR2004 - column and source
            break
        value = shift = 0
    return found
