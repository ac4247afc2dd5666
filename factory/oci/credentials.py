"""Who one is for a repository: the three strategies of a :class:`RegistryTarget`'s login, resolved.

Docker's credential helpers are programs; their protocol is that of docker-credential-helpers: the
server's name on standard input, a JSON object on standard output.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import RegistryError, ToolchainError
from factory.notation.json_text import parse_object
from factory.oci.auth_file import (
    AuthFile,
    Credentials,
    candidates,
    inline_credentials,
    read_auth_file,
)
from factory.oci.docker_hub import DOCKER_HUB, LOGIN_KEY
from factory.oci.target import AuthFileLogin, RegistryTarget, UserLogin
from factory.redaction import Redactor
from factory.toolchain.runner import ProcessFailed, Runner

if TYPE_CHECKING:
    from collections.abc import Mapping

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
            f"the credential helper {program} gave no login for {key}",
            expected="a JSON object with Username and Secret",
            hint=f"try it by hand: echo {server} | {program} get",
        ) from None  # the answer, which the cause would show, may hold the secret
    origin = f"the credential helper {program} for {key}"
    if username == _TOKEN_USER:
        return Credentials(origin=origin, identity_token=secret)
    return Credentials(origin=origin, username=username, password=secret)
