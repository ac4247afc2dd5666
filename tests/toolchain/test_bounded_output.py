"""A child's output within limits, and no secret in it however it is cut."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import ToolchainError
from factory.redaction import redactor_of
from factory.toolchain import streams
from factory.toolchain.runner import Runner
from factory.toolchain.streams import LineCutter

ENV = {"PATH": os.environ["PATH"]}


def lines_of(chunks: list[bytes], *, limit: int = 1000, secrets: tuple[str, ...] = ()) -> list[str]:
    redact = redactor_of(secrets)
    cutter = LineCutter(redact, redact.longest, limit)
    found = [line.text for chunk in chunks for line in cutter.feed(chunk)]
    return [*found, *(line.text for line in cutter.feed(b"", end=True))]


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.text(max_size=60), st.lists(st.integers(0, 1000), max_size=6))
def test_lines_are_what_python_reads_however_they_arrive(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "replace")
    expected = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace").readlines()
    assert lines_of(chunks_of(data, cuts)) == expected


def test_what_is_no_utf_8_is_shown_as_such() -> None:
    assert lines_of([b"a\xff", b"b\xe2\x82", b"\xac\n"]) == ["a�b€\n"]


def test_of_a_line_that_is_too_long_the_beginning_is_kept_with_a_word() -> None:
    [line, after] = lines_of([b"x" * 900, b"x" * 900, b"\nnext\n"])
    assert line == "x" * 1000 + " … 800 more characters of this line are left out\n"
    assert after == "next\n"


SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=20)


@given(st.lists(SECRET, min_size=1, max_size=3), st.data())
def test_no_secret_and_no_half_of_one_is_in_a_line_however_it_arrives(
    secrets: list[str], data: st.DataObject
) -> None:
    filler = st.text(st.sampled_from(" \u00e9."), max_size=40)
    parts = [data.draw(filler) + data.draw(st.sampled_from(secrets)) for _ in range(4)]
    raw = "".join(parts).encode()
    cuts = data.draw(st.lists(st.integers(0, 500), max_size=6))
    limit = data.draw(st.integers(1, 120))
    said = "".join(lines_of(chunks_of(raw, cuts), limit=limit, secrets=tuple(secrets)))
    shown = said.partition(" … ")[0]
    for secret in secrets:
        assert secret not in shown
        assert not any(
            secret[:n] in shown for n in range(6, len(secret)) if secret[:n].strip("*. ")
        )


LONG_LINE = """
import os
block = b"x" * (1 << 20)
for _ in range({megabytes}): os.write(1, block)
os.write(1, b"\\nend\\n")
"""


def test_a_line_of_a_gigabyte_takes_no_memory(tmp_path: Path) -> None:
    """The factory's own peak, measured by the system, in a process of its own."""
    code = textwrap.dedent(
        """
        import os, re, sys
        from pathlib import Path
        from factory.toolchain.runner import Runner
        done = Runner().run((sys.executable, "-c", sys.argv[2]), cwd=Path(sys.argv[1]),
                            env={"PATH": os.environ["PATH"]}, log=Path(sys.argv[1]) / "log")
        assert done.tail.endswith("end\\n")
        # Of this program alone: ru_maxrss counts what forked it, too (getrusage(2) of Linux).
        print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), LONG_LINE.format(megabytes=1024)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(ended.stdout) < 250_000  # kibibytes
    assert (tmp_path / "log").stat().st_size < 200_000


def test_an_answer_that_was_cut_is_none(tmp_path: Path) -> None:
    ended = Runner().run(
        (sys.executable, "-c", LONG_LINE.format(megabytes=1)), cwd=tmp_path, env=ENV
    )
    with pytest.raises(ToolchainError, match="printed more than is allowed"):
        _ = ended.stdout


def test_a_log_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOG_BYTES", 10_000)
    shown: list[str] = []
    Runner().run(
        ("sh", "-c", "yes line | head -n 100000"),
        cwd=tmp_path, env=ENV, log=tmp_path / "log", on_line=shown.append,
    )  # fmt: skip
    assert (tmp_path / "log").stat().st_size < 11_000
    assert "the rest is left out" in (tmp_path / "log").read_text()
    assert len(shown) == 100_000


def test_what_is_remembered_of_the_end_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "TAIL_CHARACTERS", 1000)
    script = "for i in 1 2 3 4 5; do head -c 400 /dev/zero | tr '\\0' x; echo; done; echo end"
    ended = Runner().run(("sh", "-c", script), cwd=tmp_path, env=ENV)
    assert len(ended.tail) <= 1000
    assert ended.tail.endswith("x\nend\n")


def test_what_is_shown_of_a_line_has_a_largest_length(tmp_path: Path) -> None:
    shown: list[str] = []
    Runner().run(
        ("sh", "-c", "head -c 50000 /dev/zero | tr '\\0' x"),
        cwd=tmp_path, env=ENV, on_line=shown.append,
    )  # fmt: skip
    assert [len(line) for line in shown] == [streams.SHOWN_CHARACTERS + 1]
