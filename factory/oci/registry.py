"""The registry protocol: one method a request of the OCI distribution-spec 1.1.

A :class:`Registry` holds what a conversation needs, connections and tokens, and nothing of what is
pushed or pulled. Safe to use from many threads.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from factory.errors import RegistryError
from factory.oci.authorization import push_scope
from factory.oci.blob import (
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Blob,
    digest_of,
)
from factory.oci.conversation import MOST_REDIRECTS, REDIRECTS, Conversation
from factory.oci.descriptor import Descriptor, descriptors_in, is_digest, refuse_too_many
from factory.oci.retry import TemporaryFailure
from factory.oci.transport import LARGEST_ANSWER
from factory.oci.web_address import web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from factory.oci.transport import Answer


OK, CREATED, ACCEPTED, PARTIAL, NOT_FOUND = 200, 201, 202, 206, 404
# A session that the registry has forgotten, or that a lost request left in between.
_LOST_SESSION = frozenset({NOT_FOUND, 416})
# What a registry answers that knows no referrers (the specification has 404 alone).
_NO_REFERRERS = frozenset({400, NOT_FOUND, 405, 501})
_UNUSABLE_RANGE = frozenset({PARTIAL, 416})
_MANIFESTS = f"{MANIFEST_TYPE}, {INDEX_TYPE}, {DOCKER_MANIFEST_TYPE}, {DOCKER_LIST_TYPE}"
_MOST_PAGES = 100
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next\b')
_RANGE = re.compile(r"bytes ([0-9]{1,18})-")


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
            with self._streamed(url, repository, wanted) as (answer, parts):
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
            RegistryError: the registry does not let one push to ``repository``.
        """
        answer = self._ask("POST", f"{repository}/blobs/uploads/", repository)
        if answer.status != ACCEPTED:
            raise self._refusal(answer, "start an upload", repository)
        return self._location(answer)

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
                    f"{where} does not end",
                    found=f"{len(pages)} pages, {read} bytes, and another page",
                    expected=f"at most {_MOST_PAGES} pages and {LARGEST_ANSWER} bytes, each once",
                    hint="ask who runs the registry",
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
