"""Addresses that a server gives: where an upload goes on, where a redirect leads, who has tokens.

RFC 3986 leaves room for more than can be asked: hosts that no name service knows, ports that there
are not, other protocols. What is returned here can be asked over HTTP.
"""

from __future__ import annotations

import contextlib
import re
from urllib.parse import urljoin, urlsplit

from factory.errors import RegistryError

_LONGEST = 16 * 1024
_ODD = re.compile(r"[\x00-\x1f\x7f]")


def web_address(text: str, *, base: str = "", what: str) -> str:
    """Return an absolute http or https address; one that is relative counts from ``base``.

    Args:
        text: what the server gave.
        base: the address of what was asked.
        what: what the address is of, for messages: ``the upload's address``.

    Raises:
        RegistryError: it is none that can be asked.
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
            hint="a proxy before the server may change its answers; ask who runs the server",
        )
    return address


def is_web_address(address: str) -> bool:
    """Return whether an address is one that can be asked over HTTP."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        host.encode("idna")  # no part of it longer than names of hosts have them
        return parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:  # a port that is none, brackets without an address
        return False
