"""Why a patch does not apply: which hunk of which file, and which lines are not as it expects."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from factory.errors import PatchError, Place
from factory.quantities import pluralize

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

    from factory.sources.patch_hunks import Hunk
    from factory.sources.patching import RefusedPatch

# A line that is everywhere, such as a lone brace, says little about where a hunk belongs.
_EVERYWHERE = 50
_MOST_LINES = 60


def does_not_apply(
    path: Path, refused: RefusedPatch, *, folder: PurePosixPath, strip: int
) -> PatchError:
    """Return the error for a patch that does not apply.

    Args:
        path: the patch's own file.
        refused: which part of it does not, and why.
        folder: where it was tried, from the tree's root.
        strip: how many folders its names were stripped of.
    """
    if refused.is_unsafe:
        return PatchError(
            f"the patch {path.name} writes to a place that is not allowed: {refused.reason}",
            place=Place(file=path, line=refused.patch.line),
            expected="paths of files inside the workspace, or inside the repository",
        )
    if not refused.hunk:
        return PatchError(
            f"the patch {path.name} does not apply: {refused.reason}; the tree is unchanged",
            place=Place(file=path, line=refused.patch.line),
            found=f"names looked for in {folder}, with {pluralize(strip, 'folder')} stripped",
            hint="add the file with an overlay"
            if refused.patch.is_binary
            else "create the patch again against this ref of the source",
        )
    hunk = refused.patch.hunks[refused.hunk - 1]
    lines = refused.content.decode(errors="replace").splitlines()
    return PatchError(
        f"the patch {path.name} does not apply: {refused.reason}; the tree is unchanged",
        place=Place(file=path, line=hunk.line),
        found="lines that are not as the patch expects them (below: - the patch, + the file)",
        expected=hunk.header,
        hint=f"create the patch again against this ref of the source, or remove {path.name} "
        "if the source no longer needs it",
        details=_comparison(hunk, str(refused.name), lines),
    )


def _comparison(hunk: Hunk, name: str, lines: list[str]) -> str:
    expected = [line.text.decode(errors="replace").rstrip("\r\n") for line in hunk.old]
    start = nearest_region(expected, lines, hunk.first - 1)
    # Lines that were put in between push the rest of the region down.
    there = lines[start : start + len(expected) + 3]
    compared = list(_mark(expected, there))
    while compared and compared[-1].startswith("+ ") and len(there) > len(expected):
        compared.pop()
        there.pop()
    title = f"{name}, nearest to line {start + 1}:"
    if not any(line.startswith(("- ", "+ ")) for line in compared):
        # A hunk with less context on one side is held to be at that end of the file.
        title = f"{name}: the hunk begins or ends with the file, but its lines are at {start + 1}:"
    more = [f"… {len(compared) - _MOST_LINES} more lines"] if len(compared) > _MOST_LINES else []
    return "\n".join([title, *compared[:_MOST_LINES], *more])


def _mark(expected: list[str], there: list[str]) -> list[str]:
    marked: list[str] = []
    matcher = difflib.SequenceMatcher(a=expected, b=there, autojunk=False)
    for what, a, a_end, b, b_end in matcher.get_opcodes():
        if what == "equal":
            marked += [f"  {line}" for line in expected[a:a_end]]
        else:
            marked += [f"- {line}" for line in expected[a:a_end]]
            marked += [f"+ {line}" for line in there[b:b_end]]
    return marked


def nearest_region(expected: list[str], lines: list[str], near: int) -> int:
    """Return the index in ``lines`` at which most of ``expected`` would match, whitespace aside.

    Of equally good places the one nearest to index ``near`` is taken.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        places[line.strip()].append(number)
    votes: Counter[int] = Counter()
    for number, line in enumerate(expected):
        where = places.get(line.strip(), [])
        if line.strip() and len(where) <= _EVERYWHERE:
            votes.update(max(at - number, 0) for at in where)
    if not votes:
        return max(0, min(near, len(lines) - len(expected)))
    return min(votes, key=lambda start: (-votes[start], abs(start - near)))
