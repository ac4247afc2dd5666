"""Registries that live as long as the tests that share them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .registries import HTPASSWD, Authority, Server, TokenServer, new_authority, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry that anybody may push to, over plain HTTP."""
    with serving(tmp_path_factory.mktemp("anonymous")) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that no machine trusts."""
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def htpasswd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The registry's configuration for basic authentication."""
    file = tmp_path_factory.mktemp("htpasswd") / "htpasswd"
    file.write_text(HTPASSWD)
    return {"htpasswd": {"realm": "of the test", "path": str(file)}}


@pytest.fixture(scope="session")
def protected(
    tmp_path_factory: pytest.TempPathFactory, htpasswd: dict[str, Any]
) -> Iterator[Server]:
    """A registry with basic authentication."""
    with serving(tmp_path_factory.mktemp("protected"), auth=htpasswd) as server:
        yield server


@pytest.fixture(scope="session")
def encrypted(
    tmp_path_factory: pytest.TempPathFactory, htpasswd: dict[str, Any], authority: Authority
) -> Iterator[Server]:
    """A registry with basic authentication and a certificate of the test's authority."""
    tls = {"certificate": str(authority.certificate), "key": str(authority.key)}
    folder = tmp_path_factory.mktemp("encrypted")
    with serving(folder, auth=htpasswd, http={"tls": tls}) as server:
        yield server


@pytest.fixture
def tokens(authority: Authority) -> Iterator[TokenServer]:
    """A token server whose tokens the fixture ``tokened`` takes."""
    server = TokenServer(authority)
    yield server
    server.close()


@pytest.fixture
def tokened(tmp_path: Path, authority: Authority, tokens: TokenServer) -> Iterator[Server]:
    """A registry with token authentication."""
    token = {
        "realm": tokens.realm,
        "service": "registry of the test",
        "issuer": "test",
        "rootcertbundle": str(authority.authority),
    }
    with serving(tmp_path, auth={"token": token}) as server:
        yield server


@pytest.fixture
def skopeo(tmp_path: Path) -> Callable[..., str]:
    """Run skopeo and return what it printed."""
    program = shutil.which("skopeo")
    assert program, "skopeo is not installed (apt-get install skopeo)"

    def run(*arguments: str) -> str:
        command = [program, "--insecure-policy", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def authority_file(authority: Authority) -> str:
    """The authority's certificate, as a variable names it."""
    return str(authority.authority)
