"""An unpacked plugin: its folder, its package.json, and the packages bundled in it."""

from __future__ import annotations

import json
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.analysis.discovery import BACKEND_ROLES, FRONTEND_ROLES, PLUGIN_ROLES
from factory.archives.npm_package import (
    LARGEST_PACKAGE_JSON,
    PACKAGE_JSON,
    installed_packages,
)
from factory.notation.json_text import parse_object
from factory.values import dataclass
from factory.verification.findings import PACKAGE, CheckFinding, failed_finding, passed_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def json_object(file: Path, *, limit: int) -> dict[str, Any]:
    """Return the object in a JSON file of at most ``limit`` bytes.

    Raises:
        ValueError: it cannot be read, is larger, is not JSON, or holds something else.
    """
    try:
        if file.stat().st_size > limit:
            raise ValueError(f"it has more than {limit} bytes")
        return parse_object(file.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


# How Node.js completes a `main` (https://nodejs.org/api/modules.html#all-together).
_COMPLETIONS = ("", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node")


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginFolder:
    """An unpacked plugin; ``root`` has no link above it."""

    root: Path
    package: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The package's name, "" if it has none."""
        return _text(self.package.get("name"))

    @property
    def version(self) -> str:
        """The package's version, "" if it has none."""
        return _text(self.package.get("version"))

    @property
    def backstage(self) -> Mapping[str, Any]:
        """The field ``backstage``."""
        found = self.package.get("backstage")
        return found if isinstance(found, dict) else {}

    @property
    def role(self) -> str:
        """``backstage.role``, "" if it has none."""
        return _text(self.backstage.get("role"))

    @property
    def is_backend(self) -> bool:
        """Whether it is for the backend."""
        return self.role in BACKEND_ROLES

    @property
    def is_frontend(self) -> bool:
        """Whether it is for the frontend."""
        return self.role in FRONTEND_ROLES

    def texts(self, name: str) -> Mapping[str, str]:
        """Return a field that maps names to text, as ``dependencies`` does."""
        found = self.package.get(name)
        return (
            {key: _text(value) for key, value in found.items()} if isinstance(found, dict) else {}
        )

    def entry(self, main: str) -> str | None:
        """Return the file that Node.js takes ``main`` for, relative to the plugin, or None."""
        if not main or Path(main).is_absolute() or ".." in Path(main).parts:
            return None
        for completion in _COMPLETIONS:
            if (self.root / f"{main.rstrip('/')}{completion}").is_file():
                return f"{main.rstrip('/')}{completion}"
        return None


def read_plugin_folder(root: Path) -> PluginFolder | CheckFinding:
    """Return the plugin in a folder, or why there is none."""
    file = root / PACKAGE_JSON
    try:
        package = json_object(file, limit=LARGEST_PACKAGE_JSON)
    except ValueError as error:
        return failed_finding(
            PACKAGE,
            "there is no readable package.json",
            found=str(error),
            expected="the package.json of an exported plugin at the archive's package/package.json",
            hint="pack the folder dist-dynamic that the export leaves: npm pack ./dist-dynamic",
        )
    return PluginFolder(root=root.resolve(), package=package)


def check_package(plugin: PluginFolder) -> CheckFinding:
    """Return whether package.json holds what portals need of it before they load anything."""
    for name, value in (("name", plugin.name), ("version", plugin.version)):
        if not value:
            return _bad_field(plugin, name, "text")
    if plugin.role not in PLUGIN_ROLES:
        return _bad_field(plugin, "backstage.role", f"one of {', '.join(PLUGIN_ROLES)}")
    # A frontend's main is for bundlers; portals ask only that the field is there.
    if not _text(plugin.package.get("main")):
        return _bad_field(plugin, "main", "the entry point's path")
    if plugin.is_backend and plugin.entry(str(plugin.package["main"])) is None:
        return failed_finding(
            PACKAGE,
            "the entry point that package.json names is not there",
            found=f"main: {plugin.package['main']}",
            expected="a file within the plugin",
            hint="build the plugin before it is exported, or correct its field main",
        )
    return passed_finding(PACKAGE, f"main {plugin.package['main']}" if plugin.is_backend else "")


def read_bundled_packages(plugin: PluginFolder) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield each package in the plugin's node_modules, at any depth, with its package.json."""
    for folder in installed_packages(plugin.root):
        yield folder, _package_json(folder / PACKAGE_JSON)


def _package_json(file: Path) -> Mapping[str, Any]:
    try:
        return json_object(file, limit=LARGEST_PACKAGE_JSON)
    except ValueError:
        return {}


def _bad_field(plugin: PluginFolder, name: str, expected: str) -> CheckFinding:
    value: Any = plugin.package
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return failed_finding(
        PACKAGE,
        f"package.json has no usable {name}",
        found=json.dumps(value)[:200],
        expected=expected,
        hint="correct the plugin's own package.json and build it again",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
