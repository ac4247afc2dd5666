"""The Scalprum configuration of a published frontend, made to name files that were published."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.published.published_manifest import PublishedManifest

log = logging.getLogger(__name__)

_ENDINGS = (".ts", ".tsx", ".esm.js", ".js", ".mjs", ".jsx")


def settle_scalprum(
    manifest: PublishedManifest, folder: Path, exports: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the ``scalprum`` field of a package.json; None where it has none that can be used.

    A module whose file was not published is found by the file's stem, else by the entry point of
    the module's name; else it is left out with a word. rhdh-cli has a default where there is none.

    Args:
        manifest: as published.
        folder: the package's, its scripts in ``src``.
        exports: the entry points, and the file of each.
    """
    scalprum = manifest.mapping("scalprum")
    modules = scalprum.get("exposedModules")
    if not isinstance(scalprum.get("name"), str) or not isinstance(modules, dict):
        return None
    found: dict[str, str] = {}
    for module, file in modules.items():
        if isinstance(file, str) and (there := _find(folder, module, file, exports)):
            found[module] = there
        else:
            log.warning(
                "%s: the Scalprum module %s is left out, since its file was not published: %s. "
                "A scalprum-config.json can name another one.",
                manifest.name,
                ascii(module)[:100],
                ascii(file)[:200],
            )
    return {**scalprum, "exposedModules": found} if found else None


def _find(folder: Path, module: str, file: str, exports: Mapping[str, str]) -> str | None:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        return None
    if (folder / path).is_file():
        return f"./{path}"
    stem = path.name.partition(".")[0]
    for ending in _ENDINGS:
        for parent in (path.parent, PurePosixPath("src")):
            candidate = parent / f"{stem}{ending}"
            if stem and (folder / candidate).is_file():
                return f"./{candidate}"
    return exports.get(f"./{module}") or exports.get(f"./{module.casefold()}")
