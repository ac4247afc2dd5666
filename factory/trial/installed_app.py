"""A Backstage app of the new frontend system, bundled once into the cache.

It is made of pinned packages (``app/package-lock.json``), of which only the bundle is kept. Its
backend tells it which frontends there are, and it loads what each exposes, as a portal's app does.
"""

from __future__ import annotations

import hashlib
import logging
import os
from importlib import resources
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.files import remove_tree
from factory.notation.json_text import parse_object
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

_FOLDER = "app"
_FILES = (
    "package.json",
    "package-lock.json",
    "bundle.mjs",
    "src/app.jsx",
    "src/index.html",
    "src/index.js",
    "src/notes.js",
)
_BUNDLE = "dist"
_MODULES = "node_modules"


def find_app(npm: Npm) -> Path:
    """Return the folder of the app's bundle in the cache, which is made there once.

    Raises:
        ToolchainError: its packages cannot be installed or bundled, or others may have put it into
            the cache.
        StorageError: the cache cannot be written.
    """
    entry = npm.cache.make(
        f"trial-app/{name_app()}",
        lambda folder: _bundle(folder, npm),
        what="the app that frontends are tried in",
    )
    npm.cache.refuse_planted(entry / _BUNDLE / "index.html")
    return entry / _BUNDLE


def name_app() -> str:
    """Return what tells this app from others: a version, and the digest of its files."""
    files = _read_sources()
    version = parse_object(files["package.json"])["dependencies"]["@backstage/frontend-defaults"]
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()
    return f"{version}+{digest[:12]}"


def _read_sources() -> dict[str, bytes]:
    shipped = resources.files(__package__).joinpath(_FOLDER)
    return {name: shipped.joinpath(name).read_bytes() for name in _FILES}


def _bundle(folder: Path, npm: Npm) -> None:
    log.info("making the app that frontends are tried in (once; it takes a minute or two)")
    for name, content in _read_sources().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts")
    bare = {"PATH": f"{npm.node.bin_dir}:{os.defpath}", "HOME": str(folder), "TMPDIR": str(folder)}
    try:
        # Peers that the lockfile leaves out are types, which no bundle has.
        npm.run_patiently(
            "ci", "--legacy-peer-deps", *quiet, cwd=folder, what="installing Backstage's app"
        )
        npm.cache.runner.run((npm.node.bin_dir / "node", "bundle.mjs"), cwd=folder, env=bare)
    except ProcessFailed as failure:
        raise ToolchainError(
            "the app that frontends are tried in cannot be made",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="check that npm reaches its registry: npm ping",
        ) from failure
    remove_tree(folder / _MODULES)
