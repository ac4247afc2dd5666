"""How rhdh-cli bundles a frontend plugin so that the same sources give the same bytes.

Left to itself, what it bundles depends on two folders: the one of the workspace, since absolute
paths go into the hashes that its bundlers make names of, and rhdh-cli's own as seen from there. So
rhdh-cli runs from a fixed place in the workspace (:mod:`factory.toolchain.placed_rhdh_cli`), and
``reproducible_bundles.cjs``, which node loads first, changes the settings that let paths in.
"""

from __future__ import annotations

import logging
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from factory.files import read_end
from factory.patterns import lazy_pattern
from factory.toolchain.cache_folder import make_once
from factory.toolchain.link_tree import link_tree
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from factory.toolchain.rhdh_cli import RhdhCli


log = logging.getLogger(__name__)

# No tool looks into it, no git shows it, and what removes installed packages removes it too.
PLACE = "node_modules/.plugin-factory"
# A third of a tool's files, which nothing reads that bundles: types, and what explains scripts to
# people and debuggers. The compiler needs its own types; Backstage's packages have their schemas of
# configuration in such files (config.d.ts).
_UNREAD = (".d.ts", ".d.mts", ".d.cts", ".map", ".md")
_READ_WHOLE = frozenset({"typescript", "@types", "@backstage"})


def place_rhdh_cli(
    rhdh_cli: RhdhCli, workspace: Path, *, checkpoint: Callable[[], None] = lambda: None
) -> Path:
    """Return the command of rhdh-cli at its place in the workspace, where it is put unless it is.

    Args:
        rhdh_cli: the installed one.
        workspace: the folder of the yarn workspace.
        checkpoint: called again and again; whatever it raises ends the work.

    Raises:
        StorageError: it cannot be put there.
    """
    installed = rhdh_cli.command.parents[2]
    placed = place_tool(installed, workspace, f"rhdh-cli-{installed.name}", checkpoint=checkpoint)
    return placed / rhdh_cli.command.relative_to(installed)


def place_tool(
    installed: Path, workspace: Path, name: str, *, checkpoint: Callable[[], None] = lambda: None
) -> Path:
    """Return the folder of an installed tool at its place in the workspace: see `place_rhdh_cli`.

    Args:
        installed: its folder in the cache.
        workspace: the folder of the yarn workspace.
        name: what the folder is called there.
        checkpoint: called again and again; whatever it raises ends the work.

    Raises:
        StorageError: it cannot be put there.
    """

    def make(folder: Path) -> None:
        linked = link_tree(
            installed, folder, endings=_UNREAD, whole=_READ_WHOLE, checkpoint=checkpoint
        )
        if not linked:
            log.info(
                "%s is copied into %s, which does not allow hard links to the cache",
                name,
                workspace,
            )

    return make_once(
        workspace / PLACE / name,
        make,
        what=name,
        where="the workspace",
        hint="check that the folder is writable and has free space",
        checkpoint=checkpoint,
    )


SCRIPTS = ("reproducible_bundles.cjs", "feature_types.cjs", "kept_scripts.cjs")
# Where the first of them notes the folder of each bundle that it has made reproducible.
_NOTES = "reproducible-bundles.txt"
_MOST = 1 << 16
# https://module-federation.io/configure: remote entry, manifest, statistics, types.
_LEFTOVER = lazy_pattern(r"remoteEntry\.js(?:\.map)?|mf-[\w-]+\.json|@mf-types(?:\..+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleKind:
    """One of the kinds of assets that rhdh-cli makes of a frontend plugin.

    ``written`` is the folder that the bundler writes to, from the plugin's; ``shipped`` the folder
    in what is exported, which has one of the files ``marks`` if there is such a bundle.
    """

    name: str
    written: str
    shipped: str
    marks: tuple[str, ...]


BUNDLE_KINDS = (
    BundleKind(
        name="module federation",
        written="dist",
        shipped="dist",
        marks=("mf-manifest.json", "remoteEntry.js"),
    ),
    BundleKind(
        name="Scalprum",
        written="dist-dynamic/dist-scalprum",
        shipped="dist-scalprum",
        marks=("plugin-manifest.json",),
    ),
)


def bundling_command(
    rhdh_cli: RhdhCli, workspace: Path, env: Mapping[str, str], *, checkpoint: Callable[[], None]
) -> tuple[Path, dict[str, str]]:
    """Return the command to use for a frontend plugin of the workspace, and its environment.

    Args:
        rhdh_cli: the installed one.
        workspace: the folder of the yarn workspace.
        env: the environment of an export; its ``TMPDIR`` is an empty folder.
        checkpoint: called while rhdh-cli is put in its place; whatever it raises ends that.

    Raises:
        StorageError: the disk is full.
    """
    placed = place_rhdh_cli(rhdh_cli, workspace, checkpoint=checkpoint)
    return placed, bundling_environment(env)


def bundling_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that bundles the same wherever it does.

    Args:
        env: the environment of an export; its ``TMPDIR`` is an empty folder.

    Raises:
        OSError: the disk is full.
    """
    folder = Path(env["TMPDIR"])
    words = [env.get("NODE_OPTIONS")]
    for name in SCRIPTS:
        script = folder / name
        script.write_bytes(resources.files(__package__).joinpath(name).read_bytes())
        words.append(f"--require {_quote(script)}")
    return {**env, "NODE_OPTIONS": " ".join(filter(None, words))}


def remove_federation_leftovers(plugin: Path) -> None:
    """Remove what a build of the package's own has left of module federation in its ``dist``.

    rhdh-cli empties the folder only where it makes such assets itself, and otherwise takes along
    what is there: a portal would load the leftovers.

    Raises:
        OSError: a file cannot be removed.
    """
    dist = plugin / "dist"
    if dist.is_symlink() or not dist.is_dir():
        return
    for entry in dist.iterdir():
        if _LEFTOVER.fullmatch(entry.name):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def find_unknown_bundles(exported: Path, env: Mapping[str, str]) -> tuple[BundleKind, ...]:
    """Return the bundles of an exported plugin that nobody has made reproducible.

    Args:
        exported: the plugin's ``dist-dynamic``.
        env: the environment of the export.
    """
    try:
        made = read_end(Path(env["TMPDIR"], _NOTES), _MOST).text().split("\n")
    except OSError:  # nothing was noted
        made = []
    return tuple(
        kind
        for kind in BUNDLE_KINDS
        if kind.written not in made
        and any((exported / kind.shipped / mark).is_file() for mark in kind.marks)
    )


def warn_of_unknown_bundles(unknown: Iterable[BundleKind], plugin: str, maker: str) -> None:
    """Warn of bundles that may differ when they are built elsewhere; the plugin is as good as any.

    Args:
        unknown: what :func:`find_unknown_bundles` has found.
        plugin: the plugin's path.
        maker: what has made them, with its version.
    """
    for kind in unknown:
        log.warning(
            "%s: %s makes the assets for %s in a way that the factory does not know; "
            "built in another folder, the same sources may give different bytes",
            plugin,
            maker,
            kind.name,
        )


def _quote(path: Path) -> str:
    """A path as one word of ``NODE_OPTIONS`` (nodejs.org/api/cli.html#node_optionsoptions)."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
