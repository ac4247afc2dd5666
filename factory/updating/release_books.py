"""Which registry has a published package: as its workspace's npm settings say, as in a build."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from factory.installation.connections import ConnectionOptions, Connections
from factory.installation.npmrc import read_npmrc
from factory.updating.npm_releases import ReleaseBook

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.build_plan import BuildPlan


class ReleaseBooks:
    """A book for all workspaces with the same settings; a context manager for its connections.

    Not thread-safe; its books are.
    """

    def __init__(self, options: ConnectionOptions, scratch: Path) -> None:
        """Open nothing yet; ``options`` are those of a run, but for a workspace's own settings."""
        self._options = options
        self._scratch = scratch
        self._stack = ExitStack()
        self._known: dict[tuple[object, ...], ReleaseBook] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self._stack.close()

    def find_book(self, plan: BuildPlan) -> ReleaseBook:
        """Return the releases as a workspace's ``.npmrc`` and variables lead to them.

        Raises:
            ConfigurationError: a file of settings cannot be read.
        """
        npmrc = read_npmrc(plan.config_dir, plan.environment.variables)
        settings = {name: value.text for name, value in npmrc.values.items()}
        key = (
            tuple(sorted(settings.items())),
            tuple(sorted(plan.environment.variables.items())),
        )
        if key not in self._known:
            options = replace(self._options, npmrc=npmrc, environment=plan.environment)
            connections = self._stack.enter_context(Connections(options, self._scratch))
            self._known[key] = ReleaseBook(npmrc, connections.web())
        return self._known[key]
