"""Several portals: which a run builds for, and what a configuration has for one of them."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factory.analysis.inventory import find_host
from factory.config.options import build_options
from factory.config.portals import PortalScope
from factory.config.run_plan import RunPlan, plan_run
from factory.config.selection import PluginName, Selection
from factory.config.workspaces import environment_files
from factory.errors import ConfigurationError, FactoryError, PatchError, UsageError
from factory.pipeline.checkout import overrides_of
from tests.config.test_run_plan import Desk

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ("rhdh-1.9", "rhdh-1.10")


def plan(desk: Desk, *hosts: str, **options: Any) -> RunPlan:
    return desk.plan(host=hosts, **options)


def refused(desk: Desk, *hosts: str, **options: Any) -> FactoryError:
    with pytest.raises(FactoryError) as caught:
        plan(desk, *hosts, **options)
    return caught.value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(root=tmp_path)
    desk.write("source.json", {"repo": "https://example.com/p", "repo-ref": "v1"})
    desk.write("plugins-list.yaml", "plugins/a:\nplugins/b: --embed-package x\n")
    return desk


@pytest.fixture
def several(tmp_path: Path) -> Desk:
    desk = Desk(root=tmp_path)
    for name in ("todo", "gitlab"):
        desk.write(f"{name}/source.json", {"repo": "https://example.com/p", "repo-ref": name})
        desk.write(f"{name}/plugins-list.yaml", "plugins/a:\n")
    return desk


def test_each_workspace_is_built_for_each_portal_into_its_folder(several: Desk) -> None:
    run = plan(several, *BOTH)
    assert run.several
    assert run.portals == BOTH
    assert [(b.name, b.portal.host, b.workspace) for b in run.builds] == [
        ("rhdh-1.9/gitlab", "rhdh-1.9", "gitlab"),
        ("rhdh-1.9/todo", "rhdh-1.9", "todo"),
        ("rhdh-1.10/gitlab", "rhdh-1.10", "gitlab"),
        ("rhdh-1.10/todo", "rhdh-1.10", "todo"),
    ]
    for build in run.builds:
        assert build.options.arguments.host == (build.portal.host,)
        assert build.output_dir == several.root / "outputs" / build.name
        assert build.repo_path == several.root / "source" / build.name
        assert build.clones_dir == several.root / "source/.clones"


def test_of_one_workspace_the_folder_is_the_portals(desk: Desk) -> None:
    run = plan(desk, *BOTH)
    assert [(b.name, b.workspace) for b in run.builds] == [("rhdh-1.9", ""), ("rhdh-1.10", "")]
    assert [b.output_dir.name for b in run.builds] == list(BOTH)


def test_one_portal_is_a_run_as_ever(desk: Desk) -> None:
    run = plan(desk, "rhdh-1.9")
    (build,) = run.builds
    assert (run.several, run.portals, build.name) == (False, (), "")
    assert build.output_dir == desk.root / "outputs"


def test_a_tree_that_is_here_is_one_for_all_portals(desk: Desk) -> None:
    (desk.root / "source").mkdir()
    run = plan(desk, *BOTH, use_local=True)
    assert {build.repo_path for build in run.builds} == {desk.root / "source"}


class TestNames:
    """Which portals are meant, and what their folders are called."""

    def test_a_file_lists_them_unless_the_command_line_does(self, desk: Desk) -> None:
        desk.write("portals.yaml", "hosts: [rhdh-1.8, backstage-1.52]\n")
        assert plan(desk).portals == ("rhdh-1.8", "backstage-1.52")
        assert plan(desk, *BOTH).portals == BOTH
        assert not plan(desk, "rhdh-1.9").several

    def test_a_path_in_the_file_counts_from_the_file(self, desk: Desk) -> None:
        desk.write("portals.yaml", "hosts: [rhdh-1.8, ../portals/ours.json]\n")
        run = plan(desk)
        assert run.portals == ("rhdh-1.8", "ours")
        assert run.builds[1].portal.host == f"{desk.config}/../portals/ours.json"

    @pytest.mark.parametrize(
        ("host", "name"),
        [
            ("./portals/ours.json", "ours"),
            ("/srv/portal/yarn.lock", "portal"),
            ("/srv/portal", "portal"),
            ("backstage-1.52.0", "backstage-1.52.0"),
        ],
    )
    def test_a_file_gives_its_name(self, desk: Desk, host: str, name: str) -> None:
        assert plan(desk, "rhdh-1.9", host).portals == ("rhdh-1.9", name)

    @pytest.mark.parametrize("host", ["/srv/a portal/yarn.lock", "/", "-x", "a,b"])
    def test_a_name_that_is_no_folders_is_refused(self, desk: Desk, host: str) -> None:
        error = refused(desk, "rhdh-1.9", host)
        assert isinstance(error, UsageError)
        assert error.found == host
        assert plan(desk, host).builds[0].portal.host == host

    @pytest.mark.parametrize("second", ["rhdh-1.9", "/srv/RHDH-1.9.json"])
    def test_two_of_one_name_are_refused(self, desk: Desk, second: str) -> None:
        assert "two portals are called" in str(refused(desk, "rhdh-1.9", second))

    @pytest.mark.parametrize("text", ["hosts: []\n", "hosts: rhdh-1.9\n", "host: [a]\n", "- a\n"])
    def test_a_file_of_another_form_is_refused(self, desk: Desk, text: str) -> None:
        desk.write("portals.yaml", text)
        error = refused(desk)
        assert isinstance(error, ConfigurationError)
        assert error.place is not None
        assert error.place.file.name == "portals.yaml"

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=3))
    @example(["~nobody/x", "a\0/b"])
    @example(["yarn.lock", "/"])
    def test_any_text_is_a_portal_or_refused(self, desk: Desk, hosts: list[str]) -> None:
        desk.write("portals.yaml", json.dumps({"hosts": hosts}))
        with contextlib.suppress(FactoryError):
            self._plan_somewhere(desk)

    def _plan_somewhere(self, desk: Desk) -> None:
        run = plan(desk)
        for build in run.builds:
            assert build.output_dir.parent == desk.root / ("outputs" if run.portals else "")
            with contextlib.suppress(FactoryError):
                find_host(build.portal.host)


class TestLayers:
    """The files below ``portals/NAME/``."""

    def test_its_files_take_the_places_of_those_of_all(self, desk: Desk) -> None:
        desk.write("portals/rhdh-1.9/source.json", {"repo": "https://example.com/old"})
        desk.write("portals/rhdh-1.9/plugins-list.yaml", "plugins/a:\n")
        desk.write("portals/rhdh-1.10/backstage.json", {"version": "1.49.4"})
        desk.write("portals/rhdh-1.10/plugins/b/app-config.dynamic.yaml", "x: 1\n")
        desk.write("plugins/b/app-config.dynamic.yaml", "x: 0\n")
        old, new = plan(desk, *BOTH).builds
        assert old.source is not None
        assert new.source is not None
        assert (old.source.repo, new.source.repo) == (
            "https://example.com/old",
            "https://example.com/p",
        )
        assert [len(b.plugins.entries) for b in (old, new) if b.plugins] == [1, 2]
        assert (old.supported_versions, new.supported_versions) == (None, "1.49.4")
        name = "app-config.dynamic.yaml"
        assert old.plugin_file("plugins/b", name) == desk.config / "plugins/b" / name
        assert new.plugin_file("plugins/b", name) == (
            desk.config / "portals/rhdh-1.10/plugins/b" / name
        )

    def test_they_count_for_one_portal_alone_too(self, desk: Desk) -> None:
        desk.write("portals/rhdh-1.9/backstage.json", {"version": "1.45.3"})
        assert plan(desk, "rhdh-1.9").builds[0].supported_versions == "1.45.3"
        assert plan(desk, "rhdh-1.10").builds[0].supported_versions is None

    def test_without_a_portal_they_are_not_used(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk.write("portals/rhdh-1.9/backstage.json", {"version": "1.45.3"})
        assert plan(desk).builds[0].supported_versions is None
        assert "portals is not used: no portal is named, as by --host rhdh-1.9" in caplog.text

    def test_what_is_found_out_goes_into_the_portals_list(self, desk: Desk) -> None:
        for build in plan(desk, *BOTH).builds:
            name = build.portal.name
            assert build.plugins_list_file == desk.config / f"portals/{name}/plugins-list.yaml"
        assert plan(desk, "rhdh-1.9").builds[0].plugins_list_file == (
            desk.config / "plugins-list.yaml"
        )

    def test_a_variable_of_the_portal_wins(self, desk: Desk) -> None:
        desk.write(".env", "RHDH_CLI_VERSION=1.9.1\n")
        file = desk.write("portals/rhdh-1.10/.env", "RHDH_CLI_VERSION=1.10.8\n")
        versions = [b.environment.get("RHDH_CLI_VERSION") for b in plan(desk, *BOTH).builds]
        assert versions == ["1.9.1", "1.10.8"]
        assert file in environment_files(desk.config)

    def test_a_disabled_list_leaves_the_portal_out(
        self, several: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        several.write("todo/portals/rhdh-1.9/plugins-list.yaml.disabled", "")
        assert [build.name for build in plan(several, *BOTH).builds] == [
            "rhdh-1.9/gitlab",
            "rhdh-1.10/gitlab",
            "rhdh-1.10/todo",
        ]
        assert "not built: rhdh-1.9/todo" in caplog.text

    def test_what_is_wrong_with_one_portals_files_is_its_own(self, desk: Desk) -> None:
        desk.write("portals/rhdh-1.9/source.json", "{")
        run = plan(desk, *BOTH)
        assert [build.name for build in run.builds] == ["rhdh-1.10"]
        assert [(each.name, each.portal) for each in run.broken] == [("rhdh-1.9", "rhdh-1.9")]

    def test_patches_and_overlays_lie_on_those_of_all(self, desk: Desk) -> None:
        for name in ("1.patch", "2.patch", "3.patch"):
            desk.write(f"patches/{name}", "of all")
        desk.write("portals/rhdh-1.9/patches/2.patch", "of the portal")
        desk.write("portals/rhdh-1.9/patches/3.patch", "")
        desk.write("portals/rhdh-1.9/patches/4.patch", "of the portal")
        desk.write("plugins/a/overlay/x", "of all")
        desk.write("portals/rhdh-1.9/plugins/a/overlay/x", "of the portal")
        old, new = (overrides_of(build) for build in plan(desk, *BOTH).builds)
        assert [p.relative_to(desk.config).as_posix() for p in old.patches] == [
            "patches/1.patch",
            "portals/rhdh-1.9/patches/2.patch",
            "portals/rhdh-1.9/patches/4.patch",
        ]
        assert [(o.plugin, o.is_of_portal) for o in old.overlays] == [
            ("plugins/a", False),
            ("plugins/a", True),
        ]
        assert [patch.name for patch in new.patches] == ["1.patch", "2.patch", "3.patch"]
        assert [overlay.plugin for overlay in new.overlays] == ["plugins/a"]

    def test_a_tree_for_all_portals_takes_no_changes_of_one(self, desk: Desk) -> None:
        (desk.root / "source").mkdir()
        desk.write("portals/rhdh-1.9/patches/1.patch", "of the portal")
        old, new = plan(desk, *BOTH, use_local=True).builds
        with pytest.raises(UsageError, match="builds one tree for all portals"):
            overrides_of(old)
        assert overrides_of(new).patches == ()

    def test_a_portals_overlay_may_not_leave_the_configuration(self, desk: Desk) -> None:
        folder = desk.config / "portals/rhdh-1.9/plugins/a"
        folder.mkdir(parents=True)
        (folder / "overlay").symlink_to("/etc")
        with pytest.raises(PatchError):
            overrides_of(plan(desk, "rhdh-1.9").builds[0])


class TestSelection:
    """``--only`` and ``--exclude`` name a portal, a workspace, or both."""

    @pytest.mark.parametrize(
        ("only", "wanted"),
        [
            ("todo", ["rhdh-1.9/todo", "rhdh-1.10/todo"]),
            ("rhdh-1.9", ["rhdh-1.9/gitlab", "rhdh-1.9/todo"]),
            ("rhdh-1.9/*", ["rhdh-1.9/gitlab", "rhdh-1.9/todo"]),
            ("rhdh-1.10/todo", ["rhdh-1.10/todo"]),
            ("*/todo", ["rhdh-1.9/todo", "rhdh-1.10/todo"]),
            ("todo/plugins/a", ["rhdh-1.9/todo", "rhdh-1.10/todo"]),
            ("rhdh-1.9/todo/plugins/a", ["rhdh-1.9/todo"]),
        ],
    )
    def test_the_wanted_workspaces(self, several: Desk, only: str, wanted: list[str]) -> None:
        run = plan(several, *BOTH, only=(only,))
        assert [build.name for build in run.builds] == wanted
        rest = plan(several, *BOTH, exclude=(only,)) if only != "*" else None
        if rest and "plugins" not in only:
            assert {b.name for b in rest.builds}.isdisjoint(wanted)
            assert len(rest.builds) + len(wanted) == 4

    def test_a_portal_of_one_workspace(self, desk: Desk) -> None:
        assert [b.name for b in plan(desk, *BOTH, only=("rhdh-1.9",)).builds] == ["rhdh-1.9"]
        run = plan(desk, *BOTH, only=("plugins/a", "rhdh-1.10/plugins/b"))
        names = [
            (build.name, path)
            for build in run.builds
            for path in ("plugins/a", "plugins/b")
            if run.selection.wants(PluginName(workspace=build.name, path=path))
        ]
        assert names == [
            ("rhdh-1.9", "plugins/a"),
            ("rhdh-1.10", "plugins/a"),
            ("rhdh-1.10", "plugins/b"),
        ]

    def test_without_portals_a_slash_means_what_it_did(self) -> None:
        selection = Selection(only=("a/b",), workspaces=("a",))
        assert selection.wants(PluginName(workspace="a", path="b"))
        assert not selection.wants(PluginName(workspace="a", path="a/b"))


class TestTags:
    """No two portals' images may have one name."""

    def test_the_tag_gets_the_portal(self, desk: Desk) -> None:
        run = plan(desk, *BOTH, push_images=True)
        assert {b.options.images.tag_template for b in run.builds} == {"{version}-{host}"}
        (one,) = plan(desk, "rhdh-1.9", push_images=True).builds
        assert one.options.images.tag_template == "{version}"

    def test_a_tag_without_it_is_refused(self, desk: Desk) -> None:
        error = refused(desk, *BOTH, push_images=True, tag_template="latest")
        assert isinstance(error, UsageError)
        assert "{host}" in (error.expected or "")
        plan(desk, *BOTH, push_images=True, tag_template="{host_version}")
        plan(desk, *BOTH, tag_template="latest")


def test_who_takes_what_all_portals_have_takes_no_layer(desk: Desk) -> None:
    desk.write("portals.yaml", "hosts: [rhdh-1.8, rhdh-1.9]\n")
    desk.write("portals/rhdh-1.9/source.json", {"repo": "https://example.com/old"})
    options = build_options(config_dir=desk.config, host=("rhdh-1.9",))
    run = plan_run(options, {"HOME": "/"}, default_jobs=1, scope=PortalScope.NAMELESS)
    (build,) = run.builds
    assert (build.portal.host, build.layers) == ("rhdh-1.9", (desk.config,))
    assert build.source is not None
    assert build.source.repo == "https://example.com/p"


def test_one_text_is_no_list_of_portals() -> None:
    with pytest.raises(TypeError, match="has several values"):
        build_options(host="rhdh-1.9")
