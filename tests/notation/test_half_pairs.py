"""Halves of surrogate pairs in JSON: refused where Python makes one, nowhere else."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.notation.json_text import parse_json
from factory.notation.limits import DocumentError
from tests.light import examples

# What looks like a half, what makes it a whole one, and backslashes that are no escapes.
PIECES = (
    *("\\ud83d", "\\uDE00", "\\uDBFF", "\\udc00", "\\u00e9", "\\uD7ff", "\\ue000"),
    *("\\\\", "\\n", '\\"', "\\/", "ud83d", "u", "d", "a", "\U0001f600", "é"),
)
HALF = re.compile("[\ud800-\udfff]")


@given(st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=examples(2000))
def test_only_halves_are_refused(pieces: list[str]) -> None:
    text = f'{{"a": ["{"".join(pieces)}"]}}'
    value = json.loads(text)
    if HALF.search(value["a"][0]):
        with pytest.raises(DocumentError, match="half of a surrogate pair"):
            parse_json(text)
    else:
        assert parse_json(text) == value
