"""Ctrl-C and SIGTERM in every stage: nothing is left running, and nothing half-made."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

from tests.acceptance.example_builds import allowed, wait_until

from .conftest import NewDesk, QuietRun
from .processes import processes_now_in
from .tiny_workspace import PING, PONG, Desk, nothing_half_made

CTRL_C = (signal.SIGINT, 130, "interrupted")
SIGTERM = (signal.SIGTERM, 143, "terminated")
SLOW = "node -e 'setTimeout(() => {}, 60_000)'"


@pytest.fixture
def desk(new: NewDesk) -> Desk:
    """A user's tree of two plugins that are built at once; one of them takes longer to compile."""
    desk = new("local", "local")
    add_script(desk, PONG, "build", "sleep 2 && node ../../build.js")
    return desk


def add_script(desk: Desk, member: str, name: str, script: str) -> None:
    file = desk.source / member / "package.json"
    package = json.loads(file.read_text(encoding="utf-8"))
    package["scripts"] = package.get("scripts", {}) | {name: script}
    file.write_text(json.dumps(package), encoding="utf-8")


def end_in_stage(desk: Desk, stage: str, number: signal.Signals) -> tuple[int, float]:
    """Send a signal as soon as a stage has a child; gives the exit code and how long it took."""
    with desk.running("--jobs", "2", "--no-cache") as process:
        assert process.stdout
        for line in process.stdout:
            if re.search(rf"\b{stage}\s+started", line):
                break
        wait_until(lambda: bool(processes_now_in(desk.source)), seconds=300, what=f"a {stage}")
        sent = time.monotonic()
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=300), time.monotonic() - sent


def assert_ends_in(desk: Desk, stage: str, number: signal.Signals, code: int, kind: str) -> None:
    ended, seconds = end_in_stage(desk, stage, number)
    assert ended == code
    assert seconds < allowed(5)
    assert processes_now_in(desk.source) == []
    assert nothing_half_made(desk.outputs)
    assert desk.report["error"]["kind"] == kind


@pytest.mark.parametrize(
    ("stage", "number", "code", "kind"),
    [
        ("install", *CTRL_C),
        ("tsc", *SIGTERM),
        ("compile", *SIGTERM),
        ("pack", *CTRL_C),
    ],
)
def test_a_signal_ends_the_run_and_all_its_children(
    desk: Desk, stage: str, number: signal.Signals, code: int, kind: str
) -> None:
    if stage == "tsc":
        add_script(desk, ".", "tsc", SLOW)
    assert_ends_in(desk, stage, number, code, kind)


def test_a_signal_ends_an_export_and_the_run_after_it_succeeds(
    desk: Desk, quiet_run: QuietRun
) -> None:
    assert_ends_in(desk, "export", *CTRL_C)
    ended = desk.build("--only", PING, "--no-cache")
    assert ended.code == 0, ended.said
    (tgz,) = desk.outputs.glob("*.tgz")
    assert tgz.read_bytes() == quiet_run.desk.artifacts()[tgz.name]
