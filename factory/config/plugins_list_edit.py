"""Change arguments in the text of a plugins-list.yaml and leave every other byte as it is.

Comments, blank lines, order, quoting and disabled entries are the author's: only the value of a
plugin whose arguments change is replaced, where YAML says that it stands.
"""

from __future__ import annotations

import contextlib
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.config.documents import read_text
from factory.errors import ConfigurationError, Place
from factory.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import yaml

_NULL = "tag:yaml.org,2002:null"
_KINDS = {"SequenceNode": "a list", "MappingNode": "a map", "ScalarNode": "text"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListChange:
    """The arguments of one plugin before and after; ``before`` is None for a new entry."""

    path: str
    before: str | None
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
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
        ConfigurationError: the text is not YAML, or not a map of plugins.
    """
    changes = []
    pieces: list[tuple[int, int, str]] = []
    missing = dict(wanted)
    pairs, flow = _pairs(text, file)
    for path, key, value in pairs:
        if path not in missing:
            continue
        after = missing.pop(path)
        before = "" if value.tag == _NULL else " ".join(value.value.split())
        if before == after:
            continue
        pieces.append(_replacement(text, key, value, after, flow=flow))
        changes.append(ListChange(path=path, before=before, after=after))
    for start, end, replacement in sorted(pieces, reverse=True):
        text = text[:start] + replacement + text[end:]
    if missing:
        text = _appended(text, missing, flow=flow)
        changes += [ListChange(path=p, before=None, after=a) for p, a in missing.items()]
    return text, tuple(changes)


def rewrite_plugins_list(
    file: Path, wanted: Mapping[str, str], *, keeps_backup: bool = True
) -> Rewritten:
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
    return Rewritten(changes=changes, backup=backup)


def _free_backup(file: Path, text: str) -> Path:
    number = 1
    while True:
        suffix = ".bak" if number == 1 else f".bak.{number}"
        backup = file.with_name(file.name + suffix)
        if not backup.exists() or read_text(backup, exactly=True) == text:
            return backup
        number += 1


def _pairs(
    text: str, file: Path
) -> tuple[list[tuple[str, yaml.ScalarNode, yaml.ScalarNode]], bool]:
    """The entries (path, key, value), and whether the map is written in braces."""
    import yaml  # noqa: PLC0415 - late: --help does not need it

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError(
            f"{file.name} is not valid YAML",
            place=Place(file=file, line=mark.line + 1 if mark else None),
            found=getattr(error, "problem", None) or str(error),
        ) from error
    if root is None:
        return [], False
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
                hint="write its arguments out",
            )
        found.append((posixpath.normpath(key.value.strip()), key, value))
    return found, bool(root.flow_style)


def _replacement(
    text: str, key: yaml.ScalarNode, value: yaml.ScalarNode, after: str, *, flow: bool
) -> tuple[int, int, str]:
    """The piece of the text that gives way, as start and end, and what comes instead."""
    start, end = value.start_mark.index, value.end_mark.index
    written = _scalar(after, quoted=flow) if after else ""
    if start == end:  # no value: "plugins/todo:"
        colon = text.index(":", key.end_mark.index) + 1
        return colon, colon, f" {written}"
    if not after and not flow:
        # The blank before the value goes with it.
        return len(text[:start].rstrip(" \t")), end, ""
    piece = text[start:end]
    if value.style in {"|", ">"}:
        # A block's end takes the line breaks and blank lines after it, which stay.
        written += piece[len(piece.rstrip()) :]
    return start, end, written or "null"


def _appended(text: str, missing: Mapping[str, str], *, flow: bool) -> str:
    if flow and text.strip() != "{}":
        entries = [
            f"{_scalar(p, quoted=True)}: {_scalar(a, quoted=True)}" for p, a in missing.items()
        ]
        close = text.rindex("}")
        inside = text[:close].rstrip()
        comma = "" if inside.endswith(("{", ",")) else ","
        return f"{inside}{comma} {', '.join(entries)}{text[close:]}"
    if flow:
        text = ""
    ending = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text or text.endswith("\n") else ending
    lines = (
        f"{_scalar(path)}:{' ' + _scalar(arguments) if arguments else ''}{ending}"
        for path, arguments in missing.items()
    )
    return text + gap + "".join(lines)


def _scalar(value: str, *, quoted: bool = False) -> str:
    """The text as YAML, in quotes only where it needs them."""
    import yaml  # noqa: PLC0415 - late: --help does not need it

    with contextlib.suppress(yaml.YAMLError):
        if not quoted and yaml.safe_load(value) == value:
            return value
    return "'" + value.replace("'", "''") + "'"
