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

from factory.toolchain.placed_rhdh_cli import place_rhdh_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.toolchain.rhdh_cli import RhdhCli

log = logging.getLogger(__name__)

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
    options = " ".join(filter(None, (env.get("NODE_OPTIONS"), f"--require {_quoted(script)}")))
    placed = place_rhdh_cli(rhdh_cli, workspace, checkpoint=checkpoint)
    return placed, {**env, "NODE_OPTIONS": options}


def warn_of_unknown_bundler(output: str, plugin: str) -> None:
    """Warn when the script has met no bundler that it knows; the plugin is as good as any."""
    if UNKNOWN_BUNDLER in output:
        log.warning(
            "%s: this rhdh-cli bundles by other means than the factory knows; built in another "
            "folder, the same sources may give other bytes",
            plugin,
        )


def _quoted(path: Path) -> str:
    """A path as one word of ``NODE_OPTIONS`` (nodejs.org/api/cli.html#node_optionsoptions)."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
