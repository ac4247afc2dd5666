"""What an unpacked plugin says of its configuration: its schema, and what can be mounted of it.

Schemas: rhdh-cli and Backstage's bundler write them as JSON into ``dist``; else package.json has
one under ``configSchema`` or names a file (https://backstage.io/docs/conf/defining). A ``.d.ts`` is
TypeScript, which only a compiler turns into a schema.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from factory.frontend.bundle_manifests import BrokenManifestError, read_scalprum
from factory.frontend.bundle_verdict import read_extension_ids
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.frontend.extension_ids import ExtensionIds

WRITTEN_SCHEMAS = ("dist/configSchema.json", "dist-scalprum/configSchema.json")
"""Where rhdh-cli puts the schema of a backend, and of a frontend."""

COLLECTED_SCHEMAS = "dist/.config-schema.json"
"""Where Backstage's bundler puts it: ``{"schemas": [{"path", "value"}]}``, or the schema itself."""

_LARGEST = 4 << 20
_LARGEST_SCRIPT = 32 << 20
_SCRIPTS = "dist-scalprum"
_FRONTEND = "frontend"
# The plugin SDK calls the chunk of a module so: https://github.com/openshift/dynamic-plugin-sdk
_EXPOSED = lazy_pattern(r"exposed-(.+?)(?:\.[0-9a-f]+)?(?:\.chunk)?\.js")
_KEY = lazy_pattern(rb"""[{,]\s*["']?([A-Za-z_$][\w$]*)["']?\s*:\s*(?:\(\)\s*=>|function\b)""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShippedConfig:
    """What configuration of a plugin is held against.

    Attributes:
        schemas: its schemas; none if it ships none that can be read.
        note: why no schema is there, or not read; "" if one is.
        name: what the old frontend system calls it, "" of backends.
        modules: the modules that its Scalprum bundle exposes; None if they are not known.
        exports: the names that scripts of that bundle export, those of exposed modules among them.
        extensions: what is known of those that its new frontend system's bundle makes.
        extensions_note: why nothing is known of them; "" if something is, or of backends.
    """

    schemas: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    note: str = ""
    name: str = ""
    modules: frozenset[str] | None = None
    exports: frozenset[str] = field(default=frozenset(), repr=False)
    extensions: tuple[ExtensionIds, ...] = ()
    extensions_note: str = ""


def read_shipped_config(root: Path, package: Mapping[str, Any]) -> ShippedConfig:
    """Return what an unpacked plugin ships of its configuration.

    Args:
        root: its folder, without links that leave it.
        package: its package.json.
    """
    schemas, note = _read_schemas(root, package)
    backstage = package.get("backstage")
    role = str(backstage.get("role")) if isinstance(backstage, dict) else ""
    extensions = read_extension_ids(root) if role.startswith(_FRONTEND) else ""
    shipped = ShippedConfig(
        schemas=schemas,
        note=note,
        extensions=() if isinstance(extensions, str) else extensions,
        extensions_note=extensions if isinstance(extensions, str) else "",
    )
    try:
        manifest = read_scalprum(root)
    except BrokenManifestError:
        manifest = None  # the check of the manifests says so
    if manifest is None:
        return shipped
    scripts = sorted((root / _SCRIPTS).rglob("*.js"))
    found = (_EXPOSED.fullmatch(file.name) for file in scripts)
    modules = frozenset(one[1] for one in found if one)
    return replace(
        shipped,
        name=manifest.name,
        modules=modules or None,
        exports=frozenset(_find_exports(scripts)),
    )


def _find_exports(scripts: Iterable[Path]) -> Iterable[str]:
    """Each key of a script that has a function behind it: bundlers write exports so."""
    for file in scripts:
        try:
            content = file.read_bytes() if file.stat().st_size <= _LARGEST_SCRIPT else b""
        except OSError:
            continue
        for match in _KEY.finditer(content):
            yield match[1].decode("ascii")


def _read_schemas(
    root: Path, package: Mapping[str, Any]
) -> tuple[tuple[Mapping[str, Any], ...], str]:
    """The schemas of a plugin, and why there are none."""
    for name in (*WRITTEN_SCHEMAS, COLLECTED_SCHEMAS):
        if (root / name).is_file():
            found, note = _read_schema(root, name)
            if found or note:
                return found, note
    own = package.get("configSchema")
    if isinstance(own, dict):
        return (own,), ""
    if not isinstance(own, str):
        return (), "the plugin ships no configuration schema"
    if own.endswith(".d.ts"):
        return (), f"{own} is TypeScript, and only a build makes a schema of it"
    return _read_schema(root, own)


def _read_schema(root: Path, name: str) -> tuple[tuple[Mapping[str, Any], ...], str]:
    top = root.resolve()
    try:
        file = (top / name).resolve()
        if not file.is_relative_to(top) or not file.is_file():
            return (), f"there is no {name}"
        if file.stat().st_size > _LARGEST:
            return (), f"{name} has more than {_LARGEST} bytes"
        value = parse_json(file.read_bytes())
    except (OSError, ValueError, RuntimeError) as error:
        return (), f"{name} cannot be read: {error}"
    if not isinstance(value, dict):
        return (), f"{name} is not a JSON object"
    collected = value.get("schemas")
    if isinstance(collected, list):
        values = [one.get("value") for one in collected if isinstance(one, dict)]
        return tuple(one for one in values if isinstance(one, dict)), ""
    return ((value,) if value else ()), ""
