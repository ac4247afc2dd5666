"""What is to be done for each plugin, as far as it can be told without asking anybody.

The rules of ``pullPolicy`` and ``forceDownload`` are those of RHDH: with IfNotPresent what is
staged for the same entry is kept unasked, with Always it is compared first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.archives.integrity import parse_integrity
from factory.errors import ConfigurationError
from factory.installation.package_reference import (
    LocalArchive,
    LocalFolder,
    NpmPackage,
    OciPackage,
    RemoteArchive,
)
from factory.installation.staged import entry_key
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.installation.plugin_list import ListedPlugin
    from factory.installation.staged import Staged

# "check": kept if what its registry has now is what is staged. "in place": a folder of the user's
# that is in the portal's folder already.
Action: TypeAlias = Literal["install", "update", "check", "keep", "in place", "disabled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """An entry, what is to be done for it, and what is staged for it now."""

    entry: ListedPlugin
    action: Action
    staged: Staged | None = None


def decide(
    entries: Sequence[ListedPlugin], staged: Sequence[Staged], *, root: Path
) -> tuple[Decision, ...]:
    """Return a decision for each entry, in their order."""
    by_identity = {one.identity: one for one in staged}
    return tuple(_decision(entry, by_identity, root) for entry in entries)


def find_unlisted(decisions: Sequence[Decision], staged: Sequence[Staged]) -> tuple[Staged, ...]:
    """Return what is staged for plugins that are no longer listed, or disabled."""
    wanted = {one.entry.package.identity for one in decisions if one.action != "disabled"}
    return tuple(one for one in staged if one.identity not in wanted)


def refuse_unproven(entries: Sequence[ListedPlugin], *, skip_integrity: bool) -> None:
    """Check that all that is downloaded by a name or an address can be verified.

    What a registry itself says of an archive's integrity proves nothing about it.

    Raises:
        ConfigurationError: an enabled npm package or remote archive has no integrity.
        ArtifactError: an integrity is malformed or of an unknown algorithm.
    """
    for entry in entries:
        if not entry.enabled:
            continue
        if entry.integrity and not isinstance(entry.package, OciPackage | LocalFolder):
            parse_integrity(entry.integrity, place=entry.place)
        elif isinstance(entry.package, NpmPackage | RemoteArchive) and not skip_integrity:
            raise ConfigurationError(
                f"{entry.name} has no integrity",
                place=entry.place,
                found=str(entry.package),
                expected="integrity: sha512-… beside the package",
                hint=_where_from(entry.package),
            )


def _decision(entry: ListedPlugin, staged: dict[str, Staged], root: Path) -> Decision:
    package = entry.package
    there = staged.get(package.identity)
    if not entry.enabled:
        return Decision(entry=entry, action="disabled", staged=there)
    if isinstance(package, LocalFolder) and package.path.parent == root and package.path.is_dir():
        return Decision(entry=entry, action="in place")
    if there is None:
        return Decision(entry=entry, action="install")
    if entry.force or there.key != entry_key(entry):
        return Decision(entry=entry, action="update", staged=there)
    local = isinstance(package, LocalArchive | LocalFolder)
    fixed = bool(entry.integrity) or (isinstance(package, OciPackage) and bool(package.digest))
    if local or (entry.pull_policy == "Always" and not fixed):
        return Decision(entry=entry, action="check", staged=there)
    return Decision(entry=entry, action="keep", staged=there)


def _where_from(package: NpmPackage | RemoteArchive) -> str:
    if isinstance(package, NpmPackage):
        return f"npm view {package} dist.integrity, from a registry that you trust"
    return "copy it from the .integrity file beside the .tgz"
