"""Which Node a version of rhdh-cli is for.

Its own package.json names no ``engines``. What its makers use is in ``.nvmrc`` of each release's
branch (https://github.com/redhat-developer/rhdh-cli); what its packages want is in the lockfile
that npm leaves beside them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.notation.json_text import parse_object
from factory.toolchain.pinned_install import find_unfit_packages
from factory.toolchain.wanted_tools import VARIABLE
from factory.values import dataclass
from factory.versions import release_of, satisfies

if TYPE_CHECKING:
    from factory.toolchain.node import Node
    from factory.toolchain.rhdh_cli import RhdhCli

log = logging.getLogger(__name__)

# The newest first. Node 20 is not safe from 2.0 on.
_MADE_WITH = (("2.0.0", 24), ("1.10.0", 22), ("0.0.0", 20))
_INSTALLED = ".package-lock.json"
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusingPackage:
    """A package of rhdh-cli's whose ``engines.node`` leaves a Node out."""

    name: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.name} wants {self.wanted}"


def find_node_of_makers(version: str) -> int:
    """Return the line of Node that the makers of a version of rhdh-cli use, such as 24."""
    return next(node for since, node in _MADE_WITH if satisfies(release_of(version), f">={since}"))


def find_refusing_packages(rhdh_cli: RhdhCli, node: str) -> tuple[RefusingPackage, ...]:
    """Return the installed packages of rhdh-cli that are not for a version of Node, by name."""
    file = rhdh_cli.command.parents[1] / _INSTALLED
    try:
        lockfile = parse_object(file.read_bytes())
    except (OSError, ValueError):
        return ()  # it says what is wanted, no more: the installation is good without
    found = {
        RefusingPackage(name=path.rpartition("node_modules/")[2], wanted=wanted)
        for path, wanted in find_unfit_packages(lockfile, node).items()
    }
    return tuple(sorted(found, key=lambda each: each.name))


def warn_of_other_node(rhdh_cli: RhdhCli, node: Node) -> None:
    """Warn when rhdh-cli runs on a Node that is older than its makers', or not for its packages."""
    made_with = find_node_of_makers(rhdh_cli.version)
    if int(node.version.partition(".")[0]) < made_with:
        log.warning(
            "rhdh-cli %s is made and tested with Node.js %d, and runs on %s: put Node.js %d on the "
            "PATH, or have the workspace ask for it (engines.node), or set %s to an older version",
            rhdh_cli.version,
            made_with,
            node.version,
            made_with,
            VARIABLE,
        )
    if refusing := find_refusing_packages(rhdh_cli, node.version):
        more = f" and {len(refusing) - _SHOWN} more" if len(refusing) > _SHOWN else ""
        log.warning(
            "rhdh-cli %s has packages that are not for Node.js %s: %s%s",
            rhdh_cli.version,
            node.version,
            ", ".join(map(str, refusing[:_SHOWN])),
            more,
        )
