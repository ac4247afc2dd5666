"""How a registry wants to be asked: challenges, basic authentication, and tokens for a scope.

What one registry has asked for is kept for as long as it is spoken to.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from factory.errors import RegistryError
from factory.notation.json_text import parse_object
from factory.oci.logins import find_credentials
from factory.oci.web_addresses import web_address
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.oci.answers import Answer
    from factory.oci.logins import Credentials
    from factory.oci.target import RegistryTarget
    from factory.oci.transport import Transport


_CLIENT = "plugin-factory"
# What a token is good for when its server does not say (the specification's default), and how long
# before its end it is taken as ended: a large upload is checked at its beginning.
_DEFAULT_SECONDS = 60.0
_MARGIN_SECONDS = 10.0
_LONGEST_SECONDS = 24 * 3600.0
_OK = 200
# What a header can carry as it is (RFC 9110 section 5.5), and no more than servers take.
_SENDABLE = lazy_pattern(r"[\x21-\x7e]{1,32768}")
_REFUSED = frozenset({400, 401, 403})
_LONGEST_CHALLENGE = 8 * 1024
_PARAMETER = lazy_pattern(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_SCHEME = lazy_pattern(r"(?:^|,)\s*([A-Za-z]+)(?=\s+[\w-]+\s*=|\s*$|\s*,)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers: ``basic`` or ``bearer``, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A bearer token and when it ends, on :func:`time.monotonic`'s clock."""

    value: str = field(repr=False)
    ends: float

    @property
    def usable(self) -> bool:
        """Whether it is good for another request."""
        return time.monotonic() < self.ends - _MARGIN_SECONDS


def choose_challenge(headers: Iterable[str]) -> Challenge | None:
    """Return the challenge to follow of all WWW-Authenticate headers: Bearer before Basic."""
    offered = [challenge for header in headers for challenge in _parse(header[:_LONGEST_CHALLENGE])]
    for scheme in ("bearer", "basic"):
        for challenge in offered:
            if challenge.scheme == scheme:
                return challenge
    return None


def push_scope(repository: str) -> str:
    """Return the scope that pushing to a repository needs."""
    return f"repository:{repository}:pull,push"


def pull_scope(repository: str) -> str:
    """Return the scope that reading a repository needs."""
    return f"repository:{repository}:pull"


def basic_header(username: str, password: str) -> str:
    """Return the Authorization header of basic authentication."""
    pair = f"{username}:{password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def fetch_token(
    transport: Transport,
    challenge: Challenge,
    scopes: Iterable[str],
    credentials: Credentials | None,
    *,
    plain_http_allowed: bool,
) -> Token:
    """Return a token for all ``scopes``, anonymous when there are no credentials.

    Raises:
        RegistryError: the token server refuses the credentials, cannot be reached, gives no token,
            or would have to be told the password over plain HTTP.
    """
    realm = challenge.parameters.get("realm", "")
    realm = web_address(realm, what="the address of the registry's token server")
    if credentials and urlsplit(realm).scheme == "http" and not plain_http_allowed:
        raise RegistryError(
            "the password would be sent unencrypted to the registry's token server",
            found=realm,
            hint="REGISTRY_INSECURE=true allows it, for a test registry",
        )
    service = challenge.parameters.get("service", "")
    if credentials and credentials.identity_token:
        answer = _refresh(transport, realm, service, scopes, credentials)
    else:
        query = [("service", service)] if service else []
        query += [("client_id", _CLIENT)] + [("scope", scope) for scope in scopes]
        headers = {}
        if credentials:
            headers["Authorization"] = basic_header(credentials.username, credentials.password)
        joint = "&" if "?" in realm else "?"
        answer = transport.send("GET", f"{realm}{joint}{urlencode(query)}", headers=headers)
    return _token(answer, credentials)


def _refresh(
    transport: Transport,
    realm: str,
    service: str,
    scopes: Iterable[str],
    credentials: Credentials,
) -> Answer:
    """Ask with an identity token, which goes by POST (OAuth 2, RFC 6749 section 6)."""
    form = {
        "grant_type": "refresh_token",
        "service": service,
        "client_id": _CLIENT,
        "scope": " ".join(scopes),
        "refresh_token": credentials.identity_token,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(form).encode("ascii")
    return transport.retry(
        lambda: transport.send_once("POST", realm, headers=headers, body=body), realm
    )


def _token(answer: Answer, credentials: Credentials | None) -> Token:
    server = answer.url.partition("?")[0]
    if answer.status in _REFUSED:
        raise RegistryError(
            f"the registry's token server refuses the login (HTTP {answer.status})",
            found=f"{server}, with {credentials.origin if credentials else 'no login'}",
            expected="a user and a password (or robot account and token) that the registry knows",
            hint="check REGISTRY_USERNAME and REGISTRY_PASSWORD, or log in again: "
            "podman login REGISTRY",
        )
    try:
        document = parse_object(answer.body)
        value = document.get("token") or document.get("access_token")
        seconds = float(document.get("expires_in") or _DEFAULT_SECONDS)
    except (ValueError, TypeError, OverflowError):
        value, seconds = None, 0.0
    if answer.status != _OK or not isinstance(value, str) or not _SENDABLE.fullmatch(value):
        raise RegistryError(
            f"the registry's token server returns no token (HTTP {answer.status})",
            found=server,
            expected='JSON with "token" or "access_token", in one line of ASCII',
            hint="try again; if this persists, ask the registry's operator",
        )
    return Token(value=value, ends=time.monotonic() + min(seconds, _LONGEST_SECONDS))


def _parse(header: str) -> list[Challenge]:
    """``Bearer realm="…",service="…", Basic realm="…"``: quoted commas are not separators."""
    bare = _PARAMETER.sub(
        lambda match: match[1] + "=" + " " * (len(match[0]) - len(match[1]) - 1), header
    )
    starts = [(match.start(1), match[1].lower()) for match in _SCHEME.finditer(bare)]
    found = []
    for position, (start, scheme) in enumerate(starts):
        end = starts[position + 1][0] if position + 1 < len(starts) else len(header)
        parameters = {
            match[1].lower(): re.sub(r"\\(.)", r"\1", match[2])
            if match[2] is not None
            else match[3]
            for match in _PARAMETER.finditer(header, start + len(scheme), end)
        }
        found.append(Challenge(scheme=scheme, parameters=parameters))
    return found


class Identity:
    """What is sent as Authorization; logins are looked up, and tokens got, once. Thread-safe."""

    def __init__(self, target: RegistryTarget, transport: Transport) -> None:
        self._target = target
        self._transport = transport
        self._lock = threading.RLock()
        self._challenge: Challenge | None = None
        self._credentials: dict[str, Credentials | None] = {}
        self._tokens: dict[tuple[str, ...], Token] = {}

    def note_challenge(self, answer: Answer, scopes: tuple[str, ...] = ()) -> None:
        """Take note of how the registry wants to be asked, and that a token no longer serves."""
        with self._lock:
            self._challenge = choose_challenge(answer.challenges) or self._challenge
            self._tokens.pop(scopes, None)

    def headers(self, repository: str, scopes: tuple[str, ...]) -> dict[str, str]:
        """Return the header that a request about ``repository`` needs, or none.

        Raises:
            ConfigurationError: an auth file cannot be read.
            RegistryError: a credential helper or the token server fails.
        """
        with self._lock:
            if self._challenge is None:
                return {}
            if repository not in self._credentials:
                self._credentials[repository] = find_credentials(self._target, repository)
            credentials = self._credentials[repository]
            if credentials and credentials.registry_token:
                return {"Authorization": f"Bearer {credentials.registry_token}"}
            if self._challenge.scheme == "basic":
                return _basic(credentials) if credentials else {}
            token = self._token(self._challenge, scopes, credentials)
            return {"Authorization": f"Bearer {token.value}"}

    def _token(
        self, challenge: Challenge, scopes: tuple[str, ...], credentials: Credentials | None
    ) -> Token:
        token = self._tokens.get(scopes)
        if token is None or not token.usable:
            token = fetch_token(
                self._transport,
                challenge,
                scopes,
                credentials,
                plain_http_allowed=self._target.insecure,
            )
            self._tokens[scopes] = token
        return token


def _basic(credentials: Credentials) -> dict[str, str]:
    return {"Authorization": basic_header(credentials.username, credentials.password)}
