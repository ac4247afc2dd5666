"""Which commit a plan's source is, before any of it has been brought."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.sources.checkout import git_session
from factory.sources.git import wanted_commit
from factory.sources.git_access import with_access
from factory.sources.source import GitRemote, PlainFolder, Source, locate
from factory.toolchain.child_environment import git_environment

if TYPE_CHECKING:
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.stages import Stages
    from factory.sources.git_refs import Wanted
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedSource:
    """Where a source is, and what its ref means there; ``wanted`` is None for a plain folder."""

    source: Source
    where: GitRemote | PlainFolder
    wanted: Wanted | None = None

    @property
    def commit(self) -> str | None:
        """The full id of the commit; None where only the source itself can tell it."""
        return self.wanted.commit if self.wanted else None


def resolve_source(plan: BuildPlan, *, stages: Stages, runner: Runner) -> ResolvedSource | None:
    """Ask where a plan's source is, and which commit is wanted; None for a tree that is here.

    Raises:
        SourceError: no such repository, folder or ref, or no access to it.
        ToolchainError: git is not installed.
    """
    if plan.source is None:
        return None
    source = Source(repo=plan.source.repo, ref=plan.source.ref, relative_to=plan.config_dir)
    where = locate(source)
    if isinstance(where, PlainFolder):
        return ResolvedSource(source=source, where=where)
    with stages.stage("resolve") as stage:
        session = git_session(
            runner=runner,
            env=git_environment(plan.environment),
            on_line=stage.on_line,
            log=stage.log,
        )
        wanted = wanted_commit(where, source.ref, with_access(session, where), Path("/"))
        stage.note = f"{wanted.name} is {wanted.commit[:12]}" if wanted.commit else wanted.name
    return ResolvedSource(source=source, where=where, wanted=wanted)
