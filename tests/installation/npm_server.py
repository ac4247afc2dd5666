"""A small npm registry: packages' metadata and archives, with a login if it is a private one.

Stands for private registries, which a test machine has none of; the protocol is the public one's.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from factory.archives.integrity import integrity_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oci.registries import Authority

TOKEN = "npm_secret-token-of-the-test"


@dataclass(kw_only=True)
class NpmServer:
    """A running registry.

    ``authorization`` is the header that it wants, for everything or for what is below
    ``protected``. ``seen`` has the path and the Authorization header of each request. ``refuses``
    is a status for all that is published; ``sent`` is what was taken.
    """

    authorization: str = ""
    protected: str = "/"
    archives_at: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    block: threading.Event | None = None
    cuts: int = 0
    identity: Authority | None = None
    refuses: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if self.identity:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.identity.certificate, self.identity.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self.identity else 'http'}://{self.host}/"

    def close(self) -> None:
        if self.block:
            self.block.set()
        self._server.shutdown()
        self._server.server_close()

    def publish(
        self, name: str, version: str, tgz: Path, *, tag: str = "latest", deprecated: str = ""
    ) -> str:
        """Publish an archive; return its integrity."""
        path = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.answers[path] = tgz.read_bytes()
        document = self.packages.setdefault(name, {"name": name, "dist-tags": {}, "versions": {}})
        document["dist-tags"][tag] = version
        integrity = integrity_of(tgz)
        host = self.archives_at or self.url.rstrip("/")
        document["versions"][version] = {
            "name": name,
            "version": version,
            "dist": {"tarball": f"{host}{path}", "integrity": integrity},
        } | ({"deprecated": deprecated} if deprecated else {})
        return integrity

    def take(self, body: bytes, given: str) -> int:
        """Take what was published, as a registry does; return the status of the answer."""
        if self.authorization and given != self.authorization:
            return 401
        if self.refuses:
            return self.refuses
        sent = json.loads(body)
        name = sent["name"]
        self.sent.append(sent)
        document = self.packages.setdefault(name, {"name": name, "dist-tags": {}, "versions": {}})
        document["versions"] |= sent["versions"]
        document["dist-tags"] |= sent["dist-tags"]
        for file, attached in sent["_attachments"].items():
            content = base64.b64decode(attached["data"], validate=True)
            assert len(content) == attached["length"]
            self.answers[f"/{name}/-/{file}"] = content
        return 201

    def count(self, part: str) -> int:
        """How many requests had ``part`` in their path."""
        return sum(part in path for path, _ in self.seen)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                given = self.headers["Authorization"] or ""
                server.seen.append((path, given))
                if (
                    server.authorization
                    and path.startswith(server.protected)
                    and given != server.authorization
                ):
                    self.answer(401, b"{}")
                elif path in server.redirects:
                    self.send_response(302)
                    self.send_header("Location", server.redirects[path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif path in server.answers:
                    if server.block:
                        server.block.wait(60)
                    content = server.answers[path]
                    if server.cuts:
                        server.cuts -= 1
                        self.close_connection = True
                        self.answer(200, content[: len(content) // 2], length=len(content))
                        return
                    self.answer(200, content)
                elif path.lstrip("/") in server.packages:
                    self.answer(200, json.dumps(server.packages[path.lstrip("/")]).encode())
                else:
                    self.answer(404, b"{}")

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                given = self.headers["Authorization"] or ""
                server.seen.append((f"PUT {unquote(self.path)}", given))
                self.answer(server.take(body, given), b"{}")

            def answer(self, status: int, content: bytes, *, length: int = 0) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(length or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
