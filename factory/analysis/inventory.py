"""What a Backstage host brings along: its packages and their versions, and its Backstage version.

The inventories of RHDH releases ship as data in ``factory/hosts``; any yarn.lock can be one too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.lockfile_parser import LOCKFILE, read_lockfile
from factory.errors import ConfigurationError, Place, UsageError
from factory.notation.json_text import parse_json, parse_object
from factory.versions import satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

BACKSTAGE_FILE = "backstage.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class HostInventory:
    """The packages of a host.

    ``packages`` maps a name to its versions, separated by spaces as in the file. ``release`` and
    ``backstage`` are empty where they are not known.
    """

    name: str
    release: str
    backstage: str
    packages: Mapping[str, str]

    def __contains__(self, package: str) -> bool:
        """Whether the host has any version of the package."""
        return package in self.packages

    def versions(self, package: str) -> tuple[str, ...]:
        """Return the package's versions in the host, lowest first; none if the host lacks it."""
        return tuple(self.packages.get(package, "").split())

    def satisfying(self, package: str, asked: str) -> str | None:
        """Return the host's highest version of the package in the npm range, or None.

        A range that is not npm's (an address, a tag), or none, is satisfied by nothing.
        """
        if not asked:
            return None
        for version in reversed(self.versions(package)):
            try:
                if satisfies(version, asked):
                    return version
            except ValueError:
                return None
        return None


def host_names() -> tuple[str, ...]:
    """Return the names of the inventories that ship with the factory, oldest release first."""
    files = resources.files("factory.hosts").iterdir()
    names = (file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))
    return tuple(sorted(names, key=_release_order))


def newest_host() -> str:
    """Return the name of the newest inventory: the host if none is asked for."""
    return host_names()[-1]


@lru_cache(maxsize=8)
def find_host(host: str | None = None) -> HostInventory:
    """Return the inventory that ``--host NAME|PATH`` means, the newest if it is empty.

    ``PATH`` is a yarn.lock, a folder with one, or an inventory that ``host import`` wrote.

    Raises:
        UsageError: there is neither such an inventory nor such a file.
        ConfigurationError: an inventory cannot be read.
        DependenciesError: a yarn.lock cannot be read.
    """
    if not host:
        host = newest_host()
    if _NAME.fullmatch(host):
        file = resources.files("factory.hosts").joinpath(f"{host}.json")
        if file.is_file():
            return _inventory(file, Path(f"{host}.json"))
    path = Path(host).expanduser()
    if path.is_dir():
        path = path / LOCKFILE
    if not path.is_file():
        raise UsageError(
            "there is no such host",
            found=host,
            expected=f"one of {', '.join(host_names())}, or the path of a yarn.lock",
            hint="'plugin-factory host list' shows the inventories",
        )
    if path.suffix == ".json":
        return _inventory(path, path)
    return inventory_of_lockfile(path)


def inventory_of_lockfile(
    lockfile: Path, *, name: str = "", release: str = "", backstage: str = ""
) -> HostInventory:
    """Return what the host whose yarn.lock this is brings along; workspace members are left out.

    Without ``name`` the host is called after its folder; without ``backstage`` its Backstage
    version is read from the backstage.json beside the lockfile, if there is one.

    Raises:
        DependenciesError: the lockfile cannot be read.
        ConfigurationError: backstage.json cannot be read.
    """
    versions = read_lockfile(lockfile).versions
    return HostInventory(
        name=name or lockfile.absolute().parent.name,
        release=release,
        backstage=backstage or backstage_version(lockfile.parent),
        packages={
            package: " ".join(sorted(found, key=_precedence))
            for package, found in sorted(versions.items())
        },
    )


def backstage_version(folder: Path) -> str:
    """Return the version in the folder's backstage.json, or "" if there is no such file.

    Raises:
        ConfigurationError: it is not JSON, or holds no version.
    """
    file = folder / BACKSTAGE_FILE
    if not file.is_file():
        return ""
    try:
        document = parse_json(file.read_bytes())
    except ValueError as error:
        raise ConfigurationError(
            "backstage.json is not valid JSON",
            place=Place(file=file),
            found=str(error),
            expected='for example {"version": "1.42.0"}',
        ) from error
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, str):
        raise ConfigurationError(
            "backstage.json holds no Backstage version",
            place=Place(file=file, field="version"),
            found=json.dumps(version),
            expected='{"version": "1.42.0"}',
        )
    return version


def inventory_text(host: HostInventory) -> str:
    """Return the inventory as the JSON text of its file, a line a package."""
    head = {"name": host.name, "release": host.release, "backstage": host.backstage}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    packages = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(versions)}" for name, versions in host.packages.items()
    )
    return "{\n" + "\n".join(lines) + '\n"packages": {\n' + packages + "\n}\n}\n"


def is_host_name(name: str) -> bool:
    """Return whether an inventory may be called so: letters, digits, ``.``, ``-`` and ``_``."""
    return _NAME.fullmatch(name) is not None


def _inventory(source: Path | Traversable, file: Path) -> HostInventory:
    """The inventory in ``source``; ``file`` is what errors call it."""
    try:
        document = parse_object(source.read_bytes())
        packages = dict(document["packages"])
        return HostInventory(
            name=str(document["name"]),
            release=str(document["release"]),
            backstage=str(document["backstage"]),
            packages={str(name): str(versions) for name, versions in packages.items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "this is no host inventory",
            place=Place(file=file),
            found=f"{type(error).__name__}: {error}",
            hint="make one with 'plugin-factory host import --name NAME --lockfile yarn.lock'",
        ) from error


def _release_order(name: str) -> tuple[object, ...]:
    """Numbers in a name count as numbers: rhdh-1.9 comes before rhdh-1.10."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


def _precedence(version: str) -> tuple[object, ...]:
    """Semantic precedence, cheaply: a host has thousands of versions to sort, once."""
    core, _, prerelease = version.partition("+")[0].partition("-")
    numbers = tuple(int(n) if n.isdigit() else -1 for n in core.split("."))
    labels = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in prerelease.split(".")
    )
    return (numbers, not prerelease, labels)
