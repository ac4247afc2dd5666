"""Argument strings of plugins-list.yaml are read and written without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.analysis.arguments import PACKAGE_OPTIONS, format_arguments, parse_arguments
from factory.errors import ConfigurationError


def test_options_may_be_repeated_joined_or_followed_by_several_values() -> None:
    arguments = parse_arguments(
        "--embed-package a b --shared-package !c --embed-package=d --shared-package '/^e f/'"
    )
    assert arguments.embedded == ("a", "b", "d")
    assert arguments.unshared == ("c",)
    assert arguments.shared == ("/^e f/",)


def test_unknown_options_keep_their_values() -> None:
    arguments = parse_arguments("--scalprum-config my.json --no-x --embed-package a")
    assert [(item.option, item.values) for item in arguments.others] == [
        ("--scalprum-config", ("my.json",)),
        ("--no-x", ()),
    ]


def test_each_value_is_written_after_an_option_of_its_own() -> None:
    text = "--embed-package a b --shared-package !@backstage/c '/x y/' --scalprum-config f.json"
    assert format_arguments(parse_arguments(text)) == (
        "--embed-package a --embed-package b --shared-package !@backstage/c "
        "--shared-package '/x y/' --scalprum-config f.json"
    )


def test_the_meaning_does_not_depend_on_order_or_form() -> None:
    one = parse_arguments("--embed-package a b --no-x")
    other = parse_arguments("--no-x --embed-package b --embed-package=a --embed-package a")
    assert one.meaning() == other.meaning()
    assert one.meaning() != parse_arguments("--embed-package a").meaning()


def test_an_open_quotation_mark_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="cannot be split"):
        parse_arguments("--embed-package 'a")


names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(
    lambda name: not name.startswith("-")
)


@given(st.lists(st.tuples(st.sampled_from([*PACKAGE_OPTIONS, "--other"]), st.lists(names))))
def test_what_is_written_reads_back_to_the_same_meaning(
    pairs: list[tuple[str, list[str]]],
) -> None:
    from factory.analysis.arguments import Argument, Arguments  # noqa: PLC0415

    arguments = Arguments(items=tuple(Argument(option=o, values=tuple(v)) for o, v in pairs))
    again = parse_arguments(format_arguments(arguments))
    assert again.pairs == arguments.pairs
