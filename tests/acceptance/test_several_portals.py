"""One run for two portals: the same plugins once, what differs twice, and all of it told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.inventory import find_host
from factory.errors import UsageError
from factory.oci.planned_images import ImageNaming, plan_images
from factory.reports.built_plugins import find_built_plugins
from tests.command_line import Ended, run_factory

from .many_workspaces import ALPHA, BETA, Platform, backend, copied
from .test_many_workspaces import built

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["built"]  # a fixture

OLD, NEW = "rhdh-1.8", "rhdh-1.9"
BOTH = ("--host", OLD, "--host", NEW, "--node", ">=20")


@pytest.fixture(scope="module")
def platform(built: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Workspaces of which one has a plugin that differs for the newer portal."""
    platform = copied(built, tmp_path_factory.mktemp("portals") / "platform")
    overlay = platform.config / f"one/portals/{NEW}/{ALPHA}/overlay/src/index.js"
    overlay.parent.mkdir(parents=True)
    overlay.write_text(backend("alpha for the newer portal"))
    return platform


@pytest.fixture(scope="module")
def ended(platform: Platform) -> Ended:
    ended = platform.build(*BOTH, "--only", "one", "--image-output", "oci-archive")
    assert ended.code == 0, ended.said
    return ended


def archive(platform: Platform, portal: str, plugin: str) -> Path:
    name = f"{portal}/one/{plugin}"
    return platform.outputs / portal / "one" / str(platform.plugins[name]["files"][0]["name"])


def test_each_portal_has_a_folder_and_what_is_the_same_is_built_once(
    platform: Platform, ended: Ended
) -> None:
    assert platform.outcomes == {f"{OLD}/one": "done", f"{NEW}/one": "done"}
    assert [each["portal"] for each in platform.report["workspaces"]] == [OLD, NEW]
    same = [archive(platform, portal, BETA).read_bytes() for portal in (OLD, NEW)]
    assert same[0] == same[1]
    assert len(platform.built & {f"{OLD}/one/{BETA}", f"{NEW}/one/{BETA}"}) <= 1
    other = [archive(platform, portal, ALPHA).read_bytes() for portal in (OLD, NEW)]
    assert other[0] != other[1]


def test_without_a_cache_too_what_is_the_same_is_built_once(
    platform: Platform, ended: Ended, tmp_path: Path
) -> None:
    """And nothing is taken of what an earlier run has kept, or kept for a later one."""
    cold = copied(platform, tmp_path / "cold")
    kept = finished(cold)
    assert kept
    again = cold.build(*BOTH, "--only", "one", "--no-cache")
    assert again.code == 0, again.said
    alphas = {f"{portal}/one/{ALPHA}" for portal in (OLD, NEW)}
    betas = {f"{portal}/one/{BETA}" for portal in (OLD, NEW)}
    assert alphas <= cold.built
    assert len(cold.built & betas) == 1
    assert {each["outcome"] for each in cold.plugins.values()} == {"done"}
    first, second = (archive(cold, portal, BETA).read_bytes() for portal in (OLD, NEW))
    assert first == second == archive(platform, NEW, BETA).read_bytes()
    assert finished(cold) == kept


def finished(platform: Platform) -> set[str]:
    """The entries of the cache, by their keys."""
    return {entry.name for entry in (platform.root / "cache/plugins/entries").glob("*/*")}


def test_the_result_shows_plugins_by_portals(ended: Ended) -> None:
    lines = [line.split() for line in ended.said.splitlines()]
    assert [OLD, NEW] in lines
    assert any(line[:1] == [f"one/{ALPHA}"] and line[1::2] == ["✓", "✓"] for line in lines)


def test_the_images_of_the_portals_have_different_tags(platform: Platform, ended: Ended) -> None:
    named = {name: plugin["image-file"] for name, plugin in platform.plugins.items()}
    assert all(named.values())
    for portal in (OLD, NEW):
        (image,) = (platform.outputs / portal / "one").glob("*alpha*.oci.tar")
        assert f"-{portal}".encode() in image.read_bytes()


def test_what_lies_there_is_pushed_with_the_tags_of_its_portals(
    platform: Platform, ended: Ended
) -> None:
    there = find_built_plugins([platform.outputs])
    assert len(there) == 2
    with pytest.raises(UsageError, match="two images would have the name"):
        plan_images(there, ImageNaming())
    planned = plan_images(there, ImageNaming(tag_template="{version}-{host}"))
    assert {image.reference.tag for image in planned} == {f"1.0.0-{OLD}", f"1.0.0-{NEW}"}
    naming = ImageNaming(tag_template="{host_version}_{host_backstage_version}")
    planned = plan_images(there, naming)
    hosts = [find_host(portal) for portal in (OLD, NEW)]
    assert {image.reference.tag for image in planned} == {
        f"{host.release}_{host.backstage}" for host in hosts
    }


def test_the_page_of_the_run_has_a_column_a_portal(platform: Platform, ended: Ended) -> None:
    told = run_factory(platform.process, "report", "summary", platform.outputs)
    assert told.code == 0, told.said
    assert f"| plugin | {OLD} | {NEW} |" in told.stdout


def test_a_tree_that_is_here_is_built_for_one_after_the_other(
    platform: Platform, ended: Ended, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plugins-list.yaml").write_text(f"{BETA}:\n")
    tree = platform.source / OLD / "one"
    words = ("--config-dir", config, "--repo-path", tree, "--output-dir", tmp_path / "outputs")
    told = run_factory(platform.process, "build", *words, "--use-local", "--no-cache", *BOTH)
    assert told.code == 0, told.said
    report = read(tmp_path / "outputs/build-report.json")
    assert [each["outcome"] for each in report["workspaces"]] == ["done", "done"]


def test_a_portal_that_is_not_known_ends_the_run_before_it_begins(platform: Platform) -> None:
    told = platform.build("--host", OLD, "--host", "rhdh-0.1", "--output-dir", "nowhere")
    assert told.code == 2, told.said
    assert "there is no such host" in told.stderr


def read(file: Path) -> Mapping[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))
