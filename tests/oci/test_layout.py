"""Layouts on disk, read by the tools that read layouts."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from factory.errors import StorageError
from factory.oci.image import build_image
from factory.oci.layout import write_archive, write_layout

from .plugin_archives import FRONTEND, plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.oci.image import Image

NAME = "quay.io/team/backstage-community-plugin-todo-backend:0.15.0"
FOLDER = "backstage-community-plugin-todo-backend"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer")


def test_skopeo_reads_the_layout_folder(
    tmp_path: Path, image: Image, skopeo: Callable[..., str]
) -> None:
    layout = write_layout([(image, NAME)], tmp_path / "image")

    found = json.loads(skopeo("inspect", f"oci:{layout}:{NAME}"))
    assert found["Digest"] == image.digest
    assert found["Layers"] == [image.layer.blob.digest]
    assert found["Labels"]["org.opencontainers.image.version"] == "0.15.0"


def test_skopeo_reads_the_archive(tmp_path: Path, image: Image, skopeo: Callable[..., str]) -> None:
    archive = write_archive([(image, NAME)], tmp_path / "image.tar")

    assert json.loads(skopeo("inspect", f"oci-archive:{archive}"))["Digest"] == image.digest


def test_podman_loads_the_archive_under_its_name_and_unpacks_it(
    tmp_path: Path, image: Image, stack: ExitStack
) -> None:
    podman = shutil.which("podman")
    assert podman, "podman is not installed (apt-get install podman)"
    archive = write_archive([(image, NAME)], tmp_path / "image.tar")
    short = stack.enter_context(TemporaryDirectory())  # podman takes no longer one
    command: list[str | Path] = [podman, "--root", tmp_path / "root", "--runroot", short]
    command += ["--storage-driver", "vfs"]

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert NAME in run("load", "--input", archive)
    mounted = tmp_path / "root" / "vfs" / "dir"
    (index,) = mounted.glob("*/index.json")
    assert (index.parent / FOLDER / "dist" / "index.cjs.js").is_file()


def test_a_layout_holds_several_images_by_name(
    tmp_path: Path, image: Image, skopeo: Callable[..., str]
) -> None:
    other = build_image([plugin(tmp_path / "b.tgz", package=FRONTEND)], tmp_path / "layer2")
    layout = write_layout([(image, NAME), (other, "other:1")], tmp_path / "image")

    assert json.loads(skopeo("inspect", f"oci:{layout}:other:1"))["Digest"] == other.digest


def test_an_archive_has_the_same_bytes_each_time(tmp_path: Path, image: Image) -> None:
    one = write_archive([(image, NAME)], tmp_path / "1.tar")
    two = write_archive([(image, NAME)], tmp_path / "2.tar")

    assert one.read_bytes() == two.read_bytes()


def test_a_layout_replaces_an_earlier_one(tmp_path: Path, image: Image) -> None:
    layout = write_layout([(image, NAME)], tmp_path / "image")
    (layout / "blobs" / "sha256" / "left").touch()

    write_layout([(image, NAME)], layout)

    assert len(list((layout / "blobs" / "sha256").iterdir())) == 3
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_that_is_no_layout_is_left_alone(tmp_path: Path, image: Image) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "precious").touch()

    with pytest.raises(StorageError, match="not an image layout"):
        write_layout([(image, NAME)], tmp_path / "image")

    assert (tmp_path / "image" / "precious").exists()


def test_a_failed_archive_leaves_nothing(tmp_path: Path, image: Image) -> None:
    (tmp_path / "layer").unlink()

    with pytest.raises(StorageError):
        write_archive([(image, NAME)], tmp_path / "image.tar")
    with pytest.raises(StorageError):
        write_layout([(image, NAME)], tmp_path / "image")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]
