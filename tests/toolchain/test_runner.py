"""The one place that starts processes: what it shows of them, and that it ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.errors import Interrupted, StorageError, Terminated, ToolchainError
from factory.redaction import redactor_for
from factory.toolchain.runner import Completed, ProcessFailed, Runner
from factory.toolchain.signals import ending_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable

ENV = {"PATH": os.environ["PATH"]}
# A child and a grandchild that both write down their pids and ignore being asked to end.
STUBBORN = """
trap '' TERM
sh -c 'trap "" TERM; echo $$ > grandchild; while :; do sleep 0.1; done' &
echo $$ > child
echo started
while :; do sleep 0.1; done
"""


def shell(
    runner: Runner,
    script: str,
    cwd: Path,
    *,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    timeout: float | None = 30,
) -> Completed:
    return runner.run(
        ("sh", "-c", script), cwd=cwd, env=ENV, log=log, on_line=on_line, timeout=timeout
    )


def is_running(pid: int) -> bool:
    """Whether a process still does anything: a zombie that nobody has reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def pid_in(file: Path) -> int:
    return int(wait_for(lambda: file.exists() and file.read_text().strip()))


def wait_for(condition: Callable[[], object], seconds: float = 300) -> str:
    """Return what the condition gives, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return str(value)


def assert_ended(folder: Path) -> None:
    for name in ("child", "grandchild"):
        pid = pid_in(folder / name)
        wait_for(lambda pid=pid: not is_running(pid))  # type: ignore[misc]


def test_lines_come_in_order_as_they_are_printed(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    more = tmp_path / "more"
    os.mkfifo(more)  # the child waits until its first line has been seen

    def on_line(line: str) -> None:
        seen.append((line, True))
        if line == "first":
            more.write_text("go\n")

    completed = shell(
        Runner(), "echo first; read x < more; echo second; echo third", tmp_path, on_line=on_line
    )
    assert [line for line, _ in seen] == ["first", "second", "third"]
    assert completed.stdout == "first\nsecond\nthird\n"


def test_both_streams_are_shown_and_kept_but_only_stdout_is_the_answer(tmp_path: Path) -> None:
    seen: list[str] = []
    completed = shell(Runner(), "echo out; echo err >&2", tmp_path, on_line=seen.append)
    assert sorted(seen) == ["err", "out"]
    assert completed.stdout == "out\n"
    assert sorted(completed.tail.split()) == ["err", "out"]


def test_a_last_line_without_an_end_is_a_line(tmp_path: Path) -> None:
    seen: list[str] = []
    shell(Runner(), "printf 'a\\r\\nb'", tmp_path, on_line=seen.append)
    assert seen == ["a", "b"]


def test_bytes_that_are_no_utf8_are_replaced(tmp_path: Path) -> None:
    assert shell(Runner(), r"printf 'caf\351\n'", tmp_path).stdout == "caf\ufffd\n"


def test_secrets_are_masked_wherever_output_goes(tmp_path: Path) -> None:
    seen: list[str] = []
    log = tmp_path / "log"
    runner = Runner(redactor_for({"NPM_TOKEN": "hunter22"}))
    with pytest.raises(ProcessFailed) as caught:
        shell(
            runner,
            "echo token=hunter22; echo https://me:pw@example.com >&2; exit 1",
            tmp_path,
            log=log,
            on_line=seen.append,
        )
    completed = caught.value.completed
    for text in (
        *seen,
        log.read_text(),
        completed.stdout,
        completed.tail,
        completed.command_line,
        str(caught.value),
    ):
        assert "hunter22" not in text
        assert "me:pw" not in text
    assert "token=***" in seen


def test_the_log_has_each_command_and_all_that_it_printed(tmp_path: Path) -> None:
    log = tmp_path / "stage.log"
    runner = Runner()
    shell(runner, "echo one", tmp_path, log=log)
    completed = shell(runner, "echo two", tmp_path, log=log)
    assert log.read_text() == "$ sh -c 'echo one'\none\n$ sh -c 'echo two'\ntwo\n"
    assert completed.log == log


def test_a_child_gets_its_environment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_FACTORY", "1")
    env = {"PATH": os.environ["PATH"], "GIVEN": "yes"}
    printed = Runner().run(("env",), cwd=tmp_path, env=env).stdout.split()
    assert sorted(line.split("=")[0] for line in printed) == ["GIVEN", "PATH"]


def test_standard_input_is_empty(tmp_path: Path) -> None:
    assert shell(Runner(), "cat; echo the end", tmp_path).stdout == "the end\n"


def test_a_text_can_be_given_as_standard_input(tmp_path: Path) -> None:
    completed = Runner().run(("cat",), cwd=tmp_path, env=ENV, stdin="é\n" * 50_000)
    assert completed.stdout == "é\n" * 50_000


def test_a_child_that_does_not_read_its_input_is_no_error(tmp_path: Path) -> None:
    assert Runner().run(("true",), cwd=tmp_path, env=ENV, stdin="x" * 1_000_000).returncode == 0


def test_a_failure_has_the_exit_code_and_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as caught:
        shell(Runner(), "echo why >&2; exit 7", tmp_path)
    assert caught.value.reason == "exit code 7"
    assert caught.value.completed.returncode == 7
    assert caught.value.completed.tail == "why\n"


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ToolchainError, match="the program no-such-program does not exist"
    ) as caught:
        Runner().run(("no-such-program",), cwd=tmp_path, env=ENV)
    assert caught.value.found == f"PATH={ENV['PATH']}"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=f"the folder {tmp_path}/gone does not exist"):
        Runner().run(("true",), cwd=tmp_path / "gone", env=ENV)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a program")
    with pytest.raises(ToolchainError, match=r"notes.txt cannot be started") as caught:
        Runner().run((file,), cwd=tmp_path, env=ENV)
    assert caught.value.found == "Permission denied"


def test_running_out_of_time_ends_the_child_and_its_children(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as caught:
        shell(Runner(), STUBBORN, tmp_path, timeout=0.7)
    assert caught.value.timed_out
    assert caught.value.reason == "ran out of time"
    assert_ended(tmp_path)


def test_a_child_that_says_nothing_more_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as caught:
        Runner().run(("sh", "-c", "echo one; sleep 60"), cwd=tmp_path, env=ENV, silence=0.5)
    failure = caught.value
    assert (failure.timed_out, failure.fell_silent) == (True, True)
    assert failure.reason == "said nothing more"
    assert failure.completed.stdout == "one\n"


def test_a_child_that_goes_on_to_speak_may_take_longer_than_a_silence(tmp_path: Path) -> None:
    # As git tells of its progress: a line that is painted over, without an end.
    script = "for n in 1 2 3 4 5 6 7 8; do printf '%s\\r' $n >&2; sleep 0.4; done; echo done"
    completed = Runner().run(("sh", "-c", script), cwd=tmp_path, env=ENV, silence=2)
    assert completed.stdout == "done\n"


def test_cancelling_ends_a_child_that_will_not_be_asked(tmp_path: Path) -> None:
    runner = Runner()
    reason = Interrupted("enough")

    def cancel(line: str) -> None:
        pid_in(tmp_path / "grandchild")
        runner.cancel(reason)

    with pytest.raises(Interrupted) as caught:
        shell(runner, STUBBORN, tmp_path, on_line=cancel)
    assert caught.value is reason
    assert_ended(tmp_path)


def test_a_child_that_is_cancelled_may_tidy_up(tmp_path: Path) -> None:
    runner = Runner()
    script = "trap 'sleep 0.3; touch tidied; exit 0' TERM; echo on; while :; do sleep 0.05; done"
    with pytest.raises(Interrupted):
        shell(runner, script, tmp_path, on_line=lambda _: runner.cancel(Interrupted("enough")))
    assert (tmp_path / "tidied").exists()


def test_after_a_cancel_nothing_is_started(tmp_path: Path) -> None:
    runner = Runner()
    runner.cancel(Interrupted("enough"))
    with pytest.raises(Interrupted):
        shell(runner, "touch started", tmp_path)
    assert not (tmp_path / "started").exists()


def test_a_grandchild_that_outlives_its_parent_does_not_keep_the_run(tmp_path: Path) -> None:
    began = time.monotonic()
    shell(Runner(), "(trap '' TERM; echo $$ > child; sleep 60) & exit 0", tmp_path)
    assert time.monotonic() - began < 30
    wait_for(lambda: not _in_group_of(tmp_path / "child"))


def _in_group_of(file: Path) -> bool:
    try:
        os.killpg(pid_in(file), 0)
    except ProcessLookupError:
        return False
    return is_running(pid_in(file))


def test_an_error_in_the_one_who_listens_ends_the_child_and_is_raised(tmp_path: Path) -> None:
    def on_line(line: str) -> None:
        if line == "started":
            pid_in(tmp_path / "grandchild")
            raise LookupError(line)

    with pytest.raises(LookupError, match="started"):
        shell(Runner(), STUBBORN, tmp_path, on_line=on_line)
    assert_ended(tmp_path)


@pytest.mark.parametrize(
    "says", ["ENOSPC: no space left on device, write", "fatal: No space left on device"]
)
def test_a_child_that_finds_the_disk_full_is_a_storage_error(tmp_path: Path, says: str) -> None:
    with pytest.raises(StorageError, match="the disk is full: sh could not write") as caught:
        shell(Runner(), f"echo before; echo '{says}' >&2; exit 1", tmp_path)
    assert caught.value.found == says


def test_a_child_that_only_talks_of_full_disks_is_fine(tmp_path: Path) -> None:
    assert shell(Runner(), "echo 'what ENOSPC means'", tmp_path).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_on_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="a log file cannot be written") as caught:
        shell(Runner(), "seq 100000", tmp_path, log=Path("/dev/full"))
    assert caught.value.found == "No space left on device"


def test_a_log_that_fills_up_midway_ends_the_child(tmp_path: Path) -> None:
    """A file size limit stands in for the full disk: it too fails the write in the middle."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from factory.toolchain.runner import Runner\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "Runner().run(('yes',), cwd=Path.cwd(), env={'PATH': sys.argv[1]}, log=Path('log'))\n"
    )
    with pytest.raises(ProcessFailed) as caught:
        Runner().run((sys.executable, "-c", script, ENV["PATH"]), cwd=tmp_path, env=ENV, timeout=99)
    assert not caught.value.timed_out
    assert (
        "factory.errors.StorageError: a log file cannot be written" in caught.value.completed.tail
    )
    assert "Exception in thread" not in caught.value.completed.tail


def test_what_a_signal_turns_into_on_its_way_is_still_the_signal() -> None:
    """As Thread.start() does, which makes a KeyError of what is raised inside of it."""

    def start() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise KeyError("limbo")

    with pytest.raises(Terminated, match="SIGTERM") as caught, ending_on_signals(Runner()):
        start()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_signal_that_another_thread_gets_ends_what_the_main_thread_waits_for() -> None:
    """As one that comes just before a wait: nothing but another signal would end that."""

    def signal_itself() -> None:
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    def wait() -> None:
        threading.Thread(target=signal_itself).start()
        threading.Event().wait(60)

    began = time.monotonic()
    with pytest.raises(Terminated), ending_on_signals(Runner()):
        wait()
    assert time.monotonic() - began < 30
    assert signal.set_wakeup_fd(-1) == -1


def test_an_error_without_a_signal_is_itself() -> None:
    with pytest.raises(KeyError), ending_on_signals(Runner()):
        raise KeyError("limbo")


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, Interrupted), (signal.SIGTERM, Terminated)]
)
def test_a_signal_ends_the_children_and_unwinds_the_run(
    tmp_path: Path, number: signal.Signals, kind: type[Interrupted]
) -> None:
    before = signal.getsignal(number)
    runner = Runner()

    def send(line: str) -> None:
        pid_in(tmp_path / "grandchild")
        os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught, ending_on_signals(runner):
        shell(runner, STUBBORN, tmp_path, on_line=send)
    assert type(caught.value) is kind
    assert_ended(tmp_path)
    assert signal.getsignal(number) is before


# A signal that comes when the child is there, but the runner does not know it yet.
IN_BETWEEN = """
import os, signal, subprocess, sys
from pathlib import Path
from factory.errors import Terminated
from factory.toolchain.runner import Runner
from factory.toolchain.signals import ending_on_signals

class Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        Path("child").write_text(str(self.pid))
        os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen = Popen
runner = Runner()
try:
    with ending_on_signals(runner):
        runner.run(("sleep", "60"), cwd=Path.cwd(), env=dict(os.environ))
except Terminated:
    print("terminated")
"""


def test_a_signal_while_a_child_is_being_started_neither_hangs_nor_leaves_it(
    tmp_path: Path,
) -> None:
    command = (sys.executable, "-c", IN_BETWEEN)
    ended = subprocess.run(
        command, cwd=tmp_path, env=ENV, capture_output=True, text=True, timeout=300, check=False
    )
    assert (ended.stdout, ended.stderr) == ("terminated\n", "")
    assert not is_running(pid_in(tmp_path / "child"))
