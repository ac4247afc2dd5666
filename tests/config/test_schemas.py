"""The shipped JSON schemas: valid draft 7, and never of another mind than what reads the files."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.config.plugins_list import read_plugins_list
from factory.config.source_file import read_source_file
from factory.errors import ConfigurationError
from factory.schemas import SchemaName, find_violation, schema
from tests.slow_libraries import draft_7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES: tuple[SchemaName, ...] = (
    "source",
    "plugins-list",
    "build-report",
    "run-report",
    "plan",
    "dynamic-plugins",
    "updates",
    "affected",
    "inspection",
    "inspect-limits",
    "trial",
)

# Text as any editor may write it: a lone surrogate cannot be written to a UTF-8 file at all.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
like_source = st.fixed_dictionaries(
    {},
    optional={
        "repo": st.one_of(words, anything),
        "repo-ref": st.one_of(words, anything),
        "workspace-path": st.one_of(words, anything),
        "repo-flat": st.one_of(st.booleans(), anything),
        "repo-backstage-version": st.one_of(words, anything),
        "other": anything,
    },
)
paths = st.one_of(words, st.sampled_from(["plugins/a", "./plugins/a", "../a", "/a", ".", "a.b{c}"]))
like_plugins = st.dictionaries(paths, st.one_of(st.none(), words, anything), max_size=4)
yaml_keys = st.one_of(words, st.none(), st.booleans(), st.integers(), st.dates(), st.floats())


as_long_as_it_takes = settings(deadline=None)


def allowed(document: object, name: SchemaName) -> bool:
    """What a schema says, by a validator that is not ours."""
    return bool(draft_7()(schema(name)).is_valid(document))


@contextlib.contextmanager
def written(text: str, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(text, encoding="utf-8")
        yield file


def refusal(read: Callable[[], object]) -> ConfigurationError | None:
    """Why a file is refused; any other exception is a failure of the test."""
    try:
        read()
    except ConfigurationError as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_draft_7(name: SchemaName) -> None:
    assert schema(name)["$schema"] == "http://json-schema.org/draft-07/schema#"
    draft_7().check_schema(schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_schema_is_described(name: SchemaName) -> None:
    def undescribed(node: dict[str, Any], path: str) -> Iterator[str]:
        if "description" not in node and "$ref" not in node:
            yield path
        for field, below in node.get("properties", {}).items():
            if field != "$schema":
                yield from undescribed(below, f"{path}.{field}")
        for word in ("items", "additionalProperties"):
            if isinstance(node.get(word), dict):
                yield from undescribed(node[word], f"{path}.{word}")

    assert list(undescribed(schema(name), name)) == []


@as_long_as_it_takes
@given(st.one_of(like_source, anything))
def test_what_the_schema_of_source_json_refuses_the_reader_refuses(document: object) -> None:
    with written(json.dumps(document), "source.json") as file:
        error = refusal(lambda: read_source_file(file.parent))
    assert allowed(document, "source") or (error and error.place)


@as_long_as_it_takes
@given(st.one_of(like_plugins, anything))
def test_what_the_schema_of_plugins_list_refuses_the_reader_refuses(document: object) -> None:
    with written(yaml.safe_dump(document, allow_unicode=True), "plugins-list.yaml") as file:
        error = refusal(lambda: read_plugins_list(file))
    assert document is None or allowed(document, "plugins-list") or (error and error.place)


@as_long_as_it_takes
@given(st.dictionaries(yaml_keys, st.none(), min_size=1, max_size=3))
def test_a_plugins_list_with_any_keys_is_read_or_refused(document: dict[Any, None]) -> None:
    with written(yaml.safe_dump(document, allow_unicode=True), "plugins-list.yaml") as file:
        error = refusal(lambda: read_plugins_list(file))
    assert error or all(isinstance(key, str) for key in document)


@as_long_as_it_takes
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_a_plugins_list_or_refused(text: str) -> None:
    with written(text, "plugins-list.yaml") as file:
        error = refusal(lambda: read_plugins_list(file))
        if error is None:
            assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8-sig")), dict)


@as_long_as_it_takes
@given(st.binary(max_size=60))
def test_any_bytes_are_a_source_json_or_refused(content: bytes) -> None:
    with written("", "source.json") as file:
        file.write_bytes(content)
        error = refusal(lambda: read_source_file(file.parent))
        assert error or isinstance(json.loads(content.decode("utf-8-sig")), dict)


@as_long_as_it_takes
@given(st.one_of(like_source, anything))
def test_our_validator_agrees_with_another(document: object) -> None:
    wrong = find_violation(document, "source")
    assert (wrong is None) == allowed(document, "source")
    if wrong:
        assert wrong.expected


@as_long_as_it_takes
@given(st.dictionaries(words, st.integers(), min_size=1, max_size=1))
def test_a_violation_leads_to_its_value_whatever_its_name(document: dict[str, int]) -> None:
    wrong = find_violation(document, "plugins-list")
    assert wrong
    assert wrong.path == tuple(document)
