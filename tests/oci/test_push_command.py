"""``plugin-factory push``: artifacts of earlier builds to a registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from factory.cli.push import push
from factory.oci.image import ImageFacts, build_image
from factory.oci.packed_plugin import read_plugin_archive
from tests.reports.test_merge import plugin, workspace

from .plugin_archives import FRONTEND, TODO, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from typer.testing import Result

    from .registries import Server

SOURCE = {
    "repo": "https://github.com/backstage/community-plugins",
    "commit": "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1",
    "committed-at": 1_777_636_800,
}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """What a build of two plugins leaves."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    pack(folder / "backend.tgz")
    pack(folder / "frontend.tgz", FRONTEND)
    write_report(folder)
    return folder


def write_report(outputs: Path, *plugins: dict[str, Any], left: Sequence[Any] = ()) -> None:
    """Leave the report of a run that built these plugins and left the others out."""
    report = workspace(*plugins, **{"left-out": list(left)})
    report["source"] |= SOURCE
    (outputs / "build-report.json").write_text(json.dumps(report))


def run(server: Server, *arguments: str | Path, **variables: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(push)
    usual = {
        "REGISTRY_URL": server.host,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
        "REGISTRY_USERNAME": "x",
        "REGISTRY_PASSWORD": "wrong password",
    }
    return CliRunner().invoke(app, [str(word) for word in arguments], obj=usual | variables)


def test_each_plugin_becomes_an_image_named_on_the_standard_output(
    anonymous: Server, outputs: Path
) -> None:
    done = run(anonymous, outputs)

    assert done.exit_code == 0, done.output
    names = [line.partition("@")[0] for line in done.stdout.splitlines()]
    assert names == [
        f"{anonymous.host}/team/backstage-community-plugin-todo-backend",
        f"{anonymous.host}/team/backstage-community-plugin-todo",
    ]


def test_the_report_says_which_source_it_is(
    anonymous: Server, outputs: Path, skopeo: Callable[..., str]
) -> None:
    name = run(anonymous, outputs).stdout.splitlines()[0]

    labels = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))["Labels"]
    assert labels["org.opencontainers.image.revision"] == SOURCE["commit"]
    assert labels["org.opencontainers.image.source"] == SOURCE["repo"]
    assert labels["org.opencontainers.image.created"] == "2026-05-01T12:00:00Z"


def test_without_a_report_the_package_alone_speaks(
    anonymous: Server, outputs: Path, tmp_path: Path
) -> None:
    (outputs / "build-report.json").unlink()
    done = run(anonymous, outputs)

    archive = read_plugin_archive(outputs / "backend.tgz")
    image = build_image([archive], tmp_path / "layer", facts=ImageFacts())
    assert done.stdout.splitlines()[0].endswith(f"@{image.digest}")


def test_the_tag_follows_its_template(
    anonymous: Server, outputs: Path, skopeo: Callable[..., str]
) -> None:
    done = run(anonymous, outputs, "--tag-template", "bs_{backstage_version}__{version}")

    name = done.stdout.splitlines()[0].partition("@")[0]
    skopeo("inspect", "--tls-verify=false", f"docker://{name}:bs_1.42.0__0.15.0")


def test_a_bundle_is_one_image(
    anonymous: Server, outputs: Path, skopeo: Callable[..., str]
) -> None:
    done = run(anonymous, outputs, "--bundle", "todo", "--tag-template", "{short_revision}")

    (name,) = done.stdout.splitlines()
    assert name.startswith(f"{anonymous.host}/team/todo@")
    tagged = name.partition("@")[0] + ":3fadf6b0"
    labels = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{tagged}"))["Labels"]
    assert labels["org.opencontainers.image.title"] == "todo"


BACKEND = {"path": "plugins/todo-backend", "name": "@backstage-community/plugin-todo-backend"}
PAGE = {"path": "plugins/todo", "name": "@backstage-community/plugin-todo"}
MADE = plugin(**BACKEND, files=[{"name": "backend.tgz", "size": 1}])
MADE_PAGE = plugin(**PAGE, files=[{"name": "frontend.tgz", "size": 1}])
NOTHING_MADE = plugin(**PAGE)
# What was built, what was left out, and the paths that a bundle lacks.
PARTIAL_BUILDS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], str]] = {
    "a run with --only": ([MADE], [PAGE], "plugins/todo"),
    "two of three": (
        [MADE],
        [PAGE, {"path": "plugins/c", "name": "c"}],
        "plugins/todo, plugins/c",
    ),
    "a plugin failed": ([MADE, NOTHING_MADE], [], "plugins/todo"),
    "an archive was removed": ([MADE, MADE_PAGE], [], "plugins/todo"),
}


@pytest.mark.parametrize(
    ("plugins", "left", "lacking"), PARTIAL_BUILDS.values(), ids=list(PARTIAL_BUILDS)
)
def test_a_part_of_a_workspace_does_not_replace_the_bundle_of_all(
    anonymous: Server,
    outputs: Path,
    plugins: list[dict[str, Any]],
    left: list[dict[str, Any]],
    lacking: str,
) -> None:
    options = ("--bundle", "todo", "--tag-template", "latest")
    assert run(anonymous, outputs, *options).exit_code == 0
    listed = (outputs / "dynamic-plugins.oci.yaml").read_bytes()
    (outputs / "frontend.tgz").unlink()
    write_report(outputs, *plugins, left=left)

    done = run(anonymous, outputs, *options)

    assert done.exit_code == 2
    assert "the image todo would not hold all plugins of the workspace" in done.output
    assert f"without {lacking}" in " ".join(done.output.split())
    assert (outputs / "dynamic-plugins.oci.yaml").read_bytes() == listed
    assert run(anonymous, outputs).exit_code == 0  # an image of its own is nobody else's


def test_an_older_archive_of_a_plugin_that_failed_is_no_part_of_a_bundle(
    anonymous: Server, outputs: Path
) -> None:
    write_report(outputs, MADE, NOTHING_MADE)

    done = run(anonymous, outputs, "--bundle", "todo", "--tag-template", "latest")

    assert done.exit_code == 2
    assert "without plugins/todo" in " ".join(done.output.split())


def test_the_archives_of_several_machines_together_are_a_bundle(
    anonymous: Server, outputs: Path
) -> None:
    """Each shard's report names what the other one built."""
    write_report(outputs, MADE, left=[PAGE])

    done = run(anonymous, outputs, "--bundle", "todo", "--tag-template", "latest")

    assert done.exit_code == 0, done.output


def test_folders_of_several_workspaces_are_found(
    anonymous: Server, outputs: Path, tmp_path: Path
) -> None:
    several = tmp_path / "several"
    (several / "one").mkdir(parents=True)
    (several / "two").mkdir()
    pack(several / "one" / "a.tgz", TODO | {"name": "one-dynamic"})
    pack(several / "two" / "a.tgz", TODO | {"name": "two-dynamic"})

    done = run(anonymous, several, outputs)

    assert [line.partition("@")[0].rpartition("/")[2] for line in done.stdout.splitlines()] == [
        "one",
        "two",
        "backstage-community-plugin-todo-backend",
        "backstage-community-plugin-todo",
    ]


def test_of_several_workspaces_each_has_a_bundle_of_its_own(
    anonymous: Server, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / "several" / name).mkdir(parents=True)
        pack(tmp_path / "several" / name / "a.tgz")

    done = run(anonymous, tmp_path / "several", "--bundle", "ours")

    assert [line.partition("@")[0].rpartition("/")[2] for line in done.stdout.splitlines()] == [
        "ours-one",
        "ours-two",
    ]


def test_two_images_of_one_name_are_refused(
    anonymous: Server, outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    pack(tmp_path / "copy" / "backend.tgz")

    done = run(anonymous, outputs, tmp_path / "copy")

    assert done.exit_code == 2
    assert "two images would have the name" in done.output


def test_a_wrong_password_is_found_before_an_image_is_made(
    protected: Server, outputs: Path
) -> None:
    done = run(protected, outputs)

    assert done.exit_code == 11
    assert "refuses the login" in done.output
    assert "wrong password" not in done.output
    assert done.stdout == ""


def test_what_is_missing_of_the_configuration_is_named(anonymous: Server, outputs: Path) -> None:
    done = run(anonymous, outputs, REGISTRY_URL="", REGISTRY_NAMESPACE="")

    assert done.exit_code == 3
    assert "REGISTRY_URL and REGISTRY_NAMESPACE are not set" in done.output


def test_the_configurations_env_file_is_read(
    anonymous: Server, outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("REGISTRY_NAMESPACE=from/env-file\n")

    done = run(anonymous, outputs, "--config-dir", tmp_path)

    assert done.stdout.startswith(f"{anonymous.host}/from/env-file/")


@pytest.mark.parametrize("folder", ["missing", "."])
def test_a_directory_without_plugins_is_refused(
    anonymous: Server, tmp_path: Path, folder: str
) -> None:
    done = run(anonymous, tmp_path / folder)

    assert done.exit_code == 2
    assert "build first" in done.output


def test_what_was_pushed_is_listed_in_each_directory(
    anonymous: Server, outputs: Path, tmp_path: Path
) -> None:
    (outputs / "frontend.tgz.app-config.dynamic.yaml").write_text("app: {title: Todo}\n")
    (tmp_path / "other").mkdir()
    pack(tmp_path / "other" / "x.tgz", TODO | {"name": "other-dynamic"})

    done = run(anonymous, outputs, tmp_path / "other")

    names = done.stdout.splitlines()
    assert (outputs / "published-images.txt").read_text().splitlines() == names[:2]
    assert (tmp_path / "other" / "published-images.txt").read_text().splitlines() == names[2:]
    entries = yaml.safe_load((outputs / "dynamic-plugins.oci.yaml").read_text())["plugins"]
    assert entries == [
        {
            "package": f"oci://{names[0]}!backstage-community-plugin-todo-backend",
            "disabled": False,
        },
        {
            "package": f"oci://{names[1]}!backstage-community-plugin-todo",
            "disabled": False,
            "pluginConfig": {"app": {"title": "Todo"}},
        },
    ]


def test_of_a_bundle_every_plugin_is_listed(anonymous: Server, outputs: Path) -> None:
    done = run(anonymous, outputs, "--bundle", "todo", "--tag-template", "latest")

    (name,) = done.stdout.splitlines()
    assert (outputs / "published-images.txt").read_text() == f"{name}\n"
    entries = yaml.safe_load((outputs / "dynamic-plugins.oci.yaml").read_text())["plugins"]
    assert [entry["package"] for entry in entries] == [
        f"oci://{name}!backstage-community-plugin-todo-backend",
        f"oci://{name}!backstage-community-plugin-todo",
    ]


def test_images_may_be_left_on_disk_too(
    anonymous: Server, outputs: Path, skopeo: Callable[..., str]
) -> None:
    done = run(anonymous, outputs, "--image-output", "oci-archive")

    digest = done.stdout.splitlines()[0].partition("@")[2]
    found = json.loads(skopeo("inspect", f"oci-archive:{outputs / 'backend.oci.tar'}"))
    assert found["Digest"] == digest
