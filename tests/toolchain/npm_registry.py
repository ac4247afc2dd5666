"""A small npm registry on the loopback interface that fails when it is told to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import io
import json
import socket
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(kw_only=True, slots=True)
class Fault:
    """What happens to the next ``times`` requests whose path ends so."""

    path: str
    does: Literal["fails", "has nothing", "breaks off", "says nothing"]
    times: int


@dataclass(kw_only=True)
class NpmRegistry:
    """Packages of one version, 1.0.0, each with a file ``index.js``; and what was asked for."""

    packages: Mapping[str, Mapping[str, bytes]]
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def count(self, path: str) -> int:
        return sum(each.endswith(path) for each in self.seen)

    def archive(self, name: str) -> bytes:
        manifest = {"name": name, "version": "1.0.0"}
        files = {"package.json": json.dumps(manifest).encode(), **self.packages[name]}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, content in files.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()

    def document(self, name: str, archive: bytes) -> bytes:
        dist = {
            "tarball": f"{self.url}/{name}/-/{name}-1.0.0.tgz",
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode(),
            "shasum": hashlib.sha1(archive, usedforsecurity=False).hexdigest(),
        }
        version = {"name": name, "version": "1.0.0", "dist": dist}
        value = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        return json.dumps(value).encode()


@contextlib.contextmanager
def serving(registry: NpmRegistry) -> Iterator[NpmRegistry]:
    """Serve the registry as long as the block lasts; its ``url`` is set."""
    archives = {name: registry.archive(name) for name in registry.packages}
    lock = threading.Lock()
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")[0]
            if name not in archives:
                self.send_error(404)
                return
            archive = archives[name]
            is_archive = self.path.endswith(".tgz")
            content = archive if is_archive else registry.document(name, archive)
            fault = self.fault()
            if fault == "says nothing":
                over.wait()
            elif fault in {"fails", "has nothing"}:
                self.send_error(500 if fault == "fails" else 404)
                return
            self.send_response(200)
            kind = "application/octet-stream" if is_archive else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if fault == "breaks off":
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(content)

        def fault(self) -> str | None:
            with lock:
                registry.seen.append(self.path)
                for fault in registry.faults:
                    if fault.times and self.path.endswith(fault.path):
                        fault.times -= 1
                        return fault.does
            return None

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        registry.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield registry
        finally:
            over.set()
            server.shutdown()
