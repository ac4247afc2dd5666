"""--memory: sizes as people write them."""

from __future__ import annotations

import pytest

from factory.config.memory_size import memory_bytes
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
    ],
)
def test_units_are_powers_of_1024(written: str, size: int) -> None:
    assert memory_bytes(written) == size


@pytest.mark.parametrize("written", ["", "G", "6 apples", "-1G", "6GG", "1e9", "6", "0G"])
def test_what_is_no_size_is_refused(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        memory_bytes(written)
    assert caught.value.found == written
    assert "6G" in str(caught.value.expected)
