"""Files with logins: containers' `auth.json` and docker's `config.json`. Read, never written.

containers-auth.json(5); docker's format differs in keys that are URLs, and in ``credsStore``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError, Place
from factory.notation.json_text import parse_json
from factory.oci.docker_hub import one_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What proves to a registry who asks. ``origin`` says where it is from, for messages.

    Either ``username`` and ``password``, or an ``identity_token`` to get tokens with (OAuth 2's
    refresh token), or a ``registry_token`` that is sent as it is.
    """

    origin: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthFile:
    """The parts of an auth file: logins and helpers by key, and the helper for everything else."""

    path: Path
    auths: Mapping[str, Mapping[str, Any]] = field(repr=False)
    helpers: Mapping[str, str]
    store: str = ""


def read_auth_file(path: Path) -> AuthFile:
    """Return what ``path`` holds.

    Raises:
        ConfigurationError: there is no such file, it cannot be read, or it is no auth file.
    """
    place = Place(file=path)
    hint = "write it with 'podman login --authfile FILE REGISTRY' or 'docker login'"
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"the registry's auth file cannot be read: {error.strerror}", place=place, hint=hint
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            "the registry's auth file is not JSON", place=place, found=str(error), hint=hint
        ) from error
    if not isinstance(document, dict):
        raise ConfigurationError(
            "the registry's auth file is not a JSON object", place=place, hint=hint
        )
    return AuthFile(
        path=path,
        auths={
            _normal(key): value
            for key, value in _mapping(document, "auths", place).items()
            if isinstance(value, dict)
        },
        helpers={
            _normal(key): str(value)
            for key, value in _mapping(document, "credHelpers", place).items()
        },
        store=str(document.get("credsStore") or ""),
    )


def candidates(registry: str, repository: str) -> Iterator[str]:
    """Yield the keys that apply to a repository, the most specific first.

    ``quay.io/team/plugin``, ``quay.io/team``, ``quay.io``.
    """
    parts = [one_name(registry), *(part for part in repository.split("/") if part)]
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def inline_credentials(file: AuthFile, key: str) -> Credentials | None:
    """Return the login that the file itself holds under ``key``, if it holds one.

    Raises:
        ConfigurationError: the entry's ``auth`` is not base64 of ``user:password``.
    """
    entry = file.auths.get(key, {})
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if encoded := entry.get("auth"):
        username, password = _decoded(str(encoded), file, key)
    identity = str(entry.get("identitytoken") or "")
    registry_token = str(entry.get("registrytoken") or "")
    if not (username or password or identity or registry_token):
        return None
    return Credentials(
        origin=f"the entry {key} of {file.path}",
        username=username,
        password=password,
        identity_token=identity,
        registry_token=registry_token,
    )


def _decoded(encoded: str, file: AuthFile, key: str) -> tuple[str, str]:
    try:
        # Go's decoder, which docker and podman have, passes over line breaks (encoding/base64).
        bare = re.sub(r"[\r\n]", "", encoded)
        text = base64.b64decode(bare, validate=True).decode("utf-8").strip("\0")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon:
        raise ConfigurationError(
            "an entry of the registry's auth file cannot be read",
            place=Place(file=file.path, field=f"auths.{key}.auth"),
            expected="base64 of user:password",
            hint=f"log in again: podman login --authfile {file.path} {key}",
        )
    return username, password


def _mapping(document: dict[str, Any], name: str, place: Place) -> dict[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{name} of the registry's auth file is not an object",
            place=Place(file=place.file, field=name),
            expected="a JSON object with registries as keys",
        )
    return value


def _normal(key: str) -> str:
    """``https://quay.io/v2/`` and ``quay.io`` are one key; all names of Docker Hub are one."""
    bare = key.partition("://")[2] or key
    bare = bare.strip("/")
    host, _, path = bare.partition("/")
    if path in ("v1", "v2"):
        path = ""
    return f"{one_name(host)}/{path}" if path else one_name(host)
