"""The packages that a packed plugin carries, as far as the artifact itself tells.

A backend plugin carries them whole, in ``node_modules``. A frontend plugin carries pieces of them
inside its scripts: there the source maps name the module that each piece came from, and the module
federation manifest the packages that the host may replace. Neither knows versions of most, so that
these are looked up where the plugin was built.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.archives.npm_package import PACKAGE_JSON
from factory.attestation.file_tree import FileTree, file_tree
from factory.attestation.package_manifest import PackageManifest, read_package_manifest
from factory.attestation.packed_files import PackedFile, look_at_chunks, read_packed_files
from factory.attestation.source_maps import MappedPackage, map_packages, sources_of
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.archives.members import SafeMember

FEDERATION_MANIFEST = "dist/mf-manifest.json"
# node_modules directly in the plugin or in a package: not a package's own fixtures.
_PACKAGE = lazy_pattern(r"(?:node_modules/(?:@[^/]+/)?(?![.@])[^/]+/)+")
_NAME = lazy_pattern(r"(?:@[^/]+/)?[^/]+")

Origin: TypeAlias = Literal["node_modules", "embedded", "source map", "module federation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledPackage:
    """A package inside a plugin.

    ``version`` is ``""`` where nothing tells it. ``locations`` are its folders in the artifact and
    ``files`` the digests of what is in them, without packages nested inside; a package that is
    only pieces of scripts has neither. ``needs`` are positions, in the list that this is part of,
    of the packages that it finds as its dependencies. ``shared``: the host's may be used instead.
    """

    name: str
    version: str
    licenses: tuple[str, ...] = ()
    origin: Origin
    locations: tuple[str, ...] = ()
    files: FileTree | None = None
    needs: tuple[int, ...] = ()
    shared: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleContents:
    """A packed plugin, taken apart: its own package.json and the packages that it carries.

    ``needs`` are the positions of those that the plugin itself finds as its dependencies, and of
    those that nothing else in it is known to need.
    """

    plugin: PackageManifest
    packages: tuple[BundledPackage, ...]
    needs: tuple[int, ...]


class ContentsReader:
    """Gathers what a packed plugin carries, while somebody reads the archive anyway.

    :meth:`look` is for :func:`factory.archives.unpack.unpack`. When the archive has been read to
    its end, :meth:`contents` says what was in it.
    """

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, PackedFile]] = {"": {}}
        self._sources: set[str] = set()
        self._shared: dict[str, str] = {}

    def look(self, path: str, member: SafeMember, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on the chunks of an entry, and note what it is."""
        return look_at_chunks(path, member, chunks, wanted=_is_wanted, take=self.take)

    def take(self, file: PackedFile) -> None:
        """Note a file of the plugin; each comes once."""
        folder = _folder(file.path)
        self._folders.setdefault(folder, {})[file.path.removeprefix(folder)] = file
        if file.content is None:
            return
        if file.path == FEDERATION_MANIFEST:
            self._shared = _read_shared(file.content)
        elif file.path.endswith(".map"):
            self._sources.update(sources_of(file.content))
            # A map holds the sources themselves: only one of them is in memory at a time.
            self._folders[folder].pop(file.path)

    def contents(self, built_in: Path | None = None) -> BundleContents:
        """Return what the plugin carries, in the order of names, versions and folders.

        Args:
            built_in: the plugin's folder in its installed workspace, where versions and licences of
                what is bundled into scripts are looked up; without it they stay unknown.
        """
        folders = dict(self._folders)
        plugin = _manifest(folders.pop(""))
        manifests = {folder: _manifest(files) for folder, files in folders.items()}
        packages = [
            *_find_installed(folders, manifests, plugin),
            *_pieces(map_packages(self._sources, built_in), self._shared),
        ]
        packages.sort(key=lambda one: (one.name, one.version, one.locations))
        return _link(plugin, packages, manifests)


def bundle_contents(tgz: Path, *, built_in: Path | None = None) -> BundleContents:
    """Return what a packed plugin carries: see :meth:`ContentsReader.contents`.

    Raises:
        PackError: the archive is damaged.
    """
    reader = ContentsReader()
    for file in read_packed_files(tgz, wanted=_is_wanted):
        reader.take(file)
    return reader.contents(built_in)


def _is_wanted(path: str) -> bool:
    folder = _folder(path)
    inside = path.removeprefix(folder)
    return inside == PACKAGE_JSON or (
        not folder and (path == FEDERATION_MANIFEST or path.endswith(".map"))
    )


def _folder(path: str) -> str:
    """The folder of the package that a file belongs to, with a slash; "" for the plugin's own."""
    match = _PACKAGE.match(path)
    return match[0] if match else ""


def _manifest(files: Mapping[str, PackedFile]) -> PackageManifest:
    file = files.get(PACKAGE_JSON)
    return read_package_manifest(file.content or b"") if file else PackageManifest()


def _find_installed(
    folders: Mapping[str, Mapping[str, PackedFile]],
    manifests: Mapping[str, PackageManifest],
    plugin: PackageManifest,
) -> Iterator[BundledPackage]:
    """The packages of ``node_modules``; one that is there twice with the same files is one."""
    found: dict[tuple[str, str, str], BundledPackage] = {}
    for folder in sorted(folders):
        manifest, tree = manifests[folder], file_tree(folders[folder])
        name = manifest.name or folder.rpartition("node_modules/")[2].rstrip("/")
        key = (name, manifest.version, tree.sha256)
        same = found.get(key)
        found[key] = BundledPackage(
            name=name,
            version=manifest.version,
            licenses=manifest.licenses,
            origin="embedded" if name in plugin.embedded else "node_modules",
            locations=(*(same.locations if same else ()), folder.rstrip("/")),
            files=tree,
        )
    yield from found.values()


def _pieces(mapped: Sequence[MappedPackage], shared: Mapping[str, str]) -> Iterator[BundledPackage]:
    seen = set()
    for one in mapped:
        seen.add(one.name)
        yield BundledPackage(
            name=one.name,
            version=one.version or shared.get(one.name, ""),
            licenses=one.licenses,
            origin="source map",
            shared=one.name in shared,
        )
    for name, version in shared.items():
        if name not in seen:
            yield BundledPackage(
                name=name, version=version, origin="module federation", shared=True
            )


def _read_shared(content: bytes) -> dict[str, str]:
    """Versions of the packages in ``shared`` of an ``mf-manifest.json``.

    An entry may be a part of a package, such as ``@material-ui/core/styles``.
    """
    try:
        entries = parse_object(content).get("shared")
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        name = _NAME.match(str(entry.get("name", ""))) if isinstance(entry, dict) else None
        if name:
            version = entry.get("version")
            found.setdefault(name[0], version if isinstance(version, str) else "")
    return found


def _link(
    plugin: PackageManifest,
    packages: Sequence[BundledPackage],
    manifests: Mapping[str, PackageManifest],
) -> BundleContents:
    """Dependencies resolved as Node.js does: in the nearest ``node_modules`` on the way up."""
    places = {f"{place}/": at for at, one in enumerate(packages) for place in one.locations}
    pieces = {one.name: at for at, one in enumerate(packages) if not one.locations}

    def resolved(name: str, folder: str) -> int | None:
        while True:
            at = places.get(f"{folder}node_modules/{name}/")
            if at is not None or not folder:
                return at
            folder = folder[: folder.rindex("node_modules/")]

    def needs(names: Sequence[str], *folders: str) -> tuple[int, ...]:
        found = {resolved(name, folder) for folder in folders for name in names}
        return tuple(sorted(at for at in found if at is not None))

    linked = tuple(
        replace(
            one,
            needs=needs(
                manifests[f"{one.locations[0]}/"].dependencies,
                *(f"{place}/" for place in one.locations),
            ),
        )
        if one.locations
        else one
        for one in packages
    )
    own = {pieces[name] for name in plugin.dependencies if name in pieces}
    return BundleContents(
        plugin=plugin,
        packages=linked,
        needs=_complete({*own, *needs(plugin.dependencies, "")}, linked),
    )


def _complete(known: set[int], packages: Sequence[BundledPackage]) -> tuple[int, ...]:
    """What the plugin needs, so that every package is needed: what is bundled, it brought."""
    needs = set(known)
    reached: set[int] = set()

    def reach(start: int) -> None:
        waiting = [start]
        while waiting:
            at = waiting.pop()
            if at not in reached:
                reached.add(at)
                waiting += packages[at].needs

    for at in known:
        reach(at)
    needed = {at for one in packages for at in one.needs}
    # First those that no package needs; what is then left is needed in a circle.
    for at in sorted(range(len(packages)), key=lambda at: at in needed):
        if at not in reached:
            needs.add(at)
            reach(at)
    return tuple(sorted(needs))
