"""What a lockfile of this factory's pins, installed into its folder.

The lockfiles leave out where packages are, so that they serve with any registry. npm then asks for
all versions of each package first, which takes as long as the rest. Of npm's own registry the
addresses are known, and are put into the lockfile for as long as it is installed.

From there a script of ours fetches the archives (``pinned_install.mjs``): what it makes is what
``npm ci`` makes, byte by byte, for a tenth of the processor time. npm does the work where another
registry, a proxy or a certificate of one's own is to be used, and where the script fails.
"""

from __future__ import annotations

import json
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any

from factory.files import remove_tree
from factory.notation.json_text import parse_object
from factory.toolchain.child_environment import PROXIES
from factory.toolchain.node import QUIET_INSTALL
from factory.toolchain.runner import ProcessFailed
from factory.versions import is_range, satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

SCRIPT = "pinned_install.mjs"
PUBLIC_REGISTRY = "https://registry.npmjs.org/"
_LOCKFILE = "package-lock.json"
_FOLDER = "node_modules"
_MODULES = f"{_FOLDER}/"
_NO_PEERS = "--legacy-peer-deps"
# Settings with which npm reaches its registry in a way that is its own.
_OF_NPM_ALONE = ("proxy", "https-proxy", "ca", "cert", "key", "offline")


def install_pinned(npm: Npm, *options: str, folder: Path, what: str) -> None:
    """Install what ``package-lock.json`` of a folder pins, again where the registry breaks off.

    No script of a package runs.

    Args:
        npm: the npm, and the Node that the packages are for.
        options: of ``npm ci``, beside those that make it quiet.
        folder: has both files of the package, and nothing installed; the lockfile is as it was
            afterwards.
        what: names what is done, for a warning.

    Raises:
        ProcessFailed: npm could not.
    """
    lockfile = folder / _LOCKFILE
    pinned = lockfile.read_bytes()
    settings = _settings_of(npm, folder)
    try:
        if _asks_npms_registry_alone(settings):
            lockfile.write_bytes(add_addresses(pinned))
            if _is_reached_directly(settings, npm.env) and _unpack(
                npm, settings, folder=folder, peers=_NO_PEERS not in options, what=what
            ):
                return
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


def find_unfit_packages(lockfile: Mapping[str, Any], node: str) -> dict[str, str]:
    """Return the packages of a lockfile that leave a version of Node out.

    Returns:
        What each wants (its ``engines.node``), by its path. npm installs such a package all the
        same, unless it is optional.
    """
    found: dict[str, str] = {}
    packages = lockfile.get("packages")
    for path, package in packages.items() if isinstance(packages, dict) else ():
        engines = package.get("engines") if isinstance(package, dict) else None
        wanted = engines.get("node") if isinstance(engines, dict) else None
        if isinstance(wanted, str) and is_range(wanted) and not satisfies(node, wanted):
            found[path] = wanted
    return found


def _address(path: str, package: dict[str, Any]) -> str:
    name = package.get("name") or path.rpartition(_MODULES)[2]
    return f"{PUBLIC_REGISTRY}{name}/-/{name.rpartition('/')[2]}-{package['version']}.tgz"


def _settings_of(npm: Npm, folder: Path) -> dict[str, Any]:
    """Npm's settings; none where it does not say them, which it says itself when it installs."""
    try:
        return parse_object(npm.run("config", "list", "--json", cwd=folder).stdout)
    except (ProcessFailed, ValueError):
        return {}


def _asks_npms_registry_alone(settings: Mapping[str, Any]) -> bool:
    registries = {value for name, value in settings.items() if name.endswith("registry")}
    return registries == {PUBLIC_REGISTRY}


def _is_reached_directly(settings: Mapping[str, Any], env: Mapping[str, str]) -> bool:
    proxies = {name for name in PROXIES.names if name.lower() != "no_proxy"}
    return (
        settings.get("strict-ssl") is True
        and not any(map(settings.get, _OF_NPM_ALONE))
        and not any(map(env.get, proxies))
    )


def _unpack(npm: Npm, settings: Mapping[str, Any], *, folder: Path, peers: bool, what: str) -> bool:
    """Install with the script of ours, and return whether that worked."""
    lockfile = parse_object((folder / _LOCKFILE).read_bytes())
    request = {
        "authorities": settings.get("cafile"),
        "peers": peers,
        "unfit": list(find_unfit_packages(lockfile, npm.node.version)),
    }
    script = resources.files(__package__).joinpath(SCRIPT)
    with resources.as_file(script) as file:
        command = (npm.node.bin_dir / "node", "--no-warnings", file, json.dumps(request))
        try:
            npm.cache.runner.run(command, cwd=folder, env=npm.env)
        except ProcessFailed as failure:
            reason = failure.completed.last_words or failure.reason
            log.warning("%s: npm does it, which takes longer (%s)", what, reason)
            if (folder / _FOLDER).exists():
                remove_tree(folder / _FOLDER)
            return False
    return True
