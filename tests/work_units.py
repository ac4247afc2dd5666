"""What of the tests goes to which worker, and when, where several work at once (pytest-xdist).

What takes long goes first, so that at the end no worker waits long for another. A worker gets the
tests of a module together, since they share fixtures, or one test where each takes long.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# By the beginnings of test ids. The first two make the image and the example, which takes minutes;
# the next need neither of them, nor the tools that the example's build installs.
_FIRST = (
    "tests/acceptance/test_container.py",
    "tests/acceptance/test_artifacts.py",
    "tests/oci/",
    "tests/sources/",
    "tests/argument_proofs/",
    "tests/faults/test_killed_factory.py",
    "tests/acceptance/",
    "tests/faults/",
    "tests/container/",
    "tests/docs/",
    "tests/examples/",
    "tests/toolchain/",
)
# Each of these tests takes long; what they share is made once for all workers.
_SINGLE = (
    "tests/acceptance/test_failures.py",
    "tests/acceptance/test_many_workspaces.py",
    "tests/faults/",
)
# Modules that share what takes long to make.
_TOGETHER = ("tests/argument_proofs/",)
# What `make check` leaves to `make test`: it needs Node, a registry, a browser or a container, or
# takes long. What is not here is light: see tests/light.py.
HEAVY = (
    "tests/acceptance/",
    "tests/advisories/test_affected_images.py",
    "tests/advisories/test_prerelease_ranges.py",
    "tests/analysis/test_lockfile_property.py",
    "tests/analysis/test_workspace_globs.py",
    "tests/archives/test_hostile.py",
    "tests/argument_proofs/",
    "tests/attestation/test_push_command.py",
    "tests/attestation/test_signed_images.py",
    "tests/bad_input/",
    "tests/cache/test_entry_signature.py",
    "tests/cache/test_examination.py",
    "tests/cache/test_remote.py",
    "tests/catalogue/test_index_installs.py",
    "tests/ci_integrations/",
    "tests/cli/test_tools_command.py",
    "tests/container/",
    "tests/docs/test_site.py",
    "tests/docs/test_tutorial.py",
    "tests/doctor/test_doctor.py",
    "tests/engines/test_bundled_workspaces.py",
    "tests/export/test_bundler_layouts.py",
    "tests/export/test_feature_types.py",
    "tests/export/test_kept_scripts.py",
    "tests/export/test_locked_install.py",
    "tests/faults/",
    "tests/inspection/test_inspected_images.py",
    "tests/installation/test_hostile_plugins.py",
    "tests/installation/test_npm_registry.py",
    "tests/installation/test_picked_versions.py",
    "tests/installation/test_sources.py",
    "tests/installation/test_staging.py",
    "tests/notation/test_written_yaml.py",
    "tests/notation/test_yaml_as_backstage.py",
    "tests/oci/test_access.py",
    "tests/oci/test_hostile_servers.py",
    "tests/oci/test_image.py::test_what_npm_itself_packs_is_taken",
    "tests/oci/test_layout.py",
    "tests/oci/test_memory.py",
    "tests/oci/test_pull.py",
    "tests/oci/test_push.py",
    "tests/oci/test_push_command.py",
    "tests/oci/test_push_failures.py",
    "tests/oci/test_referrers.py",
    "tests/pipeline/test_built_check.py",
    "tests/pipeline/test_publishing.py",
    "tests/pipeline/test_tools_of_a_build.py",
    "tests/plan/test_kubernetes_job.py::test_the_job_is_what_the_schema_of_kubernetes_says",
    "tests/plan/test_plan_and_build.py",
    "tests/plan/test_plan_command.py",
    "tests/reports/test_html_in_browser.py",
    "tests/scaffolding/test_init_packages.py",
    "tests/scaffolding/test_bridged_plugin.py",
    "tests/sources/test_patch_like_gnu.py",
    "tests/toolchain/test_child_environments.py",
    "tests/toolchain/test_installs.py",
    "tests/toolchain/test_node_choice.py",
    "tests/toolchain/test_npm_cache.py",
    "tests/toolchain/test_pinned_install.py",
    "tests/toolchain/test_present_installation.py",
    "tests/toolchain/test_registry_variables.py",
    "tests/toolchain/test_rhdh_cli_choice.py",
    "tests/toolchain/test_shared_installation.py",
    "tests/toolchain/test_unpacked_pins.py",
    "tests/toolchain/test_yarn_choice.py",
    "tests/trial/test_dev_command.py",
    "tests/trial/test_opened_pages.py",
    "tests/trial/test_scalprum_app.py",
    "tests/trial/test_try_command.py",
    "tests/updating/test_catalogues.py",
    "tests/updating/test_package_arguments.py",
    "tests/updating/test_update_in_ci.py",
    "tests/upgrading/test_listed_images.py",
    "tests/verification/test_checks.py",
    "tests/verification/test_entry_point.py",
    "tests/verification/test_images.py",
    "tests/verification/test_verify_command.py",
)


def turn(test: str) -> int:
    """The place of a test, by its id, in the order of all: equal ones stay as they are."""
    return next((turn for turn, begins in enumerate(_FIRST) if test.startswith(begins)), 99)


def is_heavy(test: str) -> bool:
    """Whether a test, by its id, is left to ``make test``."""
    return test.startswith(HEAVY)


def unit(test: str) -> str:
    """The name of all that goes to the same worker as a test, by its id."""
    if test.startswith(_SINGLE):
        return test
    shared = (begins for begins in _TOGETHER if test.startswith(begins))
    return next(shared, test.partition("::")[0])


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Gives units of tests to workers, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
