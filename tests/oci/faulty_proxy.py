"""Something between a client and a registry that does what networks do."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message


@dataclass(kw_only=True, slots=True)
class Fault:
    """What happens to the next ``times`` requests that match; ``after`` matches pass before.

    ``status`` is answered in the registry's place; ``cut`` closes the connection after so many
    bytes of the request's body; ``lost`` lets the request through and closes before the answer;
    ``stop`` closes after so many bytes of the answer's body; ``body`` is answered in its place.
    """

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    lost: bool = False
    stop: int | None = None
    body: bytes | None = None
    delay: float = 0.0
    times: int = 1
    after: int = 0


class FaultyProxy:
    """A reverse proxy that keeps the Host header, and a list of the requests it saw.

    ``ranges`` are the Range headers of requests for blobs, ``authorizations`` those of all. With
    ``pass_ranges`` false the registry does not learn that a range is wanted.
    """

    def __init__(self, registry: str, faults: list[Fault], *, pass_ranges: bool = True) -> None:
        self.seen: list[str] = []
        self.ranges: list[str] = []
        self.authorizations: list[str] = []
        self._pass_ranges = pass_ranges
        self._registry = registry
        self._faults = faults
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, method: str, path: str) -> int:
        """How many requests of the method had a path that the expression finds."""
        return sum(
            1 for line in self.seen if line.startswith(f"{method} ") and re.search(path, line)
        )

    def _fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            for fault in self._faults:
                if fault.method != method or not re.search(fault.path, path) or not fault.times:
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _note(self, method: str, path: str, headers: Message) -> None:
        if method == "GET":
            self.authorizations.append(headers["Authorization"] or "")
            if "/blobs/" in path:
                self.ranges.append(headers["Range"] or "")
        if not self._pass_ranges:
            del headers["Range"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                fault = proxy._fault(self.command, self.path) or Fault(method="", path="")
                proxy._note(self.command, self.path, self.headers)
                length = int(self.headers["Content-Length"] or 0)
                if fault.delay:
                    time.sleep(fault.delay)
                if fault.cut is not None:
                    self.rfile.read(fault.cut)
                    self.hang_up()
                    return
                body = self.rfile.read(length)
                if fault.status or fault.body is not None:
                    self.answer(fault.status or 200, fault.headers, fault.body or b"")
                    return
                connection = http.client.HTTPConnection(proxy._registry)
                with contextlib.closing(connection):
                    connection.request(self.command, self.path, body, dict(self.headers))
                    response = connection.getresponse()
                    content = response.read()
                if fault.lost:
                    self.hang_up()
                    return
                self.answer(response.status, dict(response.getheaders()), content, fault.stop)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = forward  # noqa: N815

            def answer(
                self,
                status: int,
                headers: dict[str, str],
                content: bytes,
                stop: int | None = None,
            ) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[:stop])
                if stop is not None:
                    self.hang_up()

            def hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextlib.contextmanager
def faulty(registry: str, *faults: Fault, ranges: bool = True) -> Iterator[FaultyProxy]:
    """A proxy before ``registry`` for as long as the block lasts."""
    proxy = FaultyProxy(registry, list(faults), pass_ranges=ranges)
    try:
        yield proxy
    finally:
        proxy.close()
