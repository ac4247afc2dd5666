"""Real git servers on the loopback interface: git daemon, smart HTTP, dumb HTTP."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import os
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HTTP_OK_LINE = b"Status: "


@contextlib.contextmanager
def git_daemon(base: Path) -> Iterator[str]:
    """Serve every repository below a folder over git://; gives the URL of the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exec_path = subprocess.run(
        ["git", "--exec-path"], capture_output=True, text=True, check=True
    ).stdout.strip()
    process = subprocess.Popen(
        [
            f"{exec_path}/git-daemon",
            "--export-all",
            "--reuseaddr",
            "--listen=127.0.0.1",
            f"--port={port}",
            f"--base-path={base}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"git://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 300
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.05)
        else:
            return


class _Smart(http.server.BaseHTTPRequestHandler):
    """Smart HTTP by git's own CGI program, with basic authentication if a password is set."""

    def __init__(self, *args: object, base: Path, server_log: ServerLog) -> None:
        self._base = base
        self._log = server_log
        super().__init__(*args)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self._log.requests.append(self.path)
        if self._log.failures_left > 0:
            self._log.failures_left -= 1
            self.send_error(500)
            return
        if self._log.password is not None and not self._allowed(self._log.password):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        parts = urlsplit(self.path)
        done = subprocess.run(
            ["git", "http-backend"],
            input=self._body(),
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self._base),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_USER": "somebody",
                "REMOTE_ADDR": "127.0.0.1",
                **self._log.git_settings,
            },
            capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name == b"Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name.decode(), value.decode()))
        self.send_response(status)
        for header, text in headers:
            self.send_header(header, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._log.bytes_sent += len(body)
        if self._log.breaks_left > 0 and self.command == "POST":
            self._log.breaks_left -= 1
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self._log.silences_left > 0 and self.command == "POST":
            self._log.silences_left -= 1
            self._log.silent.wait(60)
            return
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _allowed(self, password: str) -> bool:
        given = self.headers.get("Authorization", "")
        return given == "Basic " + base64.b64encode(password.encode()).decode()


class ServerLog:
    """What a smart server has been asked, and how it is to behave."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.bytes_sent = 0
        self.password: str | None = None
        self.failures_left = 0
        self.breaks_left = 0
        self.silent = threading.Event()
        self.silences_left = 0
        self.git_settings: dict[str, str] = {}


@contextlib.contextmanager
def smart_http(base: Path, log: ServerLog | None = None) -> Iterator[str]:
    """Serve every repository below a folder over smart HTTP; gives the URL of the folder."""
    handler = functools.partial(_Smart, base=base, server_log=log or ServerLog())
    with _serving(handler) as url:  # type: ignore[arg-type]
        yield url


class Stalls:
    """How often a server is to fall silent in the middle of what it sends."""

    def __init__(self, left: int) -> None:
        self.left = left


@contextlib.contextmanager
def stalling(port: int, stalls: Stalls, *, after: int) -> Iterator[int]:
    """Stand before a server, and stop to pass on what it sends; gives the port to connect to.

    The connection stays open. An answer of up to ``after`` bytes passes whole.
    """

    def passed_on(source: socket.socket, target: socket.socket, *, answer: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if answer and stalls.left and passed + len(data) > after:
                    stalls.left -= 1
                    return
                passed += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    opened: list[socket.socket] = []

    def served() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", port))
                opened.extend((client, server))
                for pair, answer in (((client, server), False), ((server, client), True)):
                    threading.Thread(
                        target=passed_on, args=pair, kwargs={"answer": answer}, daemon=True
                    ).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=served, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in opened:
                each.close()


class _Dumb(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def dumb_http(base: Path) -> Iterator[str]:
    """Serve a folder as plain files; a repository in it needs `git update-server-info`."""
    with _serving(functools.partial(_Dumb, directory=str(base))) as url:  # type: ignore[arg-type]
        yield url


@contextlib.contextmanager
def _serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
