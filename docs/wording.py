"""Wording that this project's texts do not use, and what they say instead; run by ``make lint``.

The rules are those of plain technical English. They read prose: of a page, what is neither code nor
generated; of a module, its docstrings, comments and texts. More rules hold for messages,
which people read without a page around them: the texts of a module that are not docstrings.
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
    *("changelog.d", "docs", "examples", "factory"),
)
"""Files and folders in which the rules hold."""
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
    r"\b(?:cannot|could not) be had\b": "is not available, cannot be downloaded",
    r"\bnested too deep\b": "nested too deeply",
    r"\bnot (?:\w+ )?any more\b": "no longer",
    r"\bsomething else than\b": "something other than",
    r"\bstands? (?:in \S+ )?twice\b": "appears twice",
}
MESSAGES = {
    r"\b(?:any|every|some)body\b": "other users, another process, someone",
    r"\ball the same\b": "anyway",
    r"\banew\b": "again",
    r"\bamid(?:st)?\b": "during",
    r"\b(?:is|are) (?:of|from) (?:an?|another) \w+(?= (?:and|which|that)|[,.;:]|$)": "belongs to",
    r"\b(?:an?|one) (?!\w+ing\b)\w+ an? (?:file|folder|image|line|package|plugin|workspace)\b": (
        "one … per …"
    ),
    r"\bby an? (?:overlay|patch)\b": "with a …",
    r"\bcut short\b": "truncated",
    r"\bdemand(?:s|ed)?\b": "requires",
    r"\bfor want of\b": "because of missing …",
    r"\bgo(?:es)? on\b": "continues",
    r"\bhalf[- ](?:done|made|written)\b": "partial, unfinished",
    r"\b(?:ha(?:s|ve)|had) not (?:an?|the)\b": "does not have",
    r"\bholds no\b": "contains no",
    r"\bif you like\b": "optionally",
    r"\b(?:is|are) asked for\b": "is requested",
    r"\b(?:is|are) off\b": "is disabled",
    r"\blooked at\b": "checked, read",
    r"(?<![{\w])mend(?:s|ed|ing)?\b(?![\[.])": "fix, repair",
    r"\bnames no\b": "does not name a",
    r"\bthan (?:it|they) may\b": "than allowed",
    r"\bthat is there\b": "existing",
    r"\bwhat is there\b": "the contents, the existing …",
    r"\bwhat (?:is|was) (?:brought|downloaded|made|pulled)\b": "the download, the image",
    r"\bwho may (?:read|write)\b": "the permissions of",
    r"\bwith a word\b": "with a message",
    r"\bwithout end\b": "in a circle, too many",
}
_RULES = {re.compile(rule, re.IGNORECASE): advice for rule, advice in RULES.items()}
_OF_MESSAGES = _RULES | {
    re.compile(rule, re.IGNORECASE): advice for rule, advice in MESSAGES.items()
}

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_GENERATED, _END = "<!-- generated:", "<!-- end -->"
_CODE = re.compile(r"`[^`]*`")
_DOCSTRING = re.compile(r'r?"""')
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Passage:
    """Prose that belongs together, with single spaces, and the number of its first line."""

    line: int
    text: str
    is_message: bool = False


def find_offences(file: Path) -> list[Offence]:
    """Return what a Markdown page or a Python module says against the rules, in order."""
    text = file.read_text(encoding="utf-8")
    passages = _prose(text) if file.suffix == ".md" else _texts(text)
    return [
        Offence(file=file, line=passage.line, words=found[0], advice=advice)
        for passage in passages
        for rule, advice in (_OF_MESSAGES if passage.is_message else _RULES).items()
        for found in rule.finditer(passage.text)
    ]


def files_of(names: tuple[str, ...]) -> Iterator[Path]:
    """Give the pages and modules of files and folders of this repository."""
    for name in names:
        path = ROOT / name
        found = sorted((*path.rglob("*.md"), *path.rglob("*.py"))) if path.is_dir() else [path]
        for file in found:
            if not file.relative_to(ROOT).as_posix().startswith(LEFT_OUT):
                yield file


def _prose(page: str) -> Iterator[_Passage]:
    """The paragraphs of a page: no code, no generated parts."""
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
                text = _SPACE.sub(" ", _CODE.sub("code", "\n".join(paragraph)))
                yield _Passage(line=number - len(paragraph), text=text)
            paragraph = []
        else:
            paragraph.append(line)


def _texts(module: str) -> Iterator[_Passage]:
    """The comments and texts of a module."""
    start, parts, is_message = 0, [], False
    middle = getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)  # from Python 3.12 on
    for token in tokenize.generate_tokens(io.StringIO(module).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT, middle):
            start = start or token.start[0]
            is_message = token.type != tokenize.COMMENT and not _DOCSTRING.match(token.string)
            parts.append(_QUOTES.sub("", token.string))
        # Adjacent texts are one, as are comments in lines that follow one another.
        elif token.type not in (tokenize.NL, tokenize.INDENT) and parts:
            text = _SPACE.sub(" ", _CODE.sub("code", " ".join(parts)))
            yield _Passage(line=start, text=text, is_message=is_message)
            start, parts = 0, []


def main() -> int:
    """Print what goes against the rules; the exit code is 1 if there is anything."""
    offences = [offence for file in files_of(ENFORCED) for offence in find_offences(file)]
    for offence in offences:
        print(offence)
    if offences:
        print(f"{len(offences)} phrases to reword", file=sys.stderr)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
