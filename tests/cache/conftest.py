"""Registries of the tests of the cache that is in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..oci.registries import HTPASSWD, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that anybody may push to."""
    with serving(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="session")
def locked_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that wants a login."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "of the test", "path": str(folder / "htpasswd")}}
    with serving(folder, auth=auth) as server:
        yield server
