"""Real registries: Debian's docker-registry, configured and started by the test."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from factory.config.environment import Environment
from factory.oci.target import RegistryTarget, registry_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "robot", "correct horse"
# bcrypt, cost 4, of PASSWORD: the only hash that docker-registry takes.
HTPASSWD = f"{USER}:$2b$04$xRSURQIhle9gWMC0p13dF.Is9q1NoM89UXcGsaV9N89xsZarHN4fi\n"
NAMESPACE = "team/plugins"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A running registry and the folder with its blobs."""

    host: str
    storage: Path

    def environment(self, **variables: str) -> Environment:
        """The environment of somebody who pushes there."""
        return Environment(
            variables={"REGISTRY_URL": self.host, "REGISTRY_NAMESPACE": NAMESPACE} | variables
        )

    def target(self, **variables: str | None) -> RegistryTarget:
        """The same as a target; plain HTTP and a user unless said otherwise; None is not set."""
        usual = {
            "REGISTRY_INSECURE": "true",
            "REGISTRY_USERNAME": USER,
            "REGISTRY_PASSWORD": PASSWORD,
        }
        given = {name: value for name, value in (usual | variables).items() if value is not None}
        return registry_target(self.environment(**given))


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path, *, storage: Path | None = None, **sections: Any) -> Iterator[Server]:
    """Run a registry with its data in ``folder``; ``sections`` are added to its configuration."""
    program = shutil.which("docker-registry")
    assert program, "docker-registry is not installed (apt-get install docker-registry)"
    port = free_port()
    data = storage or folder / "storage"
    http = {"addr": f"127.0.0.1:{port}", "secret": "of the test"} | sections.pop("http", {})
    kept = {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}}
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": kept | sections.pop("storage_options", {}),
        "http": http,
    } | sections
    file = folder / f"registry-{port}.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    with (folder / f"registry-{port}.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(file)], stdout=log, stderr=log)
    try:
        _wait_for(port, process, folder / f"registry-{port}.log")
        yield Server(host=f"127.0.0.1:{port}", storage=data)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"the registry did not start: {log.read_text()}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A certificate authority of the test, and a server's certificate that it has signed."""

    authority: Path
    certificate: Path
    key: Path


def new_authority(folder: Path) -> Authority:
    """Make both, in PEM files."""
    ca_key, server_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the test")])
    ca = _certificate(ca_name, ca_name, ca_key.public_key(), ca_key, is_ca=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry of the test")])
    server = _certificate(name, ca_name, server_key.public_key(), ca_key, is_ca=False)
    made = Authority(
        authority=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key"
    )
    made.authority.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return made


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey,
    signer: rsa.RSAPrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


class TokenServer:
    """A token server as the token specification has it; remembers what was asked.

    The next ``expired`` tokens have ended long ago, whatever is said of them. With ``reads_only``
    tokens are good for pulling, whatever is asked for.
    """

    def __init__(self, identity: Authority, *, lifetime: int = 300) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lifetime = lifetime
        self.refuse_everybody = False
        self.reads_only = False
        self.expired = 0
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        key = serialization.load_pem_private_key(identity.key.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        der = certificate.public_bytes(serialization.Encoding.DER)
        self._chain = [base64.b64encode(der).decode()]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def realm(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def grant(self, scopes: list[str], service: str) -> str:
        """A signed token for the scopes."""
        now = int(time.time())
        if self.expired:
            self.expired -= 1
            now -= 7200
        access = [
            {"type": kind, "name": name, "actions": self._allowed(actions)}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        claims = {
            "iss": "test",
            "sub": USER,
            "aud": service,
            "exp": now + self.lifetime,
            "nbf": now - 10,
            "iat": now,
            "jti": str(len(self.asked)),
            "access": access,
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

    def _allowed(self, actions: str) -> list[str]:
        return ["pull"] if self.reads_only else actions.split(",")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                if server.refuse_everybody or self.headers["Authorization"] != expected:
                    self.answer(401, {"errors": []})
                    return
                self.give(query.get("scope", []), query["service"][0])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = parse_qs(body)
                if form["refresh_token"] != ["an identity token"]:
                    self.answer(401, {"errors": []})
                    return
                self.give(form["scope"][0].split(" "), form["service"][0])

            def give(self, scopes: list[str], service: str) -> None:
                server.asked.append(tuple(scopes))
                token = server.grant(scopes, service)
                self.answer(200, {"token": token, "expires_in": server.lifetime})

            def answer(self, status: int, document: object) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
