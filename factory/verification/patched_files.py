"""Whether a bundled package carries the patches that the lockfile says it has.

A patch is taken back from the files as they are: each of its hunks, and those of the patches that
were applied before it, must be found there. That needs neither the unpatched package nor yarn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.analysis.locked_workspace import locked_patches
from factory.sources.patch_text import read_patch

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.patch_text import FilePatch, Hunk

# A patch is text that people read; more is none.
_LARGEST = 16 << 20


def difference_to_patches(folder: Path, locator: str, root: Path) -> str | None:
    """Return what is wrong with a package's patches, or None if they are all in its files.

    Args:
        folder: the bundled package.
        locator: the package's in yarn.lock; without ``patch:`` it has no patches.
        root: the folder of yarn.lock.
    """
    files = _Files(folder=folder, texts={})
    for patch in reversed(locked_patches(locator)):
        if patch.optional or not patch.path:
            continue  # yarn's own, or one that need not apply
        text = _text_of(root / patch.path)
        if text is None:
            return f"with a patch that cannot be read ({patch.path})"
        for change in reversed(read_patch(text)):
            if not files.take_back(change):
                return f"without its patch {patch.path}"
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """The package's files as lines, some of them with patches taken back; None: no such file."""

    folder: Path
    texts: dict[str, list[str] | None]

    def take_back(self, change: FilePatch) -> bool:
        """Undo what a patch did to one file, and return whether it had been done."""
        old, new = _stripped(change.old), _stripped(change.new)
        if new is None:
            return old is not None and self._lines(old) is None
        lines = self._lines(new)
        if lines is None:
            return False
        for hunk in reversed(change.hunks):
            at = _position(lines, hunk)
            if at is None:
                return False
            lines[at : at + len(hunk.after)] = hunk.before
        self.texts[new] = None if old is None else lines
        if old is not None and old != new:
            self.texts[old] = lines
        return True

    def _lines(self, name: str) -> list[str] | None:
        if name not in self.texts:
            file = self.folder / name
            inside = file.resolve().is_relative_to(self.folder.resolve())
            text = _text_of(file) if inside else None
            self.texts[name] = None if text is None else text.split("\n")
        return self.texts[name]


def _position(lines: list[str], hunk: Hunk) -> int | None:
    """Where a hunk's result stands, nearest to where it should: yarn applies with an offset."""
    after = list(hunk.after)
    places = range(len(lines) - len(after) + 1)
    fitting = (at for at in places if lines[at : at + len(after)] == after)
    return min(fitting, key=lambda at: abs(at + 1 - hunk.start), default=None)


def _stripped(name: str | None) -> str | None:
    """A name without its first part, ``a/`` or ``b/``, as yarn takes patches."""
    if name is None:
        return None
    first, _, rest = name.partition("/")
    return rest if first in {"a", "b"} else name


def _text_of(file: Path) -> str | None:
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return None
        return file.read_bytes().decode(errors="surrogateescape")
    except OSError:
        return None
