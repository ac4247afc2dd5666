"""Addresses that servers and people give: whether they can be asked over HTTP, by which proxy."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from factory.errors import ConfigurationError, Place, RegistryError
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 16 * 1024
_ODD = lazy_pattern(r"[\x00-\x1f\x7f]")


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
