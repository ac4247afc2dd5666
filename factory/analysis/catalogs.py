"""Yarn's catalogs: the ranges that ``catalog:`` and ``catalog:NAME`` stand for.

They are in ``.yarnrc.yml`` under ``catalog`` and ``catalogs`` (https://yarnpkg.com/features/catalogs,
yarn 4.10 and later). Like all of yarn's settings those of a folder go before those of the folders
above it, entry by entry, and every value is text: ``react: 18`` is the range ``18``.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.errors import Place, SourceError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

YARN_SETTINGS = ".yarnrc.yml"
CATALOG = "catalog:"


@dataclass(frozen=True, slots=True)
class Catalogs:
    """The catalogs of a workspace by their names, the default one by the empty name."""

    by_name: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def meaning(self, package: str, asked: str) -> str:
        """Return the range that ``asked`` stands for: itself, if it names no entry of a catalog."""
        if not asked.startswith(CATALOG):
            return asked
        return self.by_name.get(asked.removeprefix(CATALOG), {}).get(package, asked)

    def meanings(self, dependencies: Mapping[str, str]) -> Mapping[str, str]:
        """Return dependencies with the ranges that theirs stand for."""
        if not any(asked.startswith(CATALOG) for asked in dependencies.values()):
            return dependencies
        return MappingProxyType({n: self.meaning(n, asked) for n, asked in dependencies.items()})


def read_catalogs(project: Path) -> Catalogs:
    """Return the catalogs that yarn sees in the folder of a project.

    Raises:
        SourceError: ``.yarnrc.yml`` cannot be read, is not YAML, or a catalog is not a map of text.
    """
    found: dict[str, dict[str, str]] = {}
    for folder in (project, *project.absolute().parents):
        file = folder / YARN_SETTINGS
        if file.is_file():
            for catalog, package, asked in _entries(read_yarn_settings(file), file):
                found.setdefault(catalog, {}).setdefault(package, asked)
    return Catalogs(found)


def read_yarn_settings(file: Path) -> Mapping[str, Any]:
    """Return the content of a ``.yarnrc.yml`` as yarn reads it: maps, lists and text.

    Raises:
        SourceError: it cannot be read, or is not YAML with a map at its top.
    """
    from factory.notation.yaml_text import (  # noqa: PLC0415 - YAML loads slowly
        parse_yaml_texts,
    )

    problem = f"{YARN_SETTINGS} cannot be read"
    hint = "correct the file, or patch it if it comes from a repository that is not yours"
    try:
        value = parse_yaml_texts(file.read_bytes())
    except (ValueError, OSError) as error:
        raise SourceError(problem, place=Place(file=file), details=str(error), hint=hint) from error
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise SourceError(
            problem,
            place=Place(file=file),
            found="a top level that is not a map",
            expected="settings",
            hint=hint,
        )
    return value


def _entries(settings: Mapping[str, Any], file: Path) -> Iterator[tuple[str, str, str]]:
    """The catalog's name, the package and the range of each entry."""
    named = _mapping(settings.get("catalogs"), file, "catalogs")
    catalogs = {"": settings.get("catalog"), **named}
    for name, catalog in catalogs.items():
        where = f"catalogs.{name}" if name else "catalog"
        for package, asked in _mapping(catalog, file, where).items():
            if not isinstance(asked, str):
                raise _not_text(file, f"{where}.{package}", "a range")
            yield str(name), str(package), asked


def _mapping(value: object, file: Path, where: str) -> Mapping[str, Any]:
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise _not_text(file, where, "a map from packages to ranges")
    return value


def _not_text(file: Path, where: str, expected: str) -> SourceError:
    return SourceError(
        f"a catalog of {YARN_SETTINGS} has the wrong form",
        place=Place(file=file, field=where),
        expected=expected,
        hint="https://yarnpkg.com/features/catalogs shows how catalogs are written",
    )
