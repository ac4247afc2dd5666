"""The shell of the files for CI systems, run as the systems run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory import __version__
from tests.ci_integrations.ci_files import (
    ACTION,
    ROOT,
    child_pipeline,
    documents,
    gitlab_jobs,
    gitlab_script,
    tasks,
)
from tests.docs.test_docs import parsed
from tests.reports.test_merge import failed, plugin, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

# A program in the factory's place: it keeps what it was asked, and builds what was prepared.
STAND_IN = f"""#!{sys.executable}
import json, os, shutil, sys
words = sys.argv[1:]
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps(words) + "\\n")
if words[0] != "build":
    os.execv(sys.executable, [sys.executable, "-m", "factory", *words])
outputs = words[words.index("--output-dir") + 1]
if os.environ["PREPARED"]:
    shutil.copytree(os.environ["PREPARED"], outputs, dirs_exist_ok=True)
sys.exit(int(os.environ["CODE"]))
"""
TGZ = "acme-a-dynamic-1.0.0.tgz"
IMAGE = {"reference": "quay.io/acme/a:1.0.0", "digest": f"sha256:{'d' * 64}"}


class Desk:
    """A job's working directory, with a configuration of two workspaces and what a build makes."""

    def __init__(self, root: Path, process: Mapping[str, str]) -> None:
        self.root = root
        self.work = root / "work"
        for name in ("one", "two"):
            config = self.work / "config" / name
            config.mkdir(parents=True)
            source = {"repo": f"https://example.com/{name}", "repo-ref": "a" * 40}
            (config / "source.json").write_text(json.dumps(source))
            (config / "plugins-list.yaml").write_text("plugins/a:\nplugins/b:\n")
        self.prepared = root / "prepared"
        self.prepare(workspace(self.built("plugins/a"), failed("plugins/b")))
        (self.prepared / TGZ).write_bytes(b"")
        self.asked = root / "asked"
        stand_in = root / "bin/plugin-factory"
        stand_in.parent.mkdir()
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
        self.process = {
            **process,
            "PATH": f"{stand_in.parent}:{process['PATH']}",
            "PYTHONPATH": str(ROOT),
            "ASKED": str(self.asked),
            "PREPARED": str(self.prepared),
            "CODE": "9",
        }

    @staticmethod
    def built(path: str) -> dict[str, Any]:
        return plugin(path, files=[{"name": TGZ, "size": 1}], image=IMAGE)

    def prepare(self, report: dict[str, Any]) -> None:
        self.prepared.mkdir(exist_ok=True)
        (self.prepared / "build-report.json").write_text(json.dumps(report))

    def run(self, script: Path | str, **variables: str) -> subprocess.CompletedProcess[str]:
        shell = ["bash", "-e", "-o", "pipefail", "-c", script]
        return subprocess.run(
            [script] if isinstance(script, Path) else shell,
            cwd=self.work,
            env={**self.process, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def commands(self) -> list[dict[str, Any]]:
        """The parameters of all commands so far, as the real command line has them."""
        asked = [json.loads(line) for line in self.asked.read_text().splitlines()]
        return [parsed(words) for words in asked]


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return Desk(tmp_path, process)


class GitHub:
    """The runner's files, and the action's script."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.output = desk.root / "github-output"
        self.summary = desk.root / "github-summary"
        for file in (self.output, self.summary):
            file.write_text("earlier=1\n")

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        given = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        return self.desk.run(
            ROOT / "ci/github/run.sh",
            RUNNER_TEMP=str(self.desk.root / "temp"),
            GITHUB_OUTPUT=str(self.output),
            GITHUB_STEP_SUMMARY=str(self.summary),
            GITHUB_SERVER_URL="https://github.com",
            GITHUB_REPOSITORY="acme/plugins",
            GITHUB_RUN_ID="7",
            **given,
        )

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


@pytest.fixture
def github(desk: Desk) -> GitHub:
    return GitHub(desk)


def offline(desk: Desk) -> None:
    """The sources of the configuration do not exist: plan by the configuration alone."""
    desk.process["PLUGIN_FACTORY_OFFLINE"] = "true"


def test_github_plans_a_matrix(desk: Desk, github: GitHub) -> None:
    offline(desk)
    done = github.run(command="plan", shards="2")
    assert done.returncode == 0, done.stderr
    matrix = json.loads(github.outputs()["matrix"])
    assert [each["only"] for each in matrix["include"]] == ["one", "two"]
    assert github.outputs()["earlier"] == "1"


def test_github_plans_by_earlier_reports(desk: Desk, github: GitHub) -> None:
    offline(desk)
    last = desk.work / "last-run"
    last.mkdir()
    (last / "build-report.json").write_text(json.dumps(workspace(plugin("plugins/a"))))
    assert github.run(command="plan", shards="2", reports="last-run\nmissing").returncode == 0
    assert desk.commands()[0]["reports"] == [Path("last-run")]


def test_github_builds_a_shard(desk: Desk, github: GitHub) -> None:
    done = github.run(
        command="build",
        config_dir="config",
        only="one,two/plugins/a b",
        host="rhdh-1.9\nrhdh-1.10",
        cache_from="oci://quay.io/acme/cache\noci://quay.io/acme/older",
        cache_to="oci://quay.io/acme/cache",
        push_images="true",
        use_local="false",
    )
    assert done.returncode == 9, "the build's own exit code"
    asked = desk.commands()[0]
    assert asked["only"] == ["one,two/plugins/a b"]
    assert asked["host"] == ["rhdh-1.9", "rhdh-1.10"]
    assert asked["cache_from"] == ["oci://quay.io/acme/cache", "oci://quay.io/acme/older"]
    assert asked["cache_to"] == "oci://quay.io/acme/cache"
    assert asked["push_images"] is True
    assert asked["use_local"] is False


@pytest.mark.parametrize("command", ["plan", "build"])
def test_github_demands_a_key_and_lets_variables_through(
    desk: Desk, github: GitHub, command: str
) -> None:
    offline(desk)
    github.run(command=command, cache_key="cosign.pub", pass_env="NPM_TOKEN\nOTHER,MORE")
    asked = desk.commands()[0]
    assert asked["cache_key"] == "cosign.pub"
    assert asked["pass_env"] == ["NPM_TOKEN", "OTHER,MORE"]


def test_without_these_inputs_no_key_is_demanded_and_nothing_let_through(
    desk: Desk, github: GitHub
) -> None:
    default = documents(ACTION)[0]["inputs"]["cache-key"]["default"]
    github.run(cache_key=default, pass_env="")
    github.run()
    assert [each["cache_key"] for each in desk.commands() if "cache_key" in each] == [None, None]
    assert not desk.commands()[0]["pass_env"]


def test_an_empty_key_is_handed_on_to_be_refused(
    desk: Desk, github: GitHub, tekton: Tekton
) -> None:
    """A secret that a job is not given, say: what was to be checked would go unchecked."""
    del desk.process["PLUGIN_FACTORY_NO_CACHE"]
    done = github.run(command="plan", cache_key="")
    assert done.returncode == 2
    assert "--cache-key is set but empty" in done.stderr
    job = gitlab_jobs(**{"cache-key": ""})["plugins-plan"]
    done = desk.run(gitlab_script(job), **{n: str(v) for n, v in job["variables"].items()})
    assert "--cache-key is set but empty" in done.stderr
    assert "--cache-key is set but empty" in tekton.run("plugin-factory-plan", cache_key="").stderr


def test_gitlab_and_tekton_demand_a_key_and_let_variables_through(
    desk: Desk, tekton: Tekton
) -> None:
    offline(desk)
    inputs = {"cache-key": "cosign.pub", "pass-env": "NPM_TOKEN,OTHER"}
    job = gitlab_jobs(**inputs)["plugins-plan"]
    desk.run(gitlab_script(job), **{name: str(value) for name, value in job["variables"].items()})
    gitlab_child(desk, "plugins-build", inputs, SHARD="2", CI_COMMIT_BRANCH="topic")
    for task in ("plugin-factory", "plugin-factory-plan"):
        tekton.run(task, cache_key="cosign.pub", pass_env="NPM_TOKEN,OTHER")
    asked = [each for each in desk.commands() if "cache_key" in each]
    assert [each["cache_key"] for each in asked] == ["cosign.pub"] * 4
    assert [each["pass_env"] for each in asked] == [["NPM_TOKEN,OTHER"]] * 4


def test_github_gets_outputs_and_a_summary(github: GitHub) -> None:
    github.run(command="build")
    outputs = github.outputs()
    assert json.loads(outputs["artifacts"]) == [f"outputs/{TGZ}"]
    assert json.loads(outputs["images"]) == [f"{IMAGE['reference']}@{IMAGE['digest']}"]
    assert json.loads(outputs["failed"]) == ["plugins/b"]
    assert outputs["report"] == "outputs/build-report.json"
    page = github.summary.read_text()
    assert page.startswith("earlier=1\n"), "it is added to what is there"
    assert f"[{TGZ}](https://github.com/acme/plugins/actions/runs/7#artifacts)" in page


def test_github_is_told_of_a_build_that_left_no_report(desk: Desk, github: GitHub) -> None:
    desk.process["PREPARED"] = ""
    assert github.run(command="build").returncode == 9


def test_github_joins_the_reports_of_shards(desk: Desk, github: GitHub) -> None:
    for number, path in ((1, "plugins/a"), (2, "plugins/b")):
        shard = desk.work / f"shards/shard-{number}"
        shard.mkdir(parents=True)
        (shard / "build-report.json").write_text(json.dumps(workspace(plugin(path))))
    done = github.run(command="report", reports="shards/*")
    assert done.returncode == 0, done.stderr
    joined = json.loads((desk.work / "outputs/build-report.json").read_text())
    assert [each["path"] for each in joined["plugins"]] == ["plugins/a", "plugins/b"]
    assert github.outputs()["report"] == "outputs/build-report.json"
    assert "2 plugins built" in github.summary.read_text()


def test_an_input_is_never_a_script(desk: Desk, github: GitHub) -> None:
    github.run(command="build", only="$(touch stolen)", exclude="`touch stolen`; touch stolen")
    assert desk.commands()[0]["only"] == ["$(touch stolen)"]
    assert not (desk.work / "stolen").exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [({"command": "bild"}, "no command 'bild'"), ({"push_images": "yes"}, "not true or false")],
)
def test_github_says_which_input_is_wrong(
    github: GitHub, inputs: dict[str, str], said: str
) -> None:
    done = github.run(**inputs)
    assert done.returncode == 2
    assert said in done.stdout


def test_github_installs_the_checkout(desk: Desk) -> None:
    path = desk.root / "github-path"
    path.touch()
    temp = {"RUNNER_TEMP": str(desk.root / "temp"), "GITHUB_PATH": str(path)}
    done = desk.run(ROOT / "ci/github/install.sh", INPUT_PYTHON=sys.executable, **temp)
    assert done.returncode == 0, done.stdout + done.stderr
    assert __version__ in done.stdout
    assert (Path(path.read_text().strip()) / "plugin-factory").is_file()


def test_github_says_that_a_python_is_too_old(desk: Desk) -> None:
    temp = {"RUNNER_TEMP": str(desk.root / "temp"), "GITHUB_PATH": str(desk.root / "path")}
    done = desk.run(ROOT / "ci/github/install.sh", INPUT_PYTHON="python2.7", **temp)
    assert done.returncode == 1
    assert "::error" in done.stdout


def test_gitlab_plans_a_child_pipeline(desk: Desk) -> None:
    offline(desk)
    job = gitlab_jobs(shards="2", image="registry.example.com/factory:1")["plugins-plan"]
    variables = {name: str(value) for name, value in job["variables"].items()}
    done = desk.run(gitlab_script(job), **variables)
    assert done.returncode == 0, done.stderr
    child = yaml.safe_load((desk.work / "shards.yml").read_text())
    matrix = child[".plugin-factory-shards"]["parallel"]["matrix"]
    assert [each["PLUGIN_FACTORY_ONLY"] for each in matrix] == ["one", "two"]
    assert child["default"]["image"] == "registry.example.com/factory:1"
    assert child["plugins-build"]["extends"] in child


def gitlab_child(
    desk: Desk, name: str, inputs: Mapping[str, str] | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    child = child_pipeline(**{"cache-to": "oci://quay.io/acme/cache"}, **(inputs or {}))
    own = {each: str(value) for each, value in child["variables"].items()}
    runners = {"CI_DEFAULT_BRANCH": "main", "CI_JOB_URL": "https://gitlab/j", "REGISTRY_URL": ""}
    return desk.run(gitlab_script(child[name]), **{**own, **runners, **variables})


@pytest.mark.parametrize(("branch", "pushes"), [("main", True), ("topic", False)])
def test_gitlab_builds_a_shard(desk: Desk, branch: str, pushes: bool) -> None:
    done = gitlab_child(
        desk, "plugins-build", SHARD="2", CI_COMMIT_BRANCH=branch, REGISTRY_URL="quay.io"
    )
    assert done.returncode == 9
    asked = desk.commands()[0]
    assert asked["output_dir"] == Path("shards/2")
    assert asked["push_images"] is pushes
    assert asked["cache_to"] == ("oci://quay.io/acme/cache" if pushes else None)


def test_gitlab_joins_the_reports_of_shards(desk: Desk) -> None:
    gitlab_child(desk, "plugins-build", SHARD="1", CI_COMMIT_BRANCH="main")
    done = gitlab_child(desk, "plugins-report")
    assert done.returncode == 0, done.stderr
    page = (desk.work / "summary.md").read_text()
    assert f"[{TGZ}](https://gitlab/j/artifacts/file/shards/1/{TGZ})" in page
    variables = (desk.work / "plugins.env").read_text().splitlines()
    assert f"PLUGIN_ARTIFACTS=shards/1/{TGZ}" in variables
    assert "PLUGIN_FAILED=plugins/b" in variables
    assert all(re.fullmatch(r"[A-Z_]+=.*", line) for line in variables)
    kept = child_pipeline()["plugins-report"]["artifacts"]
    assert all((desk.work / path).exists() for path in kept["paths"])
    assert (desk.work / kept["reports"]["dotenv"]).is_file()


class Tekton:
    """A pod that runs a task's step: its parameters are filled in, its results are files."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.results = desk.root / "results"
        self.results.mkdir()

    def run(self, name: str, **parameters: str) -> subprocess.CompletedProcess[str]:
        task = tasks()[name]
        values = {f"params.{each['name']}": each["default"] for each in task["params"]}
        values |= {f"params.{each.replace('_', '-')}": v for each, v in parameters.items()}
        values |= {
            f"results.{each['name']}.path": str(self.results / each["name"])
            for each in task["results"]
        }
        values |= {"context.taskRun.name": "run-1", "workspaces.cache.path": ""}
        step = task["steps"][0]
        variables = {
            each["name"]: re.sub(r"\$\(([^)]+)\)", lambda match: values[match[1]], each["value"])
            for each in step["env"]
            if "value" in each
        }
        file = self.desk.root / "step"
        file.write_text(step["script"])
        file.chmod(0o755)
        return self.desk.run(file, **variables)

    def result(self, name: str) -> Any:
        text = (self.results / name).read_text()
        declared = {
            each["name"]: each.get("type", "string")
            for task in tasks().values()
            for each in task["results"]
        }
        return json.loads(text) if declared[name] == "array" else text


@pytest.fixture
def tekton(desk: Desk) -> Tekton:
    return Tekton(desk)


def test_tekton_plans_shards(desk: Desk, tekton: Tekton) -> None:
    offline(desk)
    done = tekton.run("plugin-factory-plan", shards="2")
    assert done.returncode == 0, done.stderr
    assert tekton.result("shards") == ["one", "two"]


def test_tekton_builds_and_has_results(desk: Desk, tekton: Tekton) -> None:
    done = tekton.run(
        "plugin-factory", only="one", own_folder="true", cache_from="oci://q/c", push_images="true"
    )
    assert done.returncode == 9
    asked = desk.commands()[0]
    assert (asked["only"], asked["cache_from"], asked["push_images"]) == (
        ["one"],
        ["oci://q/c"],
        True,
    )
    assert tekton.result("artifacts") == [f"outputs/run-1/{TGZ}"]
    assert tekton.result("failed") == ["plugins/b"]
    assert tekton.result("failed-count") == "1"
    assert tekton.result("report") == "outputs/run-1/build-report.json"
    assert f"[{TGZ}]" in done.stdout


def test_tekton_has_results_where_there_is_no_report(desk: Desk, tekton: Tekton) -> None:
    desk.process["PREPARED"] = ""
    assert tekton.run("plugin-factory").returncode == 9
    assert tekton.result("artifacts") == tekton.result("failed") == []


def test_tekton_joins_the_reports_of_shards(desk: Desk, tekton: Tekton) -> None:
    tekton.run("plugin-factory", own_folder="true")
    done = tekton.run("plugin-factory-report")
    assert done.returncode == 0, done.stderr
    assert tekton.result("report") == "outputs/build-report.json"
    assert tekton.result("failed") == ["plugins/b"]
    assert (desk.work / "outputs/summary.md").is_file()
