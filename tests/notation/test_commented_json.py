"""JSON with comments and last commas, as tsconfig.json has it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.notation.json_text import parse_commented_object
from factory.notation.limits import DocumentError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1} // end', {"a": 1}),
        ('// first\n{"a": /* one */ 1, /* * / */ "b": [2,],}', {"a": 1, "b": [2]}),
        ('{"a//b": "/* c */", "d": ",}"}', {"a//b": "/* c */", "d": ",}"}),
        ('{"a": "\\"//", /**/ "b": "\\\\" /***/ , }', {"a": '"//', "b": "\\"}),
        ('{"packages/*": "**/*", "x": [1 , // last\n ]}', {"packages/*": "**/*", "x": [1]}),
    ],
)
def test_comments_and_last_commas_are_passed_over(text: str | bytes, value: Any) -> None:
    assert parse_commented_object(text) == value


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 1 /* }', '{"a": 1,, }', '{"a": 1 # x\n}', '{,, "a": 1}', "{/}"]
)
def test_what_is_not_such_an_object_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse_commented_object(text)


@pytest.mark.parametrize("piece", ["/*", "/**", '"', '"\\', ",", ", ", "//", "/"])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    with pytest.raises(DocumentError):
        parse_commented_object(piece * (500_000 // len(piece)))
    assert time.process_time() - started < 2


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.floats())))
def test_plain_json_is_read_as_ever(value: dict[str, Any]) -> None:
    text = json.dumps(value).replace("NaN", "0").replace("-Infinity", "1").replace("Infinity", "2")
    assert parse_commented_object(text) == json.loads(text)
