"""Why a patch does not apply: which hunk of which file, and which lines are not as it expects."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from factory.errors import PatchError, Place
from factory.quantities import counted

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.patch_place import PlacedPatch, Target
    from factory.sources.patch_text import Hunk

_FILE = re.compile(r"^Applying patch (?P<name>.*) with \d+ rejects?\.\.\.$")
_REJECTED = re.compile(r"^Rejected hunk #(?P<number>\d+)\.$")
_ERROR = re.compile(r"^error: (?P<reason>.*)$")
# A line that is everywhere, such as a lone brace, says little about where a hunk belongs.
_EVERYWHERE = 50
_MOST_LINES = 60


def does_not_apply(patch: PlacedPatch, tree: Path, said: str) -> PatchError:
    """Return the error for a patch that does not apply.

    Args:
        patch: the patch, and where it was tried.
        tree: the files as they were when it was tried.
        said: what ``git apply --reject --verbose`` printed.
    """
    rejected = _first_rejected(patch, said)
    if rejected is None:
        return _other_reason(patch, said)
    target, number = rejected
    hunk = target.file.hunks[number - 1]
    name = target.old or target.new
    lines = _lines_of(tree / str(name))
    return PatchError(
        f"the patch {patch.path.name} does not apply: hunk {number} of "
        f"{len(target.file.hunks)} for {name} does not match; the tree is as it was",
        place=Place(file=patch.path, line=hunk.line),
        found="lines that are not as the patch expects them (below: - the patch, + the file)",
        expected=hunk.header,
        hint=f"make the patch anew against this ref of the source, or remove {patch.path.name} "
        "if the source no longer needs it",
        details=_comparison(hunk, str(name), lines),
    )


def _first_rejected(patch: PlacedPatch, said: str) -> tuple[Target, int] | None:
    name = ""
    for line in said.splitlines():
        if match := _FILE.match(line):
            name = match["name"].strip("'\"")
        elif match := _REJECTED.match(line):
            number = int(match["number"])
            for target in patch.targets:
                names = [str(known) for known in target.names]
                if any(known.endswith(name) for known in names) and number <= len(
                    target.file.hunks
                ):
                    return target, number
    return None


def _other_reason(patch: PlacedPatch, said: str) -> PatchError:
    reasons = [match["reason"] for line in said.splitlines() if (match := _ERROR.match(line))]
    reason = reasons[0] if reasons else "git apply gives no reason"
    return PatchError(
        f"the patch {patch.path.name} does not apply: {reason}; the tree is as it was",
        place=Place(file=patch.path),
        found=f"names looked for in {patch.folder}, with {counted(patch.strip, 'folder')} stripped",
        hint="make the patch anew against this ref of the source",
        details="\n".join(reasons[1:]) or None,
    )


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").splitlines()
    except OSError:
        return []


def _comparison(hunk: Hunk, name: str, lines: list[str]) -> str:
    expected = [line.rstrip("\r") for line in hunk.before]
    start = nearest_region(expected, lines, hunk.start - 1)
    # Lines that were put in between push the rest of the region down.
    there = lines[start : start + len(expected) + 3]
    compared = list(_marked(expected, there))
    while compared and compared[-1].startswith("+ ") and len(there) > len(expected):
        compared.pop()
        there.pop()
    title = f"{name}, nearest to line {start + 1}:"
    if not any(line.startswith(("- ", "+ ")) for line in compared):
        # git holds a hunk with no context on one side to be at that end of the file.
        title = f"{name}: the hunk begins or ends with the file, but its lines are at {start + 1}:"
    more = [f"… {len(compared) - _MOST_LINES} more lines"] if len(compared) > _MOST_LINES else []
    return "\n".join([title, *compared[:_MOST_LINES], *more])


def _marked(expected: list[str], there: list[str]) -> list[str]:
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
