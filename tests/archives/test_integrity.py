"""Integrity as npm writes it."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import TYPE_CHECKING

import pytest

from factory.archives.integrity import check_integrity, integrity_of, parse_integrity
from factory.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"the plugin"


def sri(algorithm: str, content: bytes = CONTENT) -> str:
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "sha256"])
def test_the_right_content_passes(algorithm: str, tmp_path: Path) -> None:
    file = tmp_path / "plugin.tgz"
    file.write_bytes(CONTENT)

    check_integrity(file, sri(algorithm))
    check_integrity(io.BytesIO(CONTENT), f"  {sri(algorithm)}\n")
    assert integrity_of(file, algorithm) == sri(algorithm)


def test_other_content_is_refused_with_both_digests(tmp_path: Path) -> None:
    file = tmp_path / "plugin.tgz"
    file.write_bytes(b"another")

    with pytest.raises(ArtifactError) as refused:
        check_integrity(file, sri("sha512"))

    said = str(refused.value)
    assert sri("sha512") in said
    assert sri("sha512", b"another") in said
    assert str(file) in said


def test_the_strongest_algorithm_decides() -> None:
    with pytest.raises(ArtifactError):
        check_integrity(io.BytesIO(CONTENT), f"{sri('sha256')} {sri('sha512', b'another')}")
    check_integrity(io.BytesIO(CONTENT), f"{sri('sha256', b'another')} {sri('sha512')}")


def test_one_of_several_digests_of_one_algorithm_is_enough() -> None:
    check_integrity(io.BytesIO(CONTENT), f"{sri('sha512', b'another')} {sri('sha512')}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "sha512",
        "sha512-",
        "md5-1B2M2Y8AsgTpgAmY7PhCfg==",
        "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "SHA512-" + sri("sha512")[7:],
        sri("sha512").replace("-", ":"),
        sri("sha512")[:-8],
        sri("sha256").replace("sha256", "sha512"),
        "sha512-" + "!" * 88,
        hashlib.sha512(CONTENT).hexdigest(),
        sri("sha512") + " md5-1B2M2Y8AsgTpgAmY7PhCfg==",
    ],
)
def test_what_is_no_integrity_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError, match="the integrity cannot be used"):
        parse_integrity(text)
