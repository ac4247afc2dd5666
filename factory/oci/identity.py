"""Who we are to one registry: its challenge, our logins and tokens, kept for a conversation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from factory.oci.authorization import (
    Challenge,
    Token,
    basic_header,
    chosen_challenge,
    fetch_token,
)
from factory.oci.credentials import find_credentials

if TYPE_CHECKING:
    from factory.oci.auth_file import Credentials
    from factory.oci.target import RegistryTarget
    from factory.oci.transport import Answer, Transport


class Identity:
    """What is sent as Authorization; logins are looked up, and tokens got, once. Thread-safe."""

    def __init__(self, target: RegistryTarget, transport: Transport) -> None:
        self._target = target
        self._transport = transport
        self._lock = threading.RLock()
        self._challenge: Challenge | None = None
        self._credentials: dict[str, Credentials | None] = {}
        self._tokens: dict[tuple[str, ...], Token] = {}

    def challenged(self, answer: Answer, scopes: tuple[str, ...] = ()) -> None:
        """Take note of how the registry wants to be asked, and that a token no longer serves."""
        with self._lock:
            self._challenge = chosen_challenge(answer.challenges) or self._challenge
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
