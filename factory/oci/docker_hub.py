"""Docker Hub's names: where its registry is, and what images and logins call it.

https://pkg.go.dev/github.com/distribution/reference has what a name of one part means.
"""

from __future__ import annotations

DOCKER_HUB = "docker.io"
"""What names of images call it, and podman's files of logins."""

LOGIN_KEY = "https://index.docker.io/v1/"
"""The key of its login in docker's own files and helpers: the address of its first API."""

_REGISTRY = "registry-1.docker.io"
_NAMES = frozenset({DOCKER_HUB, "index.docker.io", _REGISTRY})


def one_name(host: str) -> str:
    """Return a registry's host; for each of Docker Hub's names the same."""
    return DOCKER_HUB if host in _NAMES else host


def registry_host(host: str) -> str:
    """Return where the registry called ``host`` answers."""
    return _REGISTRY if host in _NAMES else host


def full_repository(host: str, repository: str) -> str:
    """Return a repository as its registry has it: Docker Hub's ``alpine`` is in ``library``."""
    return f"library/{repository}" if host in _NAMES and "/" not in repository else repository
