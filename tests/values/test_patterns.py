"""A lazy regular expression finds what a compiled one finds, and is compiled when it is used."""

from __future__ import annotations

import copy
import re

import pytest

from factory.patterns import lazy_pattern


def test_nothing_is_compiled_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_pattern = re.compile

    def note(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_pattern(pattern, flags)

    monkeypatch.setattr(re, "compile", note)
    digits = lazy_pattern(r"[0-9]+")
    assert compiled == []
    assert digits.fullmatch("12")
    assert not digits.fullmatch("1x")
    assert digits.search("a1")
    assert compiled == ["[0-9]+", "[0-9]+"]


def test_it_has_all_that_a_pattern_has() -> None:
    given, flags = r"(?P<letter>[a-z])(\\d)?", re.IGNORECASE | re.MULTILINE
    ours, pythons = lazy_pattern(given, flags), re.compile(given, flags)
    text = "A1 b2\nc"
    assert ours.findall(text) == pythons.findall(text)
    assert ours.sub("-", text) == pythons.sub("-", text)
    assert ours.split(text) == pythons.split(text)
    assert [each.span() for each in ours.finditer(text)] == [
        each.span() for each in pythons.finditer(text)
    ]
    assert (ours.pattern, ours.flags, ours.groups) == (pythons.pattern, pythons.flags, 2)
    assert dict(ours.groupindex) == {"letter": 1}
    assert copy.deepcopy(ours).findall(text) == copy.copy(ours).findall(text)


def test_bytes_are_searched_with_bytes() -> None:
    assert lazy_pattern(rb"a+").fullmatch(b"aa")


def test_an_expression_that_is_none_says_so_when_it_is_used() -> None:
    broken = lazy_pattern("(")
    with pytest.raises(re.error):
        broken.search("")
