"""Which proxy a request goes through, by curl's rules for the `*_proxy` variables."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from factory.errors import ConfigurationError, Place
from factory.oci.web_address import is_web_address

if TYPE_CHECKING:
    from collections.abc import Mapping


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
            return _checked(name, proxy.strip())
    return ""


def _checked(name: str, proxy: str) -> str:
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
