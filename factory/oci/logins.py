"""Who one is for a repository: files with logins, and the strategies that choose among them."""

from __future__ import annotations

import base64
import binascii
import logging
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError, Place, RegistryError, ToolchainError
from factory.notation.json_text import parse_json, parse_object
from factory.oci.names import (
    DOCKER_HUB,
    LOGIN_KEY,
    one_name,
)
from factory.oci.target import AuthFileLogin, RegistryTarget, UserLogin
from factory.redaction import Redactor
from factory.toolchain.runner import ProcessFailed, Runner
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
        ConfigurationError: there is no such file, it cannot be read, or it is not an auth file.
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
        username, password = _decode(str(encoded), file, key)
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


def _decode(encoded: str, file: AuthFile, key: str) -> tuple[str, str]:
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


log = logging.getLogger(__name__)

HELPER_SECONDS = 60.0
# A helper that has a token rather than a password gives this in the place of the user's name.
_TOKEN_USER = "<token>"  # noqa: S105 - a marker, no secret
_NOT_FOUND = "credentials not found"


def find_credentials(target: RegistryTarget, repository: str) -> Credentials | None:
    """Return what to log in with for ``repository`` of the target's registry, or nothing.

    Of a file's entries the longest that the repository begins with counts, and of the host's files
    the first that has any.

    Raises:
        ConfigurationError: REGISTRY_AUTH_FILE cannot be read, or an entry of it.
        RegistryError: a credential helper is missing or fails.
    """
    login = target.login
    if isinstance(login, UserLogin):
        return Credentials(
            origin="REGISTRY_USERNAME and REGISTRY_PASSWORD",
            username=login.username,
            password=login.password,
        )
    if isinstance(login, AuthFileLogin):
        return _from_file(read_auth_file(login.file), target, repository)
    for path in login.files:
        if path.is_file():
            found = _from_file(read_auth_file(path), target, repository)
            if found:
                return found
    return None


def login_description(target: RegistryTarget) -> str:
    """Return, in words, where a login for the target is looked for."""
    login = target.login
    if isinstance(login, UserLogin):
        return "REGISTRY_USERNAME and REGISTRY_PASSWORD"
    if isinstance(login, AuthFileLogin):
        return f"REGISTRY_AUTH_FILE ({login.file})"
    return "the host's own login (" + ", ".join(map(str, login.files)) + ")"


def _from_file(file: AuthFile, target: RegistryTarget, repository: str) -> Credentials | None:
    for key in candidates(target.registry, repository):
        if helper := file.helpers.get(key):
            found = _from_helper(helper, key, file, target.helper_environment)
        else:
            found = inline_credentials(file, key)
        if found:
            return found
    if file.store:
        host = next(reversed(list(candidates(target.registry, ""))))
        return _from_helper(file.store, host, file, target.helper_environment)
    return None


def _from_helper(
    name: str, key: str, file: AuthFile, environment: Mapping[str, str]
) -> Credentials | None:
    program = f"docker-credential-{name}"
    server = LOGIN_KEY if key == DOCKER_HUB else key
    # Its own runner, which masks nothing: the output is the secret.
    runner = Runner(Redactor())
    try:
        done = runner.run(
            [program, "get"],
            cwd=Path("/"),
            env=environment,
            stdin=server,
            timeout=HELPER_SECONDS,
        )
        answer = parse_object(done.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except ToolchainError as error:
        raise RegistryError(
            f"the credential helper {program} is not installed",
            found=f"{file.path} names it for {key}",
            expected=f"{program} on PATH",
            hint="install it, or set REGISTRY_USERNAME and REGISTRY_PASSWORD",
        ) from error
    except ProcessFailed as error:
        if _NOT_FOUND in error.completed.tail:
            return None
        raise RegistryError(
            f"the credential helper {program} failed for {key}: {error.reason}",
            found=error.completed.tail.strip(),
            hint=f"try it by hand: echo {server} | {program} get",
        ) from error
    except (ValueError, KeyError, TypeError):
        raise RegistryError(
            f"the credential helper {program} returned no login for {key}",
            expected="a JSON object with Username and Secret",
            hint=f"try it by hand: echo {server} | {program} get",
        ) from None  # the answer, which the cause would show, may hold the secret
    origin = f"the credential helper {program} for {key}"
    if username == _TOKEN_USER:
        return Credentials(origin=origin, identity_token=secret)
    return Credentials(origin=origin, username=username, password=secret)
