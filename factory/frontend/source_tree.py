"""The scripts of a package by their paths: from its folder, or from a bundle's source maps."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Protocol

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Larger ones are generated, and define no plugin.
LARGEST_SCRIPT = 512 * 1024
_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs")
# TypeScript lets a module be named as what becomes of it.
_BUILT_AS = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",)}


class Scripts(Protocol):
    """Scripts by their paths in the package, with slashes and without a leading ``./``."""

    def read(self, path: str) -> str | None:
        """Return a script's text; None if there is none, or none that can be read as text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptFolder:
    """The scripts in a package's folder; what lies outside of it is not there."""

    root: Path

    def read(self, path: str) -> str | None:
        """Return a script's text."""
        file = self.root / path
        try:
            if not file.resolve().is_relative_to(self.root.resolve()) or not file.is_file():
                return None
            if file.stat().st_size > LARGEST_SCRIPT:
                return None
            return file.read_bytes().decode("utf-8-sig")
        except (OSError, ValueError, RuntimeError):
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedScripts:
    """Scripts that a source map carries."""

    texts: Mapping[str, str]

    def read(self, path: str) -> str | None:
        """Return a script's text."""
        return self.texts.get(path)


def resolve_script(scripts: Scripts, path: str) -> str | None:
    """Return the script that a path without or with its ending means, or a folder's index.

    The order is that of TypeScript and of bundlers
    (https://www.typescriptlang.org/docs/handbook/modules/reference.html).
    """
    clean = posixpath.normpath(path)
    if clean.startswith("../") or clean in ("..", "/") or posixpath.isabs(clean):
        return None
    stem, ending = posixpath.splitext(clean)
    tried = [f"{clean}{one}" for one in _ENDINGS]
    if ending in _ENDINGS:
        tried = [clean, *(f"{stem}{one}" for one in _BUILT_AS.get(ending, ())), *tried]
    base = "" if clean == "." else f"{clean}/"
    tried += [f"{base}index{one}" for one in _ENDINGS]
    return next((one for one in tried if scripts.read(one) is not None), None)


def has_elements(path: str) -> bool:
    """Whether a script of this name may hold JSX: in ``.ts``, ``<`` begins a type."""
    return not path.endswith((".ts", ".mts"))
