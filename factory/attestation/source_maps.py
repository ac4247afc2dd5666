"""Which packages the scripts of a frontend plugin were made of: their source maps name each module.

Source map revision 3, field ``sources``. Bundlers write ``webpack://<name>/<path>``, the path being
relative to the plugin's folder. webpack resolves such a URL once more: all but one of the leading
``../`` are lost, and what is left of ``javascript/esm|../`` is ``javascript/`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.attestation.package_manifest import PackageManifest, read_package_manifest
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SCHEME = lazy_pattern(r"webpack://[^/]*/")
_INSTALLED = lazy_pattern(r"(?:node_modules/(?:@[^/]+/)?[^/@.][^/]*/)+")
_UP = "../"
# The module's type, which webpack puts before the path of some.
_TYPE = lazy_pattern(r"javascript/(?:\w+\|)?(?:\.\./)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedPackage:
    """A package that a source map names; ``version`` is ``""`` if it was not found installed."""

    name: str
    version: str = ""
    licenses: tuple[str, ...] = ()


def sources_of(source_map: bytes) -> tuple[str, ...]:
    """Return the paths of modules that a bundler's source map names; none if it cannot be read.

    A compiler's source map, whose paths are relative to itself, names none.
    """
    try:
        sources = parse_object(source_map).get("sources")
    except ValueError:
        return ()
    texts = [one for one in sources if isinstance(one, str)] if isinstance(sources, list) else []
    return tuple(_path(one[scheme.end() :]) for one in texts if (scheme := _SCHEME.match(one)))


def read_mapped_sources(source_map: bytes) -> dict[str, str]:
    """Return the text of each module that a bundler's source map carries, by its path."""
    try:
        document = parse_object(source_map)
    except ValueError:
        return {}
    sources, contents = document.get("sources"), document.get("sourcesContent")
    if not isinstance(sources, list) or not isinstance(contents, list):
        return {}
    return {
        _path(source[scheme.end() :]): content
        for source, content in zip(sources, contents, strict=False)
        if isinstance(source, str)
        and isinstance(content, str)
        and (scheme := _SCHEME.match(source))
    }


def map_packages(sources: Iterable[str], built_in: Path | None) -> tuple[MappedPackage, ...]:
    """Return the packages that modules are of, each once, sorted; the plugin's own are left out.

    Args:
        sources: paths of modules, as :func:`sources_of` returns them.
        built_in: the plugin's folder in its installed workspace; None if it is no longer there.
    """
    folders = {folder for source in sources if (folder := _package_folder(source, built_in))}
    found = {_map_package(folder, built_in) for folder in folders}
    return tuple(
        sorted((one for one in found if one.name), key=lambda one: (one.name, one.version))
    )


def _path(source: str) -> str:
    path = source.partition("?")[0]
    kind = _TYPE.match(path)
    return _UP + path[kind.end() :].removeprefix("./") if kind else path


def _package_folder(source: str, built_in: Path | None) -> str:
    """The folder of a module's package, as written; "" if it is the plugin's or the bundler's."""
    rest = _without_ups(source)
    if installed := _INSTALLED.search(rest):
        return source[: len(source) - len(rest)] + rest[: installed.end()]
    if rest != source and built_in:
        return _workspace_folder(source, built_in)
    return ""


def _workspace_folder(source: str, built_in: Path) -> str:
    """The folder of a workspace package whose source is bundled: the next with a package.json."""
    module = _find(source, built_in)
    for folder in module.parents if module else ():
        if folder == built_in or folder in built_in.parents:
            return ""
        if (folder / "package.json").is_file():
            return f"{folder}/"
    return ""


def _map_package(folder: str, built_in: Path | None) -> MappedPackage:
    manifest = _manifest(folder, built_in) if built_in else PackageManifest()
    return MappedPackage(
        name=manifest.name or _without_ups(folder).rpartition("node_modules/")[2].rstrip("/"),
        version=manifest.version,
        licenses=manifest.licenses,
    )


def _manifest(folder: str, built_in: Path) -> PackageManifest:
    file = _find(f"{folder}package.json", built_in)
    return read_package_manifest(file.read_bytes()) if file else PackageManifest()


def _find(source: str, built_in: Path) -> Path | None:
    """The file that a source names, on the way up: some of its ``../`` may be lost.

    For a package that is installed all folders count, as they do for Node.js.
    """
    rest = _without_ups(source)
    ups = (len(source) - len(rest)) // len(_UP)
    folders = [built_in, *built_in.parents]
    installed = folders if rest.startswith("node_modules/") else []
    for folder in [*folders[ups:], *installed]:
        if (folder / rest).is_file():
            return folder / rest
    return None


def _without_ups(source: str) -> str:
    source = source.removeprefix("./")
    while source.startswith(_UP):
        source = source.removeprefix(_UP)
    return source
