"""``plugin-factory dev``: from a saved file to the Backstage that has it."""

from __future__ import annotations

import queue
import re
import signal
import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest

from ..command_line import run_factory, running_factory
from ..faults.tiny_workspace import PING, WORD, new_desk

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from ..faults.tiny_workspace import Desk

SECONDS = 600


class Said:
    """What a command says, as it says it."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, args=(running,), daemon=True).start()

    def _read(self, running: subprocess.Popen[str]) -> None:
        assert running.stdout
        for line in running.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def until(self, pattern: str) -> re.Match[str]:
        """The next line that has it."""
        while True:
            line = self._queue.get(timeout=SECONDS)
            assert line is not None, "\n".join(self.lines)
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process, "local")


def test_what_is_saved_is_built_and_loaded_again(desk: Desk, process: dict[str, str]) -> None:
    # The Backstage to try plugins in is in the tests' own cache, and is installed there once.
    own = {**desk.process, "PLUGIN_FACTORY_CACHE_DIR": process["PLUGIN_FACTORY_CACHE_DIR"]}
    words = ("dev", PING, "--workspace", desk.source, "--config-dir", desk.config, "--port", "0")
    with running_factory(own, *words) as running:
        said = Said(running)
        address = said.until(r"built in .*, loaded in .*: (http://127\.0\.0\.1:\d+)$")[1]
        assert urllib.request.urlopen(f"{address}/.backstage/health/v1/readiness").status == 200

        source = desk.source / WORD
        good = source.read_text()
        source.write_text("throw new Error('half a thought');\n")
        said.until(r"saved index\.cjs\.js")
        said.until("half a thought")

        source.write_text(good.replace("'1s'", "'2m'"))
        said.until(r"saved index\.cjs\.js")
        again = said.until(r"built in .*, loaded in .*, .* after it was saved: (http://127.*)$")
        assert again[1] == address

        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=SECONDS) == 130


def test_a_plugin_that_is_not_there_is_told(desk: Desk) -> None:
    ended = run_factory(desk.process, "dev", "plugins/none", "--workspace", desk.source)
    assert ended.code == 2
    ended.assert_says("there is no such plugin in the workspace", PING)
