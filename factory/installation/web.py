"""Documents and files by URL, over the connections that registries of images use, too.

What a registry's login is for goes to that host alone: a redirect to another one gets none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import unquote, urlsplit

from factory.errors import RegistryError, StorageError
from factory.oci.answers import RetryPolicy, connect
from factory.oci.authorization import basic_header
from factory.oci.registry import (
    MOST_REDIRECTS,
    REDIRECTS,
)
from factory.oci.target import HostLogin
from factory.oci.web_addresses import web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeAlias

    from factory.oci.answers import Answer
    from factory.oci.pull import OnFetched
    from factory.oci.target import RegistryTarget

    # Gives the Authorization header for an address, or nothing.
    Authorize: TypeAlias = Callable[[str], str]

OK = 200
# The list of a package's versions; the longest of the public registry has some 20 MB.
LARGEST_DOCUMENT = 48 * 1024 * 1024
_MOST_DIGITS = 18

T = TypeVar("T")


class Web:
    """Connections to any host; a context manager that closes them. Thread-safe."""

    def __init__(self, target: RegistryTarget, *, checkpoint: Callable[[], None]) -> None:
        # Whom it is for matters to logins only, of which there are none here; certificates are
        # always checked: not every archive has an integrity.
        anonymous = replace(target, login=HostLogin(files=()), insecure=False)
        self._transport = connect(anonymous, policy=RetryPolicy(), checkpoint=checkpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def document(
        self, url: str, *, accept: str, authorize: Authorize, refusal: Callable[[Answer], Exception]
    ) -> bytes:
        """Return what is at an address.

        Raises:
            RegistryError: no answer in all attempts, or more than 48 MiB.
            Exception: what ``refusal`` makes of another answer than 200.
        """

        def consume(answer: Answer, parts: Iterator[bytes]) -> bytes:
            if answer.status != OK:
                raise refusal(answer)
            content = bytearray()
            for part in parts:
                content += part
                if len(content) > LARGEST_DOCUMENT:
                    raise RegistryError(
                        "the registry's answer is too long",
                        found=_show(url),
                        expected=f"at most {LARGEST_DOCUMENT} bytes",
                        hint="check that registry= in .npmrc is the address of an npm registry",
                    )
            return bytes(content)

        return self._ask(url, {"Accept": accept}, authorize, consume)

    def file(
        self,
        url: str,
        destination: Path,
        *,
        authorize: Authorize,
        largest: int,
        on_progress: OnFetched,
    ) -> None:
        """Write what is at an address to ``destination``, at most ``largest`` bytes.

        Raises:
            RegistryError: no answer, another than 200, or more bytes.
            StorageError: the file cannot be written.
        """

        def consume(answer: Answer, parts: Iterator[bytes]) -> None:
            if answer.status != OK:
                raise _not_given(url, answer)
            length = answer.headers.get("content-length", "")
            total = int(length) if length.isdecimal() and len(length) < _MOST_DIGITS else 0
            there = 0
            try:
                with destination.open("wb") as file:
                    for part in parts:
                        there += len(part)
                        if there > largest:
                            raise RegistryError(
                                "the archive is larger than allowed",
                                found=f"more than {largest} bytes at {_show(url)}",
                                hint="check the address: no plugin is that large",
                            )
                        file.write(part)
                        on_progress(there, total)
            except OSError as error:
                raise StorageError(
                    f"the download cannot be written: {error.strerror or error}",
                    found=str(destination),
                    hint="free some space, or name another folder",
                ) from error

        self._ask(url, {"Accept": "*/*"}, authorize, consume)

    def put(
        self,
        url: str,
        content: bytes,
        *,
        content_type: str,
        authorize: Authorize,
        accepted: frozenset[int],
        refusal: Callable[[Answer], Exception],
    ) -> None:
        """Send a document to an address; a redirect is not followed, since content went with it.

        Raises:
            RegistryError: no answer in all attempts.
            Exception: what ``refusal`` makes of an answer that is not an accepted one.
        """
        bare, own = _without_user(url)
        headers = {"Content-Type": content_type}
        if login := authorize(bare) or own:
            headers["Authorization"] = login
        answer = self._transport.retry(
            lambda: self._transport.send_once("PUT", bare, headers=headers, body=content), url
        )
        if answer.status not in accepted:
            raise refusal(answer)

    def _ask(
        self,
        url: str,
        headers: Mapping[str, str],
        authorize: Authorize,
        consume: Callable[[Answer, Iterator[bytes]], T],
    ) -> T:
        """What ``consume`` makes of the answer; it is called anew in each attempt."""

        def attempt() -> T:
            address = url
            for _ in range(MOST_REDIRECTS + 1):
                bare, own = _without_user(address)
                login = authorize(bare) or own
                sent = {**headers, "Authorization": login} if login else dict(headers)
                with self._transport.stream_once(bare, headers=sent) as (answer, parts):
                    location = answer.headers.get("location", "")
                    if answer.status not in REDIRECTS or not location:
                        return consume(answer, parts)
                following = web_address(location, base=bare, what="where a redirect leads")
                if urlsplit(following).scheme != "https" and bare.startswith("https:"):
                    raise RegistryError(
                        "a redirect leads from https to an unprotected address",
                        found=f"{_show(bare)} to {_show(following)}",
                        expected="https in every redirect",
                        hint="name the archive's own https address",
                    )
                address = following
            raise RegistryError(
                "there are too many redirects",
                found=_show(url),
                expected=f"an answer after at most {MOST_REDIRECTS} redirects",
                hint="try the address in a browser, and use the final address",
            )

        return self._transport.retry(attempt, url)


def _without_user(url: str) -> tuple[str, str]:
    """The address without ``user:password@``, and that as an Authorization header."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, ""
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, basic_header(unquote(parts.username), unquote(parts.password or ""))


def _not_given(url: str, answer: Answer) -> RegistryError:
    hints = {
        401: "set //host/path/:_authToken=… in .npmrc for the archive's host",
        403: "check that the login may read it",
        404: "check the address",
    }
    return RegistryError(
        f"the archive cannot be downloaded: HTTP {answer.status}",
        found=_show(url),
        hint=hints.get(answer.status, "try the address in a browser"),
    )


def _show(url: str) -> str:
    """An address without what may be secret in it."""
    return _without_user(url)[0].partition("?")[0]
