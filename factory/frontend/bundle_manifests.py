"""The manifests of a built frontend: Scalprum's, and module federation's as a portal reads it.

Scalprum: ``dist-scalprum/plugin-manifest.json`` of @openshift/dynamic-plugin-sdk, whose
``loadScripts`` are loaded in order. Module federation: ``dist/mf-manifest.json``
(https://module-federation.io/configure/manifest). What a portal wants of the latter is what the
router of @backstage/backend-dynamic-feature-service wants (``src/server/router.ts``); a plugin that
lacks it is left out of the page with a line in the backend's log, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Any

from factory.notation.json_text import parse_object
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCALPRUM = "dist-scalprum/plugin-manifest.json"
FEDERATION = "dist/mf-manifest.json"
REMOTE_ENTRY = "dist/remoteEntry.js"
_LARGEST = 64 * 1024 * 1024
_SHOWN = 200


class BrokenManifestError(ValueError):
    """A manifest that a portal cannot use: what is wrong, what is there, what belongs there."""

    def __init__(self, problem: str, *, found: str, expected: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.found = found
        self.expected = expected


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalprumManifest:
    """What the old frontend system loads: the plugin's name there, and its files."""

    name: str
    version: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExposedModule:
    """A module that a bundle exposes: ``"."`` or ``"alpha"``; its scripts, from ``dist``.

    ``sync`` are loaded with it, ``deferred`` when they are needed.
    """

    name: str
    sync: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedModule:
    """A module that a bundle takes from the page if it has a fitting one; else its own."""

    name: str
    version: str
    required: str
    singleton: bool
    sync: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FederationManifest:
    """What the new frontend system loads. ``entry`` is the remote entry's path from ``dist``."""

    name: str
    entry: str
    exposed: tuple[ExposedModule, ...]
    shared: tuple[SharedModule, ...]
    files: tuple[str, ...] = field(repr=False)


def read_scalprum(root: Path) -> ScalprumManifest | None:
    """Return the Scalprum manifest of an unpacked plugin; None if it has none.

    Raises:
        BrokenManifestError: it cannot be used, or names a file that is not there.
    """
    if not (root / SCALPRUM).exists():
        return None
    manifest = _document(root, SCALPRUM)
    for name in ("name", "version"):
        if not isinstance(manifest.get(name), str) or not manifest[name]:
            found = _show(manifest.get(name))
            raise BrokenManifestError(f"{SCALPRUM} has no {name}", found=found, expected="text")
    scripts = manifest.get("loadScripts")
    if not isinstance(scripts, list) or not scripts:
        raise BrokenManifestError(
            f"{SCALPRUM} does not name a script to load",
            found=_show(scripts),
            expected="loadScripts: a list of files",
        )
    files = tuple(dict.fromkeys(str(script) for script in scripts))
    _refuse_missing(root, SCALPRUM, files)
    return ScalprumManifest(name=manifest["name"], version=manifest["version"], files=files)


def read_federation(root: Path) -> FederationManifest | None:
    """Return the module federation manifest of an unpacked plugin; None if it has no such bundle.

    Raises:
        BrokenManifestError: a portal would leave the plugin out, or a browser would not find a
            file that it names.
    """
    if not (root / FEDERATION).exists():
        if (root / REMOTE_ENTRY).exists():
            raise BrokenManifestError(
                f"there is {REMOTE_ENTRY}, and no manifest that a portal could find it by",
                found=f"no {FEDERATION}",
                expected=FEDERATION,
            )
        return None
    manifest = _document(root, FEDERATION)
    name = manifest.get("name")
    if not isinstance(name, str) or not name:
        raise BrokenManifestError(
            f"{FEDERATION} has no name, and a portal leaves the plugin out",
            found=f"name: {_show(name)}",
            expected="name: text",
        )
    entry = _entry(manifest)
    exposes = manifest.get("exposes")
    if not isinstance(exposes, list) or not all(_is_named(one) for one in exposes):
        raise BrokenManifestError(
            f"{FEDERATION} does not say what it exposes, and a portal leaves the plugin out",
            found=f"exposes: {_show(exposes)}",
            expected="exposes: a list of objects, each with a name",
        )
    shared = manifest.get("shared")
    parts = [one for one in shared if isinstance(one, dict)] if isinstance(shared, list) else []
    assets = (file for one in (*parts, *exposes) for file in _assets(one))
    files = tuple(dict.fromkeys((entry, *assets)))
    _refuse_missing(root, FEDERATION, files)
    return FederationManifest(
        name=name,
        entry=entry,
        exposed=tuple(
            ExposedModule(
                name=one["name"],
                sync=tuple(_assets(one, "sync")),
                deferred=tuple(_assets(one, "async")),
            )
            for one in exposes
        ),
        shared=tuple(_read_shared(one) for one in parts if _is_named(one)),
        files=files,
    )


def _entry(manifest: Mapping[str, Any]) -> str:
    data = manifest.get("metaData")
    entry = data.get("remoteEntry") if isinstance(data, dict) else None
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BrokenManifestError(
            f"{FEDERATION} does not name a remote entry, and a portal leaves the plugin out",
            found=_show(entry),
            expected="metaData.remoteEntry.name",
        )
    return "/".join(part for part in (str(entry.get("path") or ""), entry["name"]) if part)


def _read_shared(one: Mapping[str, Any]) -> SharedModule:
    def text(name: str) -> str:
        value = one.get(name)
        return value if isinstance(value, str) else ""

    return SharedModule(
        name=one["name"],
        version=text("version"),
        required=text("requiredVersion"),
        singleton=one.get("singleton") is True,
        sync=tuple(_assets(one, "sync")),
    )


def _is_named(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("name"), str) and bool(one["name"])


def _assets(one: Mapping[str, Any], when: str = "") -> Iterator[str]:
    """The files under ``assets``: ``js`` and ``css``, each ``sync`` and ``async``."""
    assets = one.get("assets")
    for kind in assets.values() if isinstance(assets, dict) else ():
        for name, files in kind.items() if isinstance(kind, dict) else ():
            if isinstance(files, list) and when in ("", name):
                yield from (str(file) for file in files)


def _refuse_missing(root: Path, manifest: str, names: tuple[str, ...]) -> None:
    folder = (root / manifest).parent.resolve()
    missing = [name for name in sorted(names) if not _is_file(folder, name)]
    if missing:
        raise BrokenManifestError(
            f"{manifest} names files that are not there",
            found=join_names(missing),
            expected=f"each of them in {folder.name}/",
        )


def _is_file(folder: Path, name: str) -> bool:
    try:
        file = (folder / name).resolve()
        return file.is_relative_to(folder) and file.is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _document(root: Path, name: str) -> dict[str, Any]:
    file = root / name
    try:
        if file.stat().st_size <= _LARGEST:
            return parse_object(file.read_bytes())
        found = f"it has more than {_LARGEST} bytes"
    except OSError as error:
        found = error.strerror or str(error)
    except ValueError as error:
        found = str(error)
    raise BrokenManifestError(f"{name} cannot be read", found=found, expected="a JSON object")


def _show(value: object) -> str:
    return json.dumps(value)[:_SHOWN]
