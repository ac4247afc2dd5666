"""What a lockfile of this factory's pins, installed by npm.

The lockfiles leave out where packages are, so that they serve with any registry. npm then asks for
all versions of each package first, which takes as long as the rest. Of npm's own registry the
addresses are known, and are put into the lockfile for as long as npm installs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.notation.json_text import parse_object
from factory.toolchain.node import QUIET_INSTALL
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.node import Npm

_LOCKFILE = "package-lock.json"
_MODULES = "node_modules/"
PUBLIC_REGISTRY = "https://registry.npmjs.org/"


def install_pinned(npm: Npm, *options: str, folder: Path, what: str) -> None:
    """Install what ``package-lock.json`` of a folder pins, again where the registry breaks off.

    Args:
        npm: the npm.
        options: of ``npm ci``, beside those that make it quiet.
        folder: has both files of the package; the lockfile is as it was afterwards.
        what: names what is done, for a warning.

    Raises:
        ProcessFailed: npm could not.
    """
    lockfile = folder / _LOCKFILE
    pinned = lockfile.read_bytes()
    if _asks_npms_registry_alone(npm, folder):
        lockfile.write_bytes(add_addresses(pinned))
    try:
        npm.run_patiently("ci", *options, *QUIET_INSTALL, cwd=folder, what=what)
    finally:
        lockfile.write_bytes(pinned)


def add_addresses(lockfile: bytes) -> bytes:
    """Return a lockfile of npm's with the addresses that its packages have in npm's registry."""
    document = parse_object(lockfile)
    for path, package in document["packages"].items():
        if path and "version" in package and not package.get("link"):
            package.setdefault("resolved", _address(path, package))
    return json.dumps(document).encode()


def _address(path: str, package: dict[str, Any]) -> str:
    name = package.get("name") or path.rpartition(_MODULES)[2]
    return f"{PUBLIC_REGISTRY}{name}/-/{name.rpartition('/')[2]}-{package['version']}.tgz"


def _asks_npms_registry_alone(npm: Npm, folder: Path) -> bool:
    try:
        settings = parse_object(npm.run("config", "list", "--json", cwd=folder).stdout)
    except (ProcessFailed, ValueError):
        return False
    registries = {value for name, value in settings.items() if name.endswith("registry")}
    return registries == {PUBLIC_REGISTRY}
