"""Which engines, rhdh-cli and Node.js are wanted, and by whom: user, workspace or portal.

Values alone; what there is of them, ``rhdh_cli_version`` and ``node`` find out.
"""

from __future__ import annotations

from dataclasses import field

from factory.engines import RoleEngines
from factory.values import dataclass

LATEST = "latest"
VARIABLE = "RHDH_CLI_VERSION"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRhdhCli:
    """The rhdh-cli that is wanted: a version, a tag of the npm registry, or an npm range.

    ``portal`` is who wants it, and empty where the user says so by RHDH_CLI_VERSION. What a portal
    wants is the version that it was released with, and ``accepts`` the range of those that serve as
    well, where the npm registry lacks that one.
    """

    wanted: str = LATEST
    portal: str = ""
    accepts: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedNode:
    """The npm range of the Node.js that is wanted beside the workspace's ``engines.node``.

    ``portal`` is who wants it. Where it is empty the user does, and ``engines`` does not count;
    where ``range`` is empty nobody does.
    """

    range: str = ""
    portal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedTools:
    """Which tools a build is to use.

    ``engines`` are what exports, and ``engine_why`` says who says so. ``self_contained`` is whether
    backends of the engine ``backstage`` bring along what the portal has, too.
    """

    rhdh_cli: WantedRhdhCli = field(default_factory=WantedRhdhCli)
    node: WantedNode = field(default_factory=WantedNode)
    engines: RoleEngines = field(default_factory=RoleEngines)
    engine_why: str = ""
    self_contained: bool = False
