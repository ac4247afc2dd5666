"""The entry points of a published package: which file of it each mount of ``exports`` means.

The rules are Node.js' (https://nodejs.org/api/packages.html#package-entry-points).
"""

from __future__ import annotations

import logging
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import PACKAGE_JSON
from factory.patterns import lazy_pattern
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.published.published_manifest import PublishedManifest

log = logging.getLogger(__name__)

ROOT = "."
_MOUNT = lazy_pattern(r"\./(?P<name>[A-Za-z0-9_][\w.-]*)", re.ASCII)
_SCRIPT = (".js", ".cjs", ".mjs")
_TYPES = "types"
_DEEPEST = 8
_BACKEND = ("node", "require", "default", "import", "backstage")
_FRONTEND = ("browser", "import", "module", "default", "require", "backstage")
_SHOWN = 5
_LONGEST_PATH = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPoint:
    """A way into a package: ``.`` or ``./alpha``, and the script it means, from the package's root.

    ``types`` is the file of its declarations, or "".
    """

    mount: str
    script: str
    types: str = ""

    @property
    def name(self) -> str:
        """What its files are called: ``index`` or ``alpha``."""
        return "index" if self.mount == ROOT else self.mount.removeprefix("./")


def find_entry_points(manifest: PublishedManifest, folder: Path) -> tuple[EntryPoint, ...]:
    """Return the entry points whose script there is, the root first.

    Those that rhdh-cli cannot export, patterns and mounts in folders, are left out with a word.
    """
    exports = manifest.fields.get("exports")
    mounts = _mounts(exports)
    conditions = _BACKEND if manifest.is_backend else _FRONTEND
    found: list[EntryPoint] = []
    left_out: list[str] = []
    for mount, value in mounts.items():
        script = _existing(folder, _choose(value, conditions))
        if mount == f"./{PACKAGE_JSON}" or (script and not script.endswith(_SCRIPT)):
            continue
        if mount != ROOT and not _MOUNT.fullmatch(mount):
            left_out.append(mount[:100])
        elif script:
            types = _existing(folder, _choose(value, (_TYPES, *conditions), only=_TYPES))
            found.append(EntryPoint(mount=mount, script=script, types=types))
    if left_out:
        log.warning(
            "%s: entry points that cannot be exported are left out: %s",
            manifest.name,
            join_names(left_out, _SHOWN),
        )
    if not any(entry.mount == ROOT for entry in found) and (root := _root(manifest, folder)):
        found.append(root)
    return tuple(sorted(found, key=lambda entry: (entry.mount != ROOT, entry.mount)))


def _mounts(exports: object) -> dict[str, Any]:
    """``exports`` as an object of mounts; a single file, or conditions, are those of the root."""
    if isinstance(exports, dict) and any(key.startswith(".") for key in exports):
        return {key: value for key, value in exports.items() if key.startswith(".")}
    return {} if exports is None else {ROOT: exports}


def _root(manifest: PublishedManifest, folder: Path) -> EntryPoint | None:
    fields = ("main",) if manifest.is_backend else ("module", "main")
    published = [manifest.mapping("publishConfig").get(field) for field in fields]
    usual = ["dist/index.cjs.js"] if manifest.is_backend else ["dist/index.esm.js"]
    named = [manifest.text(field) for field in fields]
    script = next(
        (s for each in (*named, *published, *usual) if (s := _existing(folder, each))), ""
    )
    if not script.endswith(_SCRIPT):
        return None
    types = _existing(folder, manifest.text("types") or manifest.text("typings"))
    return EntryPoint(mount=ROOT, script=script, types=types)


def _choose(
    value: object, conditions: Sequence[str], *, only: str = "", depth: int = 0
) -> str | None:
    """The file that conditions lead to; with ``only``, one below that condition."""
    if isinstance(value, str):
        return None if only else value
    if depth > _DEEPEST:
        return None
    ways: list[tuple[Any, str]] = []
    if isinstance(value, list):
        ways = [(way, only) for way in value]
    elif isinstance(value, dict):
        there = [condition for condition in conditions if condition in value]
        ways = [(value[each], "" if each == only else only) for each in there]
    chosen = (_choose(way, conditions, only=below, depth=depth + 1) for way, below in ways)
    return next(filter(None, chosen), None)


def _existing(folder: Path, named: object) -> str:
    """A file of the package, as a path from its root; "" if there is none, or it leads out."""
    if not isinstance(named, str) or not 0 < len(named) <= _LONGEST_PATH or "\0" in named:
        return ""
    path = PurePosixPath(named)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return ""
    ways = (path, path.with_name(f"{path.name}.js"), path / "index.js")
    for each in ways:
        file = folder / each
        if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
            return each.as_posix()
    return ""
