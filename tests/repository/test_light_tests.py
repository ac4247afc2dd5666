"""``make check`` runs what needs no installation, and holds the tests to that."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.light import refuse_heavy_tools
from tests.work_units import HEAVY, is_heavy

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("begins", HEAVY)
def test_what_is_listed_as_heavy_exists(begins: str) -> None:
    path, _, function = begins.partition("::")
    assert (ROOT / path).exists()
    assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_heavy_tests_are_those_listed() -> None:
    assert is_heavy("tests/oci/test_image.py::test_what_npm_itself_packs_is_taken")
    assert not is_heavy("tests/oci/test_image.py::test_another")


@pytest.mark.parametrize("tool", ["node", "podman", "docker-registry", "chromium"])
def test_a_tool_that_is_not_light_refuses(tmp_path: Path, tool: str) -> None:
    environment = {"PATH": os.environ["PATH"]}
    refuse_heavy_tools(tmp_path / "light", environment)
    done = subprocess.run(
        [tool, "--version"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 97
    assert done.stderr == (
        f"{tool} is not for light tests: list this test among HEAVY in tests/work_units.py\n"
    )


def test_installers_find_the_network_cut(tmp_path: Path) -> None:
    environment = {"PATH": "/bin", "PIP_EXTRA_INDEX_URL": "https://example.com"}
    refuse_heavy_tools(tmp_path / "light", environment)
    assert environment["npm_config_registry"] == environment["PIP_INDEX_URL"]
    assert "PIP_EXTRA_INDEX_URL" not in environment
