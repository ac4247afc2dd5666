"""Servers that fail or ask for patience: their workspaces are reported, the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.updating.forge import NAME, Desk


class Busy:
    """A registry in front of another one, which answers 429 to the first requests."""

    def __init__(self, *, refusals: int, retry_after: str, content: bytes) -> None:
        self.refusals = refusals
        self.times: list[float] = []
        busy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                busy.times.append(time.monotonic())
                refused = len(busy.times) <= busy.refusals
                self.send_response(429 if refused else 200)
                if refused:
                    self.send_header("Retry-After", retry_after)
                body = b"{}" if refused else content
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def refusing() -> Iterator[Busy]:
    """A registry that has no time, today."""
    busy = Busy(refusals=10_000, retry_after="86400", content=b"{}")
    yield busy
    busy.close()


def test_retry_after_is_obeyed(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    content = b'{"name": "x", "versions": {}}'
    busy = Busy(refusals=2, retry_after="1", content=content)
    try:
        (desk.config / ".npmrc").write_text(f"registry={busy.url}\n")
        desk.configure(first)
        assert desk.update("--check").code == 0
        waits = [b - a for a, b in zip(busy.times, busy.times[1:], strict=False)]
        assert len(waits) == 2
        assert all(wait >= 1 for wait in waits)
    finally:
        busy.close()


def test_a_registry_that_has_no_time_ends_its_workspaces_only(desk: Desk, refusing: Busy) -> None:
    (desk.config / ".npmrc").write_text(f"registry={refusing.url}\n@acme:registry={desk.npm.url}\n")
    scoped = desk.new_upstream("scoped")
    first = scoped.release("1.0.0")
    second = scoped.release("1.1.0")
    desk.configure(first, "good", repo="scoped")
    for name in ("bad", "worse"):
        other = desk.new_upstream(name, package=f"plugin-{name}-backend")
        desk.configure(other.commit("1.0.0"), name, repo=name)

    done = desk.update("--json")

    assert done.code == 11
    assert desk.ref("good") == second
    assert {each["name"]: each["status"] for each in done.json["workspaces"]} == {
        "bad": "failed",
        "good": "outdated",
        "worse": "failed",
    }
    # What does not answer is not asked again for each package.
    assert len(refusing.times) <= 2
    assert "try" in done.said


def test_a_git_server_that_fails_ends_its_workspaces_only(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first, "good")
    desk.configure(first, "gone", repo="no-such-repository")
    (desk.config / "broken").mkdir()
    (desk.config / "broken/source.json").write_text("{")
    done = desk.update("--json")
    assert done.code == 3
    assert desk.ref("good") == second
    assert done.workspace("gone")["error"]["kind"] == "source"
    assert done.workspace("broken")["error"]["kind"] == "configuration"
    assert desk.ref("gone") == first


def test_a_git_server_that_fails_once_is_asked_again(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first)
    desk.log.failures_left = 1
    assert desk.update().code == 0
    assert desk.ref() == second


def test_a_server_that_cannot_filter_sends_commits_whole(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.repository.git("config", "uploadpack.allowFilter", "false")
    upstream.repository.git("config", "uploadpack.allowAnySHA1InWant", "false")
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first)
    assert desk.update().code == 0
    assert desk.ref() == second


def test_a_registry_that_wants_a_login_is_named(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    desk.configure(first)
    desk.npm.authorization = "Bearer s3cr3t-token"
    done = desk.update()
    assert done.code == 11
    assert f"the npm registry does not show {NAME}" in done.said
    npmrc = desk.config / ".npmrc"
    npmrc.write_text(f"{npmrc.read_text()}//{desk.npm.host}/:_authToken=s3cr3t-token\n")
    done = desk.update("--verbose")
    assert done.code == 0
    assert "s3cr3t-token" not in done.said
