"""The reader that Backstage has, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import KEPT

from .npm_yaml import NpmYaml, running


@pytest.fixture(scope="session")
def npm_yaml(process: dict[str, str]) -> Iterator[NpmYaml]:
    """The npm library ``yaml``, in a process."""
    with running(KEPT, process) as reader:
        yield reader
