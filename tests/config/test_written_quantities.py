"""Sizes and time spans as people write them."""

from __future__ import annotations

import pytest

from factory.config.quantities_read import duration_seconds, size_bytes
from factory.errors import UsageError


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("6G", 6 << 30),
        ("512M", 512 << 20),
        ("512mb", 512 << 20),
        ("1.5Gi", 3 << 29),
        ("1 GiB", 1 << 30),
        ("2097152", 2 << 20),
        ("2048k", 2 << 20),
        ("7 kB", 7 << 10),
        ("0", 0),
    ],
)
def test_units_of_sizes_are_powers_of_1024(written: str, size: int) -> None:
    assert size_bytes(written, "--memory") == size


NOT_SIZES = ["", "G", "6 apples", "-1G", "10X", "ten", "6GG", "1e9", "9" * 400]


@pytest.mark.parametrize("written", NOT_SIZES)
def test_what_is_no_size_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="--max-size is not a size") as caught:
        size_bytes(written, "--max-size")
    assert caught.value.found == written
    assert "6G" in str(caught.value.expected)


@pytest.mark.parametrize("written", ["6", "0G", "1023k"])
def test_a_size_below_the_least_lacks_its_unit(written: str) -> None:
    with pytest.raises(UsageError, match="--memory is not a size"):
        size_bytes(written, "--memory", least=1 << 20)


DAY = 86_400.0


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90d", 90 * DAY), ("12h", DAY / 2), ("2w", 14 * DAY), ("1.5 M", 90.0), ("0s", 0.0)],
)
def test_time_spans(written: str, seconds: float) -> None:
    assert duration_seconds(written, "--max-age") == seconds


@pytest.mark.parametrize("written", ["", "d", "-1d", "10", "1y", "1e3s", "ten days", "9" * 400])
def test_what_is_no_time_span_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="--max-age is not a time span") as caught:
        duration_seconds(written, "--max-age")
    assert caught.value.found == written
