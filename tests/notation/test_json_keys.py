"""Where the keys of a JSON document stand."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from factory.notation.json_text import json_keys


def test_each_key_has_its_way() -> None:
    text = '{"a": {"repo": 1}, "list": [[], {"x": "{,"}, 2, {"y": {}}], "repo": "a\\"b"}'
    found = {".".join(way): text[offset:].partition(":")[0] for way, offset in json_keys(text)}
    assert found == {
        "a": '"a"',
        "a.repo": '"repo"',
        "list": '"list"',
        "list.1.x": '"x"',
        "list.3.y": '"y"',
        "repo": '"repo"',
    }


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=10,
)


def ways(value: Any, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [w for k, v in value.items() for w in [(*way, k), *ways(v, (*way, k))]]
    if isinstance(value, list):
        return [w for n, v in enumerate(value) for w in ways(v, (*way, str(n)))]
    return []


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_every_key_of_any_document_is_found(value: Any, indent: int | None, ascii_: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
    found = list(json_keys(text))
    assert [way for way, _ in found] == ways(value)
    for way, offset in found:
        assert json.JSONDecoder().raw_decode(text, offset)[0] == way[-1]
