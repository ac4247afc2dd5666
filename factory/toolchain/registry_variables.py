"""Which variables programs that install packages get because settings of npm and yarn name them.

A token for a private registry stands in a variable, and ``.npmrc`` refers to it. Who writes such a
file thereby says what install scripts may see, so it matters whose the file is:

- the user's own (in the home folder, or named by ``NPM_CONFIG_USERCONFIG``): what it refers to is
  passed on;
- one that came with the source: what it refers to is passed on only where the user has named the
  variable, too, by setting it in the configuration's ``.env`` or by ``--pass-env``.

What the factory itself logs in with is never passed on, whoever asks.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.environment import is_own_login, read_env_file
from factory.errors import ConfigurationError, Place
from factory.toolchain.child_environment import BASE_CHILD
from factory.toolchain.settings_references import (
    NPMRC,
    YARNRC,
    SettingsReference,
    references_in,
    settings_files_below,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.config.environment import Environment

log = logging.getLogger(__name__)

# Settings of the package managers and of Node itself, by the beginnings of their names.
SETTINGS = ("npm_config_", "NPM_CONFIG_", "YARN_", "COREPACK_", "NODE_")
# What it defines, yarn knows before it reads its settings.
_YARN_ENV_FILE = ".env.yarn"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryVariables:
    """What settings files refer to: by name, and what becomes of each.

    ``passed`` reach programs that install packages. ``empty`` are there without a value wherever
    they are not passed, since yarn refuses to start when one is missing. ``withheld`` are the
    references whose variable is not passed on.
    """

    passed: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    withheld: tuple[SettingsReference, ...] = ()


NO_VARIABLES = RegistryVariables()


def registry_variables(
    environment: Environment, workspace: Path | None = None, *, classic: bool = False
) -> RegistryVariables:
    """Return what the settings of a workspace, and the user's own, refer to.

    Args:
        environment: the workspace's.
        workspace: its folder; without it, only the user's own settings count.
        classic: whether yarn 1 installs, which reads ``.npmrc`` as strictly as yarn its own file.
    """
    own = frozenset(file.resolve() for file in users_files(environment))
    passed: set[str] = set()
    empty: set[str] = set()
    withheld: list[SettingsReference] = []
    for file in registry_files(environment, workspace):
        is_users = file.resolve() in own and not _is_in(file, workspace)
        for reference in references_in(file):
            name = reference.name
            strict = not reference.optional and (reference.is_yarns or classic)
            if strict:
                empty.add(name)
            if _is_seen_anyway(name, environment):
                continue
            if _may_pass(name, environment, is_users=is_users):
                passed.add(name)
            elif strict or (name in environment.variables and not reference.optional):
                withheld.append(reference)
    defined = _find_defined_by_yarn(workspace)
    return RegistryVariables(
        passed=frozenset(passed),
        empty=frozenset(empty - defined),
        withheld=tuple(each for each in withheld if each.name not in passed | defined),
    )


def refuse_missing(variables: RegistryVariables, environment: Environment) -> None:
    """Warn of each variable that is not passed on; raise where nothing works without it.

    A login may be missing, since most packages need none. Any other setting may not.

    Raises:
        ConfigurationError: a setting that is not a login has no value.
    """
    for reference in dict.fromkeys(variables.withheld):
        place = Place(file=reference.file, field=reference.field)
        there = reference.name in environment.variables
        if reference.name in variables.empty and not reference.is_login:
            raise ConfigurationError(
                f"a setting refers to the variable {reference.name}, which "
                + ("is not passed on to what a source asks for" if there else "is not set"),
                place=place,
                found=f"${{{reference.name}}}",
                expected=_ways(reference.name, there=there),
            )
        log.warning(
            "%s (%s) refers to ${%s}, which %s: packages are requested without this login; %s",
            reference.file,
            reference.field,
            reference.name,
            "is not passed on" if there else "is not set",
            _ways(reference.name, there=there),
            extra={"place": place},
        )


def users_files(environment: Environment) -> Iterator[Path]:
    """Return the user's own settings files of npm and yarn, whether they exist or not."""
    for name in ("NPM_CONFIG_USERCONFIG", "npm_config_userconfig"):
        if chosen := environment.get(name):
            yield Path(chosen)
    if home := environment.get("HOME"):
        yield Path(home) / NPMRC
        yield Path(home) / YARNRC


def registry_files(environment: Environment, workspace: Path | None = None) -> Iterator[Path]:
    """Return the settings files of npm and yarn for a workspace, whether they exist or not.

    Those of the workspace's packages are among them, and those of the folders above it.
    """
    yield from users_files(environment)
    if workspace:
        yield from settings_files_below(workspace)
        for folder in (workspace, *workspace.parents):
            yield folder / NPMRC
            yield folder / YARNRC


def _is_in(file: Path, workspace: Path | None) -> bool:
    return workspace is not None and file.resolve().is_relative_to(workspace.resolve())


def _may_pass(name: str, environment: Environment, *, is_users: bool) -> bool:
    named = is_users or name in environment.configured or name in environment.passed
    return named and name in environment.variables and not is_own_login(name)


def _is_seen_anyway(name: str, environment: Environment) -> bool:
    everybody = any(allowance.covers(name) for allowance in BASE_CHILD)
    return name in environment.variables and (everybody or name.startswith(SETTINGS))


def _find_defined_by_yarn(workspace: Path | None) -> frozenset[str]:
    """The names that ``.env.yarn`` defines, which yarn reads before its settings' references."""
    if not workspace:
        return frozenset()
    try:
        return frozenset(read_env_file(workspace / _YARN_ENV_FILE))
    except ConfigurationError:  # yarn says what is wrong with it
        return frozenset()


def _ways(name: str, *, there: bool) -> str:
    """How to let a variable through."""
    if is_own_login(name):
        return (
            f"{name} is the factory's own and is never passed on; put what packages need into a "
            "variable with another name, and refer to that"
        )
    if there:
        return f"allow it with --pass-env {name}, or set {name} in the configuration's .env"
    return f"set {name} in the configuration's .env, or in the environment with --pass-env {name}"
