"""What counts as bad wording, and where it is looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from wording import COUNTED, ENFORCED, files_of, find_offences  # noqa: E402


def found(tmp_path: Path, name: str, text: str) -> list[tuple[int, str]]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return [(offence.line, offence.words) for offence in find_offences(file)]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("1.x is no version.", "is no version"),
        ("These are no workspaces.", "are no workspaces"),
        ("Of three answers one is none that it knows.", "is none"),
        ("plugin-factory has made a mistake", "made a mistake"),
        ("A full disk is told.", "is told"),
        ("That lets one see it.", "lets one"),
        ("An option allows to see it.", "allows to"),
        ("a version, e.g. 1.0.0", "e.g."),
    ],
)
def test_what_is_not_said(tmp_path: Path, sentence: str, words: str) -> None:
    assert found(tmp_path, "page.md", f"# Title\n\n{sentence}\n") == [(3, words)]
    assert found(tmp_path, "a.py", f'PROBLEM = f"{sentence}"\n') == [(1, words)]
    assert found(tmp_path, "b.py", f"a = 1\n# {sentence}\n") == [(2, words)]
    assert found(tmp_path, "c.py", f'"""Returns.\n\n{sentence}\n"""\n') == [(1, words)]


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no such folder.",
        "A folder that is no longer used.",
        "Nobody is told what it costs.",
        "It is None where nothing is known.",
        "The option lets you see it.",
    ],
)
def test_what_may_be_said(tmp_path: Path, sentence: str) -> None:
    assert found(tmp_path, "page.md", f"{sentence}\n") == []
    assert found(tmp_path, "a.py", f"# {sentence}\n") == []


def test_a_phrase_over_two_lines_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "page.md", "\n1.x is\nno version.\n") == [(2, "is no version")]
    assert found(tmp_path, "a.py", 'x = (\n    "1.x is "\n    "no version"\n)\n') == [
        (2, "is no version")
    ]


def test_code_and_generated_parts_are_not_prose(tmp_path: Path) -> None:
    page = (
        "```\nis no version\n```\n\n`is no version`\n\n"
        "<!-- generated: x -->\nis no version\n<!-- end -->\n\nis no more\n"
    )
    assert found(tmp_path, "page.md", page) == []


def test_every_page_is_read() -> None:
    files = {file.relative_to(ROOT).as_posix() for file in files_of(ENFORCED)}
    assert files >= {"README.md", "docs/index.md", "docs/troubleshooting.md", "docs/generate.py"}
    assert list(files_of(COUNTED))
