"""What a Backstage host is: its packages and versions, its Backstage, and its profile.

Those of portals' releases ship as data in ``factory/hosts``, and so do all releases of plain
Backstage; any yarn.lock can be one too.
"""

from __future__ import annotations

import json
import os
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.backstage_releases import (
    find_release,
    list_releases,
    packages_of_release,
)
from factory.analysis.lockfile_parser import LOCKFILE, read_lockfile
from factory.analysis.plain_backstage import plain_profile
from factory.analysis.portal_profile import (
    PortalProfile,
    profile_fields,
    profile_for,
    read_profile,
)
from factory.analysis.release_match import SCOPE, match_release
from factory.errors import ConfigurationError, Place, UsageError
from factory.notation.json_text import parse_json, parse_object
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import name_order, release_order, satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKSTAGE_FILE = "backstage.json"
HOSTS = Path(__file__).parents[1] / "hosts"
"""The folder of the portals that ship with the factory."""
DEFAULT_HOST = "rhdh-1.10"
"""The newest release of RHDH that has been released: the host if none is asked for."""
PLAIN = "backstage-"
"""What the names of plain Backstage's releases begin with."""
_NAME = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class HostInventory:
    """The packages of a host, and its profile: how plugins are made for it.

    ``packages`` maps a name to its versions, separated by spaces as in the file. ``release`` and
    ``backstage`` are empty where they are not known.
    """

    name: str
    release: str
    backstage: str
    packages: Mapping[str, str]
    profile: PortalProfile = field(default_factory=PortalProfile)

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
    """Return the names of the portals that ship with the factory, oldest release first."""
    files = HOSTS.iterdir()
    names = (file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))
    return tuple(sorted(names, key=name_order))


def plain_host_names() -> tuple[str, ...]:
    """Return a name for each minor of plain Backstage that is known, oldest first."""
    minors = dict.fromkeys(release.rpartition(".")[0] for release in list_releases())
    return tuple(f"{PLAIN}{minor}" for minor in minors)


@lru_cache(maxsize=8)
def find_host(host: str | None = None) -> HostInventory:
    """Return the host that ``--host NAME|PATH`` means, the default one if it is empty.

    ``NAME`` is a portal of :func:`host_names`, or plain Backstage: ``backstage-1.52`` for the
    newest patch release of a minor, ``backstage-1.52.0`` for one. ``PATH`` is a yarn.lock, a folder
    with one, or a file that ``host import`` wrote.

    Raises:
        UsageError: there is neither such an inventory nor such a file.
        ConfigurationError: an inventory cannot be read.
        DependenciesError: a yarn.lock cannot be read.
    """
    if not host:
        host = DEFAULT_HOST
    if _NAME.fullmatch(host):
        file = HOSTS / f"{host}.json"
        if file.is_file():
            return _inventory(file, Path(f"{host}.json"))
        if host.startswith(PLAIN) and (release := find_release(host.removeprefix(PLAIN))):
            return _plain_backstage(release)
    path = Path(os.path.expanduser(host))  # noqa: PTH111 - a user who is not there is no error
    if path.is_dir():
        path = path / LOCKFILE
    if not path.is_file():
        raise UsageError(
            "there is no such host",
            found=host,
            expected=f"one of {', '.join(host_names())}, {_plain_names()}, "
            "or the path of a yarn.lock",
            hint="'plugin-factory host list' shows the inventories",
        )
    if path.suffix == ".json":
        return _inventory(path, path)
    return inventory_of_lockfile(path)


def inventory_of_lockfile(
    lockfile: Path, *, name: str = "", release: str = "", backstage: str = ""
) -> HostInventory:
    """Return what the host whose yarn.lock this is brings along; workspace members are left out.

    Without ``name`` the host is called after its folder. Without ``backstage`` its Backstage
    version is that of the backstage.json beside the lockfile, or that of most of its
    ``@backstage/`` packages. Its profile is what follows from that version and its packages.

    Raises:
        DependenciesError: the lockfile cannot be read.
        ConfigurationError: backstage.json cannot be read.
    """
    versions = read_lockfile(lockfile).versions
    backstage = backstage or backstage_version(lockfile.parent)
    if not backstage:
        own = {name: found for name, found in versions.items() if name.startswith(SCOPE)}
        match = match_release(own)
        backstage = (match and match.version) or ""
    return HostInventory(
        name=name or lockfile.absolute().parent.name,
        release=release,
        backstage=backstage,
        packages={
            package: " ".join(sorted(found, key=release_order))
            for package, found in sorted(versions.items())
        },
        profile=profile_for(backstage, versions),
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
            "backstage.json contains no Backstage version",
            place=Place(file=file, field="version"),
            found=json.dumps(version),
            expected='{"version": "1.42.0"}',
        )
    return version


def inventory_text(host: HostInventory) -> str:
    """Return the host as the JSON text of its file: a line a field, then a line a package."""
    head = {"name": host.name, "release": host.release, "backstage": host.backstage}
    head |= profile_fields(host.profile)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    packages = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(versions)}" for name, versions in host.packages.items()
    )
    return "{\n" + "\n".join(lines) + '\n"packages": {\n' + packages + "\n}\n}\n"


def is_host_name(name: str) -> bool:
    """Return whether an inventory may be called so: letters, digits, ``.``, ``-`` and ``_``."""
    return _NAME.fullmatch(name) is not None


def _inventory(source: Path, file: Path) -> HostInventory:
    """The inventory in ``source``; ``file`` is what errors call it."""
    try:
        document = parse_object(source.read_bytes())
        packages = dict(document["packages"])
        backstage = str(document["backstage"])
        return HostInventory(
            name=str(document["name"]),
            release=str(document["release"]),
            backstage=backstage,
            packages={str(name): str(versions) for name, versions in packages.items()},
            profile=read_profile(document, backstage),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "this is not a host inventory",
            place=Place(file=file),
            found=f"{type(error).__name__}: {error}",
            hint="make one with 'plugin-factory host import --name NAME --lockfile yarn.lock'",
        ) from error


def _plain_backstage(release: str) -> HostInventory:
    packages = packages_of_release(release)
    return HostInventory(
        name=f"{PLAIN}{release}",
        release=release,
        backstage=release,
        packages=packages,
        profile=plain_profile(release, packages),
    )


def _plain_names() -> str:
    names = plain_host_names()
    return f"{names[0]} to {names[-1]}"
