"""A package.json as a value: the fields that decide how a plugin is built.

Fields are described in https://docs.npmjs.com/cli/configuring-npm/package-json and, for
``backstage``, in https://backstage.io/docs/tooling/package-metadata.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.analysis.read_once import once
from factory.errors import Place, SourceError
from factory.notation.json_text import parse_json
from factory.notation.limits import DocumentError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST_FILE = "package.json"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _nothing() -> Mapping[str, str]:
    return _NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One package.json. Dependencies map a package's name to the range that asks for it.

    ``workspaces`` are the globs of a workspace root. ``gypfile`` and ``binary`` say whether the
    package has these fields, which mark native modules. ``scripts`` are the names of its scripts,
    ``engines_node`` the range of Node.js versions that it asks for.
    """

    file: Path
    name: str = ""
    version: str = "0.0.0"
    role: str = ""
    dependencies: Mapping[str, str] = field(default_factory=_nothing)
    optional_dependencies: Mapping[str, str] = field(default_factory=_nothing)
    peer_dependencies: Mapping[str, str] = field(default_factory=_nothing)
    optional_peers: frozenset[str] = frozenset()
    resolutions: Mapping[str, str] = field(default_factory=_nothing)
    workspaces: tuple[str, ...] = ()
    scripts: frozenset[str] = frozenset()
    engines_node: str = ""
    bundled: bool = False
    gypfile: bool = False
    binary: bool = False


def read_manifest(file: Path) -> Manifest:
    """Return the package.json at ``file``.

    Raises:
        SourceError: the file cannot be read, is not JSON, or a field has the wrong type. The error
            names the file and the line and column, or the field.
    """
    return once((Manifest, file), lambda: parse_manifest(_text(file), file))


def parse_manifest(text: str, file: Path) -> Manifest:
    """Return the package.json that ``text`` holds; ``file`` is only named in errors.

    Raises:
        SourceError: as for :func:`read_manifest`.
    """
    try:
        document = parse_json(text)
    except DocumentError as error:
        raise SourceError(
            "a package.json is not valid JSON",
            place=Place(file=file, line=error.line, column=error.column, field=error.field),
            found=error.problem,
            expected=error.expected,
            hint="correct the file, or patch it if it comes from a repository that is not yours",
        ) from error
    reader = _ManifestReader(file, document)
    backstage = reader.mapping("backstage")
    engines = reader.mapping("engines")
    return Manifest(
        file=file,
        name=reader.text("name"),
        version=reader.text("version") or "0.0.0",
        role=_check(file, "backstage.role", backstage.get("role", ""), str),
        dependencies=reader.texts("dependencies"),
        optional_dependencies=reader.texts("optionalDependencies"),
        peer_dependencies=reader.texts("peerDependencies"),
        optional_peers=frozenset(
            name
            for name, meta in reader.mapping("peerDependenciesMeta").items()
            if isinstance(meta, dict) and meta.get("optional")
        ),
        resolutions=reader.texts("resolutions"),
        workspaces=reader.workspaces(),
        scripts=frozenset(reader.mapping("scripts")),
        engines_node=_check(file, "engines.node", engines.get("node", ""), str),
        bundled=bool(document.get("bundled")),
        gypfile=bool(document.get("gypfile")),
        binary=bool(document.get("binary")),
    )


@dataclass(frozen=True, slots=True)
class _ManifestReader:
    """The fields of one document, each checked for its type."""

    file: Path
    document: Any

    def __post_init__(self) -> None:
        if not isinstance(self.document, dict):
            raise SourceError(
                "a package.json must contain an object",
                place=Place(file=self.file),
                found=_kind(self.document),
                expected='an object such as {"name": "@acme/plugin-x", "version": "1.0.0"}',
            )

    def text(self, name: str) -> str:
        value: str = _check(self.file, name, self.document.get(name, ""), str)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.document.get(name)
        if value is None:
            return {}
        checked: dict[str, Any] = _check(self.file, name, value, dict)
        return checked

    def texts(self, name: str) -> Mapping[str, str]:
        found = self.mapping(name)
        for key, value in found.items():
            _check(self.file, f"{name}.{key}", value, str)
        return MappingProxyType(found) if found else _NOTHING

    def workspaces(self) -> tuple[str, ...]:
        """The globs: an array, or (older yarn) an object whose ``packages`` is that array."""
        value = self.document.get("workspaces")
        name = "workspaces"
        if isinstance(value, dict):
            name, value = "workspaces.packages", value.get("packages")
        if value is None:
            return ()
        globs = _check(self.file, name, value, list)
        return tuple(
            _check(self.file, f"{name}[{index}]", glob, str) for index, glob in enumerate(globs)
        )


_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}


def _check(file: Path, name: str, value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted):
        raise SourceError(
            f"a field of package.json has the wrong type: {name}",
            place=Place(file=file, field=name),
            found=_kind(value),
            expected=_KINDS[wanted],
        )
    return value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return _KINDS.get(type(value), f"the number {value}")


def _text(file: Path) -> str:
    try:
        # npm and yarn accept a byte order mark, which editors on Windows write.
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            "a package.json is not UTF-8 text",
            place=Place(file=file),
            found=f"byte 0x{error.object[error.start]:02x} at offset {error.start}",
            hint="save the file as UTF-8",
        ) from error
    except OSError as error:
        raise SourceError(
            "a package.json cannot be read",
            place=Place(file=file),
            found=error.strerror or str(error),
            hint="check its permissions: ls -l shows them",
        ) from error
