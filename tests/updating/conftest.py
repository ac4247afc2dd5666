"""A desk with a git server and an npm registry, for every test of updates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation.npm_server import NpmServer
from tests.sources.servers import ServerLog, smart_http
from tests.updating.forge import Desk

_LEFT_OUT = ("npm_config_registry", "NPM_CONFIG_REGISTRY")
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


@pytest.fixture
def npm() -> Iterator[NpmServer]:
    server = NpmServer()
    yield server
    server.close()


@pytest.fixture
def desk(
    tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str], npm: NpmServer
) -> Iterator[Desk]:
    log = ServerLog()
    (tmp_path / "forge").mkdir()
    (tmp_path / "home").mkdir()
    own = {k: v for k, v in process.items() if k not in (*_LEFT_OUT, *_PROXIES)}
    own |= {"HOME": str(tmp_path / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
    with smart_http(tmp_path / "forge", log) as url:
        desk = Desk(root=tmp_path, process=own, capsys=capsys, npm=npm, url=url, log=log)
        desk.config.mkdir()
        (desk.config / ".npmrc").write_text(f"registry={npm.url}\n")
        desk.write_portal()
        yield desk
