"""Links by what they say."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from factory.sources.file_copy import leads_out


@pytest.mark.parametrize(
    ("name", "target", "leaves"),
    [
        ("link", "file", False),
        ("a/link", "../file", False),
        ("a/link", "..", False),
        ("a/link", "../..file", False),
        ("link", "..", True),
        ("link", "../file", True),
        ("a/link", "../../file", True),
        ("link", "a/../../file", True),
        ("link", "/etc/passwd", True),
    ],
)
def test_a_link_that_leaves_the_tree(name: str, target: str, leaves: bool) -> None:
    assert leads_out(PurePosixPath(name), Path(target)) == leaves
