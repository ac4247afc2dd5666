"""Make the README's picture of a build: ``python docs/picture.py``.

Builds the example workspace in a pseudo-terminal, as a person would, and draws some of the screens
that were to be seen as one animated SVG, ``docs/images/build.svg``. It needs what a build needs.
"""

from __future__ import annotations

import argparse
import fcntl
import html
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/images/build.svg"
COLUMNS, ROWS = 96, 14
COMMAND = "plugin-factory build --config-dir config --repo-path source --output-dir outputs"
# What a terminal of many a desktop has; the names are those of pyte.
_COLOURS = {
    "default": "#d8dee9",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "yellow": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#f0f6fc",
}
_FAINT = "#8b949e"
_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_WIDTH, _HEIGHT, _MARGIN, _BAR = 8.4, 19, 16, 34
# How many screens of the run are shown, and for how many seconds each, and the last.
_SHOWN, _EACH, _LAST = 12, 0.8, 6.0
_FAINT_ON = re.compile(rb"\x1b\[2m")


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a program wrote at a time, in seconds since its start."""

    seconds: float
    data: bytes


def recorded(command: str, folder: Path) -> Iterator[Output]:
    """Yield what a command writes to a terminal of its own.

    Raises:
        SystemExit: the command failed.
    """
    program, *words = command.split()
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    start = time.monotonic()
    with subprocess.Popen(
        [Path(sys.executable).parent / program, *words],
        cwd=folder,
        env=os.environ | {"TERM": "xterm-256color", "PLUGIN_FACTORY_NO_CACHE": "true"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    ) as running:
        os.close(inner)
        while data := _read(terminal):
            yield Output(seconds=time.monotonic() - start, data=data)
    os.close(terminal)
    if running.returncode:
        raise SystemExit(f"{command}: exit code {running.returncode}")


def screens(outputs: Iterable[Output]) -> list[tuple[str, ...]]:
    """Return screens of the run, a line of SVG text each row; the last one is how it ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    seen: list[tuple[str, ...]] = []
    for output in outputs:
        # pyte knows no faint text; italics, which are not used, stand for it.
        stream.feed(_FAINT_ON.sub(b"\x1b[3m", output.data))
        now = tuple(_row(screen, y) for y in range(ROWS))
        if not seen or now != seen[-1]:
            seen.append(now)
    *before, last = seen
    step = max(1, len(before) // _SHOWN)
    return [*before[step - 1 :: step][-_SHOWN:], last]


def svg(shown: list[tuple[str, ...]]) -> str:
    """Return the picture: the screens one after the other; the last alone where nothing moves."""
    width = COLUMNS * _WIDTH + 2 * _MARGIN
    height = (ROWS + 1) * _HEIGHT + _BAR + _MARGIN
    total = (len(shown) - 1) * _EACH + _LAST
    style, groups = [], []
    for number, rows in enumerate(shown):
        last = number == len(shown) - 1
        begin = 100 * number * _EACH / total
        end = 100.0 if last else 100 * (number + 1) * _EACH / total
        after = "" if last else f"{end:.2f}%,100%{{opacity:0}}"
        style.append(
            f"@keyframes s{number}{{0%{{opacity:0}}{begin:.2f}%{{opacity:1}}{after}}}\n"
            f"#s{number}{{animation:s{number} {total:.1f}s step-end infinite}}"
        )
        lines = "".join(
            f'<text y="{_BAR + (y + 2) * _HEIGHT}">{row}</text>'
            for y, row in enumerate(rows)
            if row
        )
        hidden = "" if last else ' opacity="0"'
        groups.append(f'<g id="s{number}"{hidden}>{lines}</g>')
    dots = "".join(
        f'<circle cx="{20 + 18 * n}" cy="17" r="5.5" fill="{colour}"/>'
        for n, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    prompt = f'<tspan fill="{_COLOURS["green"]}">$</tspan> {html.escape(COMMAND)}'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
        'aria-label="A build of three plugins in a terminal">\n'
        f"<style>text{{font:14px {_FONTS};"
        f"fill:{_COLOURS['default']};white-space:pre}}.b{{font-weight:600}}.f{{fill:{_FAINT}}}\n"
        + "\n".join(style)
        + "\n@media(prefers-reduced-motion:reduce){g{animation:none!important}}</style>\n"
        f'<rect width="100%" height="100%" rx="9" fill="#161b22"/>{dots}\n'
        f'<g transform="translate({_MARGIN})"><text y="{_BAR + _HEIGHT}">{prompt}</text>\n'
        + "\n".join(groups)
        + "\n</g></svg>\n"
    )


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # how Linux says that the other side is closed
        return b""


def _row(screen: pyte.Screen, y: int) -> str:
    """One row as SVG text: runs of cells that look alike, each at its own column."""
    cells = [screen.buffer[y][x] for x in range(COLUMNS)]
    runs: list[tuple[int, str, tuple[str, bool, bool]]] = []
    for x, cell in enumerate(cells):
        look = (cell.fg, cell.bold, cell.italics)
        if runs and runs[-1][2] == look:
            runs[-1] = (runs[-1][0], runs[-1][1] + cell.data, look)
        else:
            runs.append((x, cell.data, look))
    spans = []
    for start, text, (colour, bold, faint) in runs:
        if text.strip():
            lead = len(text) - len(text.lstrip())
            classes = " ".join(name for name, on in (("b", bold), ("f", faint)) if on)
            style = f' class="{classes}"' if classes else ""
            if colour != "default":
                style += f' fill="{_COLOURS.get(colour, _COLOURS["default"])}"'
            # Its length is given, so that columns agree whichever font the reader has.
            length = len(text.strip()) * _WIDTH
            spans.append(
                f'<tspan x="{(start + lead) * _WIDTH:.1f}" textLength="{length:.1f}"{style}>'
                f"{html.escape(text.strip(), quote=False)}</tspan>"
            )
    return "".join(spans)


def main() -> None:
    """Record a build of the example, or take a recording, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--recording", type=Path, help="JSON lines of [seconds, hex], instead of a run"
    )
    given = parser.parse_args().recording
    if given:
        lines = (json.loads(line) for line in given.read_text(encoding="utf-8").splitlines())
        outputs = [Output(seconds=at, data=bytes.fromhex(data)) for at, data in lines]
    else:
        with tempfile.TemporaryDirectory(prefix="greetings-") as folder:
            shutil.copytree(ROOT / "examples/local-workspace", Path(folder, "config"))
            outputs = list(recorded(COMMAND, Path(folder)))
            for number, output in enumerate(outputs):
                # A folder of this machine is nobody's business; the length stays.
                shown = output.data.replace(folder.encode(), b"~/plugins".ljust(len(folder)))
                outputs[number] = Output(seconds=output.seconds, data=shown)
    PICTURE.write_text(svg(screens(outputs)), encoding="utf-8")


if __name__ == "__main__":
    main()
