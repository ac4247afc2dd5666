"""What processes that the real command line starts can read of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "a-secret-value-of-nobody"
# In git's place: reads what the system tells of every process above it, up to pytest.
SPY = """#!/bin/sh
pid=$PPID
echo "$pid" >> {folder}/parents
while [ "$pid" -gt 1 ] && [ "$pid" != "{outside}" ]; do
  tr '\\0' '\\n' < /proc/$pid/environ >> {folder}/environ
  tr '\\0' '\\n' < /proc/$pid/cmdline >> {folder}/cmdline
  cat /proc/$pid/mem > /dev/null 2>> {folder}/memory
  ls /proc/$pid/fd >> {folder}/descriptors
  pid=$(awk '/^PPid/ {{ print $2 }}' /proc/$pid/status)
  echo "$pid" >> {folder}/parents
done
echo git version 2.47.0
"""


@pytest.mark.parametrize("words", [("init", "new"), ("plan", "--config-dir", "config")])
def test_no_child_can_read_what_the_program_was_started_with(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "config").mkdir()  # so that a plan comes to ask git
    (tmp_path / "bin/git").write_text(SPY.format(folder=tmp_path, outside=os.getpid()))
    (tmp_path / "bin/git").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "REGISTRY_PASSWORD": SECRET,
        "ANYTHING": SECRET,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    ended = subprocess.run(
        [Path(sys.executable).with_name("plugin-factory"), *words,
         "--source-repo", f"https://user:{SECRET}@localhost:9/x.git"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode != 0  # nobody is there
    parents = (tmp_path / "parents").read_text().split()
    assert str(os.getpid()) in parents, "the spy did not come up to the test"
    assert len(parents) >= 2
    assert SECRET not in (tmp_path / "environ").read_text()
    assert SECRET not in ended.stdout + ended.stderr
    command_lines = (tmp_path / "cmdline").read_text()
    assert "plugin-factory" in command_lines
    assert SECRET not in command_lines


def test_what_libraries_look_up_by_themselves_stays(tmp_path: Path) -> None:
    code = """
import ctypes, os
from factory.toolchain.hidden_environment import hide_environment
assert hide_environment()
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(getenv(b"SSL_CERT_FILE"), getenv(b"OTHER"), os.environ.get("OTHER"), os.environ["PATH"])
print(open("/proc/self/environ", "rb").read().strip(b"\\0"))
import subprocess
print(subprocess.run(["env"], capture_output=True, text=True).stdout.count("OTHER"))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/bin:/usr/bin", "SSL_CERT_FILE": "/ca.pem", "OTHER": "x"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout == "b'/ca.pem' None None /bin:/usr/bin\nb''\n0\n"
