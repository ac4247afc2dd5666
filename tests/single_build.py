"""What a build of a single workspace would be, for tests of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from factory.config.build_plan import BuildPlan
from factory.config.options import BuildOptions
from factory.config.run_plan import plan_run


def plan_single(
    request: BuildOptions, process: Mapping[str, str], *, default_jobs: int = 1
) -> BuildPlan:
    """Return the plan of the one workspace that a run with these options has."""
    run = plan_run(request, process, default_jobs=default_jobs)
    assert not run.several
    (plan,) = run.builds
    return plan
