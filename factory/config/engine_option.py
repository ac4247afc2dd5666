"""What ``--engine`` says, for all plugins or for those of a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.selection import patterns
from factory.engines import BACKEND, FRONTEND, Engine, RoleEngines
from factory.errors import UsageError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedEngines:
    """The engine of each role that the user wants; None where nothing is said."""

    frontend: Engine | None = None
    backend: Engine | None = None

    def over(self, default: RoleEngines) -> RoleEngines:
        """Return the engines of both roles: what is not said is as in ``default``."""
        return RoleEngines(
            frontend=self.frontend or default.frontend, backend=self.backend or default.backend
        )


def read_engines(written: Iterable[str]) -> WantedEngines:
    """Return what ``--engine`` says; what is said of one role wins over what is said of all.

    Args:
        written: the option's values, with commas or without.

    Raises:
        UsageError: a name or a role is not known, or two engines are given for the same.
    """
    chosen: dict[str, Engine] = {}
    for part in patterns(tuple(written)):
        side, equals, name = part.rpartition("=")
        if (equals and side not in {FRONTEND, BACKEND}) or name not in tuple(Engine):
            raise UsageError(
                "--engine has no such engine",
                found=part,
                expected="rhdh or backstage; for one role alone, such as frontend=backstage",
            )
        if chosen.setdefault(side, Engine(name)) is not Engine(name):
            raise UsageError(
                f"--engine names two engines for {side or 'all plugins'}",
                found=f"{chosen[side]} and {name}",
                expected="one",
            )
    return WantedEngines(
        frontend=chosen.get(FRONTEND, chosen.get("")), backend=chosen.get(BACKEND, chosen.get(""))
    )
