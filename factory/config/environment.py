"""The environment of one workspace as a value: defaults, then the process, then `.env` files.

``os.environ`` is read once, by the command line, and handed in; it is never changed.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.config.documents import read_text
from factory.config.own_variables import OWN_PREFIXES
from factory.errors import ConfigurationError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

ENV_FILE = ".env"
DEFAULTS_FILE = "default.env"
_QUOTES = ("'", '"')
_SHORTEST_QUOTED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Variables, which of them the user's `.env` files set, and which ``--pass-env`` names.

    Both matter for child processes: what somebody wrote into a configuration directory, or named,
    is meant for the build, what merely happens to be in the shell is not.
    """

    variables: Mapping[str, str] = field(repr=False)
    configured: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()

    def get(self, name: str, default: str = "") -> str:
        """Return a variable's value without surrounding space, or ``default`` if unset or empty."""
        return self.variables.get(name, "").strip() or default


def default_environment() -> dict[str, str]:
    """Return the defaults that ship with the package (``factory/config/default.env``)."""
    text = resources.files(__package__).joinpath(DEFAULTS_FILE).read_text(encoding="utf-8")
    return _parse(text)


def layered(
    process: Mapping[str, str],
    env_files: tuple[Path, ...] = (),
    *,
    passed: frozenset[str] = frozenset(),
) -> Environment:
    """Return the environment of a workspace: defaults, process, then each `.env` file in order.

    A later layer wins. Files that do not exist are left out. Values of the process that are wrapped
    in literal quotes, as ``podman --env-file`` leaves them, are unwrapped with a warning.

    Raises:
        ConfigurationError: an `.env` file has a line that is no assignment, or is not UTF-8.
    """
    variables = default_environment() | unquoted(process)
    configured: set[str] = set()
    for path in env_files:
        values = read_env_file(path)
        variables |= values
        configured |= values.keys()
    return Environment(
        variables=MappingProxyType(variables), configured=frozenset(configured), passed=passed
    )


def unquoted(process: Mapping[str, str]) -> dict[str, str]:
    """Return ``process`` with the factory's own variables freed of literal quotes.

    ``podman run --env-file`` does not strip quotes: ``REGISTRY_URL="quay.io"`` arrives with them.
    Only variables that the factory itself reads are touched.
    """
    free = dict(process)
    for name, value in process.items():
        if not name.startswith(OWN_PREFIXES) or not _is_quoted(value):
            continue
        free[name] = value[1:-1]
        log.warning(
            "%s is wrapped in literal quotes, which are dropped. "
            "podman's and docker's --env-file keep quotes: write %s=value without them.",
            name,
            name,
        )
    return free


def refuse_empty(variables: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise if one of the variables is given and empty: what it was to protect would not be.

    An empty value is mostly a CI system's secret that is not set, or not for this branch.

    Raises:
        ConfigurationError: naming the variable.
    """
    for name in names:
        if name in variables and not variables[name].strip():
            raise ConfigurationError(
                f"{name} is given and empty",
                found=f"{name}=",
                expected="a value, or no such variable",
                hint=f"set the secret that {name} comes from, or leave {name} out",
            )


def read_env_file(path: Path) -> dict[str, str]:
    """Return the assignments of one `.env` file, or nothing when there is no such file.

    A name without ``=`` is left out, as the shell's ``export NAME`` would leave it.

    Raises:
        ConfigurationError: it cannot be read, is not UTF-8, or has a line that is no assignment.
    """
    if not path.is_file():
        return {}
    text = read_text(path)
    _refuse_bad_lines(text, path)
    return _parse(text)


def _parse(text: str) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - late: --help does not need it

    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _refuse_bad_lines(text: str, path: Path) -> None:
    from dotenv.parser import parse_stream  # noqa: PLC0415 - late: --help does not need it

    for binding in parse_stream(io.StringIO(text)):
        if binding.error or "\0" in binding.original.string:
            leading = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            raise ConfigurationError(
                "a line of the environment file is not an assignment",
                place=Place(file=path, line=binding.original.line + leading),
                expected="NAME=value",
                hint="put the value in quotes if it holds spaces or '#'",
            )


def _is_quoted(value: str) -> bool:
    return len(value) >= _SHORTEST_QUOTED and value[0] in _QUOTES and value[-1] == value[0]
