"""As whom the image works, and to whom belongs what it writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import KEPT

from .engine import IMAGE, OPEN_FOLDER, SUITE, Engine, as_root, ran

CALLER = 4321
OTHER = 8765
# Which users of the machine a rootless container of the caller's has: root is the caller.
ROOTLESS = tuple(
    word
    for kind in ("--uidmap", "--gidmap")
    for word in (kind, f"0:{CALLER}:1", kind, "1:100000:65536")
)
# In the factory's place. Says who it is, and writes where a build writes.
PROBE = """#!/usr/bin/python3
import os, pathlib
print(f"user={os.getuid()} group={os.getgid()}")
print(*[line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")])
for folder in (os.environ["HOME"], "/cache", "/source", "/outputs"):
    try:
        pathlib.Path(folder, "made").touch()
    except OSError:
        print("cannot write", folder)
"""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Folders of the caller's, and the program that is run in the factory's place."""

    engine: Engine
    folder: Path

    def mounted(self, name: str, owner: int, mode: int = 0o755) -> tuple[str, str]:
        """The option that mounts a new folder of an owner's at ``/name``."""
        made = self.folder / name
        made.mkdir(mode=mode)
        ran([*as_root(), "chown", f"{owner}:{owner}", str(made)])
        return ("--volume", f"{made}:/{name}:z")

    def said(self, *options: str) -> str:
        """What the program said."""
        probe = self.folder / "probe"
        probe.write_text(PROBE, encoding="utf-8")
        probe.chmod(0o755)
        place = "/opt/plugin-factory/bin/plugin-factory"
        ended = self.engine.run("--volume", f"{probe}:{place}:ro", *options, IMAGE)
        assert ended.code == 0, ended.said
        assert "NoNewPrivs:\t1" in ended.stdout
        return ended.said

    def owner(self, name: str) -> tuple[int, int]:
        """To whom belongs what the program wrote."""
        made = (self.folder / name / "made").stat()
        return made.st_uid, made.st_gid


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    with TemporaryDirectory(dir=OPEN_FOLDER) as name:
        folder = Path(name)
        folder.chmod(0o755)  # a rootless container looks for its mounts as the caller
        yield Desk(engine=engine, folder=folder)
        ran([*as_root(), "chown", "-R", f"{os.getuid()}:{os.getgid()}", name])


def test_alone_it_is_not_root(desk: Desk) -> None:
    said = desk.said()
    assert "user=1001 group=0" in said
    assert "cannot write" not in said


@pytest.mark.parametrize("owner", [CALLER, 0], ids=["a user's folder", "root's folder"])
def test_rootful_what_is_written_belongs_to_the_folders_owner(desk: Desk, owner: int) -> None:
    said = desk.said(*desk.mounted("outputs", owner))
    assert f"user={owner} group={owner}" in said
    assert "cannot write" not in said
    assert desk.owner("outputs") == (owner, owner)


@pytest.fixture
def small(engine: Engine, desk: Desk) -> Iterator[Desk]:
    """A desk with a small image: what of the real one decides who it is, and Python, on the base.

    For other users than the machine's the whole image would have to be copied, and not every podman
    can do that but in its simplest form of storage.
    """
    own = desk.folder / "own"
    own.mkdir()
    decides = "usr/local/bin/plugin-factory opt/plugin-factory/bin/python*"
    python = "usr/bin/python3* usr/lib/python3.* usr/lib/*/libexpat.so*"
    folders = "home/factory config source outputs cache"
    words = f"cd / && tar -cf /own/part.tar {decides} {python} --no-recursion {folders}"
    shell = ("--user", "0", "--entrypoint", "sh")
    taken = engine.run("-v", f"{own}:/own:z", *shell, IMAGE, "-c", words)
    assert taken.code == 0, taken.said
    ran(["cp", str(KEPT / f"{SUITE}.tar"), str(own / "whole.tar")])
    ran(["tar", "--concatenate", "--file", str(own / "whole.tar"), str(own / "part.tar")])
    small = replace(engine, storage=own / "storage", state=own / "state", driver="vfs")
    changes = ["USER 1001:0", 'ENTRYPOINT ["plugin-factory"]', "ENV HOME=/home/factory"]
    small.podman("import", *(f"--change={each}" for each in changes), own / "whole.tar", IMAGE)
    yield replace(desk, engine=small)
    ran([*as_root(), "rm", "-rf", str(own)])


def test_rootless_what_is_written_belongs_to_the_caller(small: Desk) -> None:
    volumes = [*small.mounted("outputs", CALLER), *small.mounted("source", CALLER)]
    said = small.said(*ROOTLESS, *volumes)
    assert "user=0 group=0" in said  # which is the caller, and nobody else, on the machine
    assert "cannot write" not in said
    for name in ("outputs", "source"):
        assert small.owner(name) == (CALLER, CALLER)


def test_a_folder_that_everybody_may_write_makes_no_difference(desk: Desk) -> None:
    desk.said(*desk.mounted("outputs", CALLER, 0o777))
    assert desk.owner("outputs") == (CALLER, CALLER)


def test_a_mounted_configuration_alone_can_be_written(desk: Desk) -> None:
    said = desk.said(*desk.mounted("config", CALLER))
    assert f"user={CALLER} group={CALLER}" in said
    assert "cannot write" not in said


@pytest.mark.parametrize(
    "options",
    [("--user", f"{OTHER}:0"), ("--user", f"{OTHER}:0", "--cap-drop", "all")],
    ids=["--user", "as in OpenShift"],
)
def test_a_user_of_the_callers_choice_stays(desk: Desk, options: tuple[str, ...]) -> None:
    said = desk.said(*options)
    assert f"user={OTHER} group=0" in said
    assert "cannot write" not in said


@pytest.mark.parametrize(
    "options",
    [
        ("--security-opt", "no-new-privileges"),
        ("--cap-drop", "all"),
        ("--env", "KUBERNETES_SERVICE_HOST=10.0.0.1"),
    ],
    ids=["no-new-privileges", "no capabilities", "Kubernetes"],
)
def test_without_privileges_it_stays_who_it_is(desk: Desk, options: tuple[str, ...]) -> None:
    said = desk.said(*options, *desk.mounted("outputs", CALLER))
    assert "user=1001 group=0" in said
    assert "cannot write /outputs" in said
