"""What a frontend adds to a page: its files by when they are loaded, and the packages in them."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.frontend.bundle_manifests import read_federation, read_scalprum
from factory.frontend.verdict import NEW_SYSTEM, OLD_SYSTEM
from factory.inspection.mapped_weights import BUNDLER, OWN, UNMAPPED, weigh_packages
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from factory.frontend.bundle_manifests import (
        FederationManifest,
        ScalprumManifest,
        SharedModule,
    )
    from factory.frontend.verdict import System

When: TypeAlias = Literal["entry", "at once", "later"]
WHEN: tuple[When, ...] = ("entry", "at once", "later")

PORTAL_SHARED = (
    "react",
    "react-dom",
    "react-router",
    "react-router-dom",
    "@material-ui/core/styles",
    "@material-ui/styles",
    "@mui/material/styles",
    "@emotion/react",
)
"""What an app has for its remotes: @backstage/module-federation-common, default dependencies."""

LIBRARIES = frozenset(
    {"@material-ui/core", "@material-ui/icons", "@material-ui/lab", "@mui/material"}
    | {"@mui/icons-material", "@mui/lab", "@patternfly/react-core", "@patternfly/react-icons"}
    | {"antd", "@fluentui/react", "@chakra-ui/react", "@backstage/ui", "lodash"}
)
"""Libraries of which single modules are to be shared: BEP-0002, "Module sharing"."""

_LARGEST_SCRIPT = 32 << 20
_MOST_MAPPED = 96 << 20
_FOLDERS: dict[System, str] = {NEW_SYSTEM: "dist", OLD_SYSTEM: "dist-scalprum"}
_LOADED = (".js", ".mjs", ".css")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedFile:
    """A script or style sheet: its size in bytes, plain and as gzip sends it."""

    name: str
    size: int
    gzipped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageWeight:
    """A package, and the bytes that scripts have of it; ``at_once`` are those of a page's start."""

    name: str
    at_once: int
    later: int

    @property
    def size(self) -> int:
        """All its bytes."""
        return self.at_once + self.later


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectedBundle:
    """One of a frontend's bundles.

    Attributes:
        system: the frontend system that loads it.
        name: what the page calls it.
        files: by when they are loaded: the entry, what comes at once with an exposed module, and
            what comes when it is needed.
        packages: what the scripts are made of by source maps, the heaviest first.
        unmapped: scripts without a source map that can be read.
        shared: what it shares with the page.
        bundled_though_shared: packages in it that a portal's app shares and it does not ask for.
        shared_libraries: component libraries that it shares as a whole.
    """

    system: System
    name: str
    files: dict[When, tuple[LoadedFile, ...]]
    packages: tuple[PackageWeight, ...] = ()
    unmapped: tuple[str, ...] = ()
    shared: tuple[SharedModule, ...] = field(default=(), repr=False)
    bundled_though_shared: tuple[str, ...] = ()
    shared_libraries: tuple[str, ...] = ()

    def total(self, when: When) -> tuple[int, int]:
        """Return the bytes of one part, plain and with gzip."""
        files = self.files[when]
        return sum(one.size for one in files), sum(one.gzipped for one in files)


def inspect_bundles(root: Path) -> tuple[InspectedBundle, ...]:
    """Return what is in the bundles of an unpacked frontend, the new frontend system's first.

    Raises:
        BrokenManifestError: a manifest cannot be used.
    """
    found = []
    if federation := read_federation(root):
        found.append(_of_federation(root, federation))
    if scalprum := read_scalprum(root):
        found.append(_of_scalprum(root, scalprum))
    return tuple(found)


def _of_federation(root: Path, manifest: FederationManifest) -> InspectedBundle:
    sync = dict.fromkeys(file for one in manifest.exposed for file in one.sync)
    deferred = dict.fromkeys(file for one in manifest.exposed for file in one.deferred)
    # The plugin's own copy of what is shared is loaded only where the page has none that fits.
    fallback = dict.fromkeys(file for one in manifest.shared for file in one.sync)
    at_once = [file for file in sync if file != manifest.entry]
    later = [file for file in (*deferred, *fallback) if file not in sync and file != manifest.entry]
    parts: dict[When, Iterable[str]] = {
        "entry": [manifest.entry],
        "at once": at_once,
        "later": dict.fromkeys(later),
    }
    asked = {one.name for one in manifest.shared}
    return _measure(root, NEW_SYSTEM, manifest.name, parts, shared=manifest.shared, asked=asked)


def _of_scalprum(root: Path, manifest: ScalprumManifest) -> InspectedBundle:
    folder = root / _FOLDERS[OLD_SYSTEM]
    files = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.suffix in _LOADED and file.is_file()
    )
    rest = [file for file in files if file not in manifest.files]
    exposed = [file for file in rest if file.rpartition("/")[2].startswith("exposed-")]
    parts: dict[When, Iterable[str]] = {
        "entry": manifest.files,
        "at once": exposed,
        "later": [file for file in rest if file not in exposed],
    }
    return _measure(root, OLD_SYSTEM, manifest.name, parts, shared=(), asked=None)


def _measure(
    root: Path,
    system: System,
    name: str,
    parts: dict[When, Iterable[str]],
    *,
    shared: tuple[SharedModule, ...],
    asked: set[str] | None,
) -> InspectedBundle:
    folder = root / _FOLDERS[system]
    files: dict[When, tuple[LoadedFile, ...]] = {}
    weights: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    unmapped: list[str] = []
    left = _MOST_MAPPED
    for when in WHEN:
        measured = []
        for file in parts[when]:
            content = _read(folder, file)
            packed = len(gzip.compress(content, 6, mtime=0))
            measured.append(LoadedFile(name=file, size=len(content), gzipped=packed))
            if not file.endswith((".js", ".mjs")):
                continue
            source_map = _read(folder, f"{file}.map")
            left -= len(source_map)
            found = _weigh(content, source_map) if left > 0 else None
            if found is None:
                unmapped.append(file)
            weights[when != "later"] += found or Counter({UNMAPPED: len(content)})
        files[when] = tuple(measured)
    packages = tuple(_sort(weights))
    return InspectedBundle(
        system=system,
        name=name,
        files=files,
        packages=packages,
        unmapped=tuple(unmapped),
        shared=shared,
        bundled_though_shared=tuple(_find_bundled(packages, asked)),
        shared_libraries=tuple(one.name for one in shared if one.name in LIBRARIES),
    )


def _find_bundled(packages: tuple[PackageWeight, ...], asked: set[str] | None) -> Iterator[str]:
    """Of Scalprum's bundle nobody can tell what it asks for: its manifest does not say."""
    if asked is None:
        return
    inside = {one.name for one in packages}
    for module in PORTAL_SHARED:
        package = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
        if package in inside and module not in asked and package not in asked:
            yield module


def _sort(weights: dict[bool, Counter[str]]) -> Iterator[PackageWeight]:
    names = {*weights[True], *weights[False]}
    for name in sorted(names, key=lambda one: (-weights[True][one] - weights[False][one], one)):
        yield PackageWeight(name=name, at_once=weights[True][name], later=weights[False][name])


def _weigh(script: bytes, source_map: bytes) -> Counter[str] | None:
    if not source_map:
        return None
    try:
        return weigh_packages(script.decode("utf-8", "replace"), source_map)
    except ValueError:
        return None


def _read(folder: Path, name: str) -> bytes:
    """A file of a bundle; nothing where there is none, or one of another size than scripts have."""
    top = folder.resolve()
    try:
        file = (top / name).resolve()
        is_fit = file.is_relative_to(top) and file.is_file()
        return file.read_bytes() if is_fit and file.stat().st_size <= _LARGEST_SCRIPT else b""
    except (OSError, ValueError, RuntimeError):
        return b""


def is_package(name: str) -> bool:
    """Whether a weight is a package's, and not that of the plugin or of the bundler."""
    return name not in (OWN, BUNDLER, UNMAPPED)
