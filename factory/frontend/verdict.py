"""Whether a frontend plugin shows in a portal, by the portal's frontend system, and why.

A portal of the old system loads a plugin's Scalprum modules and mounts what its configuration
names. One of the new system loads what module federation exposes and takes default exports that are
features. RHDH up to 2.0 has the old one, later ones and plain Backstage have the new one.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from factory.values import dataclass

System: TypeAlias = Literal["old", "new"]

OLD_SYSTEM: System = "old"
NEW_SYSTEM: System = "new"


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemVerdict:
    """Whether a plugin shows in one frontend system; ``shows`` is None where that is unknown.

    ``why`` is a clause; ``hint`` says what to do about it, "" if there is nothing to do.
    """

    system: System
    shows: bool | None
    why: str
    hint: str = ""

    @property
    def word(self) -> str:
        """``shows``, ``does not show`` or ``unknown``."""
        return {True: "shows", False: "does not show", None: "unknown"}[self.shows]

    def __str__(self) -> str:
        """One line: the system, the word, and why."""
        return f"{self.system} frontend system: {self.word}: {self.why}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontendVerdict:
    """What is said of a plugin for both frontend systems."""

    old: SystemVerdict
    new: SystemVerdict

    @property
    def systems(self) -> tuple[SystemVerdict, SystemVerdict]:
        """Both, the old one first."""
        return (self.old, self.new)

    @property
    def is_seen_nowhere(self) -> bool:
        """Whether no portal shows the plugin."""
        return self.old.shows is False and self.new.shows is False

    @classmethod
    def read(cls, value: object) -> FrontendVerdict | None:
        """Return the verdict that :meth:`as_json` has written; None if it is something else."""
        found = []
        for system in (OLD_SYSTEM, NEW_SYSTEM):
            one = value.get(system) if isinstance(value, dict) else None
            if not isinstance(one, dict) or one.get("shows") not in (True, False, None):
                return None
            shows, why = one.get("shows"), one.get("why")
            if not isinstance(shows, bool | None) or not isinstance(why, str):
                return None
            found.append(SystemVerdict(system=system, shows=shows, why=why))
        return cls(old=found[0], new=found[1])

    def as_json(self) -> dict[str, Any]:
        """Return both as the schemas have them."""
        return {one.system: {"shows": one.shows, "why": one.why} for one in self.systems}


def say_shown(system: System, why: str) -> SystemVerdict:
    """Return that a plugin shows."""
    return SystemVerdict(system=system, shows=True, why=why)


def say_hidden(system: System, why: str, *, hint: str = "") -> SystemVerdict:
    """Return that a plugin does not show."""
    return SystemVerdict(system=system, shows=False, why=why, hint=hint)


def say_undecided(system: System, why: str, *, hint: str = "") -> SystemVerdict:
    """Return that what is there does not say whether a plugin shows."""
    return SystemVerdict(system=system, shows=None, why=why, hint=hint)


NO_FEATURE_HINT = (
    "give an entry point a default export made by createFrontendPlugin() of "
    "@backstage/frontend-plugin-api, or by convertLegacyPlugin() of @backstage/core-compat-api"
)
