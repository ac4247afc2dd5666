"""Catalogues as they are in production, of 65 and of 73 workspaces, from a few repositories."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.updating.forge import LIST, Desk

DISABLED = "plugins-list.yaml.disabled"


def like_rhdh(desk: Desk, present: str) -> int:
    """65 workspaces, six of them without a list, with what else such a catalogue keeps."""
    for number in range(65):
        off = number % 11 == 5
        about = {"repo-flat": (True, "true")[number % 2], "repo-backstage-version": "1.42.0"}
        folder = desk.configure(
            present, f"workspaces/w{number:02}", listed=None if off else LIST, fields=about
        )
        (folder / "metadata").mkdir()
        (folder / "metadata/a.yaml").write_text("kind: Package\n")
        (folder / "backstage.json").write_text('{"version": "1.42.5"}')
    (desk.config / "versions.json").write_text("{}")
    return 59


def like_veecode(desk: Desk, present: str) -> int:
    """73 workspaces, 30 of which are switched off by the name of their list."""
    for number in range(73):
        folder = desk.configure(present, f"workspaces/w{number:02}", fields={"repo-flat": True})
        if number < 30:
            (folder / "plugins-list.yaml").rename(folder / DISABLED)
    return 43


@pytest.mark.parametrize("made", [like_rhdh, like_veecode], ids=lambda made: made.__name__)
def test_a_production_catalogue_is_updated_whole(
    desk: Desk, made: Callable[[Desk, str], int]
) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0", backstage="1.45.2")
    on = made(desk, first)
    before = desk.files()

    done = desk.update("--json")

    assert done.code == 0, done.err
    assert done.json["outdated"] == on == len(done.json["workspaces"])
    # Of 65 workspaces the server sees no more than of one, and the registry one question.
    assert len([each for each in desk.log.requests if "info/refs" in each]) <= 7
    assert len(desk.npm.seen) == 1
    after = desk.files()
    changed = {name for name in before if before[name] != after[name]}
    assert len(changed) == on
    for name in changed:
        old, new = before[name].decode(), after[name].decode()
        assert new == old.replace(first, second).replace("1.42.0", "1.45.2")
        assert json.loads(new)["repo-ref"] == second
    assert desk.update("--check").code == 0
