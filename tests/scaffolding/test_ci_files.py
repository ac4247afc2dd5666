"""The CI files of ``init``: they name the factory's own action, template and task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.config.ci_system import CiSystem
from factory.scaffolding.ci import CI_FROM, GITLAB_TEMPLATE, TEKTON_TASK, ci_file
from tests.sources.repositories import new_repository

ROOT = Path(__file__).resolve().parents[2]


def made(system: CiSystem, config_dir: Path, **more: Any) -> tuple[Path, Any, str]:
    file = ci_file(system, config_dir=config_dir, workspaces=7, at=more.pop("at", None), **more)
    return file.path, yaml.safe_load(file.text), file.text


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "project").path / "plugins/config"


def test_github_plans_and_builds_with_the_action(config_dir: Path) -> None:
    path, content, _ = made(CiSystem.GITHUB, config_dir)
    assert path == config_dir.parents[1] / ".github/workflows/plugin-factory.yml"
    used = [
        step for job in content["jobs"].values() for step in job["steps"] if step["uses"] == CI_FROM
    ]
    assert [step["with"]["command"] for step in used] == ["plan", "build", "report"]
    assert {step["with"]["config-dir"] for step in used[:2]} == {"plugins/config"}
    assert used[0]["with"]["shards"] == 4
    assert used[1]["with"]["only"] == "${{ matrix.only }}"
    assert content["permissions"] == {"contents": "read"}
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert all(step["with"].keys() <= action["inputs"].keys() for step in used)
    assert "matrix" in action["outputs"]
    pushing = used[1]["with"]["push-images"]
    assert "github.event_name == 'push'" in pushing


def test_gitlab_includes_the_template(config_dir: Path) -> None:
    path, content, _ = made(CiSystem.GITLAB, config_dir, ci_from="acme/factory@main")
    assert path == config_dir.parents[1] / ".gitlab-ci.yml"
    (included,) = content["include"]
    assert included["remote"].endswith("/acme/factory/main/ci/gitlab/plugin-factory.yml")
    template, *_ = yaml.safe_load_all((ROOT / GITLAB_TEMPLATE).read_text())
    assert included["inputs"].keys() <= template["spec"]["inputs"].keys()
    assert included["inputs"] == {"config-dir": "plugins/config", "shards": 4}


def test_tekton_runs_the_task(config_dir: Path) -> None:
    _, content, text = made(CiSystem.TEKTON, config_dir, ci_from="acme/factory@main")
    assert content["spec"]["taskRef"] == {"name": "plugin-factory"}
    assert {"name": "config-dir", "value": "plugins/config"} in content["spec"]["params"]
    tasks = list(yaml.safe_load_all((ROOT / TEKTON_TASK).read_text()))
    task = next(each for each in tasks if each["metadata"]["name"] == "plugin-factory")
    known = {each["name"] for each in task["spec"]["params"]}
    assert {each["name"] for each in content["spec"]["params"]} <= known
    needed = {each["name"] for each in task["spec"]["workspaces"] if not each.get("optional")}
    assert needed <= {each["name"] for each in content["spec"]["workspaces"]}
    assert "/acme/factory/main/ci/tekton/task.yaml" in text
    assert "kubectl create -f tekton/plugin-factory-run.yaml" in text


@pytest.mark.parametrize("system", CiSystem)
@pytest.mark.parametrize("name", ["my config", "yes: #no", "-x", "7up {{", "0x1"])
def test_any_name_of_a_directory_is_safe(system: CiSystem, name: str, tmp_path: Path) -> None:
    _, content, text = made(system, tmp_path / name)
    assert "@CONFIG_DIR@" not in text
    assert name in set(texts(content))


def test_outside_a_repository_it_is_beside_the_configuration(tmp_path: Path) -> None:
    assert made(CiSystem.GITLAB, tmp_path / "config")[0] == tmp_path / ".gitlab-ci.yml"


def test_it_goes_where_it_is_wanted(config_dir: Path, tmp_path: Path) -> None:
    assert made(CiSystem.GITLAB, config_dir, at=tmp_path / "ci.yml")[0] == tmp_path / "ci.yml"


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []
