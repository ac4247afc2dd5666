"""kill -9 of the factory at any moment: the next run works, and makes what it always makes.

Only the process itself is killed, as the out-of-memory killer does; nothing can tidy up. Source,
outputs, cache and temporary files stay as they are for the next run, which begins at once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pytest

from tests.command_line import LONGEST

from .conftest import NewDesk, QuietRun
from .processes import processes_in
from .tiny_workspace import PING, Desk, Shape, source_files

# Each run tries other moments. More of them at a stretch: PLUGIN_FACTORY_TEST_ROUNDS=50.
ROUNDS = int(os.environ.get("PLUGIN_FACTORY_TEST_ROUNDS") or 9)
# Give it the number that a failed test has printed, and the same moments are chosen again.
SEED = int(os.environ.get("PLUGIN_FACTORY_TEST_SEED") or random.SystemRandom().randrange(10**6))
# Which may run side by side, each on a desk of its own.
SHAPES: tuple[Shape, ...] = ("cloned", "local", "several")

Kind: TypeAlias = Literal["no cache", "new cache", "other source"]
KINDS: tuple[Kind, ...] = ("no cache", "new cache", "other source")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When to kill a run: so long after its start, or after its line of this number."""

    seconds: float
    line: int | None = None

    def __str__(self) -> str:
        after = "its start" if self.line is None else f"line {self.line}"
        return f"{self.seconds:.2f} s after {after}"


@pytest.mark.parametrize("shape", SHAPES)
def test_again_and_again_at_a_random_moment(
    quiet_run: QuietRun, undisturbed: dict[str, bytes], new: NewDesk, shape: Shape
) -> None:
    print(f"PLUGIN_FACTORY_TEST_SEED={SEED}")  # noqa: T201 - to repeat what a failure met
    rounds = max(len(KINDS), ROUNDS // len(SHAPES))
    desk = new(f"desk-{shape}", shape)
    chance = random.Random(f"{SEED} {shape}")
    tree = _changed(desk, quiet_run)
    killed = 0
    for turn in range(rounds):
        moment = _moment(chance, quiet_run, by_line=turn % 2 == 0)
        kind = KINDS[turn % len(KINDS)]
        what = f"{shape}, {kind}, round {turn}, killed {moment}, seed {SEED}"
        killed += _killed_round(desk, kind, moment, undisturbed, what)
        assert _changes(desk) == tree, what
    # The others were over by then: every second moment is one by the clock.
    assert killed >= rounds // 2


# Python programs read this file as they start: kills its program amid the changes of a tree.
_KILLING = """
import os, signal, sys

def count(event, arguments):
    global left
    if event == "os.rename" and os.fspath(arguments[1]).startswith({folder!r}):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

left = {rename}
sys.addaudithook(count)
"""


@pytest.mark.parametrize("rename", [5, 8, 14], ids=["patching", "later", "overlaying"])
def test_while_the_users_own_tree_is_changed(
    quiet_run: QuietRun, undisturbed: dict[str, bytes], new: NewDesk, rename: int
) -> None:
    desk = new("local", "local")
    desk.take_plugins(quiet_run.desk, but=PING)
    before = source_files(desk.source)
    program = desk.root / "program"
    program.mkdir()
    # Variables of its own would not reach it: the factory starts over with what it needs itself.
    killing = _KILLING.format(folder=str(desk.source), rename=rename)
    (program / "sitecustomize.py").write_text(killing)
    ended = desk.build(variables={"PYTHONPATH": str(program)})
    assert ended.code == -signal.SIGKILL, ended.said
    left = source_files(desk.source)
    ended = desk.build()
    assert ended.code == 0, ended.said
    assert "undid the unfinished changes of a run that was killed" in ended.said
    assert desk.artifacts() == undisturbed
    after = source_files(desk.source)
    # It was half done: some files were changed, others were not yet.
    assert any(left.get(name) != text for name, text in before.items())
    assert any(left.get(name) != text for name, text in after.items())
    assert not [name for name in after if "plugin-factory" in name]


def _moment(chance: random.Random, usual: QuietRun, *, by_line: bool) -> Moment:
    if by_line:
        return Moment(seconds=chance.uniform(0, 0.15), line=chance.randrange(usual.lines * 3 // 4))
    return Moment(seconds=chance.uniform(0.02, 0.98) * usual.seconds)


def _killed_round(
    desk: Desk, kind: Kind, moment: Moment, undisturbed: dict[str, bytes], what: str
) -> bool:
    options = ("--no-cache",) if kind == "no cache" else ()
    if kind == "new cache":
        desk.forget_plugins()
    if kind == "other source":
        desk.touch()
    killed, said = _killed(desk, moment, options)
    if kind == "other source":
        desk.revert()
    ended = desk.build(*options)
    told = f"{what}\nthe killed run:\n{said}\nthe next one:\n{ended.said}"
    assert ended.code == 0, told
    assert "Traceback" not in ended.said, told
    assert desk.artifacts() == undisturbed, told
    assert desk.left_over() == [], told
    assert desk.scratch() == [], told
    assert processes_in(desk.root) == [], told
    return killed


def _killed(desk: Desk, moment: Moment, options: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the run was killed before it was over, and what it had said by then."""
    with desk.running(*options) as process:
        assert process.stdout
        if moment.line is None:
            timer = threading.Timer(moment.seconds, process.kill)
            timer.start()
            said, _ = process.communicate(timeout=LONGEST)
            timer.cancel()
        else:
            lines = [line for _, line in zip(range(moment.line + 1), process.stdout, strict=False)]
            time.sleep(moment.seconds)
            process.kill()
            rest, _ = process.communicate(timeout=LONGEST)
            said = "".join(lines) + rest
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode == -signal.SIGKILL, said


def _changed(desk: Desk, quiet_run: QuietRun) -> str:
    """What an undisturbed run changes in a user's own tree, however little it has to build."""
    if desk.shape == "local":
        desk.take_plugins(quiet_run.desk)
        ended = desk.build()
        assert ended.code == 0, ended.said
        desk.forget_plugins()
    return _changes(desk)


def _changes(desk: Desk) -> str:
    """What git sees of a user's own tree, which a run changes, but always in the same way."""
    if desk.shape != "local":
        return ""
    return subprocess.run(
        ("git", "status", "--porcelain", "--untracked-files=all"),
        cwd=desk.source,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
