"""The files for CI systems that look for updates: their shell, with real git and a remote."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci_integrations.ci_files import (
    ROOT,
    gitlab_script,
    gitlab_update_job,
    tekton_update_task,
)
from tests.sources.repositories import Repository, new_repository
from tests.updating.forge import Desk, Upstream

FACTORY = f"""#!/bin/sh
exec {sys.executable} -m factory "$@"
"""
# GitHub's program in name: it keeps what it was asked, and knows of no pull request.
GH = """#!/bin/sh
echo "$@" >> "$ASKED"
"""
BRANCH = "plugin-factory/update/one"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job's clone of a catalogue, whose remote is a bare repository."""

    desk: Desk
    remote: Repository
    clone: Path

    @property
    def asked(self) -> str:
        return (self.desk.root / "asked").read_text()

    def run(self, script: Path | str, **variables: str) -> subprocess.CompletedProcess[str]:
        shell = ["bash", "-e", "-o", "pipefail", "-c", script]
        done = subprocess.run(
            [script] if isinstance(script, Path) else shell,
            cwd=self.clone,
            env={
                **self.desk.process,
                "PATH": f"{self.desk.root / 'bin'}:{self.desk.process['PATH']}",
                "PYTHONPATH": str(ROOT),
                "ASKED": str(self.desk.root / "asked"),
                "npm_config_registry": self.desk.npm.url,
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def pushed(self) -> list[str]:
        return self.remote.git("for-each-ref", "--format=%(refname:short)").splitlines()


@pytest.fixture
def upstream(desk: Desk) -> Upstream:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.release("1.1.0")
    desk.configure(first, "one")
    desk.configure("main", "two")
    return upstream


@pytest.fixture
def job(desk: Desk, upstream: Upstream) -> Job:
    catalogue = new_repository(desk.root / "catalogue")
    files = {f"config/{n.partition('/')[2]}": c.decode() for n, c in desk.files().items()}
    catalogue.commit(files)
    remote = Repository(path=desk.root / "remote.git")
    catalogue.git("clone", "--quiet", "--bare", ".", str(remote.path))
    # As forges do: options of a push are taken.
    remote.git("config", "receive.advertisePushOptions", "true")
    catalogue.git("clone", "--quiet", str(remote.path), str(desk.root / "clone"))
    programs = desk.root / "bin"
    programs.mkdir()
    for name, text in {"plugin-factory": FACTORY, "gh": GH}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return Job(desk=desk, remote=remote, clone=desk.root / "clone")


def github(job: Job) -> str:
    output = job.desk.root / "output"
    job.run(
        ROOT / "ci/github/run.sh",
        RUNNER_TEMP=str(job.desk.root),
        GITHUB_OUTPUT=str(output),
        GITHUB_REF_NAME="main",
        INPUT_COMMAND="update",
        INPUT_CONFIG_DIR="config",
        INPUT_HOST=str(job.desk.portal),
    )
    return output.read_text()


def test_github_opens_a_pull_request_for_what_has_changed(job: Job) -> None:
    assert json.loads(github(job).removeprefix("branches=")) == [BRANCH]
    assert job.pushed() == ["main", BRANCH]
    assert f"pr create --head {BRANCH} --base main --title Update one to @acme/x" in job.asked
    # The next day's job has a new clone; nothing has changed since.
    job.remote.git("clone", "--quiet", ".", str(job.desk.root / "next"))
    tip = job.remote.git("rev-parse", BRANCH)
    next_job = Job(desk=job.desk, remote=job.remote, clone=job.desk.root / "next")
    assert github(next_job).endswith("branches=[]\n")
    assert job.remote.git("rev-parse", BRANCH) == tip


def test_gitlab_opens_a_merge_request(job: Job) -> None:
    script = gitlab_script(gitlab_update_job())
    job.run(
        script,
        CONFIG_DIR="config",
        PORTAL=str(job.desk.portal),
        ONLY="",
        PIN="true",
        CI_PROJECT_DIR=str(job.clone),
        CI_PROJECT_URL=str(job.remote.path).removesuffix(".git"),
        CI_DEFAULT_BRANCH="main",
        GITLAB_USER_EMAIL="bot@example.com",
        UPDATE_TOKEN="s3cr3t",
    )
    # The second workspace follows a branch, which the job is to pin.
    assert job.pushed() == ["main", BRANCH, "plugin-factory/update/two"]


def test_tekton_pushes_the_branch(job: Job) -> None:
    step = tekton_update_task()["steps"][0]
    file = job.desk.root / "step"
    file.write_text(step["script"])
    file.chmod(0o755)
    result = job.desk.root / "branches"
    job.run(
        file,
        REPOSITORY=str(job.remote.path),
        BRANCH="main",
        CONFIG_DIR="config",
        PORTAL=str(job.desk.portal),
        ONLY="one",
        PIN="false",
        UPDATE_TOKEN="s3cr3t",
        RESULT=str(result),
    )
    assert result.read_text() == BRANCH
    assert job.pushed() == ["main", BRANCH]
    message = job.remote.git("log", "-1", "--format=%B", BRANCH)
    assert re.search(r"^Update one to @acme/x-backend 1\.1\.0$", message, re.MULTILINE)
