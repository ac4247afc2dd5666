"""A published package as rhdh-cli exports it: its package.json made normal, shims put beside.

rhdh-cli knows packages as they are in a repository. Of a backend it takes `dist/NAME.cjs.js` for
each entry point `./src/NAME.ts`, which it does not open (``--no-build``). A frontend it bundles
from ``src``, and empties ``dist`` first. So what a frontend has in ``dist`` moves to ``src``.
"""

from __future__ import annotations

import json
import logging
import posixpath
import re
import shutil
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import PACKAGE_JSON
from factory.config.allowed_scripts import INSTALL_SCRIPTS, NO_SCRIPTS
from factory.errors import SourceError
from factory.files import remove_tree
from factory.patterns import lazy_pattern
from factory.published.entry_points import ROOT, EntryPoint, find_entry_points
from factory.published.features import choose_feature, make_default
from factory.published.scalprum import settle_scalprum
from factory.published.workspace import allowances

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.config.allowed_scripts import AllowedScripts
    from factory.published.dependencies import PublishedDependencies
    from factory.published.published_manifest import PublishedManifest

log = logging.getLogger(__name__)

_DIST, _SRC = "dist", "src"
# Settings of package managers and compilers are for who publishes; here they would be obeyed.
_NOT_TAKEN = frozenset(
    {
        "dist-dynamic",
        "dist-scalprum",
        "node_modules",
        "npm-shrinkwrap.json",
        "package-lock.json",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "tsconfig.json",
        "yarn.lock",
    }
)
# What a package manager acts upon; the plugin is only built from what it has.
_FIELDS_OUT = frozenset(
    {
        "bin",
        "bundleDependencies",
        "bundledDependencies",
        "dependenciesMeta",
        "devDependencies",
        "directories",
        "installConfig",
        "overrides",
        "packageManager",
        "private",
        "module",
        "publishConfig",
        "resolutions",
        "scripts",
        "typesVersions",
        "workspaces",
    }
)
_DEFAULT = lazy_pattern(
    r"\bexport\s+default\b|\bas\s+default\b|\bexport\s*\{[^{}]{0,2000}\bdefault\b"
    r"|\bexports\.default\s*=|\bmodule\.exports\s*="
)
_MODULES = (".mjs",)


def remove_untaken(folder: Path) -> None:
    """Remove from an unpacked package what tools would take for settings, or for their own.

    Raises:
        OSError: it cannot be removed.
    """
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name.casefold() in _NOT_TAKEN:
            _remove(entry)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        remove_tree(entry)
    elif entry.is_symlink() or entry.exists():
        entry.unlink()


def normalise_package(
    folder: Path,
    manifest: PublishedManifest,
    needed: PublishedDependencies,
    *,
    feature: str | None = None,
    scripts: AllowedScripts = NO_SCRIPTS,
) -> None:
    """Change an unpacked package so that rhdh-cli exports it.

    Args:
        folder: the package's.
        manifest: as published.
        needed: what it needs of registries.
        feature: the export of a backend to load; None for the default or only one.
        scripts: whose install scripts may run; of its own scripts no others ever do.

    Raises:
        SourceError: it has no script to begin with, or no export that a portal can load.
        OSError: a file cannot be written.
    """
    entries = find_entry_points(manifest, folder)
    if not entries or entries[0].mount != ROOT:
        raise SourceError(
            f"{manifest.name} has no entry point",
            place=manifest.place("main"),
            found=ascii(manifest.fields.get("main"))[:200],
            expected="a script of the package in 'main' or 'exports'",
            hint="build the plugin from its repository",
        )
    fields = {key: value for key, value in manifest.fields.items() if key not in _FIELDS_OUT}
    for field in ("exports", "sideEffects", "scalprum"):
        fields.pop(field, None)
    for field, found in (
        ("dependencies", needed.dependencies),
        ("optionalDependencies", needed.optional),
        ("peerDependencies", needed.peers),
    ):
        fields.pop(field, None)
        if found:
            fields[field] = dict(found)
    fields |= allowances(scripts)  # the private dependencies are a project of their own
    own = manifest.mapping("scripts")
    if scripts.includes(manifest.name) and (kept := own.keys() & set(INSTALL_SCRIPTS)):
        fields["scripts"] = {name: own[name] for name in sorted(kept)}
    fields["files"] = _settle_files(folder, manifest)
    fields.update(
        _backend(folder, entries, manifest, feature)
        if manifest.is_backend
        else _frontend(folder, entries, manifest)
    )
    # In ASCII, since UTF-8 cannot hold half of a surrogate pair, which JSON may have.
    text = json.dumps(fields, indent=2) + "\n"
    (folder / PACKAGE_JSON).write_text(text, encoding="utf-8")


def _settle_files(folder: Path, manifest: PublishedManifest) -> list[str]:
    """The ``files`` of what is made: what was published, and what is built or written here.

    Without ``files`` everything was published that is here.
    """
    said = manifest.fields.get("files")
    if isinstance(said, list):
        files = [each for each in said if isinstance(each, str)]
    else:
        built = () if manifest.is_backend else (_SRC,)
        files = sorted({entry.name for entry in folder.iterdir()} - {PACKAGE_JSON, *built})
    return list(dict.fromkeys((*files, _DIST)))


def _backend(
    folder: Path,
    entries: Sequence[EntryPoint],
    manifest: PublishedManifest,
    feature: str | None,
) -> dict[str, Any]:
    root = entries[0]
    if _is_module(root.script, manifest):
        # Node.js requires modules since 20.19 and 22.12; a shim could not.
        _tell_lost(entries, manifest)
        return {"main": root.script}
    common = [entry for entry in entries if not _is_module(entry.script, manifest)]
    if chosen := choose_feature(manifest, folder, common, feature):
        make_default(folder, chosen, root, _way(root.script, chosen.entry.script))
        log.info("%s: the export %s is loaded by portals", manifest.name, chosen)
    exports: dict[str, str] = {}
    for entry in entries:
        if _is_module(entry.script, manifest):
            log.warning("%s: %s is a module, and left out", manifest.name, entry.mount)
            continue
        usual = f"{_DIST}/{entry.name}.cjs.js"
        if entry.script != usual and not (folder / usual).exists():
            target = _way(usual, entry.script)
            _write_shim(folder / usual, f"'use strict';\n\nmodule.exports = require({target});\n")
        exports[entry.mount] = f"./{_SRC}/{entry.name}.ts"
    exports[f"./{PACKAGE_JSON}"] = f"./{PACKAGE_JSON}"
    more: dict[str, Any] = {"main": f"{_DIST}/index.cjs.js"}
    if manifest.fields.get("type") == "module":
        more["type"] = "commonjs"  # of what is exported here, all is; a shim ends with .js
    return more | ({"exports": exports} if manifest.fields.get("exports") else {})


def _frontend(
    folder: Path, entries: Sequence[EntryPoint], manifest: PublishedManifest
) -> dict[str, Any]:
    _move_scripts(folder, entries)
    exports: dict[str, str] = {}
    for entry in entries:
        shim = f"{_SRC}/{entry.name}.ts"
        script = _rename_apart(folder, _move_path(entry.script), shim)
        target = _way(shim, script)
        has_default = _has_default(folder / script)
        text = f"export * from {target};\n"
        _write_shim(
            folder / shim, text + (f"export {{ default }} from {target};\n" if has_default else "")
        )
        _put_types_beside(folder, script, _move_path(entry.types))
        exports[entry.mount] = f"./{shim}"
    main = exports[ROOT]
    scalprum = settle_scalprum(manifest, folder, exports)
    exports[f"./{PACKAGE_JSON}"] = f"./{PACKAGE_JSON}"
    more: dict[str, Any] = {
        "main": main.removeprefix("./"),
        "types": main.removeprefix("./"),
        "exports": exports if manifest.fields.get("exports") else None,
        "publishConfig": {
            "main": entries[0].script,
            **({"types": entries[0].types} if entries[0].types else {}),
        },
        "sideEffects": _move_patterns(manifest.fields.get("sideEffects")),
        "scalprum": scalprum,
    }
    return {key: value for key, value in more.items() if value is not None}


def _move_scripts(folder: Path, entries: Sequence[EntryPoint]) -> None:
    """Move ``dist`` to ``src``; sources that were published, too, are not needed then."""
    built = folder / _DIST
    if built.is_dir() and not any(entry.script.startswith(f"{_SRC}/") for entry in entries):
        _remove(folder / _SRC)
        built.rename(folder / _SRC)


def _rename_apart(folder: Path, script: str, shim: str) -> str:
    """A script under a name that is not its shim's, which TypeScript takes ``./index.js`` for."""
    stem, _, ending = script.partition(".")
    if f"{stem}.ts" != shim or "." in ending:
        return script
    other = f"{stem}.published.{ending}"
    (folder / script).rename(folder / other)
    return other


def _move_path(path: str) -> str:
    return f"{_SRC}/{path.removeprefix(_DIST + '/')}" if path.startswith(f"{_DIST}/") else path


def _move_patterns(value: object) -> object:
    """``sideEffects``: globs of files (https://webpack.js.org/guides/tree-shaking/)."""
    if not isinstance(value, list):
        return value if isinstance(value, bool) else None
    globs = [each.removeprefix("./") for each in value if isinstance(each, str)]
    return [f"./{_move_path(each)}" if "/" in each else each for each in globs]


def _put_types_beside(folder: Path, script: str, types: str) -> None:
    """Give a script the declarations of its entry point: an export is known by its type."""
    beside = folder / re.sub(r"\.[cm]?js$", ".d.ts", script)
    if types and (folder / types).is_file() and not beside.exists():
        shutil.copyfile(folder / types, beside)


def _has_default(script: Path) -> bool:
    return bool(_DEFAULT.search(script.read_text(encoding="utf-8", errors="replace")))


def _is_module(script: str, manifest: PublishedManifest) -> bool:
    """Whether Node.js takes a script for an ES module (nodejs.org/api/packages.html)."""
    if script.endswith(".cjs"):
        return False
    return script.endswith(_MODULES) or manifest.fields.get("type") == "module"


def _tell_lost(entries: Sequence[EntryPoint], manifest: PublishedManifest) -> None:
    lost = [entry.mount for entry in entries if entry.mount != ROOT]
    if lost:
        log.warning(
            "%s is published as ES modules: of its entry points only the root is exported, not %s",
            manifest.name,
            ", ".join(lost),
        )


def _way(file: str, to: str) -> str:
    """The way from one file of the package to another, as a script writes it."""
    way = posixpath.relpath(to, posixpath.dirname(file) or ".")
    return json.dumps(way if way.startswith("../") else f"./{way}")


def _write_shim(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
