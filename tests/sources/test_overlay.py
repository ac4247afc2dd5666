"""Overlays: copied onto their plugin, hidden files too, never outside it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from factory.errors import PatchError, StorageError
from factory.sources.overlay import Overlay, OverlayResult, apply_overlays, find_overlays

from .repositories import tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write(folder / "plugins/a", {"package.json": "{}", "src/index.ts": "old"})
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def apply(config: Path, workspace: Path) -> OverlayResult:
    (result,) = apply_overlays(find_overlays(config), workspace)
    return result


def refused(config: Path, workspace: Path) -> str:
    before = tree(workspace)
    with pytest.raises(PatchError) as caught:
        apply_overlays(find_overlays(config), workspace)
    assert tree(workspace) == before
    return str(caught.value)


class TestCopied:
    @pytest.mark.parametrize("name", ["overlay", "overlays"])
    def test_files_are_added_and_replaced_and_listed(
        self, config: Path, workspace: Path, name: str
    ) -> None:
        write(
            config / "plugins/a" / name,
            {"src/index.ts": "new", "src/deep/more.ts": "more", "package.json": "{}"},
        )
        assert apply(config, workspace) == OverlayResult(
            plugin="plugins/a",
            added=("src/deep/more.ts",),
            replaced=("src/index.ts",),
            unchanged=("package.json",),
        )
        assert tree(workspace) == {
            "plugins/a/package.json": "{}",
            "plugins/a/src/index.ts": "new",
            "plugins/a/src/deep/more.ts": "more",
        }

    def test_hidden_files_and_folders_too(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {".eslintrc.js": "x", ".config/.a/b": "y"})
        assert apply(config, workspace).added == (".config/.a/b", ".eslintrc.js")

    def test_modes_are_kept(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"run.sh": "x"})
        (config / "plugins/a/overlay/run.sh").chmod(0o755)
        apply(config, workspace)
        assert (workspace / "plugins/a/run.sh").stat().st_mode & stat.S_IXUSR

    def test_the_root_plugin(self, config: Path, workspace: Path) -> None:
        write(config / "overlay", {"new.ts": "x"})
        assert apply(config, workspace).plugin == "."
        assert (workspace / "new.ts").read_text() == "x"

    def test_a_second_run_changes_nothing(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"src/index.ts": "new"})
        apply(config, workspace)
        inode = (workspace / "plugins/a/src/index.ts").stat().st_ino
        assert apply(config, workspace).unchanged == ("src/index.ts",)
        assert (workspace / "plugins/a/src/index.ts").stat().st_ino == inode

    def test_a_new_plugin_with_its_own_package(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/new/overlay", {"package.json": "{}", "src/index.ts": "x"})
        assert apply(config, workspace).added == ("package.json", "src/index.ts")

    def test_a_link_inside_the_overlay_stays_a_link(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"a.ts": "x"})
        (config / "plugins/a/overlay/b.ts").symlink_to("a.ts")
        apply(config, workspace)
        assert str((workspace / "plugins/a/b.ts").readlink()) == "a.ts"

    def test_a_link_in_the_plugin_is_replaced_and_not_written_through(
        self, config: Path, workspace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "outside.ts").write_text("precious")
        (workspace / "plugins/a/link.ts").symlink_to(tmp_path / "outside.ts")
        write(config / "plugins/a/overlay", {"link.ts": "new"})
        assert apply(config, workspace).replaced == ("link.ts",)
        assert (tmp_path / "outside.ts").read_text() == "precious"
        assert not (workspace / "plugins/a/link.ts").is_symlink()


class TestRefused:
    def test_a_plugin_that_does_not_exist(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/b/overlay", {"src/index.ts": "x"})
        assert "does not have: plugins/b" in refused(config, workspace)

    def test_a_folder_of_the_plugin_that_is_a_link_out_of_it(
        self, config: Path, workspace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "outside").mkdir()
        (workspace / "plugins/a/lib").symlink_to(tmp_path / "outside")
        write(config / "plugins/a/overlay", {"lib/evil.ts": "x", "src/index.ts": "new"})
        assert "is a link out of it" in refused(config, workspace)
        assert list((tmp_path / "outside").iterdir()) == []

    def test_a_plugin_that_is_a_link_out_of_the_workspace(
        self, config: Path, workspace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "outside").mkdir()
        (workspace / "plugins/b").symlink_to(tmp_path / "outside")
        write(config / "plugins/b/overlay", {"evil.ts": "x"})
        assert "link out of the workspace" in refused(config, workspace)

    @pytest.mark.parametrize("plugin", ["../outside", "/etc"])
    def test_a_plugin_path_that_leaves_the_workspace(
        self, config: Path, workspace: Path, plugin: str
    ) -> None:
        write(config / "x/overlay", {"evil.ts": "x"})
        with pytest.raises(PatchError, match="not a path inside the workspace"):
            apply_overlays((Overlay(folder=config / "x/overlay", plugin=plugin),), workspace)

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../secret"])
    def test_a_link_of_the_overlay_that_leads_out_of_it(
        self, config: Path, workspace: Path, target: str
    ) -> None:
        write(config / "plugins/a/overlay", {"a.ts": "x"})
        (config / "plugins/a/overlay/b.ts").symlink_to(target)
        assert "link out of the overlay" in refused(config, workspace)

    def test_a_file_where_the_plugin_has_a_folder(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"src": "x"})
        assert "is a folder" in refused(config, workspace)

    def test_a_folder_where_the_plugin_has_a_file(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"package.json/x": "x"})
        assert "is a file" in refused(config, workspace)

    def test_one_bad_overlay_keeps_all_others_back(self, config: Path, workspace: Path) -> None:
        write(config / "plugins/a/overlay", {"src/index.ts": "new"})
        write(config / "plugins/b/overlay", {"src/index.ts": "x"})
        refused(config, workspace)

    def test_a_full_disk_leaves_everything_as_it_was(self, config: Path, small_disk: Path) -> None:
        write(small_disk / "plugins/a", {"a.txt": "old"})
        write(config / "plugins/a/overlay", {"a.txt": "new", "b/big": "x" * 3_000_000})
        with pytest.raises(StorageError, match="all are unchanged"):
            apply_overlays(find_overlays(config), small_disk)
        assert tree(small_disk) == {"plugins/a/a.txt": "old"}
        assert not (small_disk / "plugins/a/b").exists()


class TestFound:
    def test_only_where_they_belong(self, config: Path) -> None:
        for name in (
            "plugins/b/overlay/x",
            "plugins/a/overlays/x",
            "overlay/x",
            "overlay/inner/overlay/x",
            "patches/overlay/x",
            ".hidden/overlay/x",
            "node_modules/p/overlay/x",
            "source/plugins/c/overlay/x",
        ):
            write(config, {name: "x"})
        found = find_overlays(config, skip=(config / "source",))
        assert [(overlay.plugin, overlay.folder.name) for overlay in found] == [
            (".", "overlay"),
            ("plugins/a", "overlays"),
            ("plugins/b", "overlay"),
        ]

    def test_a_file_of_that_name_is_none(self, config: Path) -> None:
        write(config, {"plugins/a/overlay": "x"})
        assert find_overlays(config) == ()

    def test_two_overlays_of_one_plugin_are_both_copied_the_last_one_wins(
        self, config: Path, workspace: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write(config / "plugins/a/overlay", {"one.ts": "1", "src/index.ts": "first"})
        write(config / "plugins/a/overlays", {"two.ts": "2", "src/index.ts": "second"})
        apply_overlays(find_overlays(config), workspace)
        assert tree(workspace / "plugins/a") == {
            "package.json": "{}",
            "one.ts": "1",
            "two.ts": "2",
            "src/index.ts": "second",
        }
        assert "is in two overlays" in caplog.text


class TestContainment:
    """It begins with the overlay itself, and holds at any level below it."""

    def test_an_overlay_that_is_a_link_out_of_the_configuration(
        self, config: Path, workspace: Path, tmp_path: Path
    ) -> None:
        write(tmp_path / "elsewhere", {"src/index.ts": "stolen"})
        (config / "plugins/a").mkdir(parents=True)
        (config / "plugins/a/overlay").symlink_to(tmp_path / "elsewhere")
        assert "a link out of the configuration" in refused(config, workspace)

    def test_an_overlay_that_is_a_link_within_the_configuration(
        self, config: Path, workspace: Path
    ) -> None:
        write(config / "shared", {"src/index.ts": "shared"})
        (config / "plugins/a").mkdir(parents=True)
        (config / "plugins/a/overlays").symlink_to("../../shared")
        apply(config, workspace)
        assert (workspace / "plugins/a/src/index.ts").read_text() == "shared"

    @pytest.mark.parametrize("target", ["overlay", "nowhere", "package.json"])
    def test_an_overlay_that_is_a_link_to_no_folder(
        self, config: Path, workspace: Path, target: str
    ) -> None:
        write(config / "plugins/a", {"package.json": "{}"})
        (config / "plugins/a/overlay").symlink_to(target)
        assert "link" in refused(config, workspace)

    def test_a_link_that_leads_out_by_another_link(self, config: Path, workspace: Path) -> None:
        overlay = config / "plugins/a/overlay"
        write(overlay, {"deep/down/x.ts": "x"})
        (overlay / "deep/down/top").symlink_to("../..")
        (overlay / "out").symlink_to("deep/down/top/..")
        assert "out is a link out of the overlay" in refused(config, workspace)

    def test_links_in_circles(self, config: Path, workspace: Path) -> None:
        overlay = config / "plugins/a/overlay"
        write(overlay, {"x.ts": "x"})
        (overlay / "one").symlink_to("two")
        (overlay / "two").symlink_to("one")
        assert "is a link out of the overlay" in refused(config, workspace)

    @pytest.mark.parametrize(
        "name", [".git/config", "sub/.git/hooks/x", "sub/.GIT", "GIT~1/config", "a/.git./x"]
    )
    def test_git_s_own_folder(self, config: Path, workspace: Path, name: str) -> None:
        write(config / "plugins/a/overlay", {name: "x"})
        assert "git's own folder" in refused(config, workspace)

    def test_a_plugin_that_would_be_git_s_own_folder(self, config: Path, workspace: Path) -> None:
        write(config / "git~1/overlay", {"package.json": "{}"})
        assert "git's own folder" in refused(config, workspace)
