"""The example, built inside the image from a mounted configuration into mounted folders.

The same inputs give the same bytes: in another folder, of another user, with another Node.js, at
another time. The build outside makes its plugins at once, this one one after another.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import Ended
from tests.container.engine import IMAGE, Engine, wait_for
from tests.container.fixtures import engine
from tests.faults.tiny_workspace import copy_tiny_workspace
from tests.oci.registries import HTPASSWD, PASSWORD, USER, serving

from .example_builds import EXAMPLE, Built, packed_files

__all__ = ["engine"]

BACKEND = "plugins/greetings-backend"
USELESS = "an-argument-of-another-day"
ELSEWHERE = "far deeper/in another/place"
LONG_AGO = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Inside:
    """Builds in the image: their mounted folders, and the first one's end."""

    engine: Engine
    folder: Path
    ended: Ended

    @property
    def outputs(self) -> Path:
        """What was mounted at /outputs."""
        return self.folder / "outputs"

    def mounts(self, outputs: str = "outputs") -> list[str]:
        """The options of podman, in the documentation's own form."""
        return mounts(self.folder, outputs)


def mounts(folder: Path, outputs: str) -> list[str]:
    (folder / outputs).mkdir(exist_ok=True)
    return [
        *("--device", "/dev/fuse"),
        *("-v", f"{folder}/config:/config:z"),
        *("-v", f"{folder}/{outputs}:/outputs:z"),
        *("-v", f"{folder}/yarn:/cache/yarn-global:z"),
    ]


@pytest.fixture(scope="module")
def inside(
    engine: Engine,
    built: Built,
    process: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Inside:
    """A build with options and no command, a login from a file, and settings from another.

    The cache of yarn that is mounted has what the build outside has downloaded, as one that is kept
    between runs has. All else is as different from the build outside as can be.
    """
    folder = tmp_path_factory.mktemp("inside")
    shutil.copytree(EXAMPLE, folder / "config")
    plugins = folder / "config/plugins-list.yaml"
    plugins.write_text(
        plugins.read_text(encoding="utf-8").replace(
            f"{BACKEND}:", f"{BACKEND}: --embed-package {USELESS}"
        ),
        encoding="utf-8",
    )
    for parent, folders, files in os.walk(folder / "config"):
        for name in folders + files:
            os.utime(Path(parent, name), (LONG_AGO, LONG_AGO))
    shutil.copytree(Path(process["HOME"], ".yarn/berry/cache"), folder / "yarn/cache")
    (folder / "registry").mkdir()
    with serving(
        folder / "registry",
        auth={"htpasswd": {"realm": "of the test", "path": str(folder / "htpasswd")}},
    ) as registry:
        (folder / "htpasswd").write_text(HTPASSWD)
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "auth.json").write_text(json.dumps({"auths": {registry.host: {"auth": login}}}))
        (folder / "settings.env").write_text(
            f'REGISTRY_URL="{registry.host}"\nREGISTRY_NAMESPACE=team\nREGISTRY_INSECURE=true\n'
        )
        ended = engine.run(
            *mounts(folder, "outputs"),
            *("-v", f"{folder}/auth.json:/auth.json:ro,z", "-e", "REGISTRY_AUTH_FILE=/auth.json"),
            *("--env-file", folder / "settings.env", "--umask", "077"),
            *("-e", "USER=somebody", "-e", "TZ=Pacific/Kiritimati", "-e", "LANG=tr_TR.UTF-8"),
            IMAGE,
            *("--workspace-path", ".", "--generate-build-args", "--push-images"),
            *("--repo-path", f"/source/{ELSEWHERE}", "--jobs", "1"),
        )
    return Inside(engine=engine, folder=folder, ended=ended)


def test_it_succeeds(inside: Inside) -> None:
    assert inside.ended.code == 0, inside.ended.said


def test_the_artifacts_are_the_bytes_of_a_build_outside(inside: Inside, built: Built) -> None:
    names = {tgz.name for tgz in built.outputs.glob("*.tgz")}
    assert len(names) == 3
    assert {tgz.name for tgz in inside.outputs.glob("*.tgz")} == names
    # What is in them first, since it tells more when it differs.
    for name in sorted(names):
        one, other = (packed_files(each.outputs / name) for each in (built, inside))
        assert sorted(one) == sorted(other), name
        assert [file for file in one if one[file] != other[file]] == [], name
    for name in sorted(names):
        files = [each.outputs / name for each in (built, inside)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
        integrities = [Path(f"{file}.integrity").read_text() for file in files]
        assert integrities[0] == integrities[1]


def test_no_archive_knows_where_it_was_built(inside: Inside) -> None:
    for tgz in inside.outputs.glob("*.tgz"):
        for name, content in packed_files(tgz).items():
            assert b"far deeper" not in content, f"{tgz.name}: {name}"


def test_images_were_pushed_with_the_mounted_login(inside: Inside) -> None:
    report = json.loads((inside.outputs / "build-report.json").read_text(encoding="utf-8"))
    assert all(plugin["image"]["digest"] for plugin in report["plugins"]), report["plugins"]


def test_the_computed_arguments_are_in_the_mounted_list(inside: Inside) -> None:
    # The example needs none, so the one that was written by hand is gone.
    written = (inside.folder / "config/plugins-list.yaml").read_text(encoding="utf-8")
    assert written == (EXAMPLE / "plugins-list.yaml").read_text(encoding="utf-8")


def test_everything_that_was_written_belongs_to_the_caller(inside: Inside) -> None:
    caller = (os.getuid(), os.getgid())
    assert list(inside.outputs.glob("*.tgz"))
    for folder in ("config", "outputs"):
        for parent, folders, files in os.walk(inside.folder / folder):
            for name in folders + files:
                status = Path(parent, name).lstat()
                assert (status.st_uid, status.st_gid) == caller, f"{parent}/{name}"


def test_it_builds_again_without_a_network(engine: Engine, tmp_path: Path) -> None:
    """A tree of the user's own, with the cache of yarn that the build before has filled."""
    tiny = copy_tiny_workspace(tmp_path)

    def build(outputs: str, *variables: str, network: str) -> dict[str, bytes]:
        source = shutil.copytree(tiny, tmp_path / f"source-of-{outputs}")
        ended = engine.run(
            *mounts(tmp_path, outputs),
            *("-v", f"{source}:/source:z", "-e", "RHDH_CLI_VERSION=1.9.1"),
            *(word for variable in variables for word in ("-e", variable)),
            IMAGE,
            *("build", "--use-local", "--no-cache"),
            network=network,
        )
        assert ended.code == 0, ended.said
        return {file.name: file.read_bytes() for file in (tmp_path / outputs).glob("*.tgz")}

    built = build("online", network="host")
    assert len(built) == 2
    assert build("offline", "YARN_ENABLE_NETWORK=false", network="none") == built


def test_podman_stop_ends_a_build_and_all_of_it(inside: Inside) -> None:
    name = f"plugin-factory-test-{os.getpid()}"
    with inside.engine.running(
        name, *inside.mounts("stopped"), IMAGE, "--no-cache", "--only", BACKEND
    ) as container:
        wait_for(container, r"\binstall\s+started")
        inside.engine.podman("stop", "--time", "60", name)
        said = container.communicate()[0]
    assert container.returncode == 143, said  # 137 would be a container that had to be killed
    report = json.loads((inside.folder / "stopped/build-report.json").read_text(encoding="utf-8"))
    assert report["error"]["kind"] == "terminated"
    assert not list((inside.folder / "stopped").glob("*.tgz"))
