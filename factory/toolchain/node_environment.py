"""What yarn, npm, tsc and rhdh-cli may see of the environment: what they need, and no secrets.

Three groups get through: the names of :mod:`factory.toolchain.child_environment`, the package
managers' own settings, and what the configuration directory's ``.env`` sets for the build. Of
these, names that look secret stay behind, and so does everything about the registry that images are
pushed to. The one exception: variables that ``.npmrc`` or ``.yarnrc.yml`` refer to as ``${NAME}``
are needed by whatever installs packages, and reach just that.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from factory.redaction import looks_secret
from factory.toolchain.child_environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from factory.config.environment import Environment

# Settings of the package managers and of Node itself, by the beginnings of their names.
_SETTINGS = ("npm_config_", "NPM_CONFIG_", "YARN_", "COREPACK_", "NODE_")
_NEVER = ("REGISTRY_", "PLUGIN_FACTORY_", "COSIGN_", "GIT_", "SSH_")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
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
    registry_variables: frozenset[str],
    installs: bool,
    headers: Path | None = None,
) -> dict[str, str]:
    """Return the whole environment of a child that runs on Node.

    Args:
        environment: the workspace's.
        tools: folders to put before the PATH.
        temporary: the child's own folder for temporary files; rhdh-cli writes under a fixed name.
        registry_variables: see :func:`registry_variables`.
        installs: whether the child installs packages, and so needs the registry's credentials.
        headers: Node's headers, for native modules that compile on install.
    """
    configured = {name: environment.variables[name] for name in environment.configured}
    settings = {
        name: value
        for name, value in environment.variables.items()
        if name.startswith(_SETTINGS) and not looks_secret(name)
    }
    allowed = {
        name: value
        for name, value in (configured | settings).items()
        if not name.startswith(_NEVER) and not looks_secret(name)
    }
    # yarn refuses to start when a variable that its settings name is missing, so those that the
    # child is not to know are empty rather than unset.
    referred = {
        name: environment.variables[name] if installs else ""
        for name in registry_variables
        if name in environment.variables
    }
    secret_settings = {
        name: value
        for name, value in environment.variables.items()
        if installs and name.startswith(_SETTINGS) and looks_secret(name)
    }
    path = ":".join([*map(str, tools), environment.get("PATH", "/usr/bin:/bin")])
    compiled = {"npm_config_nodedir": str(headers)} if headers else {}
    own = {"PATH": path, "TMPDIR": str(temporary)} | _PLAIN
    return base_environment(environment) | compiled | allowed | secret_settings | referred | own


def registry_variables(environment: Environment, workspace: Path | None = None) -> frozenset[str]:
    """Return the names that the user's registry configuration refers to as ``${NAME}``.

    Read are ``.npmrc`` and ``.yarnrc.yml`` of the home folder, of the workspace and of the folders
    above it, as npm and yarn do.
    """
    return frozenset(
        name
        for file in registry_files(environment, workspace)
        if file.is_file()
        for name in _REFERENCE.findall(file.read_text(encoding="utf-8", errors="replace"))
    )


def registry_files(environment: Environment, workspace: Path | None = None) -> Iterator[Path]:
    """Return the settings files of npm and yarn for a workspace, whether they exist or not."""
    for name in ("NPM_CONFIG_USERCONFIG", "npm_config_userconfig"):
        if chosen := environment.get(name):
            yield Path(chosen)
    home = environment.get("HOME")
    folders = [Path(home)] if home else []
    if workspace:
        folders += [workspace, *workspace.parents]
    for folder in folders:
        yield folder / ".npmrc"
        yield folder / ".yarnrc.yml"
