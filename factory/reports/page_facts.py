"""What the page of a run tells beyond its summary: sizes beside earlier ones, and logs."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from factory.files import read_end
from factory.outside_text import clean
from factory.reports.summary import summary_of
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.reports.reading import WrittenReport
    from factory.reports.summary import RunSummary, SummarisedPlugin

MOST_LOGS = 40
"""Logs that a page holds; of the others it says where they are."""
MOST_BYTES = 48 * 1024
MOST_LINES = 300
_LONGEST_LINE = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LogTail:
    """The last lines of a log; ``is_whole`` is whether these are all."""

    text: str
    is_whole: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeChange:
    """An archive's size in bytes, and that of the run before; None where there was none."""

    now: int
    before: int | None

    @property
    def difference(self) -> int | None:
        """Bytes more than before; None where nothing is known of before."""
        return None if self.before is None else self.now - self.before

    @property
    def percent(self) -> float | None:
        """The same as a part of what it was."""
        return 100 * (self.now - self.before) / self.before if self.before else None


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFacts:
    """A run, and what is told beside it.

    ``earlier`` are sizes of the run before by plugin, None where no such run was named; ``logs``
    are the ends of failures' logs by their paths.
    """

    run: RunSummary
    earlier: Mapping[tuple[str, str, str], int] | None
    logs: Mapping[str, LogTail] = field(repr=False)

    def size_of(self, plugin: SummarisedPlugin) -> SizeChange | None:
        """Return a plugin's size and what it was; None if it has no archive."""
        if plugin.size is None:
            return None
        return SizeChange(now=plugin.size, before=(self.earlier or {}).get(_key(plugin)))

    @property
    def total(self) -> SizeChange:
        """All sizes together; before and now of those plugins that both runs have."""
        sizes = [size for each in self.run.plugins if (size := self.size_of(each))]
        both = [size for size in sizes if size.before is not None]
        now = sum(size.now for size in sizes)
        grown = sum(size.difference or 0 for size in both)
        return SizeChange(now=now, before=now - grown if both else None)

    @property
    def portals(self) -> tuple[str, ...]:
        """What plugins were built for, in the order of the report; "" where it does not say."""
        return tuple(dict.fromkeys(plugin.portal for plugin in self.run.plugins)) or ("",)


def page_facts(reports: Sequence[WrittenReport], before: Sequence[WrittenReport] = ()) -> PageFacts:
    """Return what the page of one or several runs tells.

    Args:
        reports: at least one; several are joined as by ``plugin-factory report merge``.
        before: the reports of the run before, if sizes are to be compared.

    Raises:
        ConfigurationError: two runs say different things about one plugin.
    """
    run = summary_of(reports)
    earlier = None
    if before:
        sizes = summary_of(before).plugins
        earlier = {_key(each): each.size for each in sizes if each.size is not None}
    paths = [plugin.log for plugin in run.plugins if plugin.log][:MOST_LOGS]
    read = ((path, read_log_tail(Path(path))) for path in paths)
    return PageFacts(run=run, earlier=earlier, logs={path: tail for path, tail in read if tail})


def _key(plugin: SummarisedPlugin) -> tuple[str, str, str]:
    return plugin.portal, plugin.workspace, plugin.path


def read_log_tail(file: Path) -> LogTail | None:
    """Return a log's end; None if it is not a file that can be read."""
    try:
        end = read_end(file, MOST_BYTES)
    except OSError:
        return None
    lines = end.text().split("\n")
    shown = [_cut(clean(line)) for line in lines[-MOST_LINES:]]
    whole = end.is_whole and len(shown) == len(lines)
    return LogTail(text="\n".join(shown).strip("\n"), is_whole=whole)


def _cut(line: str) -> str:
    return f"{line[:_LONGEST_LINE]}…" if len(line) > _LONGEST_LINE else line
