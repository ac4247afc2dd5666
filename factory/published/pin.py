"""``yarn.lock`` beside ``source.json``: which version of a package was built, with what below it.

It is yarn's own lockfile, with one line before it that names the package. While it is there, every
build takes that version and these dependencies; whoever wants newer ones removes it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.errors import Place, SourceError, StorageError, os_errors_as
from factory.files import read_text, write_whole
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import is_range, is_version, satisfies

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.package_spec import PackageSpec

log = logging.getLogger(__name__)

PIN_FILE = "yarn.lock"
_FIRST_LINE = lazy_pattern(
    r"# Written by plugin-factory for (?P<name>\S+)@(?P<version>[^\s@]+) (?P<integrity>sha\S+)"
)
_ANEW = "remove the file to have the version and its dependencies resolved again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """What a configuration directory pins: a version, its integrity, and the lockfile's text."""

    file: Path
    name: str
    version: str
    integrity: str
    lockfile: str


def read_pin(config_dir: Path, spec: PackageSpec) -> Pin | None:
    """Return the pin of a package; None if the directory has none.

    Raises:
        SourceError: it is not one, is of another package, or of a version that is not wanted.
        ConfigurationError: the file cannot be read.
    """
    file = config_dir / PIN_FILE
    if not file.exists():
        return None
    first, _, rest = read_text(file).partition("\n")
    found = _FIRST_LINE.fullmatch(first.strip())
    if found is None or not is_version(found["version"]):
        raise SourceError(
            f"the {PIN_FILE} beside source.json does not say of which package it is",
            place=Place(file=file, line=1),
            found=ascii(first[:100]),
            expected="the line that plugin-factory writes before a lockfile",
            hint=_ANEW,
        )
    name, version = found["name"], found["version"]
    unwanted = is_range(spec.wanted) and not satisfies(version, spec.wanted)
    if name != spec.name or unwanted:
        raise SourceError(
            f"the {PIN_FILE} beside source.json is of another package than the wanted one",
            place=Place(file=file, line=1),
            found=f"{name}@{version}",
            expected=str(spec),
            hint=_ANEW,
        )
    return Pin(file=file, name=name, version=version, integrity=found["integrity"], lockfile=rest)


def write_pin(config_dir: Path, name: str, version: str, integrity: str, lockfile: str) -> None:
    """Write the pin of a package; a directory that cannot be written gets none, with a word."""
    file = config_dir / PIN_FILE
    text = f"# Written by plugin-factory for {name}@{version} {integrity}\n{lockfile}"
    try:
        with os_errors_as(StorageError("it cannot be written", place=Place(file=file))):
            write_whole(file, text)
    except StorageError as error:
        log.warning(
            "%s cannot be written (%s): the dependencies of %s are resolved again by each build",
            file,
            error.found or error.problem,
            name,
        )
    else:
        log.info("wrote %s: later builds take %s %s and the same dependencies", file, name, version)
