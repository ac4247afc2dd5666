"""Many files replaced at once: all or none, also when the process is killed in between."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from factory.errors import SourceError
from factory.sources.replacement import JOURNAL, Replacement, replace_all, take_back

from .repositories import tree

ROOT = Path(__file__).resolve().parents[2]
BEFORE = {"changed.txt": "old", "sub/changed.txt": "old", "sub/removed.txt": "old"}
AFTER = {"changed.txt": "new", "sub/changed.txt": "new", "made/for/it.txt": "new"}
# For each number that it reads: replaces in a process of its own, which kills itself before its
# change of the tree that has this number; then says by which signal that process has ended.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from tests.sources.test_replacement import replacements
from factory.sources.replacement import replace_all

root = Path(sys.argv[1])

def replace(number):
    done = 0

    def count(event, arguments):
        nonlocal done
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"}:
            if done == number:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1

    todo = replacements(root)
    sys.addaudithook(count)
    replace_all(todo, root=root)

for line in sys.stdin:
    child = os.fork()
    if not child:
        replace(int(line))
        os._exit(0)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""

Killed: TypeAlias = Callable[[int], bool]


def replacements(root: Path) -> list[Replacement]:
    new = root.parent / "new"
    done = [Replacement(target=root / name, content=new) for name in AFTER]
    return [*done, Replacement(target=root / "sub/removed.txt", content=None)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "new").write_text("new")
    return written(tmp_path / "tree", BEFORE)


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def killed(root: Path) -> Iterator[Killed]:
    """Replace in a process that is killed before this change of the tree, if it comes to it."""
    with subprocess.Popen(
        (sys.executable, "-c", PROGRAM, root),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, answers = process.stdin, process.stdout
        assert asked
        assert answers

        def killed(number: int) -> bool:
            asked.write(f"{number}\n")
            asked.flush()
            ended_by = int(answers.readline())
            assert ended_by in {0, signal.SIGKILL}
            return ended_by != 0

        yield killed
        asked.close()


def folders(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir())


def test_killed_before_each_change_of_the_tree_it_is_as_before_or_all_is_done(
    root: Path, killed: Killed
) -> None:
    number = 0
    outcomes = []
    while killed(number):
        before, there = tree(root), (root / JOURNAL).exists()
        said = take_back(root)
        found = tree(root)
        assert found in (BEFORE, AFTER), (number, before)
        assert not said or (there and found == BEFORE), number
        assert "made" not in folders(root) or found == AFTER, number
        outcomes.append(found == AFTER)
        shutil.rmtree(root)
        written(root, BEFORE)
        number += 1
    assert tree(root) == AFTER
    assert outcomes == sorted(outcomes)  # done once, it stays done
    assert 20 < len(outcomes) < 100
    assert 0 < sum(outcomes) < len(outcomes)


def test_killed_while_taking_back_the_rest_is_taken_back_later(root: Path, killed: Killed) -> None:
    assert killed(_number_of_last_move(root, killed))
    # As if it had been killed after its first step: the last of the moves is taken back.
    journal = json.loads((root / JOURNAL).read_text())
    moved = [move for move in journal["moves"] if tree(root).get(move["target"]) == "new"]
    assert moved[-1]["old"] or moved[-1]["target"] == "made/for/it.txt"
    (root / moved[0]["old"]).replace(root / moved[0]["target"])
    assert take_back(root)
    assert tree(root) == BEFORE


def test_what_somebody_has_changed_since_stays(root: Path, killed: Killed) -> None:
    assert killed(_number_of_last_move(root, killed))
    (root / "changed.txt").write_text("mine")
    assert take_back(root)
    assert tree(root) == BEFORE | {"changed.txt": "mine"}


def _number_of_last_move(root: Path, killed: Killed) -> int:
    """The change before which all contents but not the removal are in place."""
    number = 0
    while True:
        assert killed(number)
        contents = tree(root)
        shutil.rmtree(root)
        written(root, BEFORE)
        if AFTER.items() <= contents.items() and "sub/removed.txt" in contents:
            return number
        number += 1


def test_where_nothing_is_half_done_nothing_happens(root: Path) -> None:
    replace_all(replacements(root), root=root)
    assert not take_back(root)
    assert tree(root) == AFTER


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "link/outside"])
def test_a_journal_that_leads_out_of_the_tree_is_refused(
    root: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (root / "link").symlink_to(tmp_path)
    move: dict[str, object] = {
        "target": name,
        "new": None,
        "identity": None,
        "old": "changed.txt",
        "folders": [],
    }
    (root / JOURNAL).write_text(json.dumps({"phase": "moving", "moves": [move]}))
    with pytest.raises(SourceError, match="cannot be undone"):
        take_back(root)
    assert outside.read_text() == "mine"
    assert (root / "changed.txt").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"moves": [1]}', '{"moves": [{}], "phase": 1}'])
def test_a_journal_that_is_none_is_refused(root: Path, text: str) -> None:
    (root / JOURNAL).write_text(text)
    with pytest.raises(SourceError, match="cannot be undone"):
        take_back(root)
