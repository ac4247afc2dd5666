"""source.json is edited in place: one value changes, every other byte stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.config.source_file_edit import edit_source_file
from factory.errors import ConfigurationError

FILE = Path("source.json")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"repo": "r", "repo-ref": "a"}', '{"repo": "r", "repo-ref": "b"}'),
        ('{ "repo-ref" :\t"a\\"}" , "repo":"r"}\n\n', '{ "repo-ref" :\t"b" , "repo":"r"}\n\n'),
        ('\ufeff{"repo":"r","repo-ref":null}', '\ufeff{"repo":"r","repo-ref":"b"}'),
        ('{"repo": "r", "repo-ref": 2025}', '{"repo": "r", "repo-ref": "b"}'),
        ('{"repo": "r"}', '{"repo": "r", "repo-ref": "b"}'),
        (
            '{\r\n\t"repo": "r",\r\n\t"x": {"repo-ref": "a"}\r\n}',
            '{\r\n\t"repo": "r",\r\n\t"repo-ref": "b",\r\n\t"x": {"repo-ref": "a"}\r\n}',
        ),
    ],
)
def test_the_ref_is_replaced_or_added(before: str, after: str) -> None:
    assert edit_source_file(before, {"repo-ref": "b"}, FILE) == after


@pytest.mark.parametrize(
    "text", ['{"repo": "r", "repo-ref": ["a"]}', '{"x": 1}', '{"repo-ref": "a", "repo-ref": "b"}']
)
def test_what_cannot_be_edited_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        edit_source_file(text, {"repo-ref": "c"}, FILE)
    assert caught.value.place


values = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
documents = st.dictionaries(
    st.sampled_from(["repo-flat", "note", "repo-ref", "é", "repo-backstage-version"]),
    values | st.dictionaries(st.text(max_size=4), values, max_size=2),
    max_size=5,
)


@given(
    documents, st.sampled_from([None, 0, 2, "\t"]), st.booleans(), st.text(min_size=1, max_size=12)
)
def test_of_any_file_only_the_wanted_value_changes(
    fields: dict[str, Any], indent: Any, ascii_only: bool, ref: str
) -> None:
    before = {"repo": "r", **fields}
    text = json.dumps(before, indent=indent, ensure_ascii=ascii_only)
    if isinstance(before.get("repo-ref"), dict):
        return
    edited = edit_source_file(text, {"repo-ref": ref}, FILE)
    assert json.loads(edited) == {**before, "repo-ref": ref}
    if before.get("repo-ref") == ref:
        assert edited == text
