"""The page of a run in a real browser: on a phone, in the dark, with texts that mean harm."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reports.devtools import Browser, browser
from tests.reports.test_html_page import HOSTILE, page_of, sized
from tests.reports.test_merge import ERROR, plugin, several, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "a-name-that-does-not-end-" * 12

# Of each element with text of its own the contrast to what is behind it (WCAG 2.2, 1.4.3).
FAINT = """
(() => {
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(
      v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length &&
    e.tagName !== 'title' && !e.closest('svg') && !e.closest('.hidden')
  ).map(e => {
    const both = [parts(getComputedStyle(e).color), behind(e)].map(light);
    const [a, b] = both.sort((x, y) => y - x);
    return [e.outerHTML.slice(0, 80), (a + .05) / (b + .05)];
  }).filter(([, ratio]) => ratio < 4.5);
})()
"""


def document() -> dict[str, Any]:
    """A run with all that a page can show, in texts that are long and that mean harm."""
    error = ERROR | {"problem": HOSTILE, "found": LONG, "details": f"{LONG}\n{HOSTILE}"}
    return several(
        **{
            LONG[:200]: workspace(
                sized("plugins/a", 1_000_000, name=LONG, version=HOSTILE),
                sized("plugins/b", 20, cached=True, role=HOSTILE),
                plugin("plugins/c", outcome="failed", error=error, seconds={HOSTILE: 4.0}),
                plugin("plugins/d", outcome="skipped", seconds={}),
                *(sized(f"plugins/many-{number}", 5) for number in range(40)),
                warnings=[LONG, HOSTILE],
                stages={"install": 30.0, "tsc": 9.0, HOSTILE: 3.0},
            ),
            "todo": workspace(sized("plugins/a", 5)),
        }
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    file = folder / "report.html"
    before = several(**{LONG[:200]: workspace(sized("plugins/a", 900_000))})
    file.write_text(page_of(folder, document(), before), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(at_work: Browser, page: Path, width: int) -> None:
    at_work.show(page.as_uri(), width=width)
    assert at_work.value("innerWidth") == width
    root = "document.documentElement"
    assert at_work.value(f"{root}.scrollWidth - {root}.clientWidth") == 0
    wide = """[...document.body.querySelectorAll('*')].filter(e => !e.closest('.hidden, .filter')
        && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        ).map(e => e.outerHTML.slice(0, 80))"""
    assert at_work.value(wide) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_text_can_be_read(at_work: Browser, page: Path, scheme: str, width: int) -> None:
    at_work.show(page.as_uri(), width=width, scheme=scheme)
    assert at_work.value(FAINT) == []


def test_dark_is_dark(at_work: Browser, page: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        at_work.show(page.as_uri(), width=360, scheme=scheme)
        grounds.append(at_work.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_nothing_is_asked_of_anybody_and_nothing_runs(at_work: Browser, page: Path) -> None:
    at_work.show(page.as_uri(), width=360)
    assert at_work.value("document.title").startswith("Dynamic plugins")
    assert at_work.asked == [page.as_uri()]
    assert at_work.complained == []
    assert at_work.value("document.scripts.length + document.images.length") == 0
    assert HOSTILE in at_work.value("document.body.textContent")
    assert at_work.value("getComputedStyle(document.querySelector('.tiles')).display") == "grid"


def test_what_is_put_into_the_page_still_cannot_run(at_work: Browser, page: Path) -> None:
    at_work.show(page.as_uri(), width=360)
    put = """document.body.insertAdjacentHTML('beforeend',
        '<img src="https://127.0.0.1:9/x" onerror="document.title=1"><p style="color:red">')"""
    at_work.value(put)
    assert at_work.value("document.title").startswith("Dynamic plugins")
    assert any("Content Security Policy" in text for text in at_work.complained)


def test_plugins_can_be_filtered_without_a_script(at_work: Browser, page: Path) -> None:
    at_work.show(page.as_uri(), width=1280)
    shown = "[...document.querySelectorAll('.plugins tbody tr')].filter(e => e.offsetHeight).length"
    counts = []
    for name in ("all", "failed", "cached", "built"):
        at_work.value(f"document.querySelector('[for=show-{name}]').click()")
        counts.append(at_work.value(shown))
    assert counts == [45, 1, 1, 42]


def test_a_screen_reader_finds_its_way(at_work: Browser, page: Path) -> None:
    at_work.show(page.as_uri(), width=360)
    assert at_work.value("document.documentElement.lang") == "en"
    for nameless in (
        "[...document.querySelectorAll('svg')].filter(e => !e.getAttribute('aria-label'))",
        "[...document.querySelectorAll('a')].filter(e => !e.textContent.trim())",
        """[...document.querySelectorAll('section')].filter(
            e => !document.getElementById(e.getAttribute('aria-labelledby')))""",
        """[...document.querySelectorAll('a[href^="#"]')].filter(
            e => !document.querySelector(e.getAttribute('href')))""",
        "[...document.querySelectorAll('a.square')].filter(e => e.offsetWidth < 24)",
    ):
        assert at_work.value(f"{nameless}.map(e => e.outerHTML.slice(0, 80))") == []
    levels = at_work.value(
        "[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after <= level + 1 for level, after in pairwise(levels))
