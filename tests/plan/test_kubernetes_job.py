"""The Job for Kubernetes: what its schema allows, and pods that build what their index says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from factory.cli.app import run
from factory.plan.kubernetes_job import _literal, kubernetes_job, kubernetes_matrix
from factory.plan.shards import Shard, Unit
from tests.reports.test_merge import plugin, workspace
from tests.slow_libraries import kubernetes

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/local-workspace"
# backoffLimitPerIndex is there, without being asked for, from 1.29 on.
FIRST_MINOR = 29


def versions() -> list[str]:
    """The versions of Kubernetes that have schemas, in order; their library is not loaded."""
    library = find_spec("kubernetes_validate")
    assert library is not None
    assert library.submodule_search_locations
    folders = Path(library.submodule_search_locations[0], "kubernetes-json-schema").iterdir()
    found = {int(match[1]) for each in folders if (match := re.match(r"v1\.(\d+)\.", each.name))}
    return [f"1.{minor}" for minor in sorted(found) if minor >= FIRST_MINOR]


VERSIONS = versions()


def shards(*names: str) -> tuple[Shard, ...]:
    return tuple(
        Shard(number=place, of=len(names), units=(Unit(workspace=name, seconds=1.0),))
        for place, name in enumerate(names, start=1)
    )


def expanded(text: str, variables: dict[str, str]) -> str:
    """What the kubelet makes of a command or a variable: expansion.go of Kubernetes."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            if text[at + 1] == "$":
                out, at = f"{out}$", at + 2
                continue
            end = text.find(")", at)
            if text[at + 1] == "(" and end != -1:
                name = text[at + 2 : end]
                out, at = out + variables.get(name, f"$({name})"), end + 1
                continue
        out, at = out + text[at], at + 1
    return out


def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def ran(job: dict[str, Any], index: int, folder: Path) -> list[str]:
    """The words with which a pod's script starts plugin-factory, as the kubelet starts it."""
    program = folder / "plugin-factory"
    program.write_text('#!/bin/bash\nprintf "%s\\0" "$@" > words\n')
    program.chmod(0o755)
    pod = container(job)
    given = {each["name"]: each.get("value", "run-x") for each in pod["env"]}
    variables: dict[str, str] = {}
    for name, value in given.items():
        variables[name] = expanded(value, variables)
    subprocess.run(
        [expanded(word, variables) for word in pod["command"]],
        env=variables
        | {"PATH": f"{folder}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": str(index)},
        cwd=folder,
        check=True,
    )
    return (folder / "words").read_text().split("\0")[:-1]


def test_there_are_schemas_to_hold_it_against() -> None:
    assert len(VERSIONS) >= 5


@pytest.mark.parametrize(
    ("version", "number"), [*((each, 2) for each in VERSIONS), (VERSIONS[-1], 0)]
)
def test_the_job_is_what_the_schema_of_kubernetes_says(version: str, number: int) -> None:
    names = [f"workspace-{each}" for each in range(number)]
    text = kubernetes_matrix(shards(*names), ["--push-images"])
    job = yaml.safe_load(text)
    assert kubernetes().validate(job, version, strict=True).startswith(version)
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == number


def test_the_schema_refuses_what_is_wrong() -> None:
    job = kubernetes_job(shards("a"))
    job["spec"]["completionmode"] = job["spec"].pop("completionMode")
    with pytest.raises(kubernetes().ValidationError):
        kubernetes().validate(job, VERSIONS[-1], strict=True)


def test_rules_that_the_schema_does_not_know() -> None:
    """https://kubernetes.io/docs/concepts/workloads/controllers/job/, "Pod failure policy"."""
    spec = kubernetes_job(shards("a", "b"))["spec"]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    rules = spec["podFailurePolicy"]["rules"]
    (codes,) = (rule["onExitCodes"]["values"] for rule in rules if "onExitCodes" in rule)
    assert codes == sorted(set(codes))
    assert 0 not in codes
    assert not {4, 6, 7, 11} & set(codes), "servers may answer the next time"


@pytest.mark.parametrize(
    "name", ["todo", "two words", "it's", '"; rm -rf x; "', "$(PATH)", "$$(RUN)", "`id`", "$HOME"]
)
def test_a_pod_builds_what_its_index_says(tmp_path: Path, name: str) -> None:
    both = shards("first", name)
    options = ["--config-dir", "config", "--tag-template", "{version}$(RUN)$$ 'x'"]
    text = kubernetes_matrix(both, options)

    words = ran(yaml.safe_load(text), 1, tmp_path)

    assert words == [
        "build",
        *options,
        *("--repo-path", "/scratch/source", "--cache-dir", "/scratch/cache"),
        *("--output-dir", "outputs/run-x/1", "--only", both[1].only),
    ]


@given(st.text("$()aA_ "))
def test_the_kubelet_leaves_every_text_as_it_is(text: str) -> None:
    assert expanded(_literal(text), {"a": "?", "A": "?", "": "?"}) == text


def test_the_script_can_be_read() -> None:
    assert "            - |\n              set -eu\n" in kubernetes_matrix(shards("a"))


@pytest.fixture
def at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone's root, where the command is typed."""
    for workspace_name in ("first", "second"):
        config = tmp_path / "config" / workspace_name
        config.mkdir(parents=True)
        for name in ("source.json", "plugins-list.yaml"):
            (config / name).write_text((EXAMPLE / name).read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


PLAN = ("plan", "--offline", "--matrix", "kubernetes", "--shards", "2")


def test_pods_build_with_the_options_of_the_plan(
    at_the_root: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*PLAN, "--config-dir", "config", "--push-images", "--output-dir", "elsewhere"]
    variables = process | {"PLUGIN_FACTORY_CACHE_FROM": "oci://quay.io/a/b oci://quay.io/c/d"}

    assert run(words, variables) == 0

    job = yaml.safe_load(capsys.readouterr().out)
    assert job["spec"]["completions"] == 2
    built = ran(job, 0, at_the_root)
    named = built[: built.index("--repo-path")]
    assert named[:3] == ["build", "--config-dir", "config"]
    assert "--push-images" in named
    assert named.count("--cache-from") == 2
    assert "elsewhere" not in built
    shown = [each["value"] for each in container(job)["env"] if each["name"].startswith("SHARD_")]
    assert sorted(shown) == ["first", "second"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--config-dir", "/config"),
        ("--config-dir", "config", "--use-local"),
        ("--config-dir", "config", "--source-repo", "https://u:s3cr3t-w0rd@example.com/x"),
    ],
)
def test_what_a_pod_cannot_have_is_refused(
    at_the_root: Path,
    process: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    assert run([*PLAN, *words], process) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "s3cr3t-w0rd" not in captured.err


def test_reports_of_the_pods_are_joined_as_any_others(
    tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for index, path in enumerate(("plugins/a", "plugins/b")):
        folder = tmp_path / f"outputs/plugin-factory-x/{index}"
        folder.mkdir(parents=True)
        (folder / "build-report.json").write_text(json.dumps(workspace(plugin(path))))
    run_folder = tmp_path / "outputs/plugin-factory-x"
    words = ["report", "merge", str(run_folder / "0"), str(run_folder / "1")]
    assert run(words, process) == 0
    assert len(json.loads(capsys.readouterr().out)["plugins"]) == 2
