"""What counts as bad wording, and where it is looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from wording import ENFORCED, files_of, find_offences  # noqa: E402


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
        ("the archive cannot be had", "cannot be had"),
        ("a map is nested too deep", "nested too deep"),
        ("a tool that is not used any more", "not used any more"),
        ("a folder has something else than files", "something else than"),
        ("a key stands twice in a map", "stands twice"),
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


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("the provenance is of another artifact", "is of another artifact"),
        ("mend the source by a patch or an overlay", "mend"),
        ("bring the file by an overlay", "by an overlay"),
        ("make the patch anew", "anew"),
        ("push an image a plugin", "an image a plugin"),
        ("the archive is damaged or cut short", "cut short"),
        ("the archive holds no plugin", "holds no"),
        ("the image is larger than it may be", "than it may"),
        ("a key is demanded of it", "demanded"),
        ("check who may write the folder", "who may write"),
        ("replaces files, each with a word", "with a word"),
        ("the build goes on", "goes on"),
        ("what is downloaded cannot be written", "what is downloaded"),
        ("the workspace is off", "is off"),
    ],
)
def test_what_no_message_says(tmp_path: Path, message: str, words: str) -> None:
    assert (1, words) in found(tmp_path, "a.py", f'PROBLEM = f"{message}"\n')
    assert found(tmp_path, "b.py", f'"""Returns.\n\n{message}\n"""\n# {message}\n') == []


@pytest.mark.parametrize(
    "message",
    ["give a reason a reader knows", "--no-load turns this off", "{mended.arguments} of a plugin"],
)
def test_what_a_message_may_say(tmp_path: Path, message: str) -> None:
    assert found(tmp_path, "a.py", f'PROBLEM = f"{message}"\n') == []


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
    assert "factory/errors.py" in files
