"""How rhdh-cli bundles a frontend plugin so that the same sources give the same bytes.

Left to itself, what it bundles depends on two folders: the one of the workspace, since absolute
paths go into the hashes that its bundlers make names of, and rhdh-cli's own as seen from there. So
rhdh-cli runs from a fixed place in the workspace (:mod:`factory.toolchain.placed_rhdh_cli`), and
``reproducible_bundles.cjs``, which node loads first, changes the settings that let paths in.
"""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from factory.toolchain.cache_folder import make_once
from factory.toolchain.link_tree import link_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.toolchain.rhdh_cli import RhdhCli


log = logging.getLogger(__name__)

# No tool looks into it, no git shows it, and what removes installed packages removes it too.
PLACE = "node_modules/.plugin-factory"


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

    def make(folder: Path) -> None:
        if not link_tree(installed, folder, checkpoint=checkpoint):
            log.info(
                "rhdh-cli is copied into %s, which does not allow hard links to the cache", folder
            )

    placed = make_once(
        workspace / PLACE / f"rhdh-cli-{installed.name}",
        make,
        what=f"rhdh-cli {rhdh_cli.version}",
        where="the workspace",
        hint="check that the folder is writable and has free space",
        checkpoint=checkpoint,
    )
    return placed / rhdh_cli.command.relative_to(installed)


SCRIPT = "reproducible_bundles.cjs"
# What the script says when it has met no bundler that it knows.
UNKNOWN_BUNDLER = "plugin-factory: the bundler is not one whose output is known to be reproducible"


def bundling_command(
    rhdh_cli: RhdhCli, workspace: Path, env: Mapping[str, str], *, checkpoint: Callable[[], None]
) -> tuple[Path, dict[str, str]]:
    """Return the command to use for a frontend plugin of the workspace, and its environment.

    Args:
        rhdh_cli: the installed one.
        workspace: the folder of the yarn workspace.
        env: the environment of an export; its ``TMPDIR`` is a folder of this process alone.
        checkpoint: called while rhdh-cli is put in its place; whatever it raises ends that.

    Raises:
        StorageError: the disk is full.
    """
    script = Path(env["TMPDIR"], SCRIPT)
    script.write_bytes(resources.files(__package__).joinpath(SCRIPT).read_bytes())
    options = " ".join(filter(None, (env.get("NODE_OPTIONS"), f"--require {_quote(script)}")))
    placed = place_rhdh_cli(rhdh_cli, workspace, checkpoint=checkpoint)
    return placed, {**env, "NODE_OPTIONS": options}


def warn_of_unknown_bundler(output: str, plugin: str) -> None:
    """Warn when the script has met no bundler that it knows; the plugin is as good as any."""
    if UNKNOWN_BUNDLER in output:
        log.warning(
            "%s: this rhdh-cli bundles in a way that the factory does not know; built in another "
            "folder, the same sources may give different bytes",
            plugin,
        )


def _quote(path: Path) -> str:
    """A path as one word of ``NODE_OPTIONS`` (nodejs.org/api/cli.html#node_optionsoptions)."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
