"""The files for CI systems are what these systems take."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory import __version__
from factory.config.ci_system import CiSystem
from factory.scaffolding.ci import GITLAB_TEMPLATE, TEKTON_TASK, ci_file
from tests.acceptance.portal import _installed, kept_node
from tests.ci_integrations.ci_files import (
    ACTION,
    ARGO,
    GITHUB_SCRIPTS,
    GITLAB,
    GITLAB_UPDATE,
    INPUT,
    PARAMETER,
    PIPELINE,
    ROOT,
    TASKS,
    TEKTON_UPDATE,
    UPDATE_WORKFLOW,
    WORKFLOW,
    Script,
    argo_templates,
    child_pipeline,
    documents,
    gitlab_jobs,
    scripts,
    tasks,
    tekton_update_task,
)

LINTER = Path(__file__).parent / "linter"
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
FILES = (ACTION, WORKFLOW, GITLAB, TASKS, PIPELINE)
EXPRESSION = re.compile(r"\$\{\{ (inputs|steps)\.([\w.-]+) \}\}")
# Keywords of a GitLab job that are used here: https://docs.gitlab.com/ci/yaml/
GITLAB_JOB = {
    "artifacts", "extends", "image", "needs", "script", "stage", "trigger", "variables", "when",
}  # fmt: skip


def linted(process: dict[str, str], *files: Path) -> dict[str, list[str]]:
    """What GitHub's own parser says of workflows and actions."""
    node = kept_node(process)
    installed = _installed(LINTER, node, process)
    for name in ("lint.mjs", "json_modules.mjs"):
        shutil.copy(LINTER / name, installed)
    done = subprocess.run(
        [node.bin_dir / "node", "lint.mjs", *files],
        cwd=installed,
        env=process,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_github_takes_the_action_and_the_workflow(process: dict[str, str]) -> None:
    files = (ACTION, WORKFLOW, UPDATE_WORKFLOW)
    assert linted(process, *files) == {str(file): [] for file in files}


def test_github_would_say_what_is_wrong(process: dict[str, str], tmp_path: Path) -> None:
    action, workflow = tmp_path / "action.yml", tmp_path / "workflow.yml"
    action.write_text(ACTION.read_text("utf-8").replace("shell: bash", "shel: bash"))
    workflow.write_text(WORKFLOW.read_text("utf-8").replace("matrix.only", "matrx.only"))
    found = linted(process, action, workflow)
    assert "Unexpected value 'shel'" in "".join(found[str(action)])
    assert "matrx" in "".join(found[str(workflow)])


def test_every_input_of_the_action_is_described_and_handed_on() -> None:
    action = documents(ACTION)[0]
    handed_on = {
        match[2]
        for step in action["runs"]["steps"]
        for value in step["env"].values()
        for match in EXPRESSION.finditer(value)
    }
    assert handed_on == set(action["inputs"])
    assert all(each["description"] and "default" in each for each in action["inputs"].values())


def test_no_expression_is_part_of_a_script() -> None:
    """An expression in a script would let whoever writes a value write the script."""
    steps = [
        *documents(ACTION)[0]["runs"]["steps"],
        *(step for job in documents(WORKFLOW)[0]["jobs"].values() for step in job["steps"]),
    ]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    for name, task in tasks().items():
        for step in task["steps"]:
            assert "$(params." not in step["script"], name


def test_the_scripts_of_the_action_read_the_inputs_that_there_are() -> None:
    steps = documents(ACTION)[0]["runs"]["steps"]
    given = {name for step in steps for name in step["env"]}
    text = "".join(script.read_text("utf-8") for script in GITHUB_SCRIPTS)
    assert set(re.findall(r"INPUT_[A-Z_]+", text)) == given
    assert all(os.access(script, os.X_OK) for script in GITHUB_SCRIPTS)


def test_every_output_of_the_action_is_written() -> None:
    text = (ROOT / "ci/github/run.sh").read_text("utf-8")
    outputs = documents(ACTION)[0]["outputs"]
    assert set(outputs) == {"matrix", "artifacts", "images", "failed", "branches", "report"}
    assert {"matrix", "branches", "report"} <= set(re.findall(r'echo "(\w+)=', text))
    assert "--outputs github" in text


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    inputs = documents(ACTION)[0]["inputs"]
    jobs = documents(WORKFLOW)[0]["jobs"]
    used = [
        step
        for job in jobs.values()
        for step in job["steps"]
        if step.get("uses", "").startswith("plugin-factory/")
    ]
    updates = documents(UPDATE_WORKFLOW)[0]["jobs"]["update"]["steps"][-1]
    assert updates["with"]["command"] == "update"
    assert set(updates["with"]) <= set(inputs)
    assert [step["with"].get("command", "build") for step in used] == ["plan", "build", "report"]
    assert not [name for step in used for name in step["with"] if name not in inputs]
    needed = {need for job in jobs.values() for need in str(job.get("needs", "")).split()}
    assert needed <= set(jobs)


def test_the_workflow_of_argo_is_complete() -> None:
    templates = argo_templates()
    parameters = documents(ARGO)[0]["spec"]["arguments"]["parameters"]
    used = set(re.findall(r"\{\{workflow\.parameters\.([\w-]+)\}\}", ARGO.read_text("utf-8")))
    assert used == {each["name"] for each in parameters}
    tasks = templates["run"]["dag"]["tasks"]
    assert {each["template"] for each in tasks} == set(templates) - {"run"}
    names = {each["name"] for each in tasks}
    for task in tasks:
        words = re.findall(r"(?:^|\s)([\w-]+)", task.get("depends", ""))
        assert set(words) <= names
    for template in templates.values():
        script = template.get("script", {"source": "", "env": []})
        assert "{{" not in script["source"], "whoever writes a value would write the script"
        set_here = {"HOME", "PATH"} | {each["name"] for each in script["env"]}
        assert set(re.findall(r"\$\{?([A-Z_]+)", script["source"])) <= set_here


def test_all_name_this_version() -> None:
    pinned = re.compile(r"plugin-factory/plugin-factory(?:@|/)v([\d.]+\d)")
    everywhere = (WORKFLOW, UPDATE_WORKFLOW, GITLAB, GITLAB_UPDATE, TASKS, TEKTON_UPDATE, ARGO)
    for file in everywhere:
        assert set(pinned.findall(file.read_text("utf-8"))) == {__version__}, file
    for file in (TASKS, PIPELINE, TEKTON_UPDATE, ARGO):
        for document in documents(file):
            assert document["metadata"]["labels"]["app.kubernetes.io/version"] == __version__


@pytest.mark.parametrize("template", [GITLAB, GITLAB_UPDATE], ids=lambda file: file.name)
def test_the_gitlab_template_uses_the_inputs_that_it_has(template: Path) -> None:
    head, _, body = template.read_text("utf-8").partition("\n---\n")
    inputs = yaml.safe_load(head)["spec"]["inputs"]
    assert set(INPUT.findall(body)) == set(inputs)
    assert all(each["description"] for each in inputs.values())


@pytest.mark.parametrize("jobs", [gitlab_jobs(), child_pipeline()], ids=["parent", "child"])
def test_gitlab_jobs_have_the_keywords_of_jobs(jobs: dict[str, Any]) -> None:
    for name, job in jobs.items():
        if name in {"default", "variables"}:
            continue
        assert set(job) <= GITLAB_JOB, name
        assert ("script" in job) != ("trigger" in job), name
        assert set(job.get("needs", ())) <= set(jobs), name


def test_the_gitlab_child_pipeline_is_built_of_what_plan_prints() -> None:
    trigger = gitlab_jobs()["plugins"]["trigger"]["include"][0]
    plan = gitlab_jobs()["plugins-plan"]
    assert trigger == {"artifact": "shards.yml", "job": "plugins-plan"}
    assert plan["artifacts"]["paths"] == ["shards.yml"]
    assert child_pipeline()["plugins-build"]["extends"] == ".plugin-factory-shards"


@pytest.mark.parametrize("name", tasks())
def test_a_tekton_task_uses_the_parameters_that_it_has(name: str) -> None:
    task = tasks()[name]
    step = task["steps"][0]
    declared = {each["name"] for each in task["params"]}
    assert set(PARAMETER.findall(json.dumps(task))) == declared
    assert all(each["description"] and "default" in each for each in task["params"])
    results = {each["name"] for each in task["results"]}
    assert set(re.findall(r"\$\(results\.([\w-]+)\.path\)", json.dumps(step))) <= results
    given = {each["name"] for each in step["env"]}
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", step["script"]))
    assert used - given == set()
    assert {each for each in given - used if not each.startswith("REGISTRY_")} == set()
    spaces = {each["name"] for each in task["workspaces"]}
    assert set(re.findall(r"\$\(workspaces\.([\w-]+)\.path\)", json.dumps(step))) == spaces


def test_the_tekton_update_uses_what_it_has() -> None:
    task = tekton_update_task()
    step = task["steps"][0]
    assert set(PARAMETER.findall(json.dumps(task))) == {each["name"] for each in task["params"]}
    given = {each["name"] for each in step["env"]}
    assert given == set(re.findall(r"\$\{?([A-Z][A-Z_]+)", step["script"]))
    config, job = documents(TEKTON_UPDATE)[1], documents(TEKTON_UPDATE)[-1]
    run = yaml.safe_load(config["data"]["task-run.yaml"])["spec"]
    assert run["taskRef"]["name"] == documents(TEKTON_UPDATE)[0]["metadata"]["name"]
    assert {each["name"] for each in run["params"]} <= {each["name"] for each in task["params"]}
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]


def test_the_tekton_pipeline_fits_its_tasks() -> None:
    pipeline = documents(PIPELINE)[0]["spec"]
    steps = [*pipeline["tasks"], *pipeline["finally"]]
    own = {each["name"] for each in pipeline["params"]}
    assert set(PARAMETER.findall(json.dumps(steps))) == own
    for step in steps:
        task = tasks()[step["taskRef"]["name"]]
        matrix = step.get("matrix", {}).get("params", [])
        given = {each["name"] for each in [*step["params"], *matrix]}
        assert given <= {each["name"] for each in task["params"]}, step["name"]
        needed = {each["name"] for each in task["workspaces"] if not each.get("optional")}
        assert needed <= {each["name"] for each in step["workspaces"]}
    results = {each["name"]: tasks()[each["taskRef"]["name"]]["results"] for each in steps}
    for name, result in re.findall(
        r"\$\((?:tasks|finally)\.([\w-]+)\.results\.([\w-]+)", json.dumps(pipeline)
    ):
        assert result in {each["name"] for each in results[name]}


@pytest.mark.parametrize("script", list(scripts()), ids=str)
def test_shell_is_sound(script: Script, tmp_path: Path) -> None:
    file = tmp_path / "script.sh"
    file.write_text(script.text)
    shell = "bash" if "bash" in script.text.splitlines()[0] else "sh"
    subprocess.run([shell, "-n", file], check=True)
    checked = subprocess.run(
        [SHELLCHECK, "--shell", shell, file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def written_by_init(system: CiSystem, root: Path) -> Path:
    """The file that ``plugin-factory init --ci`` writes for a configuration of three workspaces."""
    made = ci_file(system, config_dir=root / "config", workspaces=3, at=None)
    made.path.parent.mkdir(parents=True, exist_ok=True)
    made.path.write_text(made.text, encoding="utf-8")
    return made.path


def test_init_names_files_that_there_are() -> None:
    assert (ROOT / GITLAB_TEMPLATE) == GITLAB
    assert (ROOT / TEKTON_TASK) == TASKS


def test_inits_workflow_fits_the_action(process: dict[str, str], tmp_path: Path) -> None:
    file = written_by_init(CiSystem.GITHUB, tmp_path)
    action = documents(ACTION)[0]
    steps = [step for job in documents(file)[0]["jobs"].values() for step in job["steps"]]
    used = [step for step in steps if step["uses"].startswith("plugin-factory/")]
    assert used
    assert not [name for step in used for name in step["with"] if name not in action["inputs"]]
    assert linted(process, file) == {str(file): []}


def test_inits_pipeline_fits_the_template(tmp_path: Path) -> None:
    included = documents(written_by_init(CiSystem.GITLAB, tmp_path))[0]["include"][0]
    inputs = documents(GITLAB)[0]["spec"]["inputs"]
    assert included["remote"].endswith(f"v{__version__}/{GITLAB_TEMPLATE}")
    assert set(included["inputs"]) <= set(inputs)


def test_inits_task_run_fits_the_task(tmp_path: Path) -> None:
    run = documents(written_by_init(CiSystem.TEKTON, tmp_path))[0]["spec"]
    task = tasks()[run["taskRef"]["name"]]
    assert {each["name"] for each in run["params"]} <= {each["name"] for each in task["params"]}
    needed = {each["name"] for each in task["workspaces"] if not each.get("optional")}
    assert {each["name"] for each in run["workspaces"]} == needed
