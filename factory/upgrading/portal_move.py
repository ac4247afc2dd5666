"""A portal's move from one host to another, and what it does to one plugin of its list, as values.

What does not fit the new portal may not have fitted the old one either: each finding says whether
it held already (``before``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from factory.errors import CheckError
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.analysis.inventory import HostInventory
    from factory.errors import FactoryError
    from factory.installation.plugin_list import ListedPlugin

Verdict: TypeAlias = Literal["shows-nothing", "rebuild", "unknown", "fits"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What is said of a plugin, the worst first."""

RebuildKind: TypeAlias = Literal["range", "missing", "bundled", "backstage", "native"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalMove:
    """What the portal is, and what it is to become."""

    old: HostInventory
    new: HostInventory


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuildReason:
    """Why a plugin has to be built again for the new portal.

    Attributes:
        kind: ``range`` of a package that the new portal has no version for; a package that is
            ``missing`` there, or is ``bundled`` and there, too; the ``backstage`` that the plugin
            is for; a ``native`` binary for another Node.js.
        why: a clause.
        package: which package, "" if it is about none.
        asked: the range, or the version, that the plugin has of it.
        old: the old portal's versions of the package.
        new: the new portal's.
        before: whether the same held in the old portal.
    """

    kind: RebuildKind
    why: str
    package: str = ""
    asked: str = ""
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    before: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class HiddenFrontend:
    """Why a frontend shows nothing in the new portal; ``before`` if it showed nothing at all."""

    why: str
    hint: str = ""
    before: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadKey:
    """A key of a plugin's configuration without effect in the new portal; values are not told."""

    key: str
    why: str
    before: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultPlugin:
    """That the new portal brings a plugin itself: whether it is ``on`` there by default.

    ``before`` is whether the old one brought it, too.
    """

    on: bool
    before: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedPlugin:
    """What the move does to one plugin.

    Attributes:
        entry: the plugin, as the list has it.
        name: its package's, "" if it is not available.
        version: its package's.
        role: its package's.
        rebuild: why it has to be built again.
        hidden: why it shows nothing; None if it shows, or is a backend.
        keys: configuration without effect.
        brought: that the new portal brings it; None if it does not, or that is not known.
        remarks: what else is worth knowing.
        error: why it is not available, or could not be judged.
    """

    entry: ListedPlugin
    name: str = ""
    version: str = ""
    role: str = ""
    rebuild: tuple[RebuildReason, ...] = ()
    hidden: HiddenFrontend | None = None
    keys: tuple[DeadKey, ...] = ()
    brought: DefaultPlugin | None = None
    remarks: tuple[str, ...] = ()
    error: FactoryError | None = None

    @property
    def verdict(self) -> Verdict:
        """What is said of the plugin: the worst that was found."""
        if self.hidden:
            return "shows-nothing"
        if self.rebuild:
            return "rebuild"
        return "unknown" if self.error else "fits"

    @property
    def exit_code(self) -> int:
        """0 if the plugin moves as it is, with all of its configuration; else an error's code."""
        if self.verdict == "unknown" and self.error:
            return self.error.exit_code
        loses = any(not one.before for one in self.keys)
        return CheckError.exit_code if self.verdict != "fits" or loses else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedList:
    """What the move does to each plugin that is on in a list; ``off`` are not looked at."""

    move: PortalMove
    plugins: tuple[MovedPlugin, ...]
    off: tuple[ListedPlugin, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if there is nothing to do, else the smallest code of what there is."""
        return min((one.exit_code for one in self.plugins if one.exit_code), default=0)

    def count(self, verdict: Verdict) -> int:
        """Return how many plugins have a verdict."""
        return sum(one.verdict == verdict for one in self.plugins)
