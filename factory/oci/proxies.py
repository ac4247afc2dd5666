"""Which proxy a request goes through, by curl's rules for the `*_proxy` variables."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_for(url: str, proxies: Mapping[str, str]) -> str:
    """Return the proxy's address for ``url``, or ``""`` when it is asked directly.

    ``proxies`` has the lower-case names ``http_proxy``, ``https_proxy``, ``all_proxy`` and
    ``no_proxy``. An entry of ``no_proxy`` is ``*``, a host (and its subdomains, with or without a
    leading dot), a host with a port, an address, or a network such as ``10.0.0.0/8``.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if any(_matches(host, port, entry) for entry in proxies.get("no_proxy", "").split(",")):
        return ""
    proxy = proxies.get(f"{parts.scheme}_proxy") or proxies.get("all_proxy") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


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
