"""What each stage takes of the machine, and which goes first when several wait.

The bytes are for large workspaces, of some 3,000 packages in the lockfile. The shipped example
takes less: install 0.6 GiB, tsc 0.5, compile 0.4, export of a frontend 0.9, pack 0.1. A claim that
is too large costs some speed; one that is too small ends the run with the kernel's out-of-memory
killer.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.pipeline.budget import NOTHING, Claim

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIB = 1 << 30

# In the order of a run. What waits for a network or a disk has no claim.
CLAIMS: Mapping[str, Claim] = MappingProxyType(
    {
        # npm, asked for a version, or at work on rhdh-cli's 1,900 packages.
        "toolchain": Claim(cores=1, memory=1 * _GIB),
        # yarn holds the whole dependency tree and unpacks in parallel: some 3 GB, of which two do
        # not meet on a machine of 8 GB.
        "install": Claim(cores=1, memory=4 * _GIB),
        # The same from another workspace, as links: a disk's work.
        "take over": Claim(cores=1, memory=_GIB // 4),
        # The type checker has all sources and their types in memory.
        "tsc": Claim(cores=1, memory=2 * _GIB),
        # A bundler, and once more the type checker, for one package.
        "compile": Claim(cores=1, memory=2 * _GIB),
        # Webpack for a frontend; a yarn install of the private dependencies for a backend.
        "export": Claim(cores=1, memory=2 * _GIB),
        # npm, which reads files and compresses them.
        "pack": Claim(cores=1, memory=_GIB // 4),
        # A node process that loads the plugin.
        "verify": Claim(cores=1, memory=_GIB // 2),
    }
)
# The last goes first. A later stage mostly does, so that what has begun is finished before more is
# begun. But compilations lead to short exports, and an installation leads to a bundler, which takes
# longest: begun too late, that is all that runs in the end, on one core of several.
_ORDER = ("compile", "toolchain", "install", "take over", "tsc", "export", "pack", "verify")
_RANKS = {stage: rank for rank, stage in enumerate(_ORDER)}


def claim_of(stage: str) -> Claim:
    """Return what a stage takes while it runs."""
    return CLAIMS.get(stage, NOTHING)


def rank_of(stage: str) -> int:
    """Return a stage's place among those that wait: the highest goes first."""
    return _RANKS.get(stage, 0)
