"""Reports of a run for several portals: plugins by portals, and a reason where one is not green."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.errors import FactoryError
from factory.reports.html_page import html_page
from factory.reports.markdown import markdown
from factory.reports.merge import merge_reports
from factory.reports.page_facts import page_facts
from factory.reports.reading import WrittenReport, read_report
from factory.reports.summary import summary_of
from tests.reports.test_merge import ERROR, failed, plugin, several, workspace

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "rhdh-1.9", "rhdh-1.10"


def for_portals(**cells: dict[str, Any]) -> dict[str, Any]:
    """The report of a run whose workspaces are called after portals: ``{"old/todo": …}``."""
    portals = {"old": OLD, "new": NEW}
    named = {}
    for name, report in cells.items():
        short, _, rest = name.partition("/")
        portal = portals[short]
        named["/".join(part for part in (portal, rest) if part)] = report | {"portal": portal}
    return several(**named)


def read(folder: Path, document: dict[str, Any]) -> WrittenReport:
    folder.mkdir(exist_ok=True)
    (folder / "build-report.json").write_text(json.dumps(document))
    return read_report(folder)


@pytest.fixture
def both(tmp_path: Path) -> WrittenReport:
    document = for_portals(
        **{
            "old/todo": workspace(plugin("plugins/a"), plugin("plugins/b")),
            "new/todo": workspace(plugin("plugins/a", cached=True), failed("plugins/b")),
            "new/only-new": workspace(plugin("plugins/c")),
        }
    )
    return read(tmp_path / "run", document)


def test_markdown_shows_plugins_by_portals(both: WrittenReport) -> None:
    lines = markdown(summary_of([both])).splitlines()
    at = lines.index(f"| plugin | {OLD} | {NEW} |")
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:]]
        for line in lines[at + 2 : lines.index("", at)]
        if (cells := line.strip("|").split("|"))
    }
    assert rows == {
        "todo/plugins/a": ["✅", "✅ cached"],
        "todo/plugins/b": ["✅", f"❌ {ERROR['problem']}"],
        "only-new/plugins/c": ["", "✅"],
    }


def test_markdown_of_one_portal_has_no_such_table(tmp_path: Path) -> None:
    one = read(tmp_path / "run", for_portals(old=workspace(plugin("plugins/a"))))
    assert "| plugin | rhdh" not in markdown(summary_of([one]))


def test_the_page_has_a_row_a_workspace_and_a_column_a_portal(both: WrittenReport) -> None:
    page = html_page(page_facts([both]))
    matrix = page[page.index('class="matrix"') :].partition("</table>")[0]
    assert matrix.count('scope="row"') == 2
    assert matrix.index(OLD) < matrix.index(NEW)
    assert "<span>todo</span>" in matrix
    assert f"{OLD}/todo</span>" not in matrix


def test_reports_of_shards_join(tmp_path: Path) -> None:
    first = read(tmp_path / "1", for_portals(old=workspace(plugin("plugins/a"))))
    second = read(tmp_path / "2", for_portals(new=workspace(plugin("plugins/a"))))
    merged = merge_reports([first, second])
    assert {each["name"]: each["portal"] for each in merged["workspaces"]} == {OLD: OLD, NEW: NEW}
    again = read(tmp_path / "merged", merged)
    assert [each.portal for each in summary_of([again]).workspaces] == [OLD, NEW]


@pytest.mark.parametrize(
    ("name", "portal"),
    [
        ("a/b", "c"),
        ("a/b/c", "a"),
        ("a/..", "a"),
        ("a/", "a"),
        ("../a", ".."),
        ("a/b\nc", "a"),
        ("a", "a/b"),
        ("/a", ""),
    ],
)
def test_a_name_leads_nowhere_whatever_the_portal(tmp_path: Path, name: str, portal: str) -> None:
    document = several(**{name: workspace(plugin("plugins/a")) | {"portal": portal}})
    with pytest.raises(FactoryError):
        read(tmp_path / "run", document)
