"""The image's setuid program alone: whom it becomes, and what of its caller it believes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.command_line import ROOT

from .engine import OPEN_FOLDER, as_root

IMAGE_USER = 1001
CALLER = 4321
# In Python's place: says who it is, what it was given, and what it sees of the variables.
PROBE = """#!/bin/sh
echo "user=$(id -u) effective=$(id -u) group=$(id -g) saved=$(grep ^Uid /proc/self/status)"
grep NoNewPrivs /proc/self/status
echo "words=$*"
/usr/bin/env
"""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The folders that the program knows, below one, and the program, set-user-ID of root."""

    root: Path

    @property
    def program(self) -> Path:
        return self.root / "start"

    def own(self, path: str, user: int) -> None:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        subprocess.run([*as_root(), "chown", f"{user}:{user}", self.root / path], check=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def said(
        self,
        *words: str,
        first: bool = True,
        user: int = IMAGE_USER,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """What the probe says of a start by the image's user, as a container's first process."""
        given = [f"{name}={value}" for name, value in (variables or {}).items()]
        apart = ["unshare", "--pid", "--fork"] if first else []
        ended = subprocess.run(
            [
                *as_root(), *apart, "env", "-i", *given,
                "setpriv", "--reuid", str(user), "--regid", "0", "--clear-groups",
                self.program, *words,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@pytest.fixture
def image() -> Iterator[Image]:
    # Another folder may be mounted without set-user-ID programs.
    with TemporaryDirectory(dir=OPEN_FOLDER) as name:
        root = Path(name)
        root.chmod(0o755)
        made = Image(root=root)
        made.write("opt/plugin-factory/bin/python", PROBE)
        (root / "opt/plugin-factory/bin/python").chmod(0o755)
        made.write("etc/passwd", "")
        for folder in ("outputs", "source", "config"):
            made.own(folder, IMAGE_USER)
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-Werror", f'-DROOT="{root}"',
             "-o", made.program, ROOT / "container/start.c"],
            check=True,
        )  # fmt: skip
        subprocess.run([*as_root(), "chown", "0:0", made.program], check=True)
        subprocess.run([*as_root(), "chmod", "4755", made.program], check=True)
        yield made
        subprocess.run([*as_root(), "chown", "-R", str(os.getuid()), name], check=True)


def test_it_becomes_the_owner_of_what_is_mounted(image: Image) -> None:
    image.own("outputs", CALLER)
    said = image.said("build", "--verbose")
    assert f"user={CALLER} effective={CALLER} group={CALLER}" in said
    assert "NoNewPrivs:\t1" in said
    assert f"words=-I {image.root}/opt/plugin-factory/bin/plugin-factory build --verbose" in said
    assert f"caller:x:{CALLER}:" in (image.root / "etc/passwd").read_text()


def test_beside_the_first_process_it_stays_who_it_is(image: Image) -> None:
    image.own("outputs", 0)
    said = image.said(first=False)
    assert f"user={IMAGE_USER} effective={IMAGE_USER}" in said
    assert f"Uid:\t{IMAGE_USER}\t{IMAGE_USER}\t{IMAGE_USER}\t{IMAGE_USER}" in said
    assert "NoNewPrivs:\t1" in said


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/hosts", "# Kubernetes-managed hosts file.\n127.0.0.1 localhost\n"),
        ("etc/hosts", "# Kubernetes-managed hosts file (host network).\n"),
        ("var/run/secrets/kubernetes.io/serviceaccount/token", "t"),
    ],
)
def test_in_kubernetes_it_changes_nothing(image: Image, path: str, text: str) -> None:
    image.own("outputs", CALLER)
    image.write(path, text)
    assert f"user={IMAGE_USER} " in image.said()


def test_another_user_than_the_images_has_been_chosen(image: Image) -> None:
    image.own("outputs", CALLER)
    assert "user=8765 " in image.said(user=8765)


def test_a_link_in_a_mounts_place_is_no_mount(image: Image) -> None:
    (image.root / "outputs").rmdir()
    (image.root / "outputs").symlink_to("/")
    assert f"user={IMAGE_USER} " in image.said()


@pytest.mark.parametrize("first", [True, False])
def test_no_variable_says_what_code_runs(image: Image, first: bool) -> None:
    image.own("outputs", CALLER)
    steering = {
        "PYTHONPATH": "/evil", "PYTHONSTARTUP": "/evil", "LD_PRELOAD": "", "LD_LIBRARY_PATH": "/e",
        "BASH_ENV": "/evil", "ENV": "/evil", "GLIBC_TUNABLES": "x", "OPENSSL_CONF": "/evil",
    }  # fmt: skip
    meant = {"REGISTRY_URL": "quay.io", "ACME_NPM_TOKEN": "t"}
    said = image.said(first=first, variables=steering | meant)
    names = {line.partition("=")[0] for line in said.splitlines()}
    assert not names & set(steering)
    assert meant.keys() <= names
