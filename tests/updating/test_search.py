"""``plugin-factory search``: what a registry finds, held against portals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.cli.app import run
from factory.schemas import find_violation
from tests.updating.forge import NAME, Desk, Ended
from tests.updating.published import FITS_NOT, PublishedPackage

SEARCH = "/-/v1/search"


def finds(desk: Desk, *names: str, description: object = "What it does.") -> None:
    """Let the registry find these packages, in this order."""
    packages = [{"package": {"name": name, "description": description}} for name in names]
    desk.npm.answers[SEARCH] = json.dumps({"objects": packages, "total": len(names)}).encode()


def search(desk: Desk, *words: str) -> Ended:
    variables = {"npm_config_registry": desk.npm.url, **desk.variables}
    code = run(["search", *words], {**desk.process, **variables})
    said = desk.capsys.readouterr()
    return Ended(code=code, out=said.out, err=said.err)


def of_portal(desk: Desk, *words: str) -> Ended:
    return search(desk, *words, f"--host={desk.portal}")


def test_the_newest_that_fits_is_told_with_its_command(desk: Desk) -> None:
    package = PublishedPackage(desk=desk)
    package.publish("1.0.0")
    package.publish("1.1.0")
    package.publish("2.0.0", asks=FITS_NOT)
    finds(desk, NAME)
    done = of_portal(desk, "x", "backend", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert find_violation(document, "search") is None
    (found,) = document["plugins"]
    assert (found["name"], found["version"], found["role"]) == (NAME, "2.0.0", "backend-plugin")
    assert found["description"] == "What it does."
    assert found["portals"] == [{"portal": "portal", "version": "1.1.0", "reason": None}]
    assert found["command"] == (
        f"plugin-factory build --package {NAME}@1.1.0 --host portal --output-dir outputs"
    )
    told = of_portal(desk, "x", "backend").out
    assert f"{NAME} 2.0.0" in told
    assert "1.1.0 fits portal" in told
    assert found["command"] in told
    assert "1 plugin\n" in told


def test_what_does_not_fit_says_why_and_has_no_command(desk: Desk) -> None:
    PublishedPackage(desk=desk).publish("2.0.0", asks=FITS_NOT)
    finds(desk, NAME)
    told = of_portal(desk, "x").out
    assert "does not fit portal: it is on Backstage 1.50.0, portal on 1.45.3" in told
    assert "plugin-factory build" not in told


def test_all_portals_are_tried_unless_one_is_named(desk: Desk) -> None:
    PublishedPackage(desk=desk).publish("1.0.0", asks="^1.0.0")
    finds(desk, NAME)
    (found,) = json.loads(search(desk, "x", "--json").out)["plugins"]
    assert "rhdh-1.9" in {each["portal"] for each in found["portals"] if each["version"]}


def test_what_is_not_a_plugin_is_left_out_and_more_are_looked_at(desk: Desk) -> None:
    for number in range(6):
        role = "backend-plugin" if number % 2 else None
        PublishedPackage(desk=desk, name=f"@acme/x-{number}").publish("1.0.0", role=role)
    finds(desk, *(f"@acme/x-{number}" for number in range(6)), "@acme/gone")
    found = json.loads(of_portal(desk, "x", "--json", "--limit", "2").out)["plugins"]
    assert [each["name"] for each in found] == ["@acme/x-1", "@acme/x-3"]


def test_the_words_are_asked_for_as_they_are(desk: Desk) -> None:
    finds(desk)
    done = of_portal(desk, "a&size=9", "\u00e9 %", "#")
    assert done.code == 0, done.err
    assert done.out == "0 plugins\n"
    assert [path for path, _ in desk.npm.seen] == [SEARCH]


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"{}",
        b"<html>",
        b'{"objects": 1}',
        b'{"objects": [1]}',
        b'{"objects": [{"package": null}]}',
        b'{"objects": [{"package": {"name": []}}]}',
    ],
)
def test_an_answer_that_is_none_is_an_error(desk: Desk, answer: bytes) -> None:
    desk.npm.answers[SEARCH] = answer
    done = of_portal(desk, "x")
    assert done.code == 11
    assert "answer to a search cannot be read" in done.said


def test_names_and_words_of_others_stay_in_their_line(desk: Desk) -> None:
    PublishedPackage(desk=desk).publish("1.0.0")
    finds(desk, NAME, "../../etc", "$(id)", description="a\x1b[2Jb\n::error::c\u202e")
    told = of_portal(desk, "x").out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert not [line for line in told.splitlines() if line.lstrip().startswith("::")]
    assert "1 plugin\n" in told
    assert all("etc" not in path for path, _ in desk.npm.seen)


def test_a_registry_without_search_is_named(desk: Desk) -> None:
    done = of_portal(desk, "x")
    assert done.code == 11
    assert "the npm registry has no search" in done.said
    assert f"HTTP 404 from {desk.npm.url}" in done.said


def test_a_login_is_sent_and_never_shown(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PublishedPackage(desk=desk).publish("1.0.0")
    finds(desk, NAME)
    desk.npm.authorization = "Bearer token-of-acme"
    (tmp_path / "here").mkdir()
    (tmp_path / "here/.npmrc").write_text(f"//{desk.npm.host}/:_authToken=token-of-acme\n")
    monkeypatch.chdir(tmp_path / "here")
    done = of_portal(desk, "x", "--verbose")
    assert done.code == 0, done.err
    assert "token-of-acme" not in done.said


def test_nothing_to_search_for_is_an_error(desk: Desk) -> None:
    done = of_portal(desk, " ")
    assert done.code == 2
    assert "nothing to search for" in done.said
