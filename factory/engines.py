"""The engines, which turn a compiled plugin into a dynamic one, and which of them exports what.

``rhdh`` is rhdh-cli, ``backstage`` the command ``package bundle`` of Backstage's own command line
(``@backstage/cli-module-build``).
"""

from __future__ import annotations

from enum import StrEnum

from factory.values import dataclass


class Engine(StrEnum):
    """What exports a plugin, as it is written."""

    RHDH = "rhdh"
    BACKSTAGE = "backstage"


FRONTEND, BACKEND = "frontend", "backend"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleEngines:
    """Which engine exports plugins, by their role; modules go with the plugins they extend."""

    frontend: Engine = Engine.RHDH
    backend: Engine = Engine.RHDH

    def of_role(self, role: str) -> Engine:
        """Return the engine for a plugin's ``backstage.role``."""
        return self.frontend if role.startswith(FRONTEND) else self.backend

    @property
    def possible(self) -> frozenset[Engine]:
        """Those that a workspace may need, whatever plugins it has."""
        return frozenset((self.frontend, self.backend))

    def __str__(self) -> str:
        """Both in a word or two, the same for the same choice."""
        if self.frontend is self.backend:
            return str(self.frontend)
        return f"{FRONTEND}={self.frontend}, {BACKEND}={self.backend}"
