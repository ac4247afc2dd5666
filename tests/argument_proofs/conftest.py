"""The proofs' workspace, installed once; each build of it leaves its own outputs behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from .proof_builds import ProofBuild, copied_workspace, host_modules, proof_build

COMPUTED = """\
plugins/deployments-backend:
plugins/pipelines-backend:
plugins/echo-backend:
plugins/syntax-backend:
plugins/lagging-backend:
"""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that every build of this folder uses in place."""
    return copied_workspace(tmp_path_factory.mktemp("proofs") / "source")


@pytest.fixture(scope="session")
def computed(
    source: Path, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> ProofBuild:
    """Five plugins, each exported with the arguments that were computed for it, and no others."""
    folder = tmp_path_factory.mktemp("computed")
    built = proof_build(source, folder, process, COMPUTED, "--generate-build-args", "--no-repair")
    assert built.ended.code == 0, built.ended.said
    return built


@pytest.fixture(scope="session")
def modules(source: Path, computed: ProofBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The native packages that the host has: copied out of the tree that ``computed`` installed."""
    return host_modules(source, tmp_path_factory.mktemp("modules"))
