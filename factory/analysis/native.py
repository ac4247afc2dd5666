"""Which packages are native: compiled when installed, or shipped as a binary for each platform.

rhdh-cli refuses a package by the rules of ``is-native-module``: its ``dependencies`` hold
``bindings``, ``prebuild``, ``nan``, ``node-pre-gyp`` or ``node-gyp-build``, or its package.json has
a ``gypfile`` or ``binary`` field. The lockfile shows the former; yarn's ``node-gyp: latest`` shows
most of the others; the fields themselves show only where the package is installed. Packages that
carry prebuilt binaries pass rhdh-cli, but hold the binary of the machine that built them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.errors import SourceError
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.graph import DependencyGraph, Package

REFUSED_DEPENDENCIES = ("bindings", "prebuild", "nan", "node-pre-gyp", "node-gyp-build")
"""What ``is-native-module`` looks for among a package's dependencies."""

_COMPILING_DEPENDENCIES = (
    "prebuild-install",
    "@mapbox/node-pre-gyp",
    "node-addon-api",
    "node-gyp-build-optional-packages",
)
# Their own scripts mention node-gyp, for their tests, but there is nothing native in them.
_BUILD_TOOLS = frozenset(
    {*REFUSED_DEPENDENCIES, *_COMPILING_DEPENDENCIES, "node-gyp", "buildcheck", "node-abi"}
)
_PLATFORM_NAME = lazy_pattern(
    r"(?:^|[-/])(?:linux|darwin|win32|windows|freebsd|android)-(?:x64|arm64|arm|ia32|64|32|musl)"
)


class NativeMarkers:
    """Tells why a package is native; looks into ``node_modules`` where ``workspace`` has one."""

    def __init__(self, graph: DependencyGraph, workspace: Path | None = None) -> None:
        self._graph = graph
        installed = workspace is not None and (workspace / "node_modules").is_dir()
        self._workspace = workspace if installed else None
        self._markers: dict[Package, str] = {}

    @property
    def sees_installed(self) -> bool:
        """Whether packages are installed, so that their package.json can be read."""
        return self._workspace is not None

    def marker(self, package: Package) -> str:
        """Return what shows that the package is native, or "" if nothing does."""
        if package not in self._markers:
            self._markers[package] = self.lockfile_marker(package) or self._field(package)
        return self._markers[package]

    def lockfile_marker(self, package: Package) -> str:
        """Return what the lockfile shows, without a look into ``node_modules``."""
        if package.name in _BUILD_TOOLS:
            return ""
        for name in (*REFUSED_DEPENDENCIES, *_COMPILING_DEPENDENCIES):
            if name in package.dependencies:
                return f"depends on {name}"
        # Yarn adds node-gyp as "latest"; with a range of its own it is a tool's real dependency.
        if package.dependencies.get("node-gyp", "").removeprefix("npm:") == "latest":
            return "is compiled with node-gyp when installed"
        return self._prebuilt(package)

    def _prebuilt(self, package: Package) -> str:
        if _for_one_platform(package):
            return f"is a binary for one platform ({package.conditions or package.name})"
        if package.optional:
            for edge in self._graph.edges(package):
                if edge.optional and _for_one_platform(edge.target):
                    return f"comes with a prebuilt binary for each platform ({edge.name})"
        return ""

    def _field(self, package: Package) -> str:
        file = self._find_installed(package)
        if file is None:
            return ""
        content = file.read_bytes()
        if b'"gypfile"' not in content and b'"binary"' not in content:
            return ""
        try:
            manifest = read_manifest(file)
        except SourceError:
            return ""
        if manifest.version != package.version:
            return ""
        fields = {"gypfile": manifest.gypfile, "binary": manifest.binary}
        return next((f"has a {name!r} field" for name, there in fields.items() if there), "")

    def _find_installed(self, package: Package) -> Path | None:
        """The package.json of the hoisted copy; of a nested one only the lockfile is known."""
        if self._workspace is None or package.folder is not None:
            return None
        file = self._workspace / "node_modules" / package.name / MANIFEST_FILE
        return file if file.is_file() else None


def is_refused(package: Package, marker: str) -> bool:
    """Return whether rhdh-cli would refuse the package, as far as its marker tells."""
    return marker.startswith("has a ") or any(
        name in package.dependencies for name in REFUSED_DEPENDENCIES
    )


def _for_one_platform(package: Package) -> bool:
    if package.conditions:
        return "cpu=" in package.conditions and "cpu=wasm32" not in package.conditions
    return _PLATFORM_NAME.search(package.name) is not None
