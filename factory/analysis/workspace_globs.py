"""Which folders the ``workspaces`` globs of a package.json name, as yarn itself expands them.

Berry hands all of them at once to fast-glob 3 (https://github.com/mrmlnc/fast-glob), which leaves
out ``node_modules``, ``.git`` and ``.yarn``; a glob that begins with ``!`` takes away, wherever it
stands. Classic hands each to node-glob 7 (https://github.com/isaacs/node-glob), for which a leading
``!`` is a letter. The tests compare with what ``yarn workspaces list`` and ``yarn workspaces info``
say of generated trees and globs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from factory.analysis.glob_patterns import GLOBSTAR, expand_braces, path_pattern, segment_pattern
from factory.folders import scan_folder
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.analysis.lockfile import Generation

_IGNORED = ("**/node_modules", "**/.git", "**/.yarn")
_DYNAMIC = lazy_pattern(
    r"[*?\\]|^!|\[[^\[]*\]"  # wildcards, classes
    r"|(?:^|[^!*+?@])\([^(]*\|[^|]*\)|[!*+?@]\([^(]*\)"  # groups
)
_PatternTest: TypeAlias = Callable[[str], bool]


def folders_named(
    root: Path, globs: Iterable[str], generation: Generation = "berry"
) -> tuple[Path, ...]:
    """Return the folders that the globs of the package.json in ``root`` name, sorted by path.

    Whether there is a package.json in them is not looked at. A folder that cannot be read counts as
    empty, and a link that leads out of ``root`` is not followed.

    Raises:
        ValueError: a glob is longer, deeper or has more readings than any real one.
    """
    found: set[str] = set()
    if generation == "classic":
        for glob in globs:
            found.update(_expand_classic(root, glob))
    else:
        found.update(_expand_berry(root, tuple(globs)))
    return tuple(Path(os.path.normpath(root / path)) for path in sorted(found))


def _expand_berry(root: Path, globs: tuple[str, ...]) -> Iterator[str]:
    readings = [reading for glob in globs for reading in _readings(glob)]
    positive = [each for each in readings if not _takes_away(each)]
    refusals = _Refusals.of([each[1:] for each in readings if _takes_away(each)])
    dynamic: list[str] = []
    for glob in positive:
        if _DYNAMIC.search(glob):
            dynamic.append(glob)
        elif not refusals.of_folder(glob.rstrip("/")) and (root / glob).is_dir():
            yield glob
    by_base: dict[str, list[_Wanted]] = {}
    for glob in dynamic:
        by_base.setdefault(_base(glob), []).append(_parse_glob(glob))
    if "." in by_base:
        # fast-glob then reads the whole tree once for all that do not lead out of it.
        inside = [base for base in by_base if not base.startswith("..")]
        by_base["."] = [wanted for base in inside for wanted in by_base[base]]
        for base in inside:
            if base != ".":
                del by_base[base]
    for base, wanted in by_base.items():
        yield from _walk(root, "" if base == "." else base, wanted, refusals)


def _readings(glob: str) -> tuple[str, ...]:
    return tuple(re.sub(r"(?<!^)/{2,}", "/", each) for each in expand_braces(glob) if each)


def _last(glob: str) -> str:
    return glob.rstrip("/").rpartition("/")[2]


def _takes_away(glob: str) -> bool:
    return glob.startswith("!") and glob[1:2] != "("


@dataclass(frozen=True, slots=True)
class _Refusals:
    """What takes folders away: all globs for a folder itself, some for everything below it.

    fast-glob does not enter what a glob refuses that ends in ``/**`` or in a plain name.
    """

    every: tuple[_PatternTest, ...]
    whole: tuple[_PatternTest, ...]

    @classmethod
    def of(cls, globs: Iterable[str]) -> _Refusals:
        every = (*globs, *_IGNORED)
        whole = [g for g in every if g.endswith(f"/{GLOBSTAR}") or not _DYNAMIC.search(_last(g))]
        return cls(
            every=tuple(path_pattern(each, dots=True) for each in every),
            whole=tuple(path_pattern(each, dots=True) for each in whole),
        )

    def of_folder(self, path: str) -> bool:
        """Whether the folder itself is refused."""
        plain = path.removeprefix("./")
        return any(test(plain) or test(f"{plain}/") for test in self.every)

    def of_tree(self, path: str) -> bool:
        """Whether nothing below the folder is looked at."""
        return any(test(path) for test in self.whole)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A dynamic glob: what it matches, and which folders lead to a match.

    ``segments`` are those before the first ``**``, if there is one (``is_deep``).
    """

    test: _PatternTest
    segments: tuple[_PatternTest, ...]
    is_deep: bool

    def leads_on(self, path: str) -> bool:
        """Whether something below the folder may match."""
        parts = path.split("/")
        if self.is_deep and len(parts) > len(self.segments):
            return True
        if not self.is_deep and len(parts) >= len(self.segments):
            return False
        return all(test(part) for test, part in zip(self.segments, parts, strict=False))


def _parse_glob(glob: str) -> _Wanted:
    segments = glob.removeprefix("./").split("/")
    is_deep = GLOBSTAR in segments
    before = segments[: segments.index(GLOBSTAR)] if is_deep else segments
    return _Wanted(
        test=path_pattern(glob),
        segments=tuple(_segment_test(segment) for segment in before),
        is_deep=is_deep,
    )


def _segment_test(segment: str) -> _PatternTest:
    return path_pattern(segment) if _DYNAMIC.search(segment) else segment.__eq__


def _base(glob: str) -> str:
    """The folder from which fast-glob begins to read: the segments before the first dynamic one."""
    segments = glob.removeprefix("./").split("/")[:-1] if glob.strip("/") else []
    leading: list[str] = []
    for segment in segments:
        if _DYNAMIC.search(segment) or set(segment) & set("(){}[]"):
            break
        leading.append(segment)
    return "/".join(leading) or "."


def _walk(root: Path, base: str, wanted: list[_Wanted], refusals: _Refusals) -> Iterator[str]:
    """The folders below ``base`` that are wanted and not refused."""
    pending = [base]
    while pending:
        folder = pending.pop()
        for name in _subfolders(root, folder):
            path = f"{folder}/{name}" if folder else name
            is_wanted = any(each.test(path) or each.test(f"{path}/") for each in wanted)
            if is_wanted and not refusals.of_folder(path):
                yield path
            if any(each.leads_on(path) for each in wanted) and not refusals.of_tree(path):
                pending.append(path)


def _expand_classic(root: Path, glob: str) -> Iterator[str]:
    for reading in expand_braces(glob):
        segments = [segment for segment in reading.split("/") if segment]
        yield from _walk_classic(root, segments)


def _walk_classic(root: Path, segments: list[str]) -> Iterator[str]:
    """Folders that the segments match one after the other.

    Of ``a/*`` classic refuses what is in ``a/*/node_modules``, and nothing else.
    """
    pending = [("", 0)]
    seen = set(pending)
    while pending:
        folder, depth = pending.pop()
        if depth == len(segments):
            yield folder or "."
            continue
        segment = segments[depth]
        following: list[tuple[str, int]] = []
        if segment == GLOBSTAR:
            following.append((folder, depth + 1))
            following += [
                (f"{folder}/{name}".lstrip("/"), depth)
                for name in _subfolders(root, folder, follows_links=False)
                if not name.startswith(".") and name != "node_modules"
            ]
        elif _DYNAMIC.search(segment):
            test = segment_pattern(segment)
            names = _subfolders(root, folder)
            following += [(f"{folder}/{n}".lstrip("/"), depth + 1) for n in names if test(n)]
        elif os.path.isdir(root / folder / segment):  # noqa: PTH112 - never raises
            following.append((f"{folder}/{segment}".lstrip("/"), depth + 1))
        fresh = [step for step in following if step not in seen]
        seen.update(fresh)
        pending.extend(fresh)


def _subfolders(root: Path, folder: str, *, follows_links: bool = True) -> list[str]:
    """The names of the folders in a folder; no links out of the root or in circles.

    None are in a folder that is not there; one that may not be read is reported.
    """
    try:
        entries = scan_folder(root / folder)
    except OSError:
        return []
    return [
        entry.name
        for entry in entries
        if entry.is_dir(follow_symlinks=False)
        or (follows_links and entry.is_symlink() and _leads_inside(root, entry.path))
    ]


def _leads_inside(root: Path, link: str) -> bool:
    target = os.path.realpath(link)
    around = os.path.realpath(os.path.dirname(link))  # noqa: PTH120 - as realpath, on text
    inside = target.startswith(os.path.realpath(root) + os.sep)
    return inside and os.path.isdir(target) and not f"{around}/".startswith(f"{target}/")  # noqa: PTH112
