"""A Backstage backend that loads dynamic plugins, installed once into the cache.

Its tree is pinned by a lockfile (``backend/package-lock.json``). No script of a package runs while
it is installed: in the place of better-sqlite3, which would have to be compiled, stands libsql,
which has the same interface and comes compiled.
"""

from __future__ import annotations

import hashlib
import logging
from importlib import resources
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.notation.json_text import parse_object
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

HOST_SCRIPT = "host.mjs"
TRIAL_NODE = ">=20.11"
"""The versions of Node.js that the script runs on."""
_FOLDER = "backend"
_LOCKFILE = "package-lock.json"
_FILES = ("package.json", _LOCKFILE, HOST_SCRIPT)


def find_backend(npm: Npm) -> Path:
    """Return the script that starts the backend of the cache, which is installed there once.

    Raises:
        ToolchainError: the installation failed, or others may have put it into the cache.
        StorageError: the cache cannot be written.
    """
    entry = npm.cache.make(
        f"trial-backend/{name_backend()}",
        lambda folder: _install(folder, npm),
        what="the Backstage that plugins are tried in",
    )
    return npm.cache.refuse_planted(entry / HOST_SCRIPT)


def name_backend() -> str:
    """Return what tells this backend from others: a version, and the digest of its files."""
    files = {
        name: resources.files(__package__).joinpath(_FOLDER, name).read_bytes() for name in _FILES
    }
    version = parse_object(files["package.json"])["dependencies"]["@backstage/backend-defaults"]
    digest = hashlib.sha256(b"".join(files[name] for name in _FILES)).hexdigest()
    return f"{version}+{digest[:12]}"


def _read_files() -> dict[str, bytes]:
    shipped = resources.files(__package__).joinpath(_FOLDER)
    return {name: shipped.joinpath(name).read_bytes() for name in _FILES}


def _install(folder: Path, npm: Npm) -> None:
    log.info("installing the Backstage that plugins are tried in (once; it takes about a minute)")
    for name, content in _read_files().items():
        (folder / name).write_bytes(content)
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts")
    try:
        npm.run_patiently("ci", *quiet, cwd=folder, what="installing Backstage")
    except ProcessFailed as failure:
        raise ToolchainError(
            "the Backstage that plugins are tried in cannot be installed",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="check that npm reaches its registry: npm ping",
        ) from failure
