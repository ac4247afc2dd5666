"""What is written is one value to readers of YAML 1.1 (PyYAML) and of 1.2 (Backstage)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factory.notation.yaml_text import parse_yaml, yaml_text

from .npm_yaml import NpmYaml, told

WORDS = [
    *("NO", "no", "n", "Y", "on", "Off", "true", "TRUE", "null", "~", "", " ", "=", "<<", "-", "?"),
    *("1", "01", "0o17", "0x1f", "0b1", "1e3", "1.5e3", "+1", "-0", "1_000", ".5", "5.", ".inf"),
    *(".nan", "22:22", "1:02:03.5", "2026-01-01", "2026-01-01 10:00:00", "a: b", "a #b", "a\n"),
    *("x:", ":x", "@x", "`x", "%x", "!x", "&x", "*x", "|", ">", "[a]", "{a}", "a,b", "'", '"'),
    *("\n", "\\", "\t", "\u0085", "\u2028", "\ufeff", "\x7f", "\0", "é", "😀", "y" * 200),
    *("./a-1.tgz", "oci://q/a:1!p"),
]

texts = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from("0123456789+-._eExXonNfaItTrRuUlLyYsS:~=<> "), max_size=8),
)
numbers = st.one_of(st.integers(), st.floats(), st.integers(-(10**40), 10**40))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(texts, values, min_size=1, max_size=4))
@example({word: word for word in WORDS})
@example({"a": [1e16, 1e22, 1e-7, 5e-324, -0.0, math.inf, -math.inf, math.nan, 2**53 + 1]})
def test_all_readers_read_what_was_written(npm_yaml: NpmYaml, value: dict[str, Any]) -> None:
    text = yaml_text(value)
    assert npm_yaml.read(text).value == told(value), text
    assert told(yaml.safe_load(text)) == told(value), text
    assert told(parse_yaml(text)) == told(value), text


@pytest.mark.parametrize("word", ["./a-1.tgz", "oci://q/a/b:1.0!plugin", "https://x/y", "a.b"])
def test_what_is_text_to_everybody_has_no_quotes(word: str) -> None:
    assert yaml_text({"a": word}) == f"a: {word}\n"


def test_lists_are_indented_and_aliases_written_out() -> None:
    shared = {"b": "1e3"}
    assert yaml_text({"a": [shared, shared]}) == 'a:\n  - b: "1e3"\n  - b: "1e3"\n'
