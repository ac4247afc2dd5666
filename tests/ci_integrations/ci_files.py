"""The files for CI systems, read: their documents, and the shell that is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
WORKFLOW = ROOT / "ci/github/example-workflow.yml"
UPDATE_WORKFLOW = ROOT / "ci/github/update-workflow.yml"
GITHUB_SCRIPTS = (ROOT / "ci/github/install.sh", ROOT / "ci/github/run.sh")
GITLAB = ROOT / "ci/gitlab/plugin-factory.yml"
TASKS = ROOT / "ci/tekton/task.yaml"
PIPELINE = ROOT / "ci/tekton/pipeline.yaml"
ARGO = ROOT / "ci/argo/workflow.yaml"
GITLAB_UPDATE = ROOT / "ci/gitlab/plugin-factory-update.yml"
TEKTON_UPDATE = ROOT / "ci/tekton/update.yaml"

INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")
PARAMETER = re.compile(r"\$\(params\.([\w-]+)\)")


@dataclass(frozen=True)
class Script:
    """A shell script, and what it is in."""

    where: str
    text: str

    def __str__(self) -> str:
        return self.where


def documents(file: Path) -> list[Any]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def tasks() -> dict[str, Any]:
    """The Tekton tasks by their names."""
    return {each["metadata"]["name"]: each["spec"] for each in documents(TASKS)}


def argo_templates() -> dict[str, Any]:
    """The templates of Argo's workflow by their names."""
    return {each["name"]: each for each in documents(ARGO)[0]["spec"]["templates"]}


def with_inputs(text: str, **inputs: str) -> str:
    """A GitLab template with its inputs filled in: their defaults, unless given here."""
    declared = yaml.safe_load(text.partition("\n---\n")[0])["spec"]["inputs"]
    values = {name: str(each["default"]) for name, each in declared.items()} | inputs
    return INPUT.sub(lambda match: values[match[1]], text.partition("\n---\n")[2])


def gitlab_jobs(**inputs: str) -> Any:
    """The jobs of the GitLab template, its inputs filled in."""
    return yaml.safe_load(with_inputs(GITLAB.read_text(encoding="utf-8"), **inputs))


def gitlab_update_job(**inputs: str) -> Any:
    """The job of the GitLab template for updates, its inputs filled in."""
    return yaml.safe_load(with_inputs(GITLAB_UPDATE.read_text(encoding="utf-8"), **inputs))[
        "plugins-update"
    ]


def tekton_update_task() -> Any:
    """The Tekton task for updates."""
    return documents(TEKTON_UPDATE)[0]["spec"]


def gitlab_script(job: Mapping[str, Any]) -> str:
    """A job's script as the runner has it: ``script`` of the YAML, line after line."""
    return "\n".join(job["script"])


def child_pipeline(**inputs: str) -> Any:
    """What the GitLab template's first job writes after the shards, read."""
    script = gitlab_script(gitlab_jobs(**inputs)["plugins-plan"])
    return yaml.safe_load(script.partition("<<'CHILD'\n")[2].rpartition("CHILD")[0])


def scripts() -> Iterator[Script]:
    """All shell of all files."""
    for file in GITHUB_SCRIPTS:
        yield Script(where=file.relative_to(ROOT).as_posix(), text=file.read_text("utf-8"))
    for number, step in enumerate(documents(ACTION)[0]["runs"]["steps"]):
        yield Script(where=f"action.yml:{number}", text=f"#!/bin/bash\n{step['run']}\n")
    yield Script(where="gitlab:update", text=f"#!/bin/sh\n{gitlab_script(gitlab_update_job())}\n")
    yield Script(where="tekton:update", text=tekton_update_task()["steps"][0]["script"])
    plan = gitlab_jobs()["plugins-plan"]
    yield Script(where="gitlab:plan", text=f"#!/bin/sh\n{gitlab_script(plan)}\n")
    for name, job in child_pipeline().items():
        if "script" in job:
            yield Script(where=f"gitlab:{name}", text=f"#!/bin/sh\n{gitlab_script(job)}\n")
    for name, task in tasks().items():
        for step in task["steps"]:
            yield Script(where=f"tekton:{name}:{step['name']}", text=step["script"])
    for template in argo_templates().values():
        if "script" in template:
            yield Script(where=f"argo:{template['name']}", text=template["script"]["source"])
