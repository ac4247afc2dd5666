"""The changelog is made of fragments, each of a kind and with words in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from factory import __version__

ROOT = Path(__file__).resolve().parents[2]
FRAGMENTS = ROOT / "changelog.d"


def kinds() -> list[str]:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return [each["directory"] for each in tool["towncrier"]["type"]]


def test_every_fragment_is_of_a_known_kind_and_says_something() -> None:
    named = re.compile(rf"(\d+|\+[a-z0-9-]+)\.({'|'.join(kinds())})\.md")
    for fragment in FRAGMENTS.iterdir():
        if fragment.name != "README.md":
            assert named.fullmatch(fragment.name)
            assert fragment.read_text("utf-8").strip().endswith(".")


def test_the_version_has_an_entry() -> None:
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_fragments_become_the_entry_of_a_release(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "12.fixed.md").write_text("A build no longer fails on Sundays.\n")
    (folder / "+quiet.added.md").write_text("`--quiet` says less.\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "towncrier", "build", "--keep"),
            *("--version", "9.0.0", "--date", "2030-01-02"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    text = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    entry = text.partition("## 9.0.0 (2030-01-02)")[2].partition("\n## ")[0]
    assert "### Added\n\n- `--quiet` says less.\n" in entry
    assert "### Fixed\n\n- A build no longer fails on Sundays. ([#12](" in entry
    assert text.index("## 9.0.0") < text.index(f"## {__version__}")
