"""A registry for what a catalogue publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.oci.registries import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that anybody may push to, over plain HTTP."""
    with serving(tmp_path_factory.mktemp("anonymous")) as server:
        yield server
