"""Change arguments in the text of a plugins-list.yaml and leave every other byte as it is.

Comments, blank lines, order, quoting and disabled entries are the author's: only the value of a
plugin whose arguments change is replaced, where YAML says that it stands.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from typing import TYPE_CHECKING

import yaml

from factory.errors import ConfigurationError, Place
from factory.files import read_text, write_whole
from factory.notation.limits import DocumentError
from factory.notation.yaml_text import parse_yaml, parse_yaml_1_1, read_yaml_1_1
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_NULL = "tag:yaml.org,2002:null"
_KINDS = {"SequenceNode": "a list", "MappingNode": "a map", "ScalarNode": "text"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListChange:
    """The arguments of one plugin before and after; ``before`` is None for a new entry."""

    path: str
    before: str | None
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """A list as it is written: its entries (path, key, value), and where the next would go.

    ``flow``: in braces; ``indent``: how far in its keys stand; ``end``: the offset behind it.
    """

    pairs: tuple[tuple[str, yaml.ScalarNode, yaml.ScalarNode], ...] = ()
    flow: bool = False
    indent: int = 0
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RewriteResult:
    """What was changed in a file, and where what was there before is kept, if it is."""

    changes: tuple[ListChange, ...]
    backup: Path | None


def edit_plugins_list(
    text: str, wanted: Mapping[str, str], file: Path
) -> tuple[str, tuple[ListChange, ...]]:
    """Return the text with the arguments of the plugins in ``wanted``, and what changed.

    A plugin that the text does not list is added at its end. A plugin that ``wanted`` does not name
    stays as it is, as does one whose arguments are the wanted text already.

    Args:
        text: the file as it is.
        wanted: the argument string of each plugin, by its path.
        file: where the text comes from, for errors.

    Raises:
        ConfigurationError: the text is not YAML, not a map of plugins, or written in such a way
            that the edited text would say something other than what is wanted.
    """
    listed = _read(text, file)
    changes = []
    pieces: list[tuple[int, int, str]] = []
    missing = dict(wanted)
    for path, key, value in listed.pairs:
        if path not in missing:
            continue
        before, after = _arguments(value), missing.pop(path)
        if before != after:
            pieces.append(_replacement(text, key, value, after, flow=listed.flow))
            changes.append(ListChange(path=path, before=before, after=after))
    if missing:
        pieces += _additions(text, missing, listed)
        changes += [ListChange(path=p, before=None, after=a) for p, a in missing.items()]
    edited = text
    for start, end, replacement in sorted(pieces, reverse=True):
        edited = edited[:start] + replacement + edited[end:]
    _refuse_other_content(edited, listed, wanted, file)
    return edited, tuple(changes)


def rewrite_plugins_list(
    file: Path, wanted: Mapping[str, str], *, keeps_backup: bool = True
) -> RewriteResult:
    """Change arguments in a file, which stays as it is where none changes.

    The backup is called ``plugins-list.yaml.bak``, or ``.bak.2`` and so on if there is one already
    with another text.

    Args:
        file: the list.
        wanted: the argument string of each plugin, by its path.
        keeps_backup: whether what was there is kept, if hand-written arguments are overwritten.

    Raises:
        ConfigurationError: the file cannot be read, or is not a map of plugins.
        OSError: the folder cannot be written.
    """
    before = read_text(file, exactly=True)
    after, changes = edit_plugins_list(before, wanted, file)
    backup = None
    if keeps_backup and any(change.before for change in changes):
        backup = _free_backup(file, before)
        write_whole(backup, before)
    if changes:
        write_whole(file, after)
    return RewriteResult(changes=changes, backup=backup)


def _free_backup(file: Path, text: str) -> Path:
    number = 1
    while True:
        suffix = ".bak" if number == 1 else f".bak.{number}"
        backup = file.with_name(file.name + suffix)
        if not backup.exists() or read_text(backup, exactly=True) == text:
            return backup
        number += 1


def _read(text: str, file: Path) -> _Listed:
    try:
        root = read_yaml_1_1(text).root
    except DocumentError as error:
        raise ConfigurationError(
            f"{file.name} is not valid YAML",
            place=Place(file=file, line=error.line, column=error.column),
            found=error.problem,
        ) from error
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value and not root.style):
        return _Listed(end=_end_of_document(text))
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(
            f"{file.name} must be a map",
            place=Place(file=file, line=root.start_mark.line + 1),
            found=_KINDS[type(root).__name__],
            expected="lines such as 'plugins/todo:'",
        )
    found: list[tuple[str, yaml.ScalarNode, yaml.ScalarNode]] = []
    for key, value in root.value:
        place = Place(file=file, line=key.start_mark.line + 1, field=str(key.value))
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise ConfigurationError(
                "the arguments of a plugin must be text on one line",
                place=place,
                found=_KINDS[type(value).__name__],
                expected="plugins/todo: --embed-package @acme/x",
            )
        if any(value is other for _, _, other in found):
            raise ConfigurationError(
                "an entry that is an alias (*name) cannot be changed by itself",
                place=place,
                hint="write out its arguments",
            )
        found.append((posixpath.normpath(key.value.strip()), key, value))
    return _Listed(
        pairs=tuple(found),
        flow=bool(root.flow_style),
        indent=root.start_mark.column,
        # A map in braces ends behind them; any other where the next token is, or the text's end.
        end=root.end_mark.index,
    )


def _end_of_document(text: str) -> int:
    """Where a document without any content ends: at a line of three dots, or with the text."""
    dots = re.search(r"^\.\.\.(?=\s|\Z)", text, re.MULTILINE)
    return dots.start() if dots else len(text)


def _arguments(value: yaml.ScalarNode) -> str:
    return "" if value.tag == _NULL else " ".join(value.value.split())


def _refuse_other_content(
    edited: str, listed: _Listed, wanted: Mapping[str, str], file: Path
) -> None:
    """Raise unless the edited text says what is wanted, and of all else what it said before."""
    expected = {path: wanted.get(path, _arguments(value)) for path, _, value in listed.pairs}
    expected |= {path: arguments for path, arguments in wanted.items() if path not in expected}
    try:
        found = {path: _arguments(value) for path, _, value in _read(edited, file).pairs}
    except ConfigurationError:
        found = {}
    if found == {path: " ".join(arguments.split()) for path, arguments in expected.items()}:
        return
    lines = "".join(
        f"{_scalar(path)}: {_scalar(arguments)}\n" for path, arguments in wanted.items()
    )
    raise ConfigurationError(
        f"{file.name} has a form that cannot be edited",
        place=Place(file=file),
        expected="one line per plugin, such as 'plugins/todo: --embed-package @acme/x'",
        hint="write the lines below into it yourself",
        details=lines,
    )


def _replacement(
    text: str, key: yaml.ScalarNode, value: yaml.ScalarNode, after: str, *, flow: bool
) -> tuple[int, int, str]:
    """The piece of the text that gives way, as start and end, and what comes instead."""
    start, end = value.start_mark.index, value.end_mark.index
    written = _scalar(after, quoted=flow) if after else ""
    if start == end:  # no value: "plugins/todo:", or in braces "plugins/todo"
        if text[start - 1] == ":":
            return start, start, f" {written}"
        behind = key.end_mark.index
        return behind, behind, f": {written}"
    if value.style in {"|", ">"}:
        # A block's end takes the line breaks and blank lines after it, which stay.
        end = start + len(text[start:end].rstrip())
    if not after and not flow:
        # The blank before the value goes with it.
        return len(text[:start].rstrip(" \t")), end, ""
    return start, end, written or "null"


def _additions(
    text: str, missing: Mapping[str, str], listed: _Listed
) -> list[tuple[int, int, str]]:
    """The pieces that add entries behind the others."""
    if listed.flow and text.strip() != "{}":
        entries = [
            f"{_scalar(p, quoted=True)}: {_scalar(a, quoted=True)}" for p, a in missing.items()
        ]
        if listed.pairs:
            at = listed.pairs[-1][2].end_mark.index
            return [(at, at, "".join(f", {entry}" for entry in entries))]
        brace = listed.end - 1
        return [(brace, brace, ", ".join(entries))]
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = "".join(
        f"{' ' * listed.indent}{_scalar(path)}:{' ' + _scalar(a) if a else ''}{ending}"
        for path, a in missing.items()
    )
    if listed.flow:
        return [(0, len(text), lines)]
    before = text[: listed.end].removeprefix("\ufeff")
    gap = "" if not before or before.endswith("\n") else ending
    return [(listed.end, listed.end, gap + lines)]


def _scalar(value: str, *, quoted: bool = False) -> str:
    """The text as YAML, in quotes only where it needs them."""
    with contextlib.suppress(DocumentError):
        if not quoted and parse_yaml_1_1(value) == value == parse_yaml(value):
            return value
    return "'" + value.replace("'", "''") + "'"
