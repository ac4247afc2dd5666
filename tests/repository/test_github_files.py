"""What GitHub reads of this repository is what it takes, and gives nobody more than they need."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
# By the vendored schema that each has to fit.
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "dependabot": [GITHUB / "dependabot.yml"],
    "github-issue-forms": sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")),
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE/config.yml"],
    "github-actions": [ROOT / "action.yml"],
}


def ran(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(program), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def checked(schema: str, *files: Path) -> Result:
    """What check-jsonschema says, loaded once: that takes seconds of any processor."""
    from check_jsonschema import (  # type: ignore[import-untyped]  # noqa: PLC0415
        main as check_jsonschema,
    )

    words = ["--builtin-schema", f"vendor.{schema}", *map(str, files)]
    return CliRunner().invoke(check_jsonschema, words)


def document(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_schemas(schema: str) -> None:
    files = SCHEMAS[schema]
    assert files
    done = checked(schema, *files)
    assert done.exit_code == 0, done.output


def test_a_workflow_with_a_mistake_would_be_refused(tmp_path: Path) -> None:
    broken = tmp_path / "ci.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
    done = checked("github-workflows", broken)
    assert done.exit_code == 1
    assert "'runs-on' is a required property" in done.output


def test_no_workflow_can_be_turned_against_the_project() -> None:
    done = ran("zizmor", "--offline", "--no-progress", GITHUB, ROOT / "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_zizmor_looks_for_it_finds(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    text = (GITHUB / "workflows/ci.yml").read_text("utf-8")
    (folder / "ci.yml").write_text(text.replace("persist-credentials: false", "fetch-depth: 1"))
    assert ran("zizmor", "--offline", "--no-progress", tmp_path).returncode != 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_and_jobs_end(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text("utf-8"))
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)
    for job in document(workflow)["jobs"].values():
        assert job["timeout-minutes"] <= 60
    assert document(workflow)["permissions"] == {}


def test_every_python_that_the_package_names_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [
        each.rpartition(" ")[2]
        for each in project["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", each)
    ]
    jobs = document(GITHUB / "workflows/ci.yml")["jobs"]
    assert jobs["check"]["strategy"]["matrix"]["python"] == named
    full = jobs["test"]["strategy"]["matrix"]["python"]
    assert full == [named[0], named[-1]]


def test_only_the_publishing_job_is_trusted_by_pypi() -> None:
    jobs = document(GITHUB / "workflows/release.yml")["jobs"]
    trusted = [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})]
    assert trusted == ["publish"]
    assert "run" not in {key for step in jobs["publish"]["steps"] for key in step}


@pytest.mark.parametrize("file", [*WORKFLOWS, ROOT / ".pre-commit-config.yaml"], ids=str)
def test_only_targets_and_programs_that_exist_are_run(file: Path) -> None:
    text = file.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"run: make (?:\w+=\S+ )*([\w-]+)", text):
        assert f"\n{target}:" in makefile
    for program in re.findall(r"entry: \.venv/bin/(\w+)", text):
        assert Path(sys.executable).with_name(program).exists()
