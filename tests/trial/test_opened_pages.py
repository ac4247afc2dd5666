"""Pages in a real browser: done when they say no more, side by side, whatever one of them does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from factory.config.environment import Environment
from factory.trial.browser import find_browser

from ..acceptance.portal import kept_node

SCRIPT = Path(__file__).with_name("pages_opened.mjs")
TRIAL = Path(__file__).parents[2] / "factory/trial"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Longer than Chromium takes for its temporary files.
    return tmp_path_factory.mktemp("pages-" + 60 * "x")


@pytest.fixture(scope="module", params=["", "chromium"], ids=["the first", "chromium"])
def opened(
    request: pytest.FixtureRequest, folder: Path, process: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """What became of pages, by the browser they were opened in."""
    browser = find_browser(request.param, Environment(variables=process))
    assert browser, "the tests need Chromium"
    module, reload = TRIAL / "backend/browser.mjs", TRIAL / "page/reload.js"
    ended = subprocess.run(
        [kept_node(process).bin_dir / "node", SCRIPT, module, reload, folder / "one.png", *browser],
        env={**process, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(ended.stdout)
    return found


def test_pages_say_what_is_on_them(opened: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    texts = [page["text"] for page in opened["shown"]]
    assert texts == ["/one", "/two", "it came late", "streams", "drawn", ""]
    assert not any(page["problem"] for page in opened["shown"])
    assert json.loads(opened["shown"][0]["notes"]) == {"mounts": []}
    assert (folder / "one.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_that_is_busy_for_ever_stands_in_nobody_s_way(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    busy, *others = opened["beside"]
    assert "the page did not answer for 5 seconds" in busy["problem"]
    assert [(page["text"], page["problem"]) for page in others] == [("/one", ""), ("/two", "")]


def test_a_browser_that_ends_is_started_again(opened: dict[str, list[dict[str, Any]]]) -> None:
    one, ended, two, refused = opened["crashed"]
    assert "the browser ended" in ended["problem"]
    assert [(page["text"], page["problem"]) for page in (one, two)] == [("/one", ""), ("/two", "")]
    assert "ERR_UNSAFE_PORT" in refused["problem"]


def test_a_window_goes_on_to_the_pages_that_its_page_names(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    naming, two, *_ = opened["named"]
    assert [page["text"] for page in (naming, two)] == ["names", "on to /two"]
    assert (naming["problem"], two["problem"]) == ("", "")
    assert json.loads(two["notes"])["pages"] == ["/two", "/doubtful", "/fatal", "/one"]


def test_what_is_doubtful_of_a_page_is_asked_of_it_alone(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    _, _, doubtful, ended, one = opened["named"]
    assert (doubtful["text"], doubtful["problem"]) == ("/doubtful", "")
    assert "the browser ended" in ended["problem"]
    assert (one["text"], one["problem"]) == ("/one", "")


def test_a_page_is_not_done_before_what_it_shows_is_there(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    (page,) = opened["filled"]
    assert page["text"] == "filled"


def test_a_browser_s_last_words_are_the_problem_of_the_page(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    (page,) = opened["failed"]
    assert page["problem"] == "Error: the browser ended with signal SIGTRAP: No room."


def test_no_browser_is_a_problem_of_the_page(opened: dict[str, list[dict[str, Any]]]) -> None:
    (page,) = opened["missing"]
    assert "ENOENT" in page["problem"]


def test_a_page_is_loaded_again_when_another_backstage_answers(
    opened: dict[str, list[dict[str, Any]]],
) -> None:
    assert opened["reloaded"][0]["text"] == "loaded 2"
    assert opened["driven"][0]["text"] == "loaded 1"


def test_nothing_is_left_of_the_browsers(
    opened: dict[str, list[dict[str, Any]]], folder: Path
) -> None:
    assert opened
    assert [each.name for each in folder.iterdir()] in ([], ["one.png"])
