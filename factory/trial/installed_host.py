"""The Backstage that plugins are tried in: its backend and its apps, each made once in the cache.

All are pinned by lockfiles (``backend/``, ``app/`` and ``scalprum-app/``), and no script of a
package runs while they are installed. In the place of better-sqlite3, which would have to be
compiled, the backend has libsql, which has the same interface and comes compiled. Of the apps, one
for each frontend system, only the bundles are kept: the backend tells an app which frontends there
are, and it loads what each exposes, as a portal's app does. What both apps have is in ``page/``.
"""

from __future__ import annotations

import hashlib
import logging
import os
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.files import remove_tree
from factory.frontend.verdict import NEW_SYSTEM, OLD_SYSTEM
from factory.notation.json_text import parse_object
from factory.toolchain.pinned_install import install_pinned
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.frontend.verdict import System
    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

TRIAL_NODE = ">=20.11"
"""The versions of Node.js that the backend's script runs on."""
_BUNDLER = "bundle.mjs"
_BUNDLE = "dist"
_MODULES = "node_modules"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShippedHost:
    """A part of the Backstage that ships with the factory, as files to install.

    ``folder`` has them in this package, ``files`` are their names; ``shared`` are the places of
    those that are in ``page/``. The version of ``named_after`` tells people which Backstage it is.
    ``entry`` is what is used of what is installed.
    """

    folder: str
    files: tuple[str, ...]
    named_after: str
    entry: str
    what: str
    takes: str
    shared: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    is_bundled: bool = False


_BACKEND = ShippedHost(
    folder="backend",
    files=("package.json", "package-lock.json", "browser.mjs", "host.mjs", "sample-entities.yaml"),
    named_after="@backstage/backend-defaults",
    entry="host.mjs",
    what="the Backstage that plugins are tried in",
    takes="about a minute",
)
_PAGE = "page"


def _describe_app(folder: str, sources: tuple[str, ...], *, named_after: str) -> ShippedHost:
    return ShippedHost(
        folder=folder,
        files=("package.json", "package-lock.json", *(f"src/{name}" for name in sources)),
        shared=(_BUNDLER, "src/index.html", "src/index.js", "src/notes.js", "src/reload.js"),
        named_after=named_after,
        entry=f"{_BUNDLE}/index.html",
        what="the app that frontends are tried in",
        takes="a minute or two",
        # Peers that the lockfile leaves out are types, which no bundle has.
        options=("--legacy-peer-deps",),
        is_bundled=True,
    )


_APPS: Mapping[System, ShippedHost] = {
    OLD_SYSTEM: _describe_app(
        "scalprum-app",
        ("app.jsx", "entity_page.jsx", "mounts.jsx", "sidebar.jsx", "wiring.js"),
        named_after="@backstage/app-defaults",
    ),
    NEW_SYSTEM: _describe_app("app", ("app.jsx",), named_after="@backstage/frontend-defaults"),
}


def find_backend(npm: Npm) -> Path:
    """Return the script that starts the backend of the cache, which is installed there once.

    Raises:
        ToolchainError: the installation failed, or others may have put it into the cache.
        StorageError: the cache cannot be written.
    """
    return _find(_BACKEND, npm)


def find_app(npm: Npm, system: System) -> Path:
    """Return the folder of the bundle of a frontend system's app, which is made once in the cache.

    Raises:
        ToolchainError: its packages cannot be installed or bundled, or others may have put it into
            the cache.
        StorageError: the cache cannot be written.
    """
    return _find(_APPS[system], npm).parent


def _find(host: ShippedHost, npm: Npm) -> Path:
    top = resources.files(__package__)
    files = {name: top.joinpath(host.folder, name).read_bytes() for name in host.files}
    for name in host.shared:
        files[name] = top.joinpath(_PAGE, PurePosixPath(name).name).read_bytes()
    version = parse_object(files["package.json"])["dependencies"][host.named_after]
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()
    made = npm.cache.make(
        f"trial-{host.folder}/{version}+{digest[:12]}",
        lambda folder: _install(host, files, folder, npm),
        what=host.what,
    )
    return npm.cache.refuse_planted(made / host.entry)


def _install(host: ShippedHost, files: dict[str, bytes], folder: Path, npm: Npm) -> None:
    log.info("installing %s (once; it takes %s)", host.what, host.takes)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    try:
        install_pinned(npm, *host.options, folder=folder, what=f"installing {host.what}")
        if host.is_bundled:
            _bundle(folder, npm)
    except ProcessFailed as failure:
        raise ToolchainError(
            f"{host.what} cannot be installed",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="check that npm reaches its registry: npm ping",
        ) from failure


def _bundle(folder: Path, npm: Npm) -> None:
    """Make the bundle, and remove what it is made of."""
    bare = {"PATH": f"{npm.node.bin_dir}:{os.defpath}", "HOME": str(folder), "TMPDIR": str(folder)}
    npm.cache.runner.run((npm.node.bin_dir / "node", _BUNDLER), cwd=folder, env=bare)
    remove_tree(folder / _MODULES)
