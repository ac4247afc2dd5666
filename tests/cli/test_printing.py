"""Everything that is printed goes through one place, which makes it harmless."""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import factory
from factory.redaction import redactor_for
from factory.ui.printing import Printer
from factory.ui.sink import Sink
from factory.ui.text import (
    Span,
    harmless_json,
    plain,
    show_raw,
)

PACKAGE = Path(factory.__file__).parent
# What writes on a stream of the process, and where it may: the place itself, and its parts.
WRITES = {"print", "echo", "secho", "Console", "pprint", "style"}
MAY_WRITE = {"ui/sink.py", "ui/live.py"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
MAY_NAME_STREAMS = {
    *("cli/app.py", "cli/application.py", "cli/messages.py", "cli/open_session.py"),
    "cli/program.py",
    *("ui/printing.py", "ui/screen.py"),
}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: f.stem)
def test_nothing_prints_but_the_one_place(file: Path) -> None:
    name = file.relative_to(PACKAGE).as_posix()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and name not in MAY_WRITE:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            owner = ast.unparse(node.func).rpartition(".")[0]
            assert called not in WRITES or (
                called == "print" and owner.startswith("console_on(")
            ), f"{name}:{node.lineno} prints by itself: use factory.ui.printing"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "sys":
            assert node.attr not in STREAMS or name in MAY_NAME_STREAMS, f"{name}:{node.lineno}"


HOSTILE = [
    "a\n::error::forged", "a\r\n::add-mask::x", "a\r::error::x", "::stop-commands::x",
    "\x0b::error::",
    "\u2028::error::x", "\x85::error::x", "##[add-mask]x", "x ##vso[task.setvariable]y",
    "##teamcity[x]", "\x1b[2Jx", "\x1b]0;title\x07", "\x9b31mred", "\x9d0;t\x9c", "\x1bPq\x1b\\x",
    "section_start:1560896352:name\r\x1b[0K", "\u202eevil", "\u2066x\u2069", "a\u200bb", "\x7f\x08",
    "\ufeff::error::x", "\u00a0::error::x", "x\U000e0041", "\u3164",
]  # fmt: skip
COMMAND = re.compile(r"^\s*::|##\w*\[|section_(?:start|end):\d", re.MULTILINE)
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def assert_harmless(text: str, lines: int) -> None:
    assert not COMMAND.search(text), text
    assert not CONTROL.search(text), ascii(text)
    assert text.count("\n") == lines, text


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_line_is_one_line_and_no_command(name: str) -> None:
    stream = io.StringIO()
    out = Printer(stream=stream)
    out.lines(name, f"  {name}", f"name {name}")
    assert_harmless(stream.getvalue(), 3)
    out.styled_lines([(Span(name), Span(name))])
    Sink(stream).lines([(Span("  "), Span(name))])
    out.tabs([(name, name)])
    assert_harmless(stream.getvalue().replace("\t", " "), 6)


@given(st.text(max_size=40))
def test_no_text_gets_through_as_a_command(text: str) -> None:
    assert_harmless(show_raw(text), 0)
    assert "\n" not in plain((Span(text),))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_document_says_the_same_and_is_no_command(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    made = harmless_json(text)
    assert json.loads(made) == value
    assert not COMMAND.search(made)
    assert not CONTROL.search(made.replace("\n", ""))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_faithful_in_a_document(name: str) -> None:
    stream = io.StringIO()
    Printer(stream=stream).document({"name": name, name: [name]})
    assert json.loads(stream.getvalue()) == {"name": name, name: [name]}
    assert not COMMAND.search(stream.getvalue())


def test_a_secret_with_quotes_is_masked_in_a_document_that_stays_one() -> None:
    stream = io.StringIO()
    secret = 'se"cr\\et\n'
    Printer(stream=stream, redact=redactor_for({"A_TOKEN": secret})).document(
        {"x": [f"a {secret}"]}
    )
    assert json.loads(stream.getvalue()) == {"x": ["a ***\n"]}
