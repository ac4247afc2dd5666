"""Text of other programs, as it may appear on a screen."""

from __future__ import annotations

import pytest

from factory.quantities import clock, duration, join_names, pluralize, size
from factory.ui.text import Span, cells, cut, cut_start, pad, plain, printable


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("\x1b[32m✓\x1b[0m built", "✓ built"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;a title\x07text", "text"),
        ("10%\r50%\r100%", "100%"),
        ("100%\r", "100%"),
        ("a\tb", "a   b"),
        ("bell\x07 and null\x00", "bell and null"),
        ("right\u202eto left", "rightto left"),
        ("\x1b[2K\x1b[1Aup", "up"),
        ("  kept indent  ", "  kept indent"),
    ],
)
def test_control_codes_are_taken_out(raw: str, read: str) -> None:
    assert printable(raw) == read


def test_wide_characters_take_two_cells_and_combining_ones_none() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1


def test_a_cut_says_that_it_was_cut() -> None:
    assert cut("plugins/todo-backend", 10) == "plugins/t…"
    assert cut_start("plugins/todo-backend", 10) == "…o-backend"
    assert cut("日本語", 4) == "日…"
    assert cut("short", 10) == "short"
    assert cut("anything", 0) == ""


def test_padding_counts_cells() -> None:
    assert pad("日", 4) == "日  "
    assert pad("longer", 3) == "longer"


def test_a_plain_line_has_no_blanks_at_its_end() -> None:
    assert plain((Span("✓ ", "good"), Span("done  ", "dim"))) == "✓ done"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (59.9, "59s"), (84, "1:24"), (3723, "1:02:03")]
)
def test_a_clock_is_read_at_a_glance(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(7.26, "7.3s"), (59.97, "59s"), (84.2, "1:24")])
def test_a_duration_has_tenths_while_they_matter(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (3_400_000_000, "3.4 GB")],
)
def test_sizes_are_decimal(count: int, shown: str) -> None:
    assert size(count) == shown


def test_one_is_not_plural() -> None:
    assert [pluralize(n, "plugin") for n in (0, 1, 2)] == ["0 plugins", "1 plugin", "2 plugins"]


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert join_names(["a", "b"]) == "a, b"
    assert join_names("abcdefg") == "a, b, c, d, e and 2 more"
    assert join_names("abc", 1, between="; ") == "a and 2 more"
    assert join_names([]) == ""


def test_a_plural_may_be_another_word() -> None:
    assert pluralize(1, "patch", "patches") == "1 patch"
    assert pluralize(2, "patch", "patches") == "2 patches"
