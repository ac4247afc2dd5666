"""What of a workspace is watched, and what counts as a change."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from factory.trial.watched_sources import FileState, find_change, find_sources, see_files


def write(folder: Path, name: str, text: str = "x") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def seen_in(folder: Path) -> set[str]:
    return {Path(name).relative_to(folder).as_posix() for name in see_files([folder])}


def test_what_tools_make_is_not_watched(tmp_path: Path) -> None:
    made = ("node_modules/a/index.js", "dist/x.js", "dist-dynamic/x.js", ".git/HEAD", "a/.x.swp")
    for name in (*made, "src/index.ts", "package.json", "config.d.ts"):
        write(tmp_path, name)
    assert seen_in(tmp_path) == {"src/index.ts", "package.json", "config.d.ts"}


def test_only_another_content_is_a_change(tmp_path: Path) -> None:
    file = write(tmp_path, "src/index.ts")
    before = see_files([tmp_path])
    os.utime(file, ns=(1, 1))
    touched = see_files([tmp_path], before)
    assert touched != before
    assert find_change(before, touched) is None
    file.write_text("y")
    write(tmp_path, "src/new.ts")
    saved = time.time()
    change = find_change(before, see_files([tmp_path], touched))
    assert change is not None
    assert [Path(name).name for name in change.files] == ["index.ts", "new.ts"]
    assert abs(change.saved - saved) < 60
    file.unlink()
    gone = find_change(see_files([tmp_path], before) | before, see_files([tmp_path]))
    assert gone is not None
    assert [Path(name).name for name in gone.files] == ["index.ts"]


def test_what_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path, "a")
    assert seen_in(tmp_path) == {"a"}
    assert see_files([tmp_path / "gone"]) == {}


def test_the_packages_that_a_plugin_is_made_of_are_watched(tmp_path: Path) -> None:
    def package(path: str, name: str, **dependencies: str) -> None:
        document = {"name": name, "version": "1.0.0", "dependencies": dependencies}
        write(tmp_path, f"{path}/package.json", json.dumps(document))

    write(tmp_path, "package.json", json.dumps({"name": "root", "workspaces": ["plugins/*"]}))
    package("plugins/a", "@acme/a", **{"@acme/a-common": "workspace:^"})
    package("plugins/a-common", "@acme/a-common", **{"@acme/deep": "workspace:^"})
    package("plugins/deep", "@acme/deep")
    package("plugins/b", "@acme/b")
    folders = find_sources(tmp_path, ["plugins/a"])
    assert [folder.name for folder in folders] == ["a", "a-common", "deep"]


states = st.builds(
    FileState, changed=st.integers(0, 9), size=st.integers(0, 9), digest=st.sampled_from("ab")
)
trees = st.dictionaries(st.sampled_from("pqrs"), states)


@given(trees, trees)
def test_a_change_names_what_differs_and_nothing_else(
    before: dict[str, FileState], now: dict[str, FileState]
) -> None:
    change = find_change(before, now)
    differing = {
        name
        for name in before.keys() | now.keys()
        if (name in before) != (name in now) or before[name].digest != now[name].digest
    }
    assert set(change.files if change else ()) == differing
