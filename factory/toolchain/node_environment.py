"""What yarn, npm, tsc and rhdh-cli may see of the environment: what they need, and no secrets.

Four groups get through: the names of :mod:`factory.toolchain.child_environment`, the package
managers' own settings, what the configuration directory's ``.env`` sets for the build, and what
``--pass-env`` names. Of these, names that look secret stay behind, and so does everything that the
factory itself logs in with. The exception is what installing packages needs, and reaches just that:
see :mod:`factory.toolchain.registry_variables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.environment import is_own_login
from factory.secret_names import looks_secret
from factory.toolchain.child_environment import base_environment, release_variables
from factory.toolchain.registry_patience import npm_patience
from factory.toolchain.registry_variables import (
    NO_VARIABLES,
    SETTINGS,
    RegistryVariables,
    registry_variables,
    users_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.config.environment import Environment


# Output that is the same on a terminal, in a log and on every CI.
_PLAIN = {
    "FORCE_COLOR": "0",
    "NO_COLOR": "1",
    "YARN_ENABLE_COLORS": "0",
    "YARN_ENABLE_HYPERLINKS": "0",
    "YARN_ENABLE_PROGRESS_BARS": "0",
    "YARN_ENABLE_TELEMETRY": "0",
    "BROWSERSLIST_IGNORE_OLD_DATA": "1",
    "npm_config_update_notifier": "false",
}


def node_environment(
    environment: Environment,
    *,
    tools: Iterable[Path],
    temporary: Path,
    registry_variables: RegistryVariables = NO_VARIABLES,
    installs: bool,
    headers: Path | None = None,
) -> dict[str, str]:
    """Return the whole environment of a child that runs on Node.

    Args:
        environment: the workspace's.
        tools: folders to put before the PATH.
        temporary: the child's own folder for temporary files; rhdh-cli writes under a fixed name.
        registry_variables: what the settings of npm and yarn refer to.
        installs: whether the child installs packages, and so needs the registry's credentials.
        headers: Node's headers, for native modules that compile on install.
    """
    variables = environment.variables
    # yarn refuses to start when a variable that its settings name is missing.
    empty = dict.fromkeys(registry_variables.empty, "")
    meant = environment.configured | {name for name in variables if name.startswith(SETTINGS)}
    named = (meant | environment.passed) & variables.keys()
    open_ones = {name for name in named if not is_own_login(name) and not looks_secret(name)}
    logins = {
        name
        for name in variables
        if looks_secret(name) and (name.startswith(SETTINGS) or name in environment.passed)
    }
    credentials = (logins | registry_variables.passed) if installs else frozenset()
    chosen = {name: variables[name] for name in sorted(open_ones | credentials)}
    path = ":".join([*map(str, tools), environment.get("PATH", "/usr/bin:/bin")])
    compiled = {"npm_config_nodedir": str(headers)} if headers else {}
    own = {"PATH": path, "TMPDIR": str(temporary)} | _PLAIN
    seen_by_all = base_environment(environment) | release_variables(environment)
    return empty | seen_by_all | compiled | chosen | own


def tool_environment(
    environment: Environment,
    *,
    tools: tuple[Path, ...],
    temporary: Path,
    headers: Path | None = None,
) -> dict[str, str]:
    """Return what npm sees of the environment when it brings the factory's own tools.

    They come by the user's npm settings, and never by the workspace's.
    """
    return npm_patience(environment, users_files(environment)) | node_environment(
        environment,
        tools=tools,
        temporary=temporary,
        registry_variables=registry_variables(environment),
        installs=True,
        headers=headers,
    )
