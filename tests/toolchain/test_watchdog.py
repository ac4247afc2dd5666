"""When the factory is killed, what it has started does not go on without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

PROGRAM = textwrap.dedent(
    """
    import os, sys, threading
    from pathlib import Path
    from factory.toolchain.descendants import DESCENDANTS
    from factory.toolchain.runner import Runner

    DESCENDANTS.take_all()
    folder = Path(sys.argv[1])
    runner = Runner()
    env = {"PATH": os.environ["PATH"]}
    # One that has ended, and its number must not be remembered; two that go on, with descendants.
    runner.run(("sh", "-c", "echo $$ > ended"), cwd=folder, env=env)
    for number in (1, 2):
        script = f"sleep 900 & echo $! > child{number}; echo $$ > parent{number}; wait"
        threading.Thread(target=runner.run, args=(("sh", "-c", script),),
                         kwargs={"cwd": folder, "env": env}, daemon=True).start()
    files = [folder / f"{kind}{number}" for kind in ("parent", "child") for number in (1, 2)]
    # A shell creates a file before it writes to it.
    while not all(file.exists() and file.read_text().endswith("\\n") for file in files):
        pass
    print("ready", flush=True)
    sys.stdin.read()
    """
)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def started(folder: Path) -> subprocess.Popen[str]:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert program.stdout
    assert program.stdout.readline() == "ready\n"
    return program


def children(folder: Path) -> list[int]:
    return [
        int(file.read_text()) for kind in ("parent", "child") for file in folder.glob(f"{kind}*")
    ]


def test_children_end_with_a_factory_that_is_killed(tmp_path: Path) -> None:
    with started(tmp_path) as program:
        pids = children(tmp_path)
        assert len(pids) == 4
        assert all(is_running(pid) for pid in pids)
        program.send_signal(signal.SIGKILL)
    end = time.monotonic() + 300
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_child_that_it_was_not_told_of_ends_too(tmp_path: Path) -> None:
    """The program is killed between the start of a child and what it tells of it."""
    code = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from factory.toolchain.descendants import DESCENDANTS
        from factory.toolchain.runner import Runner
        from factory.toolchain.watchdog import Watchdog

        DESCENDANTS.take_all()
        Runner().run(("true",), cwd=Path("/"), env={"PATH": os.environ["PATH"]})
        Watchdog.watch = lambda *_: os.kill(os.getpid(), 9)
        env = {"PATH": os.environ["PATH"]}
        Runner().run(("sleep", "900"), cwd=Path(sys.argv[1]), env=env)
        """
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False, timeout=300)
    end = time.monotonic() + 300
    while working_in(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.02)


def working_in(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == folder and is_running(int(each.name)):
                found.append((each / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_watchdog_ends_with_the_program(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import os
        from pathlib import Path
        from factory.toolchain.runner import Runner
        from factory.toolchain.watchdog import WATCHDOG

        Runner().run(("true",), cwd=Path("/"), env={"PATH": os.environ["PATH"]})
        print(WATCHDOG._process.pid)
        """
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
    assert not is_running(int(ended.stdout))
