"""Values in YAML that people have written, changed in place."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.notation.limits import DocumentError
from factory.notation.yaml_edit import AddItems, SetValue, edit_yaml
from factory.notation.yaml_text import parse_yaml, yaml_text

ENTITY = """\
# maintained by the todo team
apiVersion: extensions.backstage.io/v1alpha1   # the only one

kind: Package
metadata:
    name: 'team-todo'
    tags: []
spec:
    # Tag: bs_1.49.4__1.0.0
    version: "1.0.0"  # bumped by hand
    backstage: {role: frontend-plugin, supportedVersions: 1.49.4}
    dynamicArtifact:
    partOf:
    - todo     # ours
    # the last word

    description: |
      One
      # no comment

# the end
"""


def edit(text: str, *changes: SetValue | AddItems) -> str:
    return edit_yaml(text, changes)


def set_value(way: str, value: Any) -> SetValue:
    return SetValue(way=tuple(way.split(".")), value=value)


@pytest.mark.parametrize(
    ("way", "value", "before", "after"),
    [
        ("spec.version", "2.0.0", 'version: "1.0.0"  # b', 'version: "2.0.0"  # b'),
        ("metadata.name", "it's", "'team-todo'", "'it''s'"),
        ("kind", "Plugin", "kind: Package", "kind: Plugin"),
        ("spec.backstage.supportedVersions", "1.52.0", ": 1.49.4}", ": '1.52.0'}"),
        ("spec.dynamicArtifact", "oci://a.b/c:1", "Artifact:\n", "Artifact: oci://a.b/c:1\n"),
        ("spec.backstage.other", "x", ": 1.49.4}", ': 1.49.4, "other": "x"}'),
        ("spec.author", "Ann", "# no comment\n", "# no comment\n    author: Ann\n"),
        (
            "metadata.annotations",
            {"a/b": "c"},
            "tags: []\n",
            "tags: []\n    annotations:\n      a/b: c\n",
        ),
        ("spec.version", "1.0", '"1.0.0"', '"1.0"'),
        ("kind", "true", "kind: Package", "kind: 'true'"),
    ],
)
def test_a_value_changes_and_nothing_else(way: str, value: Any, before: str, after: str) -> None:
    assert before in ENTITY
    assert edit(ENTITY, set_value(way, value)) == ENTITY.replace(before, after, 1)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a:\n- x # one\n\nb: 1\n", "a:\n- x # one\n- z\n\nb: 1\n"),
        ("a:\n  - x\n", "a:\n  - x\n  - z\n"),
        ("a: [x]\n", 'a: [x, "z"]\n'),
        ("a: []\n", 'a: ["z"]\n'),
        ("a:\n", "a:\n  - z\n"),
        ("a: null # none\nb: 1\n", "a: # none\n  - z\nb: 1\n"),
        ("b: 1", "b: 1\na:\n  - z"),
        ("", "a:\n  - z\n"),
        ("# only a word\n", "# only a word\na:\n  - z\n"),
        ("a:\r\n- x\r\n", "a:\r\n- x\r\n- z\r\n"),
        ("a: [z]\n", "a: [z]\n"),
    ],
)
def test_an_item_goes_behind_the_others(text: str, after: str) -> None:
    assert edit(text, AddItems(way=("a",), items=("z",))) == after


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: *x\n",
        "c: &x\n  b: 1\na: *x\n",
        "a: [1, 2]\n",
        "a: {b: {c: 1}}\n",
        "a: 1\n",
        "- a\n",
        "a: {b: 1}\n---\nb: 1\n",
        "a: [\n",
    ],
)
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        edit(text, set_value("a.b", "new"))


def test_what_holds_already_is_left_to_the_byte() -> None:
    changes: list[SetValue | AddItems] = [
        set_value("spec.version", "1.0.0"),
        AddItems(way=("spec", "partOf"), items=("todo",)),
    ]
    assert edit(ENTITY, *changes) is ENTITY


NAMES = st.sampled_from(["a", "b", "c", "d e", "f/g", "1", "true", "ü"])
SCALARS = (
    st.text(
        st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n: #'\""), max_size=9
    )
    | st.integers(-9, 9)
    | st.booleans()
    | st.none()
)
TREES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


def commented(text: str) -> str:
    """The text with a comment above each key, as far as no text of several lines is meant."""
    lines = []
    for number, line in enumerate(text.splitlines(keepends=True)):
        indent = line[: len(line) - len(line.lstrip(" "))]
        lines.append(f"{indent}# {number}\n{line}")
    return "".join(lines)


@given(
    tree=st.dictionaries(NAMES, TREES, min_size=1, max_size=4),
    way=st.lists(NAMES, min_size=1, max_size=3),
    value=SCALARS,
)
@settings(max_examples=60, deadline=None)
def test_every_comment_stays_and_every_other_value(
    tree: dict[str, Any], way: list[str], value: Any
) -> None:
    text = commented(yaml_text(tree))
    before = parse_yaml(text)
    try:
        edited = edit(text, SetValue(way=tuple(way), value=value))
    except DocumentError as error:
        assert "belongs" in error.problem  # noqa: PT017 - a map, or a list, in the way
        return
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in edited.splitlines() if line.lstrip().startswith("#")] == comments
    now, expected = parse_yaml(edited), before
    *around, last = way
    for step in around:
        if expected.get(step) is None:
            expected[step] = {}
        expected = expected[step]
    expected[last] = value
    assert now == before


def test_a_list_below_its_key_without_indent_stays_so() -> None:
    text = textwrap.dedent("""\
        spec:
          packages:
          - one
          - two # the second
          author: x
        """)
    edited = edit(text, AddItems(way=("spec", "packages"), items=("two", "three")))
    assert edited == text.replace("second\n", "second\n  - three\n")
