"""Ctrl-C and SIGTERM while the source comes and while tools are installed: nothing half-made."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Ended

from .desk import Desk, new_desk, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(60)
        yield server


def interrupted(desk: Desk, server: socket.socket, number: signal.Signals, *options: str,
                **variables: str) -> Ended:  # fmt: skip
    """Run until a child has reached the server, send the signal, and wait for the end."""
    with desk.running(*options, **variables) as running, server.accept()[0]:
        assert children_of(desk), "the one who asks is a child of the run"
        began = time.monotonic()
        running.send_signal(number)
        said, _ = running.communicate(timeout=300)
        assert time.monotonic() - began < 60
    return Ended(code=running.returncode, stdout=said)


def children_of(desk: Desk) -> list[str]:
    """The processes that have the desk's own home, but the command line itself."""
    mark = f"HOME={desk.process['HOME']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
            if mark in environment and b"factory" not in command.split(b"\0")[:3]:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def address(server: socket.socket, scheme: str) -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


def report(desk: Desk) -> dict[str, object]:
    document: dict[str, object] = json.loads((desk.outputs / "build-report.json").read_text())
    return document


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_while_the_source_is_brought(
    desk: Desk, silent: socket.socket, number: signal.Signals, code: int
) -> None:
    before = desk.tree()
    repo = address(silent, "git") + "/plugins.git"
    ended = interrupted(desk, silent, number, "--source-repo", repo)
    assert ended.code == code
    ended.assert_says(f"the run was ended by {number.name}")
    assert "error: " not in ended.said
    assert children_of(desk) == []
    assert desk.brought() == []
    assert before.items() <= desk.tree().items()
    assert report(desk)["exit-code"] == code


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_while_a_tool_is_installed(
    desk: Desk, silent: socket.socket, number: signal.Signals, code: int
) -> None:
    before = desk.tree()
    temporary = desk.root / "home/tmp"
    temporary.mkdir()
    ended = interrupted(
        desk,
        silent,
        number,
        npm_config_registry=address(silent, "http") + "/",
        TMPDIR=str(temporary),
    )
    assert ended.code == code
    ended.assert_says(f"the run was ended by {number.name}")
    assert children_of(desk) == []
    assert [item.name for item in (desk.cache / "yarn").iterdir()] == [".4.12.0.lock"]
    assert list(temporary.iterdir()) == []
    outputs = [name for name in tree_of(desk.outputs) if not name.startswith("logs")]
    assert outputs == ["build-report.json"]
    assert before.items() <= desk.tree().items()
    assert report(desk)["exit-code"] == code


def test_a_second_ctrl_c_does_not_cut_the_tidying_short(desk: Desk, silent: socket.socket) -> None:
    repo = address(silent, "git") + "/plugins.git"
    with desk.running("--source-repo", repo) as running, silent.accept()[0]:
        for _ in range(20):
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGINT)
            time.sleep(0.01)
        said, _ = running.communicate(timeout=300)
    assert running.returncode == 130
    Ended(code=130, stdout=said).assert_says("the run was ended by SIGINT")
    assert desk.brought() == []
    assert children_of(desk) == []


def test_the_same_command_works_after_an_interrupt(desk: Desk, silent: socket.socket) -> None:
    repo = address(silent, "git") + "/plugins.git"
    assert interrupted(desk, silent, signal.SIGINT, "--source-repo", repo).code == 130
    desk.write("config/plugins-list.yaml", "plugins/gone:\n")
    again = desk.build()
    assert again.code == 3
    again.assert_says("plugins/gone is not in the workspace")
