"""What npm sees of the environment when it brings the factory's own tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.toolchain.node_environment import node_environment
from factory.toolchain.registry_patience import npm_patience
from factory.toolchain.registry_variables import registry_variables, users_files

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.environment import Environment


def own_environment(
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
