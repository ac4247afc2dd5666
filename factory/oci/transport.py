"""HTTP to a registry: TLS, proxies, one attempt or several. Knows nothing of images."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import random
import re
import ssl
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.exceptions import HTTPError

from factory import __version__
from factory.errors import ConfigurationError, Place, RegistryError
from factory.oci.paced_http import Pace, pace_requests, strict_pools
from factory.retrying import pause, retry
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from factory.oci.target import RegistryTarget


_LONGEST = 16 * 1024
_ODD = re.compile(r"[\x00-\x1f\x7f]")


def web_address(text: str, *, base: str = "", what: str) -> str:
    """Return an absolute http or https address; one that is relative counts from ``base``.

    Args:
        text: what the server gave.
        base: the address of what was asked.
        what: what the address is of, for messages: ``the upload's address``.

    Raises:
        RegistryError: it is not one that can be asked.
    """
    address = ""
    if len(text) <= _LONGEST and not _ODD.search(text):
        with contextlib.suppress(ValueError):
            address = urljoin(base, text)
    if not is_web_address(address):
        raise RegistryError(
            f"{what} cannot be used",
            found=repr(text[:200]),
            expected="an http or https address",
            hint="a proxy may change the server's answers; ask the server's operator",
        )
    return address


def is_web_address(address: str) -> bool:
    """Return whether an address is one that can be asked over HTTP."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        host.encode("idna")  # no part of it longer than names of hosts have them
        return parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:  # a port that is not a number, brackets without an address
        return False


def proxy_for(url: str, proxies: Mapping[str, str]) -> str:
    """Return the proxy's address for ``url``, or ``""`` when it is asked directly.

    ``proxies`` has the lower-case names ``http_proxy``, ``https_proxy``, ``all_proxy`` and
    ``no_proxy``. An entry of ``no_proxy`` is ``*``, a host (and its subdomains, with or without a
    leading dot), a host with a port, an address, or a network such as ``10.0.0.0/8``.

    Raises:
        ConfigurationError: the proxy's address cannot be used.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if any(_matches(host, port, entry) for entry in proxies.get("no_proxy", "").split(",")):
        return ""
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        if proxy := proxies.get(name):
            return _check(name, proxy.strip())
    return ""


def _check(name: str, proxy: str) -> str:
    address = proxy if "://" in proxy else f"http://{proxy}"
    if not is_web_address(address):
        raise ConfigurationError(
            "the proxy cannot be used",
            place=Place(file=Path("the environment"), field=name),
            found=re.sub(r"[^/@]*@", "***@", address),
            expected="http://HOST:PORT or https://HOST:PORT; no other protocol, such as SOCKS",
            hint=f"set {name} (or {name.upper()}) to a proxy that speaks HTTP, unset it, or "
            "name the host in no_proxy",
        )
    return address


def _matches(host: str, port: int | None, entry: str) -> bool:
    wanted = entry.strip().lower()
    if not wanted or wanted == "*":
        return wanted == "*"
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        pass  # one of them is a name
    name, colon, number = wanted.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        wanted = name.strip("[]")
    wanted = wanted.lstrip(".")
    return host == wanted or host.endswith(f".{wanted}")


# Statuses after which the same request may succeed later.
TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class TemporaryFailure(Exception):  # noqa: N818 - a fact about one attempt, no error for the user
    """One attempt failed in a way that may pass; ``retry_after``: seconds that the server asks."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and the waits between; times in seconds.

    ``longest_wish`` bounds what a server may ask for in Retry-After: beyond it the run had better
    end with a message than hang. ``connect_seconds`` and ``read_seconds`` bound one attempt: until
    there is a connection, and until the answer begins. From then on a small answer has
    ``rest_seconds``, and a large one as long again for each ``least_content`` bytes of it.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_wish: float = 120.0
    connect_seconds: float = 15.0
    # A registry hashes and stores a blob before it answers its PUT.
    read_seconds: float = 300.0
    rest_seconds: float = 60.0
    # 70 kbit/s: no network that pulls images is slower, and what it makes of 1 GB is bounded.
    least_content: int = 512 * 1024

    def wait(self, attempt: int, failure: TemporaryFailure) -> float | None:
        """Return the seconds to wait after ``attempt`` (from 1) failed, or None to give up."""
        if attempt >= self.attempts:
            return None
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= self.longest_wish else None
        wait = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        # Spread, so that several plugins that were refused together do not return together.
        return wait * random.uniform(0.75, 1.25)  # noqa: S311 - no secret depends on it


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

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    context = ssl.create_default_context()
    of_the_host = (file for folder in target.certificate_folders for file in folder.glob("*.crt"))
    for file in (*target.ca_files, *sorted(of_the_host)):
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
    if target.insecure:
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


CHUNK = 256 * 1024
# Manifests may have 4 MiB (distribution-spec, "Pushing Manifests"); nothing longer is read whole.
LARGEST_ANSWER = 8 * 1024 * 1024
_CONNECTIONS = 16
_USER_AGENT = f"plugin-factory/{__version__}"
_WITH_CONTENT = frozenset({200, 206})

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A server's answer, read whole. Header names are in lower case."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    challenges: tuple[str, ...] = ()


class NotTls(TemporaryFailure):
    """The server does not speak TLS, or nothing listens where TLS was tried."""


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
