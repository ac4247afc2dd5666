"""``report html``: one page of a run, in which nothing from outside is markup."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from factory.cli.app import run
from factory.reports.html_page import html_page
from factory.reports.markup import element, join
from factory.reports.page_facts import MOST_BYTES, MOST_LINES, page_facts, read_log_tail
from factory.reports.reading import read_report
from tests.reports.test_merge import ERROR, failed, plugin, several, workspace

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&lt;{{x}}"


class Seen(HTMLParser):
    """What a page is made of: elements, links, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def write(folder: Path, document: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build-report.json").write_text(json.dumps(document))
    return folder


def page_of(folder: Path, document: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    reports = [read_report(write(folder / "now", document))]
    earlier = [read_report(write(folder / "before", before))] if before else []
    return html_page(page_facts(reports, earlier))


def sized(path: str, size: int, **others: Any) -> dict[str, Any]:
    return plugin(path, files=[{"name": f"{path.replace('/', '-')}.tgz", "size": size}], **others)


def test_text_is_escaped_and_elements_are_not() -> None:
    inner = element("b", HOSTILE, title=HOSTILE, hidden=True, lang=None)
    page = join(element("p", inner, [None, "a & b"], class_="x"), "<")
    seen = Seen(page)
    assert seen.tags == ["p", "b"]
    assert seen.attributes == {"class", "title", "hidden"}
    assert seen.text == f"{HOSTILE}a & b<"


def test_what_the_page_tells(tmp_path: Path) -> None:
    document = several(
        one=workspace(
            sized("plugins/a", 1_100_000, **{"built-because": "its source has changed"}),
            sized("plugins/b", 500, cached=True, seconds={"verify": 0.2}),
        ),
        two=workspace(failed("plugins/c"), warnings=["mind the gap"]),
    )
    text = Seen(page_of(tmp_path, document)).text
    for words in (
        "1 of 3 failed",
        "one/plugins/a",
        "because its source has changed",
        "from the cache",
        "1.1 MB",
        "refused",
        "mind the gap",
        "Where the time went",
        "30.0s",
    ):
        assert words in text


def test_sizes_are_compared_with_the_run_before(tmp_path: Path) -> None:
    now = workspace(sized("a", 1_100), sized("b", 900), sized("c", 50), sized("d", 7))
    before = workspace(sized("a", 1_000), sized("b", 1_000), sized("c", 50), sized("gone", 1))
    text = Seen(page_of(tmp_path, now, before)).text
    for words in ("+100 B (+10.0 %)", "\N{MINUS SIGN}100 B", "as before", "new"):
        assert words in text
    assert "as before" not in Seen(page_of(tmp_path, now)).text, "where none is named"


def test_several_portals_are_columns(tmp_path: Path) -> None:
    both = [sized("plugins/a", 1, portal=name) for name in ("rhdh-1.9", "rhdh-1.10")]
    both[1]["path"] = "plugins/b"
    text = Seen(page_of(tmp_path, workspace(*both))).text
    assert "rhdh-1.9rhdh-1.10" in text.replace("\n", "")


@pytest.mark.parametrize("field", ["name", "version", "role", "built-because", "repairs", "portal"])
def test_no_text_of_a_plugin_is_markup(tmp_path: Path, field: str) -> None:
    value = [HOSTILE] if field == "repairs" else HOSTILE
    page = page_of(tmp_path, workspace(sized("plugins/a", 1, **{field: value})))
    assert_harmless(page)


def assert_harmless(page: str) -> None:
    seen = Seen(page)
    assert HOSTILE in seen.text
    assert not {"script", "img", "iframe", "object", "link", "form", "base"} & set(seen.tags)
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert "style" not in seen.attributes


def test_no_other_text_of_a_report_is_markup(tmp_path: Path) -> None:
    names = ("problem", "place", "found", "expected", "hint", "details")
    error = ERROR | dict.fromkeys(names, HOSTILE)
    broken = plugin("plugins/a", outcome="failed", error=error, seconds={HOSTILE: 5.0})
    source = workspace()["source"] | {"ref": HOSTILE, "repo": f"https://github.com/{HOSTILE}"}
    document = workspace(broken, warnings=[HOSTILE], source=source, stages={HOSTILE: 9.0})
    document["tools"]["factory"] = HOSTILE
    assert_harmless(page_of(tmp_path, document))
    assert_harmless(page_of(tmp_path, several(**{HOSTILE.replace("/", ""): document})))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "JaVaScRiPt:{path}", "vbscript:x"]
)
def test_no_link_does_anything_but_lead_somewhere(
    tmp_path: Path, process: dict[str, str], address: str
) -> None:
    write(tmp_path, workspace(plugin("plugins/a")))
    words = ["report", "html", str(tmp_path), "--output", str(tmp_path / "page.html")]
    assert run([*words, "--link", address], process) == 2
    assert not (tmp_path / "page.html").exists()


def test_links_of_images_and_sources_are_those_of_known_hosts(tmp_path: Path) -> None:
    image = {"reference": "javascript:alert(1)/x:1", "digest": f"sha256:{'d' * 64}"}
    document = workspace(sized("javascript:x", 1, image=image))
    document["source"]["repo"] = "javascript://github.com/%0aalert(1)"
    seen = Seen(page_of(tmp_path, document))
    assert not [link for link in seen.links if "javascript" in link.lower()]


def test_the_logs_of_failures_are_on_the_page(
    tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    error = ERROR | {"log": "/builder/outputs/logs/a.log"}
    folder = write(tmp_path / "s1", workspace(plugin("a", outcome="failed", error=error)))
    (folder / "logs").mkdir()
    (folder / "logs/a.log").write_text(f"\x1b[31mred\x1b[0m\n10%\r100%\n{HOSTILE}\n")
    page = tmp_path / "pages/page.html"
    page.parent.mkdir()

    assert run(["report", "html", str(folder), "--output", str(page)], process) == 0

    assert "1 plugins, 1 failed" in capsys.readouterr().out
    seen = Seen(page.read_text())
    assert f"red\n100%\n{HOSTILE}" in seen.text
    assert_harmless(page.read_text())
    assert "../s1/logs/a.log" in seen.links, "relative to the page"


def test_a_log_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("".join(f"line {number}\n" for number in range(1_000_000)))
    tail = read_log_tail(file)
    assert tail is not None
    assert not tail.is_whole
    assert tail.text.endswith("line 999999")
    assert len(tail.text.splitlines()) <= MOST_LINES
    assert len(tail.text) <= MOST_BYTES
    file.write_text("x" * 10_000_000)
    longest = read_log_tail(file)
    assert longest is not None
    assert len(longest.text) <= MOST_BYTES


def test_what_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "nothing", "."):
        assert read_log_tail(tmp_path / name) is None


def test_the_policy_lets_nothing_in(tmp_path: Path) -> None:
    page = page_of(tmp_path, workspace())
    assert "default-src &#x27;none&#x27;; style-src &#x27;sha256-" in page
    assert "url(" not in page
    assert "@import" not in page


def test_a_run_that_never_began(tmp_path: Path) -> None:
    document = workspace(error=ERROR, outcome="failed", stages={}, source=None)
    text = Seen(page_of(tmp_path, document | {"exit-code": 9})).text
    assert "The run failed" in text
    assert "refused" in text
