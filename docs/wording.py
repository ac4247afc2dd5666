"""Wording that this project's texts do not use, and what they say instead; run by ``make lint``.

The rules are those of plain technical English. They read prose: of a page, what is neither code nor
generated; of a module, its docstrings, comments and texts.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
ENFORCED = (
    *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"),
    *("changelog.d", "docs", "examples"),
)
"""Files and folders in which the rules hold."""
COUNTED = ("factory",)
"""Those in which they shall: what is left there is counted. Move a name up when it is at zero."""
LEFT_OUT = ("docs/wording.py", "examples/local-workspace/workspace")
"""What states the rules, and what is not this project's text."""

RULES = {
    r"(?<!there )\b(?:is|are|was|were|be) no (?!longer\b|more\b)\w+": "is not a …, has no …",
    r"(?<!there )(?<!of which )\b(?:is|are|was|were|be) (?-i:none)\b": "is not one, does not exist",
    r"\bmade a mistake\b": "internal error, please report it",
    r"\b(?:is|are) told(?=[,.;:]|$)": "is reported",
    r"\b(?:lets?|allows?) one\b(?! \w+s\b)": "lets you",
    r"\ballows? to\b": "lets you …, makes it possible to",
    r"\binformations\b": "information",
    r"\b(?:thereof|therein|hereby|herewith|whereof|lest)\b": "plain words",
    r"\b(?:utili[sz]e[sd]?|in order to)\b": "use, to",
    r"\b(?:e\.g\.|i\.e\.)": "for example, that is",
    r"\b(?:simply|obviously|of course)\b": "leave it out",
}
_RULES = {re.compile(rule, re.IGNORECASE): advice for rule, advice in RULES.items()}

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_GENERATED, _END = "<!-- generated:", "<!-- end -->"
_CODE = re.compile(r"`[^`]*`")
_SPACE = re.compile(r"\s+")
_QUOTES = re.compile(r"""^(?:#+\s*|[frbu]*["']+)|["']+$""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offence:
    """A place where a text goes against a rule."""

    file: Path
    line: int
    words: str
    advice: str

    def __str__(self) -> str:
        where = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{where}:{self.line}: {self.words!r}: {self.advice}"


def find_offences(file: Path) -> list[Offence]:
    """Return what a Markdown page or a Python module says against the rules, in order."""
    text = file.read_text(encoding="utf-8")
    passages = _prose(text) if file.suffix == ".md" else _texts(text)
    return [
        Offence(file=file, line=line, words=_SPACE.sub(" ", found[0]), advice=advice)
        for line, passage in passages
        for rule, advice in _RULES.items()
        for found in rule.finditer(_SPACE.sub(" ", passage))
    ]


def files_of(names: tuple[str, ...]) -> Iterator[Path]:
    """Give the pages and modules of files and folders of this repository."""
    for name in names:
        path = ROOT / name
        found = sorted((*path.rglob("*.md"), *path.rglob("*.py"))) if path.is_dir() else [path]
        for file in found:
            if not file.relative_to(ROOT).as_posix().startswith(LEFT_OUT):
                yield file


def _prose(page: str) -> Iterator[tuple[int, str]]:
    """The paragraphs of a page, with their first lines' numbers; no code, no generated parts."""
    skipped = ""
    paragraph: list[str] = []
    for number, line in enumerate((*page.splitlines(), ""), start=1):
        if skipped:
            if skipped in line:
                skipped = ""
            continue
        if fence := _FENCE.match(line):
            skipped = fence[0].strip()
        elif _GENERATED in line:
            skipped = _END
        if skipped or not line.strip():
            if paragraph:
                yield number - len(paragraph), _CODE.sub("code", "\n".join(paragraph))
            paragraph = []
        else:
            paragraph.append(line)


def _texts(module: str) -> Iterator[tuple[int, str]]:
    """The comments and texts of a module, with their first lines' numbers."""
    start, parts = 0, []
    middle = getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)  # from Python 3.12 on
    for token in tokenize.generate_tokens(io.StringIO(module).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT, middle):
            start = start or token.start[0]
            parts.append(_QUOTES.sub("", token.string))
        # Adjacent texts are one, as are comments in lines that follow one another.
        elif token.type not in (tokenize.NL, tokenize.INDENT) and parts:
            yield start, _CODE.sub("code", " ".join(parts))
            start, parts = 0, []


def main() -> int:
    """Print what goes against the rules, and how much of it is left where they do not hold yet."""
    offences = [offence for file in files_of(ENFORCED) for offence in find_offences(file)]
    for offence in offences:
        print(offence)
    for name in COUNTED:
        left = sum(len(find_offences(file)) for file in files_of((name,)))
        print(f"{name}: {left} phrases to reword some day" if left else f"{name}: goes to ENFORCED")
    if offences:
        print(f"{len(offences)} phrases to reword", file=sys.stderr)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
