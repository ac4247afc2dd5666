"""The documentation as a site: it builds, no link leads nowhere, nobody is asked for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Elements and the attribute by which a browser fetches something without being asked.
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
    "link": "href",
}
NOT_FETCHED = {"canonical", "prev", "next", "alternate"}
OUT_OF_CSS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""")


@dataclass
class Seen(HTMLParser):
    """What a page links to, what it fetches, and the anchors that it has."""

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if values.get("rel") not in NOT_FETCHED and FETCHED.get(tag) in values:
            self.fetched.append(values[FETCHED[tag]])


def built(site: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", site],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Strict: a page outside of the nav, a broken link or anchor is an error.
    ended = built(folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Seen]:
    found = {}
    for file in sorted(site.rglob("*.html")):
        found[file] = Seen()
        found[file].feed(file.read_text(encoding="utf-8"))
    return found


def test_every_page_is_in_the_site(site: Path) -> None:
    written = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    missing = {page for page in written if not (site / page.with_suffix(".html")).is_file()}
    assert written
    assert not missing


def test_every_page_is_in_the_navigation(site: Path, pages: dict[Path, Seen]) -> None:
    index = site / "index.html"
    linked = {(index.parent / urlsplit(link).path).resolve() for link in pages[index].links}
    assert set(pages) - linked <= {index, site / "404.html"}


def test_no_link_leads_nowhere(pages: dict[Path, Seen]) -> None:
    wrong = []
    for page, seen in pages.items():
        if page.name == "404.html":  # it may be shown anywhere, so its links count from the root
            continue
        for link in seen.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if target.is_dir():
                target /= "index.html"
            anchors = pages[target].anchors if target in pages else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                wrong.append(f"{page.name}: {link}")
    assert not wrong


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Seen]) -> None:
    fetched = {link for seen in pages.values() for link in seen.fetched}
    assert fetched
    assert not {link for link in fetched if urlsplit(link).netloc}
    for page, seen in pages.items():
        if page.name != "404.html":
            assert all(
                (page.parent / unquote(urlsplit(link).path)).exists() for link in seen.fetched
            )
    for file in [*site.rglob("*.css"), *site.rglob("*.html"), *site.rglob("*.svg")]:
        assert not OUT_OF_CSS.findall(file.read_text(encoding="utf-8")), file.name


def test_what_is_no_page_is_linked_where_the_repository_is_shown(tmp_path: Path) -> None:
    address = "https://git.example.com/team/plugin-factory"
    ended = built(tmp_path, DOCS_REPOSITORY=address)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f'href="{address}/blob/HEAD/LICENSE"' in (tmp_path / "project/readme.html").read_text()


def test_pictures_say_what_they_show() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        for text, target in pictures:
            assert len(text) > 20, f"{page.name}: {target}"
            assert (page.parent / target).is_file()
