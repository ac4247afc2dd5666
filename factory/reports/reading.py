"""The ``build-report.json`` of earlier runs, read: of one workspace, or of several.

A report may come from elsewhere, so that nothing in it is believed: names are names of files in an
output directory, numbers and times are such as a run can have, and texts hold nothing that a
terminal or a CI system would obey.
"""

from __future__ import annotations

import os
from dataclasses import field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from factory.config.documents import read_json, validate
from factory.errors import ConfigurationError, Place
from factory.outside_text import is_unprintable
from factory.reports.build_report import REPORT_FILE
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.config.documents import Document

Report: TypeAlias = "Mapping[str, Any]"

_LARGEST = 64 << 20
LONGEST_TIME = 1_000_000_000
"""Seconds that a run may have taken: some thirty years."""
# Below what every JSON reader takes exactly.
_LARGEST_NUMBER = 1 << 53
_LONGEST_NAME = 255
_YEARS = range(1970, 9000)
_FILE_NAMES = frozenset({"files.name", "workspaces.portal"})
_PATHS = frozenset({"plugins.path", "left-out.path"})
_TIMES = frozenset({"seconds", "stages"})


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenReport:
    """A report that was read: ``document`` is all of it, of one workspace or of ``several``.

    ``workspaces`` are the reports of its workspaces by their names; that of one alone has none, "".
    """

    file: Path
    several: bool
    document: Report = field(repr=False)

    @property
    def workspaces(self) -> tuple[tuple[str, Report], ...]:
        """The workspaces' names and reports, in their order."""
        if not self.several:
            return (("", self.document),)
        return tuple((each["name"], each) for each in self.document["workspaces"])


def read_report(where: Path) -> WrittenReport:
    """Return the report in an output directory, or the report that is this file.

    Raises:
        ConfigurationError: there is none, or this version does not understand it.
    """
    is_folder = os.path.isdir(where)  # noqa: PTH112 - False for whatever reason
    file = where / REPORT_FILE if is_folder else where
    if not os.path.isfile(file):  # noqa: PTH113 - as above
        raise ConfigurationError(
            f"there is no {REPORT_FILE}" if is_folder else "there is no such report",
            place=Place(file=where),
            expected="the output directory of a run, or the report that it left",
        )
    if file.stat().st_size > _LARGEST:
        raise ConfigurationError(
            f"{file.name} is too long for a report",
            place=Place(file=file),
            found=f"{file.stat().st_size} bytes",
            expected=f"at most {_LARGEST}",
        )
    written = read_json(file)
    try:
        document = replace(written, value=_harmless(written.value))
    except RecursionError as error:
        raise ConfigurationError(
            f"{file.name} is nested too deeply for a report", place=Place(file=file)
        ) from error
    several = isinstance(document.value, dict) and "workspaces" in document.value
    validate(document, "run-report" if several else "build-report")
    _refuse_odd(document)
    return WrittenReport(file=file, several=several, document=document.value)


def _harmless(value: Any) -> Any:
    """A JSON value whose texts hold nothing but what is seen, and ends of lines."""
    if isinstance(value, str):
        return "".join(one if _is_seen(one) else ascii(one)[1:-1] for one in value)
    if isinstance(value, dict):
        return {_harmless(name): _harmless(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_harmless(each) for each in value]
    return value


def _is_seen(character: str) -> bool:
    return character in "\n\t" or not is_unprintable(character)


def _refuse_odd(document: Document) -> None:
    """Make sure that a report says nothing that no run can have left.

    Raises:
        ConfigurationError: naming the field.
    """
    several = document.value.get("workspaces", []) if isinstance(document.value, dict) else []
    said = (
        (("workspaces", str(number), "name"), each["name"], _describe_name(each))
        for number, each in enumerate(several)
    )
    leaves = _leaves(document.value, ())
    read = ((names, value, _describe_expected(names, value)) for names, value in leaves)
    for names, value, expected in (*said, *read):
        if expected:
            raise ConfigurationError(
                f"{document.path.name} is not the report of a run",
                place=Place(file=document.path, field=".".join(names)),
                found=str(value),
                expected=expected,
                hint="use the report as the run left it",
            )


def _describe_expected(names: tuple[str, ...], value: object) -> str | None:
    """What belongs into a field whose value cannot be a run's; None if it can."""
    field, around = ".".join(names[-2:]), frozenset(names[-2:])
    if isinstance(value, str):
        if field in _FILE_NAMES or names[-1:] == ("image-file",):
            return None if _is_file_name(value) else "a name without a folder"
        if field in _PATHS:
            return None if _is_inside(value) else "a folder of the workspace"
        return None if names[-1:] != ("started",) or _is_time(value) else "a date and time, in UTC"
    if isinstance(value, int | float) and not isinstance(value, bool):
        most = LONGEST_TIME if _TIMES & around else _LARGEST_NUMBER
        # NaN is in no range.
        return None if -_LARGEST_NUMBER <= value <= most else f"a number up to {most}"
    return None


def _describe_name(workspace: Report) -> str | None:
    """What belongs into a workspace's name that cannot be one; None if it can."""
    portal, name = workspace.get("portal", ""), workspace["name"]
    own = name.removeprefix(f"{portal}/") if portal else name
    return None if own and _is_file_name(own) else "a name without a folder, but for its portal's"


def _is_file_name(text: str) -> bool:
    plain = PurePosixPath(text).name == text and text != ".." and not {"\n", "\t"} & set(text)
    return plain and len(text.encode()) <= _LONGEST_NAME


def _is_inside(text: str) -> bool:
    path = PurePosixPath(text)
    return not path.is_absolute() and ".." not in path.parts and not {"\n", "\t"} & set(text)


def _is_time(text: str) -> bool:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return False
    return time.tzinfo is not None and time.year in _YEARS


def _leaves(value: object, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every text and number of a JSON value, with the names of the fields that lead to it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*names, name))
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, names)
    else:
        yield names, value
