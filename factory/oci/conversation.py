"""A conversation with one registry: its address, who we are to it, redirects, errors told.

What is asked in it is in :mod:`factory.oci.registry`.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from factory.errors import RegistryError
from factory.oci.authorization import pull_scope, push_scope
from factory.oci.docker_hub import registry_host
from factory.oci.identity import Identity
from factory.oci.refusals import refusal
from factory.oci.retry import RetryPolicy
from factory.oci.transport import Answer, NotTls, Transport
from factory.oci.web_address import web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.oci.target import RegistryTarget

_OK, _UNAUTHORIZED = 200, 401
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5


def _go_on() -> None:
    """The checkpoint of a conversation that nobody cancels."""


class Conversation:
    """Connections and tokens for one registry; a context manager that closes them. Thread-safe."""

    def __init__(
        self,
        target: RegistryTarget,
        *,
        policy: RetryPolicy | None = None,
        checkpoint: Callable[[], None] = _go_on,
        reads_only: bool = False,
    ) -> None:
        """Open the conversation; nothing is asked yet.

        Args:
            target: the registry, and how to log in.
            policy: how often a request is tried.
            checkpoint: called between requests and parts; raises to end the work.
            reads_only: nothing will be pushed: a login that may only pull is enough.
        """
        self.target = target
        self.reads_only = reads_only
        self.transport = Transport(target, policy=policy or RetryPolicy(), checkpoint=checkpoint)
        self._identity = Identity(target, self.transport)
        self._lock = threading.Lock()
        self._base = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def base_url(self) -> str:
        """Return the registry's address, after having asked once what it speaks (``GET /v2/``).

        Raises:
            RegistryError: it cannot be reached, or speaks no registry protocol.
        """
        with self._lock:
            if not self._base:
                answer = self.transport.retried(self._ping, f"https://{self._host}")
                if answer.status not in (_OK, _UNAUTHORIZED):
                    raise RegistryError(
                        f"there is no registry at {self._host}",
                        found=f"HTTP {answer.status} for {answer.url}",
                        expected="the registry protocol, version 2",
                        hint="check REGISTRY_URL: the registry's host, without a path",
                    )
                self._identity.challenged(answer)
                self._base = answer.url.removesuffix("/v2/")
            return self._base

    @property
    def _host(self) -> str:
        return registry_host(self.target.registry)

    def _ping(self) -> Answer:
        try:
            return self.transport.send_once("GET", f"https://{self._host}/v2/")
        except NotTls as error:
            if not self.target.insecure:
                raise RegistryError(
                    "the registry does not speak TLS",
                    found=f"https://{self._host}: {error.reason}",
                    hint="check REGISTRY_URL; REGISTRY_INSECURE=true speaks plain HTTP, "
                    "for a test registry",
                ) from error
            return self.transport.send_once("GET", f"http://{self._host}/v2/")

    def _ask(
        self,
        method: str,
        path: str,
        repository: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a small request, with retries, following redirects of what is read."""
        url = f"{self.base_url()}/v2/{path}"
        scopes = (self._scope(repository),)
        parts = None if content is None else lambda: content
        for _ in range(MOST_REDIRECTS):
            answer = self.transport.retried(
                lambda url=url: self._authorized(  # type: ignore[misc]
                    method, url, repository, scopes, headers=headers, parts=parts
                ),
                url,
            )
            if answer.status not in REDIRECTS or method not in ("GET", "HEAD"):
                return answer
            url = self._location(answer)
        return answer

    @contextlib.contextmanager
    def _streamed(
        self, url: str, repository: str, headers: dict[str, str]
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Like :meth:`_authorized`, for an answer that is read part by part."""
        ours = self._is_ours(url)
        scopes = (self._scope(repository),)
        sent = self._identity.headers(repository, scopes) if ours else {}
        with self.transport.streamed_once(url, headers=headers | sent) as (answer, parts):
            if answer.status != _UNAUTHORIZED or not ours:
                yield answer, parts
                return
        self._identity.challenged(answer, scopes)
        again = self._identity.headers(repository, scopes)
        with self.transport.streamed_once(url, headers=headers | again) as (answer, parts):
            yield answer, parts

    def _authorized(
        self,
        method: str,
        url: str,
        repository: str,
        scopes: tuple[str, ...],
        *,
        headers: dict[str, str] | None = None,
        parts: Callable[[], Any] | None = None,
    ) -> Answer:
        """Send one request with what the registry wants to see; once more if that has ended."""
        ours = self._is_ours(url)
        sent = self._identity.headers(repository, scopes) if ours else {}
        answer = self._once(method, url, (headers or {}) | sent, parts)
        if answer.status != _UNAUTHORIZED or not ours:
            return answer
        self._identity.challenged(answer, scopes)
        again = self._identity.headers(repository, scopes)
        if again in ({}, sent):
            return answer
        return self._once(method, url, (headers or {}) | again, parts)

    def _once(
        self, method: str, url: str, headers: dict[str, str], parts: Callable[[], Any] | None
    ) -> Answer:
        body = parts() if parts else None
        return self.transport.send_once(method, url, headers=headers, body=body)

    def _scope(self, repository: str) -> str:
        return pull_scope(repository) if self.reads_only else push_scope(repository)

    def _is_ours(self, url: str) -> bool:
        """Whether the address is the registry's: no other server is told who we are."""
        return urlsplit(url)[:2] == urlsplit(self.base_url())[:2]

    def _location(self, answer: Answer) -> str:
        """The address that the answer leads to; may be relative, or of another host."""
        location = answer.headers.get("location", "")
        if not location:
            raise RegistryError(
                "the registry's answer has no Location",
                found=f"HTTP {answer.status} to {answer.method} {answer.url.partition('?')[0]}",
                hint="a proxy before the registry may strip it",
            )
        url = web_address(location, base=answer.url, what="the address that the registry leads to")
        base = urlsplit(self.base_url())
        if urlsplit(url).netloc == base.netloc:
            # A registry behind a proxy that ends TLS does not know that it is reached by https.
            return urlsplit(url)._replace(scheme=base.scheme).geturl()
        return url

    def _refusal(self, answer: Answer, doing: str, repository: str) -> RegistryError:
        return refusal(
            answer,
            doing=doing,
            repository=repository,
            target=self.target,
            pulling=self.reads_only,
        )
