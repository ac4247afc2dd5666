"""The clones of a run of several workspaces: one a repository, whoever uses it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from factory.errors import FactoryError
from factory.sources.clones import clones_for
from factory.sources.source import GitRemote, Source, locate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.config.run_plan import RunPlan
    from factory.sources.clones import Clone


def clones_of(run: RunPlan, repo_path: Path) -> Mapping[str, Clone]:
    """Return the clone of each repository of a run, by its normalised address.

    Those of workspaces that are not wanted count, so that --only changes no clone's name.

    Args:
        run: what is to be built; where it is of one workspace, there are no clones.
        repo_path: the folder that the clones are in a folder of.
    """
    remotes = []
    for plan in (*run.builds, *run.unselected):
        if run.several and plan.source:
            source = Source(repo=plan.source.repo, relative_to=plan.config_dir)
            with contextlib.suppress(FactoryError):  # told where the workspace is built
                where = locate(source)
                if isinstance(where, GitRemote):
                    remotes.append(where)
    return clones_for(remotes, repo_path)
