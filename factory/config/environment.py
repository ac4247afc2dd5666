"""The environment of one workspace as a value: defaults, then the process, then `.env` files.

``os.environ`` is read once, by the command line, and handed in; it is never changed.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
from dataclasses import field
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from factory.config.own_variables import OWN_PREFIXES, PREFIX
from factory.errors import ConfigurationError, Place, UsageError
from factory.files import read_text
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# What images are pushed, signed and sources are cloned with: the business of no build script.
_LOGIN_PREFIXES = (PREFIX, "REGISTRY_", "COSIGN_", "GIT_", "SSH_", "PIP_", "GCM_")
_LOGIN_NAMES = frozenset(
    {
        "GH_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITHUB_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GITLAB_TOKEN",
        "KRB5CCNAME",
        "DBUS_SESSION_BUS_ADDRESS",
    }
)
_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*")


def is_own_login(name: str) -> bool:
    """Whether the factory itself logs in with a variable: to a registry, to git, or to sign."""
    return name.startswith(_LOGIN_PREFIXES) or name in _LOGIN_NAMES


def names_to_pass(written: Sequence[str]) -> frozenset[str]:
    """Return the names of ``--pass-env``, which may be repeated and hold several with commas.

    Raises:
        UsageError: one is not a name, or is one that the factory itself logs in with.
    """
    names = [part.strip() for each in written for part in each.split(",") if part.strip()]
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(
                "--pass-env expects names of variables, without values",
                found=name.partition("=")[0] if "=" in name else name,
                expected="a name such as ACME_NPM_TOKEN, whose value is in the environment or "
                "in the configuration's .env",
            )
        if is_own_login(name):
            raise UsageError(
                f"{name} has the factory's own credentials, and is never passed on",
                found=f"--pass-env {name}",
                hint="put what packages need into a variable with another name, such as "
                'ACME_NPM_TOKEN="$' + name + '", and pass that',
            )
    return frozenset(names)


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
    return dict(_defaults())


@cache
def _defaults() -> Mapping[str, str]:
    text = resources.files(__package__).joinpath(DEFAULTS_FILE).read_text(encoding="utf-8")
    return MappingProxyType(_parse(text))


def layer_environment(
    process: Mapping[str, str],
    env_files: tuple[Path, ...] = (),
    *,
    passed: frozenset[str] = frozenset(),
) -> Environment:
    """Return the environment of a workspace: defaults, process, then each `.env` file in order.

    A later layer wins. Files that do not exist are left out. Values of the process that are wrapped
    in literal quotes, as ``podman --env-file`` leaves them, are unwrapped with a warning.

    Raises:
        ConfigurationError: an `.env` file has a line that is not an assignment, or is not UTF-8.
    """
    variables = default_environment() | unquote(process)
    configured: set[str] = set()
    for path in env_files:
        values = read_env_file(path)
        variables |= values
        configured |= values.keys()
    return Environment(
        variables=MappingProxyType(variables), configured=frozenset(configured), passed=passed
    )


def unquote(process: Mapping[str, str]) -> dict[str, str]:
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
    """Raise if one of the variables is set but empty: what it was to protect would not be.

    An empty value is mostly a CI system's secret that is not set, or not for this branch.

    Raises:
        ConfigurationError: naming the variable.
    """
    for name in names:
        if name in variables and not variables[name].strip():
            raise ConfigurationError(
                f"{name} is set but empty",
                found=f"{name}=",
                expected="a value, or no variable of that name",
                hint=f"set the secret that {name} comes from, or leave {name} out",
            )


def read_env_file(path: Path) -> dict[str, str]:
    """Return the assignments of one `.env` file, or nothing when there is no such file.

    A name without ``=`` is left out, as the shell's ``export NAME`` would leave it.

    Raises:
        ConfigurationError: it cannot be read, is not UTF-8, or a line is not an assignment.
    """
    if not path.is_file():
        return {}
    text = read_text(path)
    _refuse_bad_lines(text, path)
    return _parse(text)


def _parse(text: str) -> dict[str, str]:
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _refuse_bad_lines(text: str, path: Path) -> None:
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or "\0" in binding.original.string:
            leading = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            raise ConfigurationError(
                "a line of the environment file is not an assignment",
                place=Place(file=path, line=binding.original.line + leading),
                expected="NAME=value",
                hint="put the value in quotes if it contains spaces or '#'",
            )


def _is_quoted(value: str) -> bool:
    return len(value) >= _SHORTEST_QUOTED and value[0] in _QUOTES and value[-1] == value[0]


CACHE_VARIABLE = f"{PREFIX}CACHE_DIR"


def cache_dir_of(named: Path | None, environment: Environment) -> Path:
    """Return the cache: what ``--cache-dir`` names, ``$PLUGIN_FACTORY_CACHE_DIR``, or the user's.

    The last is ``$XDG_CACHE_HOME/plugin-factory``, or ``~/.cache/plugin-factory`` (the XDG base
    directory specification).
    """
    if named:
        return named.expanduser().absolute()
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    home = environment.get("HOME")
    user_cache = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    if user_cache:
        return Path(user_cache, "plugin-factory")
    return Path(tempfile.gettempdir(), f"plugin-factory-{os.getuid()}")
