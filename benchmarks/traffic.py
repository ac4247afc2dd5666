"""Counts what comes over the network: relays that pass bytes on and add them up."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import subprocess
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 16


class Relay(socketserver.ThreadingTCPServer):
    """Passes connections on; ``received`` counts the bytes that came back.

    With ``to`` every connection goes there. Without it each says itself where, as to an HTTP proxy:
    by CONNECT, which is how https goes through one.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, to: tuple[str, int] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.to = to
        self.received = 0
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def count(self, number: int) -> None:
        with self.lock:
            self.received += number

    def taken(self) -> int:
        """The bytes since the last time that this was asked."""
        with self.lock:
            number, self.received = self.received, 0
        return number

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is the client's affair."""


class _Connection(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        client: socket.socket = self.request
        to = self.server.to or self._asked(client)
        with socket.create_connection(to, timeout=60) as upstream:
            upstream.settimeout(None)
            if self.server.to is None:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            up = threading.Thread(target=self._pass, args=(client, upstream), daemon=True)
            up.start()
            self._pass(upstream, client, counted=True)
            up.join()

    def _asked(self, client: socket.socket) -> tuple[str, int]:
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(_BLOCK)
            if not more:
                raise ConnectionError
            head += more
        method, target, *_ = head.decode("latin-1").split()
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 501 Only https is counted\r\n\r\n")
            raise ConnectionError
        host, _, port = target.rpartition(":")
        return host.strip("[]"), int(port)

    def _pass(self, source: socket.socket, sink: socket.socket, *, counted: bool = False) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(_BLOCK):
                if counted:
                    self.server.count(len(block))
                sink.sendall(block)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relaying(to: tuple[str, int] | None = None) -> Iterator[Relay]:
    with Relay(to) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        try:
            yield relay
        finally:
            relay.shutdown()


@contextlib.contextmanager
def serving_git(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the bare repositories in a folder for as long as the block lasts (git-daemon(1))."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", "--export-all"]
    command += ["--reuseaddr", f"--base-path={folder}", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 0.2),
            ):
                break
            time.sleep(0.05)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait()
