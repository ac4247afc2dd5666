"""The header of a plain file is read as Python's tarfile reads it, or left to it."""

from __future__ import annotations

import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from factory.archives.tar_headers import usual_header

NAMES = st.text(min_size=1, max_size=60).filter(lambda name: "\0" not in name)
CHANGES = st.lists(
    st.tuples(st.integers(0, 511), st.sampled_from([*b"\0 0178aZ/_+-x", 0x80, 0xFF])), max_size=4
)


def header_of(name: str, size: int, mode: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogatepass")[-512:]


def with_checksum(block: bytes) -> bytes:
    total = sum(block) - sum(block[148:156]) + 256
    return block[:148] + b"%06o\0 " % total + block[156:]


def facts(header: tarfile.TarInfo) -> tuple[object, ...]:
    return header.name, header.size, header.mode, header.type, header.linkname


def check(block: bytes) -> bool:
    """Whether it is usual; then Python reads the same."""
    usual = usual_header(block)
    if usual is not None:
        assert facts(usual) == facts(tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape"))
    return usual is not None


@given(NAMES, st.integers(0, 8**11 - 1), st.integers(0, 0o777))
def test_the_header_of_a_file_is_usual(name: str, size: int, mode: int) -> None:
    assert check(header_of(name, size, mode))


@settings(max_examples=1500)
@given(NAMES, st.integers(0, 8**11 - 1), CHANGES, st.booleans())
def test_what_is_changed_in_a_header_is_read_as_python_reads_it(
    name: str, size: int, changes: list[tuple[int, int]], fits: bool
) -> None:
    block = bytearray(header_of(name, size, 0o644))
    for place, value in changes:
        block[place] = value
    check(with_checksum(bytes(block)) if fits else bytes(block))


def test_a_long_name_in_two_parts_is_put_together() -> None:
    info = tarfile.TarInfo("a" * 90 + "/" + "b" * 60)
    block = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    header = usual_header(block)
    assert header is not None
    assert header.name == info.name


def test_what_is_no_plain_file_is_left_to_python() -> None:
    for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.XHDTYPE, tarfile.AREGTYPE):
        info = tarfile.TarInfo("a")
        info.type = kind
        assert usual_header(info.tobuf()) is None
    assert usual_header(bytes(512)) is None
    assert usual_header(b"") is None
