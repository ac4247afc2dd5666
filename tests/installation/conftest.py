"""Registries and desks of the installation's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.oci.registries import HTPASSWD, Server, serving

from .desk import Desk
from .npm_server import TOKEN, NpmServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in a folder of its own, which is also the working directory."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Desk(
        folder=folder,
        process={
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "REGISTRY_INSECURE": "true",
            "NPM_CONFIG_GLOBALCONFIG": "/dev/null",
        },
    )


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry of images that anybody may read and write."""
    with serving(tmp_path_factory.mktemp("images")) as server:
        yield server


@pytest.fixture
def locked_images(tmp_path: Path) -> Iterator[Server]:
    """A registry of images that wants a user and a password."""
    folder = tmp_path / "locked"
    folder.mkdir()
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "of the test", "path": str(folder / "htpasswd")}}
    with serving(folder, auth=auth) as server:
        yield server


@pytest.fixture
def npm() -> Iterator[NpmServer]:
    """An npm registry that anybody may read."""
    server = NpmServer()
    yield server
    server.close()


@pytest.fixture
def private_npm() -> Iterator[NpmServer]:
    """An npm registry that wants a token."""
    server = NpmServer(authorization=f"Bearer {TOKEN}")
    yield server
    server.close()
