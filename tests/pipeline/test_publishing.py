"""Images of built plugins: planned, checked, left on disk, pushed and listed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory.archives.integrity import integrity_of
from factory.config.build_plan import BuildPlan
from factory.config.options import ImageOutput, build_options
from factory.errors import ConfigurationError, UsageError
from factory.export.packing import Artifact
from factory.pipeline.publishing import (
    images_wanted,
    list_packed,
    publish_plugins,
    refuse_unless_pushable,
)
from factory.pipeline.stages import Stages
from factory.redaction import Redactor
from factory.reports.build_report import (
    PluginReport,
    SourceReport,
)
from factory.toolchain.runner import Runner
from tests.oci.plugin_archives import FRONTEND, TODO, pack
from tests.oci.registries import serving
from tests.single_build import plan_single

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oci.registries import Server

SOURCE = SourceReport(
    repo="https://github.com/backstage/community-plugins",
    ref=None,
    commit="3fadf6b0595d1d1804f5c7f2690f4db7b81275f1",
    committed_at=1_777_636_800,
    workspace_path="workspaces/todo",
    local=False,
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def reports(tmp_path: Path) -> list[PluginReport]:
    """What is known of two plugins that were built into ``outputs``."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    found = []
    for name, package in (("todo-backend", TODO), ("todo", FRONTEND)):
        tgz = pack(outputs / f"{name}-1.tgz", package)
        report = PluginReport(
            path=f"plugins/{name}",
            outcome="done",
            name=str(package["name"]).removesuffix("-dynamic"),
            version=str(package["version"]),
            role=str(package["backstage"]["role"]),
            arguments="",
            seconds={},
            files=(Artifact(name=tgz.name, size=tgz.stat().st_size),),
            integrity=integrity_of(tgz),
        )
        found.append(report)
    return found


def plan(tmp_path: Path, *, environment: dict[str, str] | None = None, **options: Any) -> BuildPlan:
    config = tmp_path / "config"
    config.mkdir(exist_ok=True)
    (config / "source.json").write_text(json.dumps({"repo": "https://github.com/a/b"}))
    request = build_options(
        config_dir=config,
        repo_path=tmp_path / "source",
        output_dir=tmp_path / "outputs",
        **options,
    )
    return plan_single(request, {"HOME": str(tmp_path)} | (environment or {}))


def registry_environment(registry: Server) -> dict[str, str]:
    return {
        "REGISTRY_URL": registry.host,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
    }


def published(of: BuildPlan, reports: list[PluginReport]) -> tuple[PluginReport, ...]:
    wanted = images_wanted(of)
    assert wanted
    of.output_dir.joinpath("logs").mkdir(exist_ok=True)
    return publish_plugins(
        reports,
        source=SOURCE,
        output_dir=of.output_dir,
        wanted=wanted,
        stages=Stages(of.output_dir, lambda _: None),
        runner=Runner(Redactor()),
    )


def inspected(name: str) -> dict[str, Any]:
    program = shutil.which("skopeo")
    assert program, "skopeo is not installed (apt-get install skopeo)"
    command = [program, "inspect", "--tls-verify=false", name]
    if not name.startswith("docker:"):
        command.remove("--tls-verify=false")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_without_a_wish_there_are_no_images(tmp_path: Path) -> None:
    assert images_wanted(plan(tmp_path)) is None


def test_a_bundle_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no image is requested"):
        images_wanted(plan(tmp_path, bundle="todo"))


def test_a_template_that_cannot_be_used_is_found_before_all_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown placeholder"):
        images_wanted(plan(tmp_path, image_output=ImageOutput.LAYOUT, tag_template="{versoin}"))


def test_images_on_disk_need_no_registry(tmp_path: Path) -> None:
    wanted = images_wanted(plan(tmp_path, image_output=ImageOutput.LAYOUT))

    assert wanted
    assert wanted.target is None
    with pytest.raises(ConfigurationError, match="REGISTRY_URL"):
        images_wanted(plan(tmp_path, push_images=True))


@pytest.mark.parametrize(
    ("form", "transport", "suffix"),
    [(ImageOutput.LAYOUT, "oci", ".oci"), (ImageOutput.ARCHIVE, "oci-archive", ".oci.tar")],
)
def test_an_image_is_left_beside_each_archive(
    tmp_path: Path, reports: list[PluginReport], form: ImageOutput, transport: str, suffix: str
) -> None:
    ended = published(plan(tmp_path, image_output=form), reports)

    assert [report.image_file for report in ended] == [f"todo-backend-1{suffix}", f"todo-1{suffix}"]
    assert [report.image for report in ended] == [None, None]
    labels = inspected(f"{transport}:{tmp_path}/outputs/todo-backend-1{suffix}")["Labels"]
    assert labels["org.opencontainers.image.revision"] == SOURCE.commit
    assert labels["org.opencontainers.image.created"] == "2026-05-01T12:00:00Z"
    assert not (tmp_path / "outputs/published-images.txt").exists()


def test_what_is_on_disk_and_what_is_pushed_is_one_image(
    tmp_path: Path, reports: list[PluginReport], registry: Server
) -> None:
    both = plan(
        tmp_path,
        environment=registry_environment(registry),
        image_output=ImageOutput.ARCHIVE,
        push_images=True,
        tag_template="bs_{backstage_version}__{version}",
    )

    ended = published(both, reports)

    image = ended[0].image
    assert image
    name = f"{registry.host}/team/backstage-community-plugin-todo-backend"
    assert image.reference == f"{name}:bs_1.42.0__0.15.0"
    assert inspected(f"docker://{image.reference}")["Digest"] == image.digest
    archive = tmp_path / "outputs" / str(ended[0].image_file)
    assert inspected(f"oci-archive:{archive}")["Digest"] == image.digest
    lines = (tmp_path / "outputs/published-images.txt").read_text().splitlines()
    assert lines[0] == f"{name}@{image.digest}"
    assert len(lines) == 2


def test_the_time_of_the_push_is_shared_out(
    tmp_path: Path, reports: list[PluginReport], registry: Server
) -> None:
    """Booked on each, the whole time would make each plugin look as slow as all of them."""
    pushed = plan(tmp_path, environment=registry_environment(registry), push_images=True)
    started = time.monotonic()
    ended = published(pushed, reports)
    seconds = [report.seconds["push"] for report in ended]
    assert all(one > 0 for one in seconds)
    assert sum(seconds) <= time.monotonic() - started


def test_a_bundle_is_one_image_of_every_plugin(
    tmp_path: Path, reports: list[PluginReport], registry: Server
) -> None:
    bundled = plan(
        tmp_path,
        environment=registry_environment(registry),
        image_output=ImageOutput.LAYOUT,
        push_images=True,
        bundle="todo",
        tag_template="latest",
    )

    ended = published(bundled, reports)

    assert len({report.image for report in ended}) == 1
    assert {report.image_file for report in ended} == {"todo-latest.oci"}
    entries = yaml.safe_load((tmp_path / "outputs/dynamic-plugins.oci.yaml").read_text())
    assert [entry["package"].partition("!")[2] for entry in entries["plugins"]] == [
        "backstage-community-plugin-todo-backend",
        "backstage-community-plugin-todo",
    ]


def test_of_several_workspaces_each_has_a_bundle_of_its_own(tmp_path: Path) -> None:
    bundled = plan(tmp_path, image_output=ImageOutput.LAYOUT, bundle="ours")

    alone = images_wanted(bundled)
    of_several = images_wanted(replace(bundled, name="todo"))

    assert alone
    assert alone.naming.bundle == "ours"
    assert of_several
    assert of_several.naming.bundle == "ours-todo"


def test_a_bundle_that_would_lack_a_plugin_is_not_made(
    tmp_path: Path, reports: list[PluginReport], caplog: pytest.LogCaptureFixture
) -> None:
    bundled = plan(tmp_path, image_output=ImageOutput.LAYOUT, bundle="todo", tag_template="latest")
    failed = replace(reports[1], outcome="failed", files=())

    ended = published(bundled, [reports[0], failed])

    assert [report.image_file for report in ended] == [None, None]
    assert "not all of its plugins were built" in caplog.text
    assert not list((tmp_path / "outputs").glob("*.oci"))


def test_a_bundle_of_several_versions_needs_another_tag(tmp_path: Path) -> None:
    wanted = images_wanted(plan(tmp_path, image_output=ImageOutput.LAYOUT, bundle="todo"))
    assert wanted
    plugins: Any = [
        SimpleNamespace(
            path=f"plugins/todo-{version}",
            manifest=SimpleNamespace(name=f"todo-{version}", version=version),
        )
        for version in ("1.0.0", "2.0.0")
    ]

    with pytest.raises(UsageError, match="versions differ"):
        refuse_unless_pushable(wanted, plugins, there=plugins)
    refuse_unless_pushable(wanted, plugins[:1], there=plugins[:1])


@pytest.mark.parametrize("form", [{"image_output": ImageOutput.LAYOUT}, {"push_images": True}])
def test_a_bundle_of_a_part_of_the_workspace_is_refused_before_anything_is_asked(
    tmp_path: Path, form: dict[str, Any]
) -> None:
    """Under its tag is, or will be, the whole one. The registry does not even exist."""
    environment = {"REGISTRY_URL": "registry.invalid", "REGISTRY_NAMESPACE": "team"}
    bundled = plan(tmp_path, environment=environment, bundle="todo", tag_template="latest", **form)
    wanted = images_wanted(bundled)
    assert wanted
    there: Any = [
        SimpleNamespace(path=f"plugins/{name}", manifest=SimpleNamespace(name=name, version="1"))
        for name in ("todo", "todo-backend")
    ]

    with pytest.raises(UsageError, match="the image todo would not hold all plugins") as refused:
        refuse_unless_pushable(wanted, there[:1], there=there)

    assert refused.value.found == "without plugins/todo-backend"
    assert "leave --only and --exclude out" in str(refused.value.hint)


def test_images_of_their_own_may_be_made_of_a_part_of_the_workspace(tmp_path: Path) -> None:
    wanted = images_wanted(plan(tmp_path, image_output=ImageOutput.LAYOUT))
    assert wanted
    there: Any = [
        SimpleNamespace(path=f"plugins/{name}", manifest=SimpleNamespace(name=name, version="1"))
        for name in ("todo", "todo-backend")
    ]

    refuse_unless_pushable(wanted, there[:1], there=there)
    refuse_unless_pushable(
        replace(wanted, naming=replace(wanted.naming, bundle="x")), [], there=there
    )


def test_archives_are_listed_with_their_integrity(
    tmp_path: Path, reports: list[PluginReport]
) -> None:
    failed = replace(reports[1], outcome="failed", files=(), integrity=None)

    list_packed([reports[0], failed], tmp_path / "outputs")

    listed = yaml.safe_load((tmp_path / "outputs/dynamic-plugins.tgz.yaml").read_text())
    assert listed == {
        "plugins": [
            {
                "package": "./todo-backend-1.tgz",
                "disabled": False,
                "integrity": reports[0].integrity,
            }
        ]
    }


def test_a_registry_that_fails_one_image_fails_its_plugin_alone(
    tmp_path: Path, reports: list[PluginReport], registry: Server
) -> None:
    taken = tmp_path / "registry/storage/docker/registry/v2/repositories/team"
    blocked = taken / "backstage-community-plugin-todo"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the registry wants a folder")
    pushing = plan(tmp_path, environment=registry_environment(registry), push_images=True)

    ended = published(pushing, reports)

    assert [report.outcome for report in ended] == ["done", "failed"]
    assert len((tmp_path / "outputs/published-images.txt").read_text().splitlines()) == 1
