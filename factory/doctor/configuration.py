"""The configuration directory: can a run be planned of it, without looking at any source?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.options import build_options
from factory.config.run_plan import plan_run
from factory.doctor.finding import Check, DoctorFinding, failed_finding
from factory.quantities import pluralize

if TYPE_CHECKING:
    from factory.doctor.context import DoctorContext

CHECK = "configuration"


def look_at_configuration(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Are the files of the configuration directory what they should be?"""
    if about.config_dir is None:
        found = "not checked: there is no --config-dir"
        return (DoctorFinding(check=CHECK, outcome="skipped", found=found),)
    options = build_options(
        config_dir=about.config_dir,
        repo_path=about.repo_path,
        output_dir=about.output_dir,
        cache_dir=about.cache_dir,
    )
    run = plan_run(options, about.process, default_jobs=1)
    plugins = sum(len(plan.plugins.entries) for plan in run.builds if plan.plugins)
    several = (
        f"{pluralize(len(run.builds), 'workspace')} ({', '.join(p.name for p in run.builds)}), "
    )
    listed = f"{pluralize(plugins, 'plugin')} listed" if plugins else "plugins are to be found"
    found = f"{about.config_dir}: {several if run.several else ''}{listed}"
    whole = DoctorFinding(check=CHECK, outcome="ok", found=found)
    if run.broken and not run.builds:
        return tuple(failed_finding(f"{CHECK} {each.name}", each.error) for each in run.broken)
    return (whole, *(failed_finding(f"{CHECK} {each.name}", each.error) for each in run.broken))


CONFIGURATION_CHECKS = (Check(names=(CHECK,), look=look_at_configuration),)
