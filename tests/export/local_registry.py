"""An npm registry of a test's own: it holds what the test puts there, and may gain more."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


@dataclass(kw_only=True)
class LocalRegistry:
    """Packages by name and version: their package.json and their archive."""

    url: str = ""
    packages: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(
        self,
        name: str,
        version: str,
        *,
        index_text: str = "",
        contents: Mapping[str, str] | None = None,
        **manifest: Any,
    ) -> None:
        """Add a version; its module is ``index_text``, or exports ``NAME VERSION``."""
        whole = {"name": name, "version": version, "main": "index.js", **manifest}
        archive = _archive(
            {
                "package.json": json.dumps(whole),
                "index.js": index_text
                or f"'use strict';\n\nmodule.exports = '{name} {version}';\n",
                **(contents or {}),
            }
        )
        path = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.archives[path] = archive
        integrity = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        dist = {
            "tarball": self.url + path,
            "integrity": f"sha512-{integrity}",
            "shasum": hashlib.sha1(archive, usedforsecurity=False).hexdigest(),
        }
        self.packages.setdefault(name, {})[version] = {**whole, "dist": dist}

    def answer(self, path: str) -> bytes | None:
        """What is at a path of the registry, or None."""
        path = unquote(path.partition("?")[0])
        self.asked.append(path)
        if path in self.archives:
            return self.archives[path]
        versions = self.packages.get(path.removeprefix("/"))
        if versions is None:
            return None
        latest = list(versions)[-1]
        document = {
            "name": path.removeprefix("/"),
            "versions": versions,
            "dist-tags": {"latest": latest},
            "time": dict.fromkeys(versions, "2024-01-01T00:00:00.000Z"),
        }
        return json.dumps(document).encode()


@contextmanager
def local_registry() -> Iterator[LocalRegistry]:
    """Serve a registry on a port of its own as long as the block runs."""
    registry = LocalRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = registry.answer(self.path)
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Length", str(len(answer or b"{}")))
            self.end_headers()
            self.wfile.write(b"{}" if answer is None else answer)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _archive(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()
