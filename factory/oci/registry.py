"""The registry protocol: one method a request of the OCI distribution-spec 1.1.

A :class:`Registry` holds what a conversation needs, connections and tokens, and nothing of what is
pushed. Safe to use from many threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

from factory.errors import RegistryError
from factory.oci.authorization import pull_scope, push_scope
from factory.oci.blob import INDEX_TYPE, MANIFEST_TYPE, Blob
from factory.oci.identity import Identity
from factory.oci.refusals import refusal
from factory.oci.retry import RetryPolicy, TemporaryFailure
from factory.oci.transport import Answer, NotTls, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from factory.oci.target import RegistryTarget

OK, CREATED, ACCEPTED, UNAUTHORIZED, NOT_FOUND = 200, 201, 202, 401, 404
# A session that the registry has forgotten, or that a lost request left in between.
_LOST_SESSION = frozenset({NOT_FOUND, 416})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_HUB = frozenset({"docker.io", "index.docker.io"})
_HUB_HOST = "registry-1.docker.io"


def _go_on() -> None:
    """The checkpoint of a conversation that nobody cancels."""


class Registry:
    """A conversation with the registry of ``target``; a context manager that closes it."""

    def __init__(
        self,
        target: RegistryTarget,
        *,
        policy: RetryPolicy | None = None,
        checkpoint: Callable[[], None] = _go_on,
    ) -> None:
        self.target = target
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
                if answer.status not in (OK, UNAUTHORIZED):
                    raise RegistryError(
                        f"there is no registry at {self._host}",
                        found=f"HTTP {answer.status} for {answer.url}",
                        expected="the registry protocol, version 2",
                        hint="check REGISTRY_URL: the registry's host, without a path",
                    )
                self._identity.challenged(answer)
                self._base = answer.url.removesuffix("/v2/")
            return self._base

    def has_blob(self, repository: str, digest: str) -> bool:
        """Return whether the repository has the blob (section "Checking if content exists")."""
        answer = self._ask("HEAD", f"{repository}/blobs/{digest}", repository)
        if answer.status in (OK, NOT_FOUND):
            return answer.status == OK
        raise self._refusal(answer, "look for a blob", repository)

    def start_upload(self, repository: str) -> str:
        """Return the address of a new upload session.

        Raises:
            RegistryError: the registry does not let one push to ``repository``.
        """
        answer = self._ask("POST", f"{repository}/blobs/uploads/", repository)
        if answer.status != ACCEPTED:
            raise self._refusal(answer, "start an upload", repository)
        return self._location(answer)

    def mount(self, repository: str, digest: str, source: str) -> str | None:
        """Take a blob over from the repository ``source``; return None if that worked.

        Otherwise the address of an upload session, which the registry opened instead, is returned
        (section "Mounting a blob from another repository").
        """
        query = urlencode({"mount": digest, "from": source})
        scopes = (push_scope(repository), pull_scope(source))
        answer = self._ask("POST", f"{repository}/blobs/uploads/?{query}", repository, scopes)
        if answer.status == CREATED:
            return None
        if answer.status == ACCEPTED:
            return self._location(answer)
        return self.start_upload(repository)  # a registry without mounts, or no right to `source`

    def cancel_upload(self, repository: str, location: str) -> None:
        """Tell the registry to forget an upload session; whether it does is its own affair."""
        self._authorized("DELETE", location, repository, (push_scope(repository),))

    def upload(
        self,
        repository: str,
        blob: Blob,
        location: str,
        parts: Callable[[], Iterable[bytes]],
    ) -> None:
        """Send a blob in one request, streamed (section "Single POST / PUT").

        Args:
            repository: where to.
            blob: what is sent.
            location: an upload session of the repository.
            parts: gives the blob's bytes from the start, each time it is called.

        Raises:
            TemporaryFailure: it may work in a new session.
            RegistryError: the registry refuses the blob.
        """
        joint = "&" if urlsplit(location).query else "?"
        url = f"{location}{joint}{urlencode({'digest': blob.digest})}"
        headers = {
            "Content-Length": str(blob.size),
            "Content-Type": "application/octet-stream",
        }
        scopes = (push_scope(repository),)
        answer = self._authorized("PUT", url, repository, scopes, headers=headers, parts=parts)
        if answer.status in _LOST_SESSION:
            raise TemporaryFailure(f"HTTP {answer.status}: the upload session is gone")
        if answer.status != CREATED:
            raise self._refusal(answer, "upload a blob", repository)

    def put_manifest(self, repository: str, tag: str, manifest: Blob) -> None:
        """Publish a manifest under a tag (section "Pushing Manifests")."""
        answer = self._ask(
            "PUT",
            f"{repository}/manifests/{tag}",
            repository,
            headers={"Content-Type": manifest.media_type},
            content=manifest.open().read(),
        )
        if answer.status != CREATED:
            raise self._refusal(answer, "publish the manifest", repository)

    def get_manifest(self, repository: str, tag_or_digest: str) -> bytes | None:
        """Return a manifest's bytes, or None if the registry has no such manifest."""
        answer = self._ask(
            "GET",
            f"{repository}/manifests/{tag_or_digest}",
            repository,
            headers={"Accept": f"{MANIFEST_TYPE}, {INDEX_TYPE}"},
        )
        if answer.status == NOT_FOUND:
            return None
        if answer.status != OK:
            raise self._refusal(answer, "read the manifest back", repository)
        return answer.body

    @property
    def _host(self) -> str:
        return _HUB_HOST if self.target.registry in _HUB else self.target.registry

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
        scopes: tuple[str, ...] = (),
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a small request, with retries, following redirects of what is read."""
        url = f"{self.base_url()}/v2/{path}"
        scopes = scopes or (push_scope(repository),)
        parts = None if content is None else lambda: content
        for _ in range(_MOST_REDIRECTS):
            answer = self.transport.retried(
                lambda url=url: self._authorized(  # type: ignore[misc]
                    method, url, repository, scopes, headers=headers, parts=parts
                ),
                url,
            )
            if answer.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                return answer
            url = self._location(answer)
        return answer

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
        base = self.base_url()
        ours = urlsplit(url)[:2] == urlsplit(base)[:2]
        sent = self._identity.headers(repository, scopes) if ours else {}
        answer = self._once(method, url, (headers or {}) | sent, parts)
        if answer.status != UNAUTHORIZED or not ours:
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

    def _location(self, answer: Answer) -> str:
        """The address that the answer leads to; may be relative, or of another host."""
        location = answer.headers.get("location", "")
        if not location:
            raise RegistryError(
                "the registry's answer has no Location",
                found=f"HTTP {answer.status} to {answer.method} {answer.url.partition('?')[0]}",
                hint="a proxy before the registry may strip it",
            )
        url = urljoin(answer.url, location)
        base = urlsplit(self.base_url())
        if urlsplit(url).netloc == base.netloc:
            # A registry behind a proxy that ends TLS does not know that it is reached by https.
            return urlsplit(url)._replace(scheme=base.scheme).geturl()
        return url

    def _refusal(self, answer: Answer, doing: str, repository: str) -> RegistryError:
        return refusal(answer, doing=doing, repository=repository, target=self.target)
