"""What a child leaves running when it has left its group: the real command line ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from factory.toolchain.runner import Runner

# What owns its process as the command line does, with children that leave theirs behind.
PROGRAM = textwrap.dedent(
    """
    import os, sys, threading
    from pathlib import Path
    from factory.toolchain.descendants import DESCENDANTS
    from factory.toolchain.runner import Runner

    DESCENDANTS.take_all()
    folder, runner, env = Path(sys.argv[1]), Runner(), {"PATH": os.environ["PATH"]}

    def run(script):
        return runner.run(("sh", "-c", script), cwd=folder, env=env)

    exec(sys.argv[2])
    """
)
SLEEP = 'sh -c "echo \\$\\$ > {name}; exec sleep 300"'
WAIT = "while ! [ -s {name} ]; do sleep 0.01; done"
WAYS = {
    "setsid": f"setsid {SLEEP} >/dev/null 2>&1 & {WAIT}",
    "forked twice": f"(setsid {SLEEP} >/dev/null 2>&1 &) & {WAIT}",
    "with an empty environment": f"env -i setsid /bin/{SLEEP} >/dev/null 2>&1 & {WAIT}",
    "with children": "setsid sh -c \"sh -c 'echo \\$\\$ > {name}; exec sleep 300' & wait\" "
    f">/dev/null 2>&1 & {WAIT}",
}


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def ended(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), textwrap.dedent(code)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_is_detached_ends_with_its_child(tmp_path: Path, way: str) -> None:
    script = WAYS[way].format(name="pid")
    said = ended(
        tmp_path,
        f"""
        run({script!r})
        pid = int((folder / "pid").read_text())
        print(Path(f"/proc/{{pid}}").exists())
        """,
    )
    assert said.stdout == "False\n", said.stderr
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_what_another_child_has_detached_goes_on_with_it(tmp_path: Path) -> None:
    detached = WAYS["setsid"].format(name="other")
    said = ended(
        tmp_path,
        f"""
        script = {detached!r} + "; while ! [ -e go ]; do sleep 0.01; done"
        slow = threading.Thread(target=run, args=(script,))
        slow.start()
        while not (folder / "other").exists(): pass
        run({WAYS["setsid"].format(name="own")!r})
        own, other = (int((folder / name).read_text()) for name in ("own", "other"))
        print(Path(f"/proc/{{own}}").exists(), Path(f"/proc/{{other}}").exists())
        (folder / "go").touch()
        slow.join()
        print(Path(f"/proc/{{other}}").exists())
        """,
    )
    assert said.stdout == "False True\nFalse\n", said.stderr


def test_no_orphan_is_left_as_a_zombie(tmp_path: Path) -> None:
    said = ended(
        tmp_path,
        """
        run("for i in 1 2 3; do (true &) ; done; sleep 0.2")
        from factory.toolchain.descendants import _children
        from factory.toolchain.watchdog import WATCHDOG
        print(set(_children(os.getpid())) - {WATCHDOG._process.pid})
        """,
    )
    assert said.stdout == "set()\n", said.stderr


def test_what_is_detached_ends_with_a_factory_that_is_killed(tmp_path: Path) -> None:
    script = WAYS["setsid"].format(name="pid") + "; sleep 300"
    code = f"""
        threading.Thread(target=run, args=({script!r},), daemon=True).start()
        while not ((folder / "pid").exists() and runner._live and runner._starting is None): pass
        print("ready", flush=True)
        sys.stdin.read()
        """
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), textwrap.dedent(code)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 300
    while is_running(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_with_children_of_its_own_keeps_them(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        Runner().run(("true",), cwd=tmp_path, env={"PATH": os.environ["PATH"]})
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
