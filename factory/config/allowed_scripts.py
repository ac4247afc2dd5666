"""Whose install scripts may run while a published plugin is built: by default, nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.archives.npm_package import is_package_name
from factory.errors import ConfigurationError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.errors import Place

EVERY_PACKAGE = "*"
INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
"""The scripts of a package that yarn runs when it installs."""
_LONGEST_SHOWN = 214


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedScripts:
    """The names of the packages whose install scripts may run; ``*`` is every package's."""

    names: frozenset[str] = frozenset()

    @property
    def of_every_package(self) -> bool:
        """Whether the scripts of all packages may run."""
        return EVERY_PACKAGE in self.names

    @property
    def named(self) -> tuple[str, ...]:
        """The packages that are named, sorted."""
        return tuple(sorted(self.names - {EVERY_PACKAGE}))

    def includes(self, name: str) -> bool:
        """Whether a package's scripts may run."""
        return self.of_every_package or name in self.names


NO_SCRIPTS = AllowedScripts()


def parse_allowed_scripts(texts: Iterable[str], place: Place | None = None) -> AllowedScripts:
    """Read names of packages; several may be in one text, with commas between.

    Raises:
        ConfigurationError: one is neither the name of a package nor ``*``.
    """
    names = {name for text in texts for each in text.split(",") if (name := each.strip())}
    for name in sorted(names - {EVERY_PACKAGE}):
        if not is_package_name(name):
            raise ConfigurationError(
                "whose scripts may run is not the name of a package",
                place=place,
                found=ascii(name[:_LONGEST_SHOWN]),
                expected=f"a name such as better-sqlite3, or {EVERY_PACKAGE} for every package",
            )
    return AllowedScripts(names=frozenset(names))
