"""HTTP to a registry: TLS, proxies, one attempt or several. Knows nothing of images."""

from __future__ import annotations

import contextlib
import logging
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.exceptions import HTTPError

from factory import __version__
from factory.errors import ConfigurationError, Place, RegistryError
from factory.oci.answers import (
    CHUNK,
    LARGEST_ANSWER,
    TEMPORARY_STATUSES,
    Answer,
    NotTls,
    RetryPolicy,
    TemporaryFailure,
)
from factory.oci.paced_http import Pace, pace_requests, strict_pools
from factory.oci.web_addresses import proxy_for
from factory.retrying import pause, retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from factory.oci.target import RegistryTarget


def seconds_asked(retry_after: str | None) -> float | None:
    """Return what a Retry-After header asks for, in seconds from now, or None if it is invalid."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, LookupError, OverflowError):
        return None  # the email package's parser raises all of these for what is not a date


log = logging.getLogger(__name__)


def tls_context(target: RegistryTarget) -> ssl.SSLContext:
    """Return the context for connections to ``target``.

    Targets with the same authorities share one: to read a system's takes a tenth of a second.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    of_the_host = (file for folder in target.certificate_folders for file in folder.glob("*.crt"))
    files = (*target.ca_files, *sorted(of_the_host))
    return _tls_context(tuple((file, _state(file)) for file in files), target.insecure)


def _state(file: Path) -> tuple[int, int, int] | None:
    """What differs when a file has been written again."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _tls_context(
    authorities: tuple[tuple[Path, tuple[int, int, int] | None], ...], insecure: bool
) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for file, _ in authorities:
        try:
            context.load_verify_locations(cafile=str(file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "the file with certificate authorities cannot be used",
                place=Place(file=file),
                found=str(error),
                expected="certificates in PEM form",
                hint="correct REGISTRY_CA_FILE (or SSL_CERT_FILE, REQUESTS_CA_BUNDLE)",
            ) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def say_that_it_is_insecure(target: RegistryTarget) -> None:
    """In our words, in place of a warning of urllib3's for every request."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    log.warning(
        "REGISTRY_INSECURE is set: the certificate of %s is not checked, and plain HTTP is used "
        "where there is none.",
        target.registry,
    )


_CONNECTIONS = 16
_USER_AGENT = f"plugin-factory/{__version__}"
_WITH_CONTENT = frozenset({200, 206})

T = TypeVar("T")


class Transport:
    """Connections to one registry and to what it refers to. Safe to use from many threads.

    ``checkpoint`` is called before each attempt, while waiting, and between parts of a body; it
    raises to end the work (a cancelled run).
    """

    def __init__(
        self,
        target: RegistryTarget,
        *,
        policy: RetryPolicy,
        checkpoint: Callable[[], None],
    ) -> None:
        self.policy = policy
        self.checkpoint = checkpoint
        self._target = target
        self._context = tls_context(target)
        self._pools: dict[str, urllib3.PoolManager] = {}
        if target.insecure:
            say_that_it_is_insecure(target)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.clear()

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request without a large body and return the answer, after retries if need be.

        Raises:
            RegistryError: no answer, or an answer of a temporary kind, in all attempts; a
                certificate that is not trusted.
        """
        return self.retry(lambda: self.send_once(method, url, headers=headers), url)

    def retry(self, attempt_once: Callable[[], T], url: str) -> T:
        """Return what ``attempt_once`` returns, calling it again after temporary failures.

        Raises:
            RegistryError: the attempts are used up.
        """

        def wait_after(attempt: int, failure: TemporaryFailure) -> float:
            wait = self.policy.wait(attempt, failure)
            return wait if wait is not None else _give_up(url, attempt, failure)

        return retry(
            attempt_once,
            failures=TemporaryFailure,
            wait_after=wait_after,
            checkpoint=self.checkpoint,
        )

    def send_once(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request and return its answer. A body other than bytes needs Content-Length.

        Raises:
            TemporaryFailure: the connection failed, or the status is one to try again after.
            NotTls: see there.
            RegistryError: the server's certificate is not trusted.
        """
        pace = self._pace()
        with self._explaining(url, pace):
            response = self._response(method, url, headers or {}, body, pace)
            content = _read_whole(response, url)
        return _answer(method, url, response, content)

    @contextlib.contextmanager
    def stream_once(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Send one GET and give its answer, without its body, and the body part by part.

        The body of any other answer than 200 and 206 is in the answer, and there are no parts.

        Raises:
            TemporaryFailure: as :meth:`send_once`; also from the parts, when the connection breaks.
            RegistryError: the server's certificate is not trusted.
        """
        pace = self._pace()
        with self._explaining(url, pace):
            response = self._response("GET", url, headers or {}, None, pace)
        try:
            whole = b""
            if response.status not in _WITH_CONTENT:
                with self._explaining(url, pace):
                    whole = _read_whole(response, url)
            yield _answer("GET", url, response, whole), self._parts(url, response, pace)
        finally:
            response.close()

    def _parts(self, url: str, response: urllib3.BaseHTTPResponse, pace: Pace) -> Iterator[bytes]:
        if response.status not in _WITH_CONTENT:
            return
        while True:
            self.checkpoint()
            with self._explaining(url, pace):
                part = response.read1(CHUNK, decode_content=False)
            if not part:
                return
            pace.note_content(len(part))
            yield part

    def _pace(self) -> Pace:
        return Pace(
            checkpoint=self.checkpoint,
            silence=self.policy.read_seconds,
            window=self.policy.rest_seconds,
            enough=self.policy.least_content,
        )

    def _response(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
        pace: Pace,
    ) -> urllib3.BaseHTTPResponse:
        self.checkpoint()
        with pace_requests(pace):
            return self._pool(url).request(
                method,
                url,
                body=body,
                headers={"User-Agent": _USER_AGENT} | dict(headers),
                timeout=urllib3.Timeout(
                    connect=self.policy.connect_seconds, read=self.policy.read_seconds
                ),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )

    def pause(self, seconds: float) -> None:
        """Wait, with a look now and then whether the work is to end."""
        pause(seconds, self.checkpoint)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_for(url, self._target.proxies)
        if proxy not in self._pools:
            if proxy:
                pool: urllib3.PoolManager = urllib3.ProxyManager(
                    _without_user(proxy),
                    proxy_headers=_proxy_headers(proxy),
                    ssl_context=self._context,
                    maxsize=_CONNECTIONS,
                    blocksize=CHUNK,
                )
            else:
                pool = urllib3.PoolManager(
                    ssl_context=self._context, maxsize=_CONNECTIONS, blocksize=CHUNK
                )
            self._pools[proxy] = strict_pools(pool)
        return self._pools[proxy]

    @contextlib.contextmanager
    def _explaining(self, url: str, pace: Pace) -> Iterator[None]:
        """What goes wrong with an answer, in our words."""
        try:
            yield
        except HTTPError as error:
            if pace.trickles:
                raise _too_slow(url, self.policy) from error
            self._explain(url, error)
        except (ValueError, OverflowError) as error:
            # Python's HTTP does not put what a server has sent into such words; not ours neither
            raise RegistryError(
                "the server's address or its answer cannot be used",
                found=f"{_origin(url)}: {error}",
                hint="a proxy may change the server's answers; ask the server's operator",
            ) from error

    def _explain(self, url: str, error: Exception) -> NoReturn:
        if isinstance(error, exceptions.SSLError):
            if "CERTIFICATE_VERIFY_FAILED" in str(error) or "certificate" in str(error).lower():
                raise RegistryError(
                    "the registry's certificate is not trusted",
                    found=f"{_origin(url)}: {error}",
                    hint="set REGISTRY_CA_FILE to the file of the authority that signed it; "
                    "REGISTRY_INSECURE=true trusts any, for a test registry",
                ) from error
            raise NotTls(str(error)) from error
        if isinstance(error, exceptions.NewConnectionError) and self._target.insecure:
            raise NotTls(str(error)) from error
        if isinstance(error, exceptions.LocationParseError | exceptions.LocationValueError):
            raise RegistryError(
                "the registry's address cannot be used",
                found=_origin(url),
                hint="check REGISTRY_URL: the registry's host, and a port if it has one",
            ) from error
        raise TemporaryFailure(f"{type(error).__name__}: {error}") from error


def _answer(method: str, url: str, response: urllib3.BaseHTTPResponse, content: bytes) -> Answer:
    answer = Answer(
        method=method,
        url=url,
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=content,
        challenges=tuple(response.headers.getlist("WWW-Authenticate")),
    )
    if answer.status in TEMPORARY_STATUSES:
        raise TemporaryFailure(
            f"HTTP {answer.status}{_first_words(content)}",
            retry_after=seconds_asked(answer.headers.get("retry-after")),
        )
    return answer


def _read_whole(response: urllib3.BaseHTTPResponse, url: str) -> bytes:
    """A small answer's body. Its connection is back in the pool once it was read to its end."""
    content = bytearray()
    try:
        while part := response.read1(CHUNK, decode_content=False):
            content += part
            if len(content) > LARGEST_ANSWER:
                raise RegistryError(
                    "the server's answer is too long",
                    found=f"more than {LARGEST_ANSWER} bytes from {_origin(url)}",
                    expected="a manifest, or a list of a few",
                    hint="ask the server's operator; no answer that is needed here is that long",
                )
    finally:
        response.close()
    return bytes(content)


def _too_slow(url: str, policy: RetryPolicy) -> RegistryError:
    return RegistryError(
        "the server sends too slowly",
        found=_origin(url),
        expected=f"a small answer within {policy.rest_seconds:.0f} s; of a large one, at least "
        f"{policy.least_content} bytes in that time",
        hint="try again later, or over another network; ask who operates the server or proxy",
    )


def _proxy_headers(proxy: str) -> dict[str, str]:
    """Who one is to a proxy; in its address the name and the password are percent-encoded."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    try:
        return dict(urllib3.make_headers(proxy_basic_auth=pair))
    except UnicodeEncodeError:
        raise ConfigurationError(
            "the proxy's user or password has characters that HTTP does not allow",
            found=_origin(proxy),
            expected="characters of Latin-1, percent-encoded",
            hint="correct the variable https_proxy, http_proxy or all_proxy",
        ) from None


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _give_up(url: str, attempts: int, failure: TemporaryFailure) -> NoReturn:
    if failure.retry_after is not None:
        hint = f"the registry asks to wait {failure.retry_after:.0f} s: try again after that"
    else:
        hint = "check the registry's address, the network and the proxy, and try again"
    times = "once" if attempts == 1 else f"{attempts} times"
    raise RegistryError(
        f"the registry did not respond as expected: {failure.reason} (asked {times})",
        found=_origin(url),
        hint=hint,
    ) from failure


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _first_words(content: bytes) -> str:
    text = " ".join(content.decode("utf-8", "replace").split())
    return f": {text[:200]}" if text else ""
