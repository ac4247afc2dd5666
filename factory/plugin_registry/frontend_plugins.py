"""The frontend plugins in a dynamic plugins folder, and what their manifests say.

A plugin has a Scalprum manifest, ``plugin-manifest.json``, beside its scripts; that is what makes
it loadable. What it shares with its host is in ``mf-manifest.json``, which module federation writes
(https://module-federation.io/configure/manifest), or in the Scalprum manifest's own
``customProperties.singletonPackages`` (Backstage BEP-0002, "Exposing singleton packages config").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.archives.names import fold_name
from factory.archives.npm_package import PACKAGE_JSON
from factory.errors import ConfigurationError, Place
from factory.folders import folders_in
from factory.notation.json_text import parse_json
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCALPRUM_MANIFEST = "plugin-manifest.json"
FEDERATION_MANIFEST = "mf-manifest.json"
# Where rhdh-cli puts them; a folder without either may have them at its root, as BEP-0002 draws it.
SCALPRUM_FOLDERS = ("dist-scalprum", "dist", "")
FEDERATION_FOLDERS = ("dist", "")
_RANGES = ("peerDependencies", "dependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class Singleton:
    """A module of which a page may have one only: the ``version`` in the plugin's own build.

    ``range`` is what the plugin accepts from its host, as npm writes ranges.
    """

    module: str
    version: str
    range: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedPlugin:
    """A frontend plugin in a dynamic plugins folder.

    ``assets`` is the folder that its manifest and scripts are in, and ``folder`` the plugin's own.
    """

    name: str
    package: str
    version: str
    folder: Path
    assets: Path
    manifest: Mapping[str, Any]
    singletons: tuple[Singleton, ...]


def find_staged_plugins(root: Path) -> tuple[StagedPlugin, ...]:
    """Return the frontend plugins in the folders of ``root``, by name.

    A folder without a Scalprum manifest (a backend plugin) does not count.

    Raises:
        ConfigurationError: there is no such folder, a manifest cannot be read, or two plugins have
            the same name.
    """
    if not root.is_dir():
        raise ConfigurationError(
            "there is no dynamic plugins folder",
            place=Place(file=root),
            hint="stage plugins into it: plugin-factory install --help",
        )
    found: dict[str, StagedPlugin] = {}
    for folder in folders_in(root):
        plugin = _read_staged(folder) if not folder.name.startswith(".") else None
        if plugin is None:
            continue
        other = found.get(fold_name(plugin.name))
        if other:
            raise ConfigurationError(
                f"two plugins are called {plugin.name}",
                place=Place(file=plugin.assets / SCALPRUM_MANIFEST, field="name"),
                found=f"{other.folder.name} and {folder.name}",
                hint="keep one of them: a portal's app loads each name only once",
            )
        found[fold_name(plugin.name)] = plugin
    return tuple(sorted(found.values(), key=lambda plugin: plugin.name))


def _read_staged(folder: Path) -> StagedPlugin | None:
    places = (folder / name for name in SCALPRUM_FOLDERS)
    assets = next((place for place in places if (place / SCALPRUM_MANIFEST).is_file()), None)
    if assets is None:
        return None
    file = assets / SCALPRUM_MANIFEST
    manifest = read_manifest_object(file)
    package = (
        read_manifest_object(folder / PACKAGE_JSON) if (folder / PACKAGE_JSON).is_file() else {}
    )
    return StagedPlugin(
        name=_text(manifest, "name", file),
        package=str(package.get("name", "")),
        version=_text(manifest, "version", file),
        folder=folder,
        assets=assets,
        manifest=manifest,
        singletons=_singletons(folder, manifest, package),
    )


def _singletons(
    folder: Path, manifest: Mapping[str, Any], package: Mapping[str, Any]
) -> tuple[Singleton, ...]:
    found: dict[str, Singleton] = {}
    for shared in _read_federated(folder):
        module, version = shared.get("name"), shared.get("version")
        if isinstance(module, str) and isinstance(version, str) and shared.get("singleton"):
            asked = shared.get("requiredVersion")
            wanted = asked if isinstance(asked, str) and asked != "*" else ""
            found[module] = Singleton(
                module=module, version=version, range=wanted or _find_range(module, package)
            )
    properties = manifest.get("customProperties")
    stated = properties.get("singletonPackages") if isinstance(properties, dict) else None
    for module, entry in stated.items() if isinstance(stated, dict) else ():
        version = entry.get("version") if isinstance(entry, dict) else None
        if isinstance(version, str) and module not in found:
            found[module] = Singleton(
                module=module, version=version, range=_find_range(module, package)
            )
    return tuple(found[module] for module in sorted(found))


def _read_federated(folder: Path) -> list[Mapping[str, Any]]:
    files = (folder / name / FEDERATION_MANIFEST for name in FEDERATION_FOLDERS)
    file = next((one for one in files if one.is_file()), None)
    shared = read_manifest_object(file).get("shared") if file else None
    return [one for one in shared if isinstance(one, dict)] if isinstance(shared, list) else []


def package_of(module: str) -> str:
    """Return the package that a module is in: ``@material-ui/core`` of its ``…/styles``."""
    parts = module.split("/")
    return "/".join(parts[: 2 if module.startswith("@") else 1])


def _find_range(module: str, package: Mapping[str, Any]) -> str:
    """The range in the plugin's package.json; "" if it names none that npm could compare."""
    name = package_of(module)
    for section in _RANGES:
        ranges = package.get(section)
        asked = ranges.get(name) if isinstance(ranges, dict) else None
        if isinstance(asked, str):
            return asked
    return ""


def read_manifest_object(file: Path) -> Mapping[str, Any]:
    """Return the JSON object in a file of a staged plugin.

    Raises:
        ConfigurationError: it cannot be read, or is something else.
    """
    try:
        document = parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file.name} cannot be read",
            place=Place(file=file),
            found=str(error),
            hint="stage the plugin again: plugin-factory install --help",
        ) from error
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{file.name} is not a JSON object",
            place=Place(file=file),
            found=type(document).__name__,
            hint="build the plugin again: the file is written by rhdh-cli",
        )
    return document


def _text(manifest: Mapping[str, Any], field: str, file: Path) -> str:
    value = manifest.get(field)
    if isinstance(value, str) and value:
        return value
    raise ConfigurationError(
        f"{file.name} has no {field}",
        place=Place(file=file, field=field),
        found=json.dumps(value),
        expected="a text",
        hint="build the plugin again: the file is written by rhdh-cli",
    )
