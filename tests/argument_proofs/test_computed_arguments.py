"""Plugins exported by rhdh-cli with computed arguments, and loaded by a real Backstage backend."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.portal import Portal, running_portal

from .proof_builds import ProofBuild, bundled

MODULE = "@backstage/plugin-scaffolder-backend-module-bitbucket-cloud"
BELOW = "@backstage/plugin-bitbucket-cloud-common"
LIGHTHOUSE = "@backstage/plugin-lighthouse-common"
ARGUMENTS = {
    "deployments": (
        "--embed-package @roadiehq/backstage-plugin-argo-cd-backend "
        "--embed-package @roadiehq/backstage-plugin-argo-cd-node "
        "--embed-package @roadiehq/scaffolder-backend-argocd"
    ),
    "pipelines": (
        f"--embed-package {BELOW} --embed-package {MODULE} "
        f"--shared-package !{BELOW} --shared-package !{MODULE}"
    ),
    "echo": (
        f"--embed-package @argument-proofs/phrases --embed-package {LIGHTHOUSE} "
        f"--shared-package !{LIGHTHOUSE} --suppress-native-package bufferutil"
    ),
    "syntax": "--shared-package tree-sitter --shared-package tree-sitter-json",
    "lagging": (
        "--embed-package @roadiehq/backstage-plugin-argo-cd-node "
        "--ignore-version-check @backstage/backend-plugin-api"
    ),
}


@pytest.fixture(scope="module")
def portal(
    computed: ProofBuild,
    modules: Path,
    process: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    artifacts = computed.artifacts(*ARGUMENTS)
    with running_portal(artifacts, folder, process, modules=modules) as running:
        yield running


@pytest.mark.parametrize("plugin", ARGUMENTS)
def test_rhdh_cli_takes_the_computed_arguments_at_the_first_attempt(
    computed: ProofBuild, plugin: str
) -> None:
    report = computed.plugin(plugin)
    assert report["arguments"] == ARGUMENTS[plugin]
    assert report["outcome"] == "done"
    assert report["repairs"] == []
    assert computed.attempts(plugin) == 1
    assert f"plugins/{plugin}-backend: {ARGUMENTS[plugin]}\n" in computed.plugins_list.read_text()


def test_the_portal_loads_every_plugin(portal: Portal) -> None:
    assert portal.names == {f"@argument-proofs/plugin-{name}-backend-dynamic" for name in ARGUMENTS}
    assert portal.failures == {}


def test_rule_3_a_chain_of_three_packages_that_ends_in_backstage(
    computed: ProofBuild, portal: Portal
) -> None:
    assert portal.answer("/api/deployments/proof") == {"action": "argocd:create-resources"}
    inside = bundled(computed.tgz("deployments"))
    assert inside >= {
        "@roadiehq/scaffolder-backend-argocd",
        "@roadiehq/backstage-plugin-argo-cd-backend",
        "@roadiehq/backstage-plugin-argo-cd-node",
    }
    assert not [name for name in inside if name.startswith("@backstage/")]


def test_rule_2_a_backstage_package_that_the_host_lacks_and_one_below_it(
    computed: ProofBuild, portal: Portal
) -> None:
    assert portal.answer("/api/pipelines/proof") == {"action": "publish:bitbucketCloud"}
    assert bundled(computed.tgz("pipelines")) >= {MODULE, BELOW}


def test_rules_4_and_5_a_library_of_the_workspace_and_a_native_package_left_out(
    computed: ProofBuild, portal: Portal
) -> None:
    answer = portal.answer("/api/echo/proof")
    assert answer["echoed"].endswith("by way of LighthouseRestApi")
    assert 'The package "bufferutil" has been marked as a native module' in answer["lacking"]
    assert bundled(computed.tgz("echo")) >= {"@argument-proofs/phrases", LIGHTHOUSE, "ws"}


def test_rule_5_native_packages_that_the_host_has_are_its_own(
    computed: ProofBuild, portal: Portal
) -> None:
    tree = "(document (object (pair key: (string (string_content)) value: (number))))"
    assert portal.answer("/api/syntax/proof") == {"syntax": tree}
    assert bundled(computed.tgz("syntax")) == set()


def test_rule_7_two_ranges_that_one_locked_version_satisfies(portal: Portal) -> None:
    assert "@argument-proofs/plugin-lagging-backend-dynamic" in portal.names


def test_what_a_catalog_asks_for_is_exported_as_the_range_that_it_means(
    computed: ProofBuild, source: Path
) -> None:
    with tarfile.open(computed.tgz("echo")) as archive:
        manifest = archive.extractfile("package/package.json")
        assert manifest
        exported = json.load(manifest)
    assert exported["dependencies"]["ws"] == "^8.18.0"
    mine = json.loads((source / "plugins/echo-backend/package.json").read_text())
    assert mine["dependencies"]["ws"] == "catalog:"
