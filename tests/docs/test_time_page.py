"""The page of where the time goes: made of figures and stretches of time, by the benchmark."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import where_the_time_goes as benchmark
from cold_build import EXAMPLE, FRONTEND, MODULE, PACKAGES
from ten_workspaces import BACKEND
from time_page import Figure, Profile, Span, page, picture

SPANS = (
    Span(label="workspace", stage="install", begin=0.0, end=30.0),
    Span(label="plugins/a<b&c", stage="export", begin=10.0, end=40.5),
)
PROFILE = Profile(title="By the factory, cold", spans=SPANS)


def test_a_figure_is_held_against_its_limit() -> None:
    assert Figure(name="cold", value=0.75, limit=0.75).is_met
    assert not Figure(name="cold", value=0.76, limit=0.75).is_met
    assert not Figure(name="many", value=1.69, limit=1.7, at_least=True).is_met
    assert "at least 1.7" in str(Figure(name="many", value=1.69, limit=1.7, at_least=True))


def test_the_page_has_figures_and_profiles() -> None:
    figure = Figure(name="cold", value=0.5, limit=0.75, against="1.0 s / 2.0 s")
    text = page([figure], [PROFILE], "Measured here.")
    assert "| cold | 0.50 | 1.0 s / 2.0 s | at most 0.75 |" in text
    assert "## By the factory, cold" in text
    assert "| install of workspace | 30.00 |" in text
    assert "| in all | 40.50 |" in text


def test_the_picture_is_svg_with_bars_in_proportion() -> None:
    root = ET.fromstring(picture([PROFILE]))
    bars = [each for each in root if each.tag.endswith("rect")][1:]
    widths = [float(each.get("width", "")) for each in bars]
    lefts = [float(each.get("x", "")) for each in bars]
    assert len(bars) == len(SPANS)
    assert widths[0] / widths[1] == pytest.approx(30.0 / 30.5, abs=0.01)
    assert lefts[1] > lefts[0]
    assert max(left + width for left, width in zip(lefts, widths, strict=True)) < 960
    texts = [each.text or "" for each in root if each.tag.endswith("text")]
    assert any("plugins/a<b&c" in text for text in texts)


STUB = """#!/bin/sh
case "$0 $*" in
  */npm\\ ci*) mkdir -p node_modules/.bin; cp "$0" node_modules/.bin/rhdh-cli;;
  */npm\\ pack*) : >"$OUTPUTS/$(echo "$2" | tr / _).tgz";;
esac
echo noise at x install started
"""


def test_the_script_by_hand_does_every_step_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("npm", "yarn", "rhdh-cli"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(benchmark, "HOME", tmp_path / "home")
    (tmp_path / "by-hand-tools").mkdir()
    work, config = tmp_path, EXAMPLE
    profile = benchmark.by_hand(work, config, "cold", home=tmp_path / "own", cli="cli")
    done = {(span.label, span.stage) for span in profile.spans}
    exported = {FRONTEND, BACKEND, f"plugins/{MODULE}"}
    assert done >= {("workspace", "install"), ("workspace", "tsc"), ("rhdh-cli", "toolchain")}
    assert done >= {(name, stage) for name in exported for stage in ("export", "pack")}
    assert {name for name, stage in done if stage == "compile"} == {
        f"plugins/{name}" for name in (*PACKAGES, MODULE)
    }
    assert len(list((tmp_path / "cold/outputs").glob("*.tgz"))) == len(exported)
    again = benchmark.by_hand(work, config, "warm", home=tmp_path / "own", cli="cli")
    assert ("rhdh-cli", "toolchain") not in {(span.label, span.stage) for span in again.spans}


def test_the_lines_of_a_build_are_read(tmp_path: Path) -> None:
    row = "workspace                                install   "
    said = (
        f"21:50:17  {row} started",
        "21:50:18  some notice that is no stage",
        f"21:50:19  {row} done in 2.0s: the same",
    )
    profile = benchmark.followed("x", ["printf", "%s\\n", *said], dict(os.environ))
    assert [(span.label, span.stage) for span in profile.spans] == [
        ("workspace", "install"),
        ("", "the rest"),
    ]
