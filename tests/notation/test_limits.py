"""Documents that nest or grow without end are refused, whoever sends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from factory.notation.json_text import parse_json
from factory.notation.limits import DEEPEST, DocumentError
from factory.notation.yaml_text import parse_yaml, parse_yaml_1_1

READERS = [parse_json, parse_yaml, parse_yaml_1_1]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("depth", [DEEPEST + 1, 1_000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_document_that_is_nested_too_deep_is_refused(
    read: Callable[[str], Any], depth: int, brackets: str
) -> None:
    text = "[" * depth + "]" * depth if brackets == "[]" else '{"a":' * depth + "1" + "}" * depth
    with pytest.raises(DocumentError, match="nested too deep"):
        read(text)


@pytest.mark.parametrize("read", READERS)
def test_the_deepest_document_is_read(read: Callable[[str], Any]) -> None:
    assert read("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize("read", [parse_yaml, parse_yaml_1_1])
@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a {k: 1, l: 2}\n"
        + "".join(
            f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 30)}]}}\n"
            for before, name in zip("abcd", "bcde", strict=True)
        ),
        f"a: &a '{'x' * 100_000}'\nb: [{', '.join(['*a'] * 1_000)}]\n",
    ],
    ids=["lists", "merges", "text"],
)
def test_aliases_that_multiply_are_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(DocumentError, match="aliases") as caught:
        read(text)
    assert caught.value.line


@pytest.mark.parametrize("read", [parse_yaml, parse_yaml_1_1])
@pytest.mark.parametrize("text", ["- &a [*a]\n", "&a {b: *a}\n", "&a [&b [*a]]\n"])
def test_an_alias_to_what_it_stands_in_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(DocumentError, match="alias"):
        read(text)


def test_aliases_that_nest_deeper_than_the_text_are_refused() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, DEEPEST + 1))
    with pytest.raises(DocumentError, match="nested too deep"):
        parse_yaml(text)


def test_an_ordinary_number_of_aliases_is_read() -> None:
    text = f"a: &a {{b: [1, 2]}}\nc: [{', '.join(['*a'] * 500)}]\n"
    assert parse_yaml(text)["c"] == [{"b": [1, 2]}] * 500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "1" * 5_000 + "}",
        '{"a": "\\ud800"}',
        '{"\\udc00": 1}',
        b'{"a": "\xff"}',
    ],
)
def test_json_that_is_none_is_refused(text: str | bytes) -> None:
    with pytest.raises(DocumentError):
        parse_json(text)


def test_json_is_read_as_javascript_reads_it() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1, "a": 2, "b": "\\ud83d\\ude00"}') == {"a": 2, "b": "😀"}
    assert parse_json(json.dumps({"a": [1.5, None, True]})) == {"a": [1.5, None, True]}
