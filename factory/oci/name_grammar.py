"""The grammar of images' names, as parts of regular expressions.

Hosts are those of https://pkg.go.dev/github.com/distribution/reference, which podman and docker
use; repositories and tags are the OCI distribution-spec's 1.1, section "Pulling manifests".
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_COMPONENT}(?:/{_COMPONENT})*"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"

_HOST = re.compile(HOST)
_HIGHEST_PORT = 65_535
_REPOSITORY = re.compile(REPOSITORY)
_TAG = re.compile(TAG)


def is_host(text: str) -> bool:
    """Whether a registry can be at ``text``: a name or address, and a port if it has one."""
    if not _HOST.fullmatch(text):
        return False
    try:
        parts = urlsplit(f"//{text}")
        (parts.hostname or "").encode("idna")  # no part longer than names of hosts have them
        port = parts.port
    except ValueError:
        return False
    return port is None or 0 < port <= _HIGHEST_PORT


def is_repository(text: str) -> bool:
    """Whether registries take ``text`` as a repository's name, with its namespace."""
    return _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether registries take ``text`` as a tag."""
    return _TAG.fullmatch(text) is not None
