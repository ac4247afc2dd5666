"""YAML as Backstage reads it: our reader beside the npm library ``yaml``, which Backstage has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.notation.limits import DocumentError, RepeatedKeyError
from factory.notation.yaml_text import parse_yaml, parse_yaml_1_1

from .npm_yaml import NpmYaml, told

# The same documents in each run: rare forms are not for a build of somebody else's change to find.
asking = settings(
    derandomize=True,
    deadline=None,
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# https://yaml.org/spec/1.2.2/#103-core-schema
CORE: list[tuple[str, Any]] = [
    ("NO", "NO"),
    ("yes", "yes"),
    ("On", "On"),
    ("y", "y"),
    ("True", True),
    ("FALSE", False),
    ("tRUE", "tRUE"),
    ("~", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("22:22", "22:22"),
    ("1:02:03", "1:02:03"),
    ("010", 10),
    ("08", 8),
    ("0o17", 15),
    ("0o8", "0o8"),
    ("-0o7", "-0o7"),
    ("0x1F", 31),
    ("+0x1", "+0x1"),
    ("0b1", "0b1"),
    ("+1", 1),
    ("-0", -0.0),
    ("1_000", "1_000"),
    (".5", 0.5),
    ("5.", 5.0),
    ("+.5", 0.5),
    (".", "."),
    ("1e3", 1000.0),
    ("1E+3", 1000.0),
    ("1.e5", 100_000.0),
    (".e3", ".e3"),
    ("1e999", float("inf")),
    (".inf", float("inf")),
    ("-.Inf", float("-inf")),
    (".NaN", float("nan")),
    ("-.nan", "-.nan"),
    ("9007199254740993", 9007199254740993),
    ("=", "="),
    ("<<", "<<"),
    ("2026-01-01", "2026-01-01"),
    ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
    ("!!str 1", "1"),
    ("! 1", "1"),
    ("!!int '12'", 12),
    ("!!float 1.5", 1.5),
    ("!!bool true", True),
    ("!!null ''", None),
    ("https://x/?a=b#c", "https://x/?a=b#c"),
    ('"\\ud83d\\ude00"', "😀"),
]

DOCUMENTS: list[tuple[str, Any]] = [
    ("", None),
    ("# a comment\n", None),
    ("---\n", None),
    ("1: x\ntrue: y\nnull: z\n1e21: big\n0.1: small\n", None),
    ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", {"a": {"b": 1}, "c": {"<<": {"b": 1}, "d": 2}}),
    ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
    ("a: &x.y/z 1\nb: *x.y/z\n", {"a": 1, "b": 1}),
    ("a: \tx\t# a comment\n", {"a": "x"}),
    ("a:\tx y\tz\n", {"a": "x y\tz"}),
    ("-\ta\n", ["a"]),
    ("a: x\u2028b: y\n", None),
    ("a: 'x\u0085y'\n", {"a": "x\u0085y"}),
    ("a: |\n  x", {"a": "x\n"}),
    ("a: |+\n  x\n\n", {"a": "x\n\n"}),
    ("a: >-\n  x\n  y\n", {"a": "x y"}),
    ("[:8080, a:b, ?x, a?b]", [":8080", "a:b", "?x", "a?b"]),
    ('{"a":1}', {"a": 1}),
    ("{a:1}", {"a:1": None}),
    ("{a, b: 1}", {"a": None, "b": 1}),
    ("%YAML 1.2\n---\na: NO\n", {"a": "NO"}),
    ("%TAG ! tag:yaml.org,2002:\n---\na: !str 1\n", {"a": "1"}),
    ("a: 1\r\nb: |\r\n  x\r\n", {"a": 1, "b": "x\n"}),
    ("\ufeffa: 1\n", {"a": 1}),
]

REFUSED = [
    "a: 1\na: 2\n",
    "1: a\n1.0: b\n",
    "{a: 1, a: 2}",
    "a: 1\n---\nb: 2\n",
    "a: *nobody\n",
    "a:\n\t- b\n",
    "a: \t- b\n",
    "a: b: c\n",
    "a: @x\n",
    "a: `x`\n",
    "a: 'x' y\n",
    'a: "x"#c\n',
    'a: "\\q"\n',
    "a: - x\n",
    "--- a: 1\n",
    "[-]\n",
    "{a: b\n",
]

# What the library reads, mostly with a warning, and what we refuse: nobody means it.
REFUSED_HERE = [
    "1: x\n'1': y\n",  # two keys that are one in JavaScript: the second would win
    "a: !acme x\n",
    "a: !!binary aGVsbG8=\n",
    "a: !!timestamp 2026-01-01\n",
    "a: !!set {x}\n",
    "a: !!int x\n",
    "a: !!bool yes\n",
    "? [a, b]\n: c\n",
    "%YAML 1.1\n---\na: yes\n",
    '"\\ud800"',
]


def ours(text: str) -> Any:
    return told(parse_yaml(text))


@pytest.mark.parametrize(("written", "value"), CORE)
@pytest.mark.parametrize("form", ["a: {}\n", "- {}\n", "[{}]", "{{a: {}}}"])
def test_a_scalar_is_what_the_core_schema_says(
    npm_yaml: NpmYaml, form: str, written: str, value: Any
) -> None:
    text = form.format(written)
    read = parse_yaml(text)
    (found,) = read.values() if isinstance(read, dict) else read
    assert told(found) == told(value)
    assert type(found) is type(value)
    assert told(read) == npm_yaml.read(text).value


@pytest.mark.parametrize(("text", "value"), DOCUMENTS)
def test_a_document_is_what_backstage_makes_of_it(npm_yaml: NpmYaml, text: str, value: Any) -> None:
    answer = npm_yaml.read(text)
    if answer.error:
        with pytest.raises(DocumentError):
            parse_yaml(text)
        return
    assert ours(text) == answer.value
    if value is not None:
        assert parse_yaml(text) == value


@pytest.mark.parametrize("text", REFUSED)
def test_what_backstage_refuses_is_refused(npm_yaml: NpmYaml, text: str) -> None:
    assert npm_yaml.read(text).error
    with pytest.raises(DocumentError) as caught:
        parse_yaml(text)
    assert caught.value.line


@pytest.mark.parametrize("text", REFUSED_HERE)
def test_what_nobody_means_is_refused_though_the_library_takes_it(
    npm_yaml: NpmYaml, text: str
) -> None:
    assert not npm_yaml.read(text).error
    with pytest.raises(DocumentError):
        parse_yaml(text)


scalars = st.text(st.sampled_from("0123456789+-._eExXonNfaItTrRuUlLyYsS:~=<>?#"), max_size=8)
known = st.sampled_from([written for written, _ in CORE])
places = st.sampled_from(["a: {}", "- {}", "[{}]", "{{a: {}}}", "{}: x", "{{{}: x}}", "- - {}\n"])


@asking
@given(form=places, written=st.one_of(scalars, known))
def test_any_scalar_is_read_as_backstage_reads_it(
    npm_yaml: NpmYaml, form: str, written: str
) -> None:
    same_or_refused(npm_yaml, form.format(written))


pieces = st.one_of(
    scalars,
    known,
    st.sampled_from(
        ["", "x y", "[a, b]", "{a: 1}", "'x'", '"x"', "&x", "*x", "# c", "a\tb", "é😀"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
)
lines = st.tuples(
    st.sampled_from(["", "", "  ", "    ", " "]),
    st.sampled_from(
        ["a: ", "b: ", "k:", "- ", "- a: ", "'q': ", "", "# ", "c: |\n", "d: &x ", "e: *x"]
    ),
    pieces,
).map("".join)


@asking
@given(st.lists(lines, min_size=1, max_size=6).map("\n".join))
def test_any_document_is_read_as_backstage_reads_it(npm_yaml: NpmYaml, text: str) -> None:
    same_or_refused(npm_yaml, text)


def same_or_refused(npm_yaml: NpmYaml, text: str) -> None:
    """Never another value; and what one refuses the other does not read, but for rare forms."""
    answer = npm_yaml.read(text)
    try:
        value = ours(text)
    except RepeatedKeyError:
        return
    except DocumentError:
        expected = answer.error or answer.warned or rare(text)
        assert expected, text
        return
    assert not answer.error, text
    assert value == answer.value, text


def rare(text: str) -> bool:
    """Valid YAML that nobody writes and PyYAML does not take."""
    return any(
        line.lstrip(" -?").startswith((":", "...")) or line.rstrip().endswith(("|", ">", ": "))
        for line in text.splitlines()
    ) or any(mark in text for mark in ("? ", "[:", "{:", "!", "|", ">"))


def test_other_files_are_read_as_before() -> None:
    assert parse_yaml_1_1("a: NO\nb: 22:22\nc: &x {d: 1}\ne: {<<: *x}\n") == {
        "a": False,
        "b": 1342,
        "c": {"d": 1},
        "e": {"d": 1},
    }
