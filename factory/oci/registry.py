"""The registry protocol: one method for each request of the OCI distribution-spec 1.1.

Redirects are followed, credentials go to the registry alone, and refusals are told to the user.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from factory.errors import RegistryError
from factory.notation.json_text import parse_object
from factory.oci.answers import (
    LARGEST_ANSWER,
    Answer,
    NotTls,
    RetryPolicy,
    TemporaryFailure,
    connect,
)
from factory.oci.authorization import Identity, pull_scope, push_scope
from factory.oci.descriptor import (
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Blob,
    Descriptor,
    descriptors_in,
    digest_of,
    is_digest,
    refuse_too_many,
)
from factory.oci.logins import login_description
from factory.oci.names import registry_host
from factory.oci.web_addresses import web_address
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from factory.oci.target import RegistryTarget


_QUAY = (
    "create the repository by hand first: quay.io makes a missing one, as a private repository, "
    "and drops the push silently when the account has no private repositories left "
    "(or choose a plan with more)"
)


_MOST_SAID, _LONGEST_SAID = 5, 500


def refusal(
    answer: Answer, *, doing: str, repository: str, target: RegistryTarget, pulling: bool = False
) -> RegistryError:
    """Return the error for an answer that refuses; ``doing`` says what was asked, in words."""
    if pulling:
        return _pull_refusal(answer, doing, f"{target.registry}/{repository}", target)
    name = f"{target.registry}/{repository}"
    login = login_description(target)
    match answer.status:
        case 401 if any("insufficient_scope" in one for one in answer.challenges):
            problem = f"the login may not push to {name}"
            hint = f"check that the user of {login} has write access, and REGISTRY_NAMESPACE"
        case 401:
            problem = f"the registry refuses the login for {name}"
            hint = f"check {login}; the password may have expired or been revoked"
        case 403:
            problem = f"the login may not push to {name}"
            hint = f"check that the user of {login} has write access, and REGISTRY_NAMESPACE"
        case 404:
            problem = f"the registry knows no repository {name}"
            hint = "check REGISTRY_NAMESPACE; some registries need the repository created first"
        case 405:
            problem = f"the registry does not accept pushes: it is read-only ({name})"
            hint = "push when its maintenance is over, or to another REGISTRY_URL"
        case 413:
            problem = f"the image is too large for the registry ({name})"
            hint = "raise the limit of the registry, or of the proxy in front of it"
        case _:
            problem = f"the registry refuses {doing} ({name})"
            hint = "see what the registry says above"
    return RegistryError(
        problem,
        found=f"HTTP {answer.status} to {doing}{_describe_errors(answer)}",
        hint=hint,
    )


def _pull_refusal(answer: Answer, doing: str, name: str, target: RegistryTarget) -> RegistryError:
    match answer.status:
        case 401 | 403:
            problem = f"the registry does not let this login pull from {name}"
            hint = f"check {login_description(target)}, or log in: podman login {target.registry}"
        case 404:
            problem = f"the registry does not have the requested part of {name}"
            hint = "check the image's name; a private repository looks missing without a login"
        case _:
            problem = f"the registry refuses {doing} ({name})"
            hint = "see what the registry says above"
    return RegistryError(
        problem, found=f"HTTP {answer.status} to {doing}{_describe_errors(answer)}", hint=hint
    )


def vanished_error(reference: str, digest: str) -> RegistryError:
    """Return the error for a push that was accepted and left no image."""
    return RegistryError(
        f"the registry accepted the push, but the image is not there: {reference}",
        found="HTTP 404 for the manifest that was just pushed",
        expected=digest,
        hint=_QUAY,
    )


def changed_error(reference: str, digest: str, found: str) -> RegistryError:
    """Return the error for a tag that leads to another image right after the push."""
    return RegistryError(
        f"the registry has a different image than the one that was pushed: {reference}",
        found=found,
        expected=digest,
        hint="another run may push the same tag: push again, or use a tag of its own "
        "(--tag-template)",
    )


def _describe_errors(answer: Answer) -> str:
    try:
        errors = parse_object(answer.body)["errors"][:_MOST_SAID]
        said = "; ".join(
            f"{one.get('code', '')} {one.get('message', '')}".strip()[:_LONGEST_SAID]
            for one in errors
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        said = " ".join(answer.body.decode("utf-8", "replace").split())[:200]
    return f": {said}" if said else ""


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
        self.transport = connect(target, policy=policy or RetryPolicy(), checkpoint=checkpoint)
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
                answer = self.transport.retry(self._ping, f"https://{self._host}")
                if answer.status not in (_OK, _UNAUTHORIZED):
                    raise RegistryError(
                        f"there is no registry at {self._host}",
                        found=f"HTTP {answer.status} for {answer.url}",
                        expected="the registry protocol, version 2",
                        hint="check REGISTRY_URL: the registry's host, without a path",
                    )
                self._identity.note_challenge(answer)
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
                    hint="check REGISTRY_URL; REGISTRY_INSECURE=true uses plain HTTP, "
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
            answer = self.transport.retry(
                lambda url=url: self._authorize(  # type: ignore[misc]
                    method, url, repository, scopes, headers=headers, parts=parts
                ),
                url,
            )
            if answer.status not in REDIRECTS or method not in ("GET", "HEAD"):
                return answer
            url = self._location(answer)
        return answer

    @contextlib.contextmanager
    def _stream(
        self, url: str, repository: str, headers: dict[str, str]
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Like :meth:`_authorized`, for an answer that is read part by part."""
        ours = self._is_ours(url)
        scopes = (self._scope(repository),)
        sent = self._identity.headers(repository, scopes) if ours else {}
        with self.transport.stream_once(url, headers=headers | sent) as (answer, parts):
            if answer.status != _UNAUTHORIZED or not ours:
                yield answer, parts
                return
        self._identity.note_challenge(answer, scopes)
        again = self._identity.headers(repository, scopes)
        with self.transport.stream_once(url, headers=headers | again) as (answer, parts):
            yield answer, parts

    def _authorize(
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
        self._identity.note_challenge(answer, scopes)
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
                hint="a proxy in front of the registry may strip it",
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


OK, CREATED, ACCEPTED, PARTIAL, NOT_FOUND = 200, 201, 202, 206, 404
# A session that the registry has forgotten, or that a lost request left in between.
_LOST_SESSION = frozenset({NOT_FOUND, 416})
# What a registry answers that knows no referrers (the specification has 404 alone).
_NO_REFERRERS = frozenset({400, NOT_FOUND, 405, 501})
_UNUSABLE_RANGE = frozenset({PARTIAL, 416})
_MANIFESTS = f"{MANIFEST_TYPE}, {INDEX_TYPE}, {DOCKER_MANIFEST_TYPE}, {DOCKER_LIST_TYPE}"
_MOST_PAGES = 100
_NEXT = lazy_pattern(r'<([^>]*)>\s*;[^,]*\brel="?next\b')
_RANGE = lazy_pattern(r"bytes ([0-9]{1,18})-")


class Registry(Conversation):
    """A conversation with a registry, and what can be asked in it."""

    def has_blob(self, repository: str, digest: str) -> bool:
        """Return whether the repository has the blob (section "Checking if content exists")."""
        answer = self._ask("HEAD", f"{repository}/blobs/{digest}", repository)
        if answer.status in (OK, NOT_FOUND):
            return answer.status == OK
        raise self._refusal(answer, "look for a blob", repository)

    @contextlib.contextmanager
    def get_blob(
        self, repository: str, digest: str, *, start: int = 0
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Give a blob's bytes part by part, in one attempt (section "Pulling blobs").

        With ``start`` only what is behind so many bytes is asked for; the first of what is given
        says from which byte the parts are, since a registry may send all of it nevertheless. What
        comes is not checked: see :func:`factory.oci.pull.fetch_blob`.

        Raises:
            TemporaryFailure: it may work when tried again; also from the parts.
            RegistryError: the registry refuses, or has no such blob.
        """
        url = f"{self.base_url()}/v2/{repository}/blobs/{digest}"
        wanted = {"Range": f"bytes={start}-"} if start else {}
        for _ in range(MOST_REDIRECTS):
            with self._stream(url, repository, wanted) as (answer, parts):
                if answer.status == OK:
                    yield 0, parts
                    return
                if answer.status == PARTIAL and _first_byte(answer) == start:
                    yield start, parts
                    return
                if answer.status in _UNUSABLE_RANGE and wanted:
                    wanted = {}  # from the start, then
                    continue
            if answer.status not in REDIRECTS:
                raise self._refusal(answer, "read a blob", repository)
            url = self._location(answer)
        raise self._refusal(answer, "read a blob", repository)

    def start_upload(self, repository: str) -> str:
        """Return the address of a new upload session.

        Raises:
            RegistryError: the registry does not allow pushes to ``repository``.
        """
        answer = self._ask("POST", f"{repository}/blobs/uploads/", repository)
        if answer.status != ACCEPTED:
            raise self._refusal(answer, "start an upload", repository)
        return self._location(answer)

    def cancel_upload(self, repository: str, location: str) -> None:
        """Tell the registry to forget an upload session; whether it does is its own affair."""
        self._authorize("DELETE", location, repository, (push_scope(repository),))

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
        answer = self._authorize("PUT", url, repository, scopes, headers=headers, parts=parts)
        if answer.status in _LOST_SESSION:
            raise TemporaryFailure(f"HTTP {answer.status}: the upload session is gone")
        if answer.status != CREATED:
            raise self._refusal(answer, "upload a blob", repository)

    def put_manifest(self, repository: str, tag_or_digest: str, manifest: Blob) -> bool:
        """Publish a manifest under a tag, or its digest (section "Pushing Manifests").

        Returns whether the registry has taken note of the manifest's ``subject``, if it has one;
        otherwise the referrers' tag is the client's to keep (section "Pushing Manifests with
        Subject").
        """
        answer = self._ask(
            "PUT",
            f"{repository}/manifests/{tag_or_digest}",
            repository,
            headers={"Content-Type": manifest.media_type},
            content=manifest.open().read(),
        )
        if answer.status != CREATED:
            raise self._refusal(answer, "publish the manifest", repository)
        return "oci-subject" in answer.headers

    def get_manifest(self, repository: str, tag_or_digest: str) -> bytes | None:
        """Return a manifest's bytes, or None if the registry has no such manifest."""
        answer = self._ask(
            "GET",
            f"{repository}/manifests/{tag_or_digest}",
            repository,
            headers={"Accept": _MANIFESTS},
        )
        if answer.status == NOT_FOUND:
            return None
        if answer.status != OK:
            raise self._refusal(answer, "read a manifest", repository)
        return answer.body

    def manifest_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that a tag leads to, or None if there is no such tag.

        Asked without the manifest itself, which registries may count as a pull.
        """
        path = f"{repository}/manifests/{tag}"
        answer = self._ask("HEAD", path, repository, headers={"Accept": _MANIFESTS})
        if answer.status == NOT_FOUND:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if answer.status == OK and is_digest(digest):
            return digest
        content = self.get_manifest(repository, tag)
        return None if content is None else digest_of(content)

    def referrers(
        self, repository: str, digest: str, artifact_type: str | None = None
    ) -> tuple[Descriptor, ...] | None:
        """Return the descriptors of what refers to a manifest (section "Listing Referrers").

        None if the registry does not keep such lists; see
        :func:`factory.oci.referrers.list_referrers` for those that clients keep in its place.
        """
        query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        path = f"{repository}/referrers/{digest}{query}"
        where = f"the list of referrers of {digest}"
        found: list[Descriptor] = []
        read, pages = 0, [path]
        while path:
            answer = self._ask("GET", path, repository, headers={"Accept": INDEX_TYPE})
            if answer.status in _NO_REFERRERS:
                return None
            if answer.status != OK:
                raise self._refusal(answer, "list referrers", repository)
            found += descriptors_in(answer.body, where=where)
            refuse_too_many(found, where=where)
            read += len(answer.body)
            path = self._next_page(answer)
            if path in pages or len(pages) >= _MOST_PAGES or read > LARGEST_ANSWER:
                raise RegistryError(
                    f"{where} has too many pages",
                    found=f"{len(pages)} pages, {read} bytes, and another page",
                    expected=f"at most {_MOST_PAGES} pages and {LARGEST_ANSWER} bytes, each once",
                    hint="ask the registry's operator",
                )
            pages.append(path)
        wanted = artifact_type  # a registry may send all of them, filter or not
        return tuple(one for one in found if not wanted or one.artifact_type == wanted)

    def _next_page(self, answer: Answer) -> str:
        """The path, below ``/v2/``, that the answer's Link header leads on to (RFC 8288)."""
        found = _NEXT.search(answer.headers.get("link", ""))
        if not found:
            return ""
        url = web_address(found[1], base=answer.url, what="the list's next page")
        parts = urlsplit(url)
        path = parts._replace(scheme="", netloc="").geturl()
        return path.partition("/v2/")[2] if parts.path.startswith("/v2/") else ""


def _first_byte(answer: Answer) -> int:
    """Where the answer's content begins, by its Content-Range (RFC 9110 section 14.4)."""
    found = _RANGE.match(answer.headers.get("content-range", ""))
    return int(found[1]) if found else -1
