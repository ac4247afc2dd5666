"""The remotes of module federation, as a backend tells them to an app of the new frontend system.

The form is that of ``GET /.backstage/dynamic-features/remotes``
(@backstage/backend-dynamic-feature-service, ``src/server/router.ts``): a list of ``{packageName,
remoteInfo: {name, entry}, exposedModules}``. That router leaves out, with a line in its log, what
it cannot use; here that is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from factory.archives.npm_package import PACKAGE_JSON
from factory.errors import ConfigurationError, Place
from factory.folders import folders_in
from factory.frontend.bundle_manifests import (
    FEDERATION,
    BrokenManifestError,
    FederationManifest,
    read_federation,
)
from factory.plugin_registry.frontend_plugins import read_manifest_object

if TYPE_CHECKING:
    from pathlib import Path

REMOTES_PATH = "/.backstage/dynamic-features/remotes"
"""Where the router serves the list, and below it each package's ``dist``."""


def find_remotes(root: Path, *, base: str = "") -> list[dict[str, Any]]:
    """Return the module federation remotes in the folders of ``root``, by the packages' names.

    Args:
        root: a dynamic plugins folder.
        base: the address of the backend, without a slash at its end; "" leaves paths.

    Raises:
        ConfigurationError: there is no such folder, a portal would leave a remote out, or two
            remotes have one name, of which a page loads the first for both.
    """
    if not root.is_dir():
        raise ConfigurationError(
            "there is no dynamic plugins folder",
            place=Place(file=root),
            hint="stage plugins into it: plugin-factory install --help",
        )
    found: dict[str, tuple[str, Path, FederationManifest]] = {}
    for folder in folders_in(root):
        manifest = None if folder.name.startswith(".") else _read(folder)
        if manifest is None:
            continue
        package = _read_name(folder)
        other = found.get(manifest.name)
        if other:
            raise ConfigurationError(
                f"two remotes are called {manifest.name}",
                place=Place(file=folder / FEDERATION, field="name"),
                found=f"{other[1].name} and {folder.name}",
                hint="keep one of them: a page loads the first one's modules for both",
            )
        found[manifest.name] = (package, folder, manifest)
    by_package = sorted(found.values(), key=lambda one: one[0])
    return [_remote(package, manifest, base) for package, _, manifest in by_package]


def _remote(package: str, manifest: FederationManifest, base: str) -> dict[str, Any]:
    # The default entry is the manifest itself, which names the remote entry in turn.
    entry = f"{base}{REMOTES_PATH}/{quote(package, safe='/@')}/mf-manifest.json"
    return {
        "packageName": package,
        "remoteInfo": {"name": manifest.name, "entry": entry},
        "exposedModules": [one.name for one in manifest.exposed],
    }


def _read(folder: Path) -> FederationManifest | None:
    try:
        return read_federation(folder)
    except BrokenManifestError as error:
        raise ConfigurationError(
            error.problem,
            place=Place(file=folder / FEDERATION),
            found=error.found,
            expected=error.expected,
            hint="build the plugin again, and verify it: plugin-factory verify",
        ) from error


def _read_name(folder: Path) -> str:
    file = folder / PACKAGE_JSON
    name = read_manifest_object(file).get("name")
    if isinstance(name, str) and name:
        return name
    raise ConfigurationError(
        f"{PACKAGE_JSON} has no name",
        place=Place(file=file, field="name"),
        expected="the package's name, by which the remote's files are served",
        hint="stage the plugin again: plugin-factory install --help",
    )
