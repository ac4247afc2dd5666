"""Exports that rhdh-cli really refuses, and what a build makes of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.portal import Portal, running_portal

from .proof_builds import ProofBuild, proof_build
from .test_computed_arguments import ARGUMENTS, LIGHTHOUSE, MODULE

ARGO_CD = "@roadiehq/backstage-plugin-argo-cd-node"
API = "@backstage/backend-plugin-api"
LISTED = f"""\
plugins/deployments-backend:
plugins/pipelines-backend:
plugins/echo-backend:
plugins/syntax-backend: --suppress-native-package tree-sitter --shared-package tree-sitter-json
plugins/lagging-backend: --embed-package {ARGO_CD}
plugins/torn-backend: --embed-package {ARGO_CD}
"""
WORKED = {
    "deployments": ARGUMENTS["deployments"],
    "echo": ARGUMENTS["echo"],
    "syntax": ARGUMENTS["syntax"],
    "lagging": f"--embed-package {ARGO_CD} --ignore-version-check {API}",
}


@pytest.fixture(scope="module")
def repaired(
    source: Path,
    computed: ProofBuild,
    process: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> ProofBuild:
    """A build whose written arguments are missing or wrong; one plugin cannot be mended."""
    return proof_build(source, tmp_path_factory.mktemp("repaired"), process, LISTED)


@pytest.fixture(scope="module")
def portal(
    repaired: ProofBuild,
    modules: Path,
    process: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("repaired-portal")
    artifacts = repaired.artifacts(*WORKED, "pipelines")
    with running_portal(artifacts, folder, process, modules=modules) as running:
        yield running


@pytest.mark.parametrize(
    ("plugin", "messages", "repairs"),
    [
        pytest.param(
            "deployments",
            ["shared package(s) should not be part of the plugin private dependencies"],
            ARGUMENTS["deployments"].count("--"),
            id="shared packages among private dependencies",
        ),
        pytest.param(
            "echo",
            [
                "Failed to execute command 'yarn install",  # @argument-proofs/phrases
                "native modules have been transitively detected",
                f"Cannot find module '{LIGHTHOUSE}'",
            ],
            4,
            id="not published, native, not found",
        ),
        pytest.param(
            "syntax",
            ['The package "tree-sitter" has been marked as a native module and removed'],
            1,
            id="a suppressed package that the entry point needs",
        ),
        pytest.param(
            "lagging",
            [f"The version of a dependency ('{API}') of an embedded module conflicts"],
            1,
            id="ranges that one version satisfies",
        ),
    ],
)
def test_what_rhdh_cli_refuses_is_mended(
    repaired: ProofBuild, plugin: str, messages: list[str], repairs: int
) -> None:
    log = repaired.export_log(plugin)
    at = [log.index(message) for message in messages]
    assert at == sorted(at)
    assert repaired.attempts(plugin) == len(messages) + 1
    report = repaired.plugin(plugin)
    assert report["outcome"] == "done"
    assert report["arguments"] == WORKED[plugin]
    assert len(report["repairs"]) == repairs
    for repair in report["repairs"]:
        argument, _, reason = repair.partition(": plugin → ")
        assert argument in WORKED[plugin]
        assert reason
        assert repair in repaired.ended.said


def test_each_attempt_is_logged(repaired: ProofBuild) -> None:
    for plugin, attempts in {"deployments": 2, "echo": 4, "syntax": 2, "lagging": 2}.items():
        again = f"plugins/{plugin}-backend: rhdh-cli refused the export; trying again"
        assert repaired.ended.said.count(again) == attempts - 1
        assert f"repaired in {attempts} attempts" in repaired.ended.said


def test_the_portal_loads_what_was_mended(portal: Portal) -> None:
    assert portal.answer("/api/deployments/proof") == {"action": "argocd:create-resources"}
    assert portal.answer("/api/echo/proof")["echoed"].endswith("by way of LighthouseRestApi")
    assert portal.answer("/api/syntax/proof")["syntax"].startswith("(document")
    assert portal.answer("/api/lagging/proof") == {"url": "http://argo.test/api/v1"}


def test_what_rhdh_cli_lets_pass_without_arguments_fails_in_the_portal(
    repaired: ProofBuild, portal: Portal
) -> None:
    # The very error that rule 2 is there for: nothing shows before the portal starts.
    assert repaired.plugin("pipelines")["outcome"] == "done"
    (failure,) = portal.failures.items()
    assert failure[0] == "@argument-proofs/plugin-pipelines-backend-dynamic"
    assert f"Cannot find module '{MODULE}'" in failure[1]


def test_the_arguments_that_worked_are_suggested_and_the_list_stays(repaired: ProofBuild) -> None:
    assert "these build arguments worked" in repaired.ended.said
    for plugin, arguments in WORKED.items():
        assert f"plugins/{plugin}-backend: {arguments}\n" in repaired.ended.said
    assert repaired.plugins_list.read_text() == LISTED


def test_what_arguments_cannot_mend_is_passed_on_at_the_first_attempt(
    repaired: ProofBuild,
) -> None:
    report = repaired.plugin("torn")
    assert (report["outcome"], report["repairs"]) == ("failed", [])
    assert report["arguments"] == f"--embed-package {ARGO_CD}"
    assert repaired.attempts("torn") == 1
    assert report["error"]["problem"] == (
        "rhdh-cli could not export plugins/torn-backend: The version of a dependency "
        "('@backstage/config') of an embedded module conflicts with main module dependencies: "
        "'^1.3.5', '1.3.3': cannot proceed!"
    )
    assert "align the two ranges" in report["error"]["hint"]
    assert repaired.ended.code == 9


def test_without_repair_the_error_is_that_of_rhdh_cli(
    source: Path, computed: ProofBuild, process: dict[str, str], tmp_path: Path
) -> None:
    listed = f"plugins/lagging-backend: --embed-package {ARGO_CD}\n"
    built = proof_build(source, tmp_path, process, listed, "--no-repair")
    report = built.plugin("lagging")
    assert (report["outcome"], report["repairs"]) == ("failed", [])
    assert "'^1.4.4', '^1.4.0': cannot proceed!" in report["error"]["problem"]
    assert built.attempts("lagging") == 1
    assert "trying again" not in built.ended.said
    assert built.ended.code == 9


def test_generating_arguments_writes_what_worked_and_keeps_what_was_written(
    source: Path, computed: ProofBuild, process: dict[str, str], tmp_path: Path
) -> None:
    listed = f"# Mine.\nplugins/lagging-backend: --embed-package {ARGO_CD} # why\n"
    built = proof_build(source, tmp_path, process, listed, "--generate-build-args")
    assert built.ended.code == 0, built.ended.said
    assert built.plugins_list.read_text() == (
        f"# Mine.\nplugins/lagging-backend: {WORKED['lagging']} # why\n"
    )
    assert built.plugins_list.with_name("plugins-list.yaml.bak").read_text() == listed
    assert f"after:  {WORKED['lagging']}" in built.ended.said
