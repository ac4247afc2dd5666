"""``plugin-factory doctor``: what it finds on machines that lack something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run_factory
from tests.mounts import INSIDE, read_only
from tests.oci.registries import HTPASSWD, NAMESPACE, PASSWORD, USER, Server, free_port, serving

FULL = (
    'mount -t tmpfs -o size=2m none "$1" || exit 99; '
    'dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null; shift; exec "$@"'
)
NOWHERE = "http://127.0.0.1:1/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    code: int
    said: Any
    text: str

    def outcome(self, check: str) -> str:
        return str(self.finding(check)["outcome"])

    def finding(self, check: str) -> dict[str, Any]:
        return next(each for each in self.said["checks"] if each["check"] == check)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """A machine, or what the command sees of one."""

    here: Path
    process: dict[str, str]

    def seen(self, *words: str, inside: tuple[str, ...] = (), **variables: str) -> Examined:
        process = self.process | variables
        done = run_factory(process, "doctor", "--json", *words, cwd=self.here, inside=inside)
        assert "Traceback" not in done.said
        assert done.stdout, done.stderr
        return Examined(code=done.code, said=json.loads(done.stdout), text=done.said)


@pytest.fixture
def patient(tmp_path: Path, process: dict[str, str]) -> Patient:
    home = tmp_path / "home"
    home.mkdir()
    cache = {"PLUGIN_FACTORY_CACHE_DIR": str(tmp_path / "cache")}
    return Patient(here=tmp_path, process=process | cache | {"HOME": str(home)})


def program(folder: Path, name: str, script: str) -> str:
    """A program of our own before all others on the PATH; returns the PATH."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_offline_nothing_is_asked_and_everything_else_is_told(patient: Patient) -> None:
    ended = patient.seen("--offline")
    assert ended.code == 0
    assert ended.said["ok"] is True
    names = [each["check"] for each in ended.said["checks"]]
    assert names == [
        "python",
        "git",
        "node",
        "yarn",
        "npm registry",
        "rhdh-cli",
        "yarn registry",
        "image registry",
        "cores",
        "memory",
        "source folder",
        "output folder",
        "cache folder",
        "temporary folder",
        "container",
        "configuration",
    ]
    for name in ("npm registry", "yarn registry", "image registry", "configuration"):
        assert ended.outcome(name) == "skipped"
    assert not (patient.here / "cache").exists(), "a look installs nothing"


def test_for_people_there_is_a_line_a_check_and_what_to_do(patient: Patient) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "factory", "doctor", "--offline", "--repo-path", __file__],
        env=patient.process,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 14
    assert f"failed   source folder     {__file__} is not a folder\n" in done.stdout
    assert "try: name another with --repo-path\n" in done.stdout
    assert done.stdout.endswith("1 check failed: a build would, too\n")


def test_a_machine_with_nothing_on_its_path(patient: Patient) -> None:
    ended = patient.seen(PATH="/nowhere", PIP_INDEX_URL=f"{NOWHERE}simple/", PIP_RETRIES="0")
    assert ended.code == 14
    assert ended.outcome("git") == "failed"
    assert "apt-get install git" in ended.finding("git")["advice"]
    node = ended.finding("node")
    assert node["outcome"] == "failed"
    assert "pip cannot get one from PyPI" in node["found"]
    assert "install Node.js 20, 22, 24" in node["advice"]
    assert ended.outcome("npm registry") == "skipped"
    assert ended.outcome("python") == "ok"


def test_a_git_that_is_too_old(patient: Patient) -> None:
    path = program(patient.here / "bin", "git", "echo git version 2.20.1")
    ended = patient.seen("--offline", PATH=path)
    assert ended.code == 14
    assert ended.finding("git")["found"].startswith("2.20.1, ")
    assert "2.31" in ended.finding("git")["advice"]


def test_a_node_that_does_not_start(patient: Patient) -> None:
    program(patient.here / "bin", "npm", "exit 0")
    path = program(patient.here / "bin", "node", "echo broken >&2; exit 3")
    ended = patient.seen("--offline", PATH=path)
    assert ended.code == 14
    assert f"{patient.here}/bin/node does not start" in ended.finding("node")["found"]
    assert ended.outcome("git") == "ok"


def test_a_program_that_hangs_is_given_up_and_the_rest_is_told(patient: Patient) -> None:
    path = program(patient.here / "bin", "git", "exec sleep 600")
    ended = patient.seen("--offline", "--timeout", "5", PATH=path)
    assert ended.code == 14
    assert "ran out of time" in ended.finding("git")["found"]
    assert ended.outcome("cores") == "ok"


def test_an_npm_registry_that_is_down(patient: Patient) -> None:
    ended = patient.seen(npm_config_registry=NOWHERE, YARN_NPM_REGISTRY_SERVER=NOWHERE)
    assert ended.code == 14
    for name in ("npm registry", "yarn registry"):
        assert ended.outcome(name) == "failed"
        assert "ECONNREFUSED" in ended.finding(name)["found"]
        assert ended.finding(name)["advice"]


def test_with_rhdh_cli_in_the_cache_npm_is_not_needed_for_it(
    patient: Patient, process: dict[str, str]
) -> None:
    folder = patient.here / "cache/rhdh-cli"
    from factory.toolchain.rhdh_cli import with_pins  # noqa: PLC0415

    (folder / with_pins("1.9.1")).mkdir(parents=True)
    ended = patient.seen(
        npm_config_registry=NOWHERE, YARN_NPM_REGISTRY_SERVER=NOWHERE, RHDH_CLI_VERSION="1.9.1"
    )
    assert ended.finding("rhdh-cli")["found"] == "1.9.1, in the cache"
    assert ended.outcome("npm registry") == "warning"


def test_a_version_of_rhdh_cli_that_is_none(patient: Patient) -> None:
    ended = patient.seen("--offline", RHDH_CLI_VERSION="not a version")
    assert ended.code == 14
    assert "RHDH_CLI_VERSION is not a version of rhdh-cli" in ended.text


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("registry")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "of the test", "path": str(folder / "htpasswd")}}
    with serving(folder, auth=auth) as server:
        yield server


def login(server: Server, password: str) -> str:
    return (
        f"REGISTRY_URL={server.host}\nREGISTRY_NAMESPACE={NAMESPACE}\nREGISTRY_INSECURE=true\n"
        f"REGISTRY_USERNAME={USER}\nREGISTRY_PASSWORD='{password}'\n"
    )


def image_registry(patient: Patient, environment: str) -> Examined:
    """Only what asks the image registry: npm and yarn are sent nowhere."""
    config = patient.here / "config"
    config.mkdir()
    (config / "source.json").write_text('{"repo": "https://git.example.com/x"}')
    (config / ".env").write_text(environment)
    return patient.seen(
        "--config-dir", "config", npm_config_registry=NOWHERE, YARN_NPM_REGISTRY_SERVER=NOWHERE
    )


def test_a_login_that_may_push(patient: Patient, registry: Server) -> None:
    ended = image_registry(patient, login(registry, PASSWORD))
    finding = ended.finding("image registry")
    assert finding["found"] == f"{registry.host}/{NAMESPACE}, as {USER}: images may be pushed"
    assert PASSWORD not in ended.text
    assert ended.outcome("configuration") == "ok"


def test_a_wrong_password(patient: Patient, registry: Server) -> None:
    ended = image_registry(patient, login(registry, "not the password"))
    assert ended.code == 14
    finding = ended.finding("image registry")
    assert finding["outcome"] == "failed"
    assert "REGISTRY_PASSWORD" in finding["advice"]
    assert "not the password" not in ended.text


def test_an_image_registry_that_is_down(patient: Patient) -> None:
    server = Server(host=f"127.0.0.1:{free_port()}", storage=patient.here)
    ended = image_registry(patient, login(server, PASSWORD))
    assert ended.outcome("image registry") == "failed"
    assert server.host in ended.finding("image registry")["found"]


def test_a_login_that_is_half_there(patient: Patient) -> None:
    ended = patient.seen(
        "--offline", REGISTRY_URL="quay.io", REGISTRY_NAMESPACE="x", REGISTRY_USERNAME="y"
    )
    assert ended.code == 14
    assert "REGISTRY_PASSWORD is not set" in ended.finding("image registry")["found"]


def test_a_full_disk(patient: Patient) -> None:
    (patient.here / "full").mkdir()
    inside = (*INSIDE, FULL, "sh", str(patient.here / "full"))
    ended = patient.seen("--offline", "--output-dir", "full/outputs", inside=inside)
    assert ended.code == 14
    finding = ended.finding("output folder")
    assert "No space left on device" in finding["found"]
    assert "free some space" in finding["advice"]


def test_a_folder_that_cannot_be_written(patient: Patient) -> None:
    (patient.here / "fixed").mkdir()
    inside = read_only(patient.here / "fixed")
    ended = patient.seen("--offline", "--cache-dir", "fixed", inside=inside)
    assert ended.code == 14
    finding = ended.finding("cache folder")
    assert "Read-only file system" in finding["found"]
    assert "--cache-dir" in finding["advice"]
    assert ended.outcome("output folder") != "failed"


def test_nowhere_for_temporary_files(patient: Patient) -> None:
    ended = patient.seen("--offline", TMPDIR="/nowhere")
    assert ended.code == 14
    assert ended.outcome("temporary folder") == "failed"
    assert ended.outcome("git") == "ok"


def test_a_configuration_that_cannot_be_used(patient: Patient) -> None:
    (patient.here / "config").mkdir()
    (patient.here / "config/source.json").write_text('{"repo": 1}')
    ended = patient.seen("--offline", "--config-dir", "config")
    assert ended.code == 14
    finding = ended.finding("configuration")
    assert "config/source.json" in finding["found"]
    assert finding["advice"]
    assert ended.outcome("git") == "ok"


def test_one_of_several_workspaces_that_cannot_be_used(patient: Patient) -> None:
    for name, repo in (("good", '"https://git.example.com/x"'), ("bad", "1")):
        folder = patient.here / "config" / name
        folder.mkdir(parents=True)
        (folder / "source.json").write_text(f'{{"repo": {repo}}}')
    ended = patient.seen("--offline", "--config-dir", "config")
    assert ended.code == 14
    assert ended.outcome("configuration") == "ok"
    assert ended.outcome("configuration bad") == "failed"


def test_an_env_file_that_cannot_be_read_stops_nothing(patient: Patient) -> None:
    (patient.here / "config").mkdir()
    (patient.here / "config/source.json").write_text('{"repo": "https://git.example.com/x"}')
    (patient.here / "config/.env").write_text("this is no assignment = at all\n=\n")
    ended = patient.seen("--offline", "--config-dir", "config")
    assert ended.code == 14
    assert "a line of the environment file is not an assignment" in ended.text
    assert ended.outcome("git") == "ok"


def test_a_warning_is_in_the_line_of_its_check(patient: Patient) -> None:
    (patient.here / "config").mkdir()
    (patient.here / "config/source.json").write_text(
        '{"repo": "https://x.example.com/x", "reff": 1}'
    )
    ended = patient.seen("--offline", "--config-dir", "config")
    assert ended.code == 0
    finding = ended.finding("configuration")
    assert finding["outcome"] == "warning"
    assert any("reff" in note for note in finding["notes"])
