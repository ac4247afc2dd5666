"""What a portal's move does to one unpacked plugin."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ArtifactError, Place
from factory.installation.package_reference import LocalFolder
from factory.installation.plugin_list import ListedPlugin
from factory.upgrading.list_examination import examine_plugin
from factory.upgrading.portal_move import MovedPlugin, PortalMove
from tests.light import examples
from tests.verification.plugins import FEDERATION, backend, frontend, write_folder

from .moves import NEW, SCALPRUM, portal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.inventory import HostInventory

API = "@backstage/backend-plugin-api"
CATALOG = "@backstage/plugin-catalog-node"
OLD = portal("old")
SCALPRUM_ONLY: dict[str, str | bytes | None] = {
    "dist/mf-manifest.json": None,
    "dist/remoteEntry.js": None,
}


def moved(
    folder: Path,
    files: Mapping[str, bytes],
    new: HostInventory,
    *,
    old: HostInventory = OLD,
    config: Mapping[str, Any] | None = None,
) -> MovedPlugin:
    root = write_folder(folder / "plugin", files)
    package = LocalFolder(path=root, written="./plugin")
    place = Place(file=Path("dynamic-plugins.yaml"), line=2)
    entry = ListedPlugin(package=package, place=place, config=config or {})
    return examine_plugin(root, entry, PortalMove(old=old, new=new))


def peers(**asked: str) -> dict[str, bytes]:
    return backend({"peerDependencies": asked})


def test_what_the_new_portal_satisfies_still_fits(tmp_path: Path) -> None:
    found = moved(tmp_path, backend(), portal("new", packages={API: "1.9.2"}))
    assert (found.verdict, found.exit_code) == ("fits", 0)
    assert found.name == "@scope/plugin-todo-backend-dynamic"


def test_a_range_that_no_longer_fits_is_a_rebuild_that_names_all_versions(tmp_path: Path) -> None:
    asks = backend({"peerDependencies": {API: "^1.4.0", CATALOG: "^1.20.0"}})
    found = moved(tmp_path, asks, portal("new", packages={CATALOG: "2.2.2"}))
    (reason,) = found.rebuild
    assert (found.verdict, found.exit_code) == ("rebuild", 14)
    assert (reason.kind, reason.package, reason.asked) == ("range", CATALOG, "^1.20.0")
    assert (reason.old, reason.new, reason.before) == (("1.20.0",), ("2.2.2",), False)
    assert reason.why == f"it asks for {CATALOG} ^1.20.0; old has 1.20.0, new has 2.2.2"


def test_an_older_range_that_already_did_not_fit_is_a_remark(tmp_path: Path) -> None:
    asks = backend({"peerDependencies": {CATALOG: "^1.0.0"}})
    found = moved(
        tmp_path,
        asks,
        portal("new", packages={CATALOG: "3.0.0"}),
        old=portal("old", packages={CATALOG: "2.0.0"}),
    )
    assert found.verdict == "fits"
    assert found.remarks == (f"it asks for {CATALOG} ^1.0.0; old has 2.0.0, new has 3.0.0",)


def test_a_newer_range_than_both_portals_have_does_not_fit_either(tmp_path: Path) -> None:
    found = moved(tmp_path, backend({"peerDependencies": {CATALOG: "^9.0.0"}}), portal("new"))
    assert [(one.kind, one.before) for one in found.rebuild] == [("range", True)]


def test_an_optional_peer_and_what_is_bundled_do_not_count(tmp_path: Path) -> None:
    files = backend(
        {
            "peerDependencies": {CATALOG: "^1.20.0"},
            "peerDependenciesMeta": {CATALOG: {"optional": True}},
            "dependencies": {"@backstage/errors": "^1.0.0"},
        },
        {"node_modules/@backstage/errors/package.json": '{"name": "@backstage/errors"}'},
    )
    new = portal("new", packages={CATALOG: "2.0.0", "@backstage/errors": "2.0.0"})
    assert moved(tmp_path, files, new).verdict == "fits"


@pytest.mark.parametrize("package", [CATALOG, "express"])
def test_a_package_that_the_portal_drops_is_missing(package: str, tmp_path: Path) -> None:
    files = backend({"peerDependencies": {package: "*"}})
    (reason,) = moved(tmp_path, files, portal("new", packages={package: None})).rebuild
    assert (reason.kind, reason.package, reason.new, reason.before) == (
        ("missing", package, (), False)
    )


def test_a_release_of_backstage_does_not_tell_of_others_packages(tmp_path: Path) -> None:
    files = backend({"peerDependencies": {"express": "*"}})
    plain = portal("new", packages={"express": None, "react": None})
    assert moved(tmp_path, files, plain).verdict == "fits"


def test_a_dependency_that_nobody_has_is_missing(tmp_path: Path) -> None:
    files = backend({"dependencies": {"left-pad": "^1.0.0"}})
    (reason,) = moved(tmp_path, files, portal("new")).rebuild
    assert (reason.kind, reason.package, reason.before) == ("missing", "left-pad", True)


def test_a_bundled_package_that_the_new_portal_shares_is_there_twice(tmp_path: Path) -> None:
    package = '{"name": "@backstage/x-node", "version": "0.1.0"}'
    files = backend(files={"node_modules/@backstage/x-node/package.json": package})
    new = portal("new", packages={"@backstage/x-node": "0.2.0"})
    (reason,) = moved(tmp_path, files, new).rebuild
    assert (reason.kind, reason.package) == ("bundled", "@backstage/x-node")
    assert (reason.asked, reason.new, reason.before) == ("0.1.0", ("0.2.0",), False)


def test_a_plugin_for_a_newer_backstage_does_not_fit_an_older_portal(tmp_path: Path) -> None:
    new = portal("new", backstage="1.39.1")
    (reason,) = moved(tmp_path, backend(), new).rebuild
    assert (reason.kind, reason.before) == ("backstage", False)
    assert "1.42.0" in reason.why
    assert "1.39.1" in reason.why


def addon(*marks: str) -> dict[str, str | bytes | None]:
    content = b"\x7fELF\0" + b"\0".join(mark.encode() for mark in marks) + b"\0"
    return {"node_modules/nat/build/Release/nat.node": content}


def test_native_code_for_the_old_node_is_a_rebuild(tmp_path: Path) -> None:
    files = backend(files=addon("node_register_module_v127"))
    found = moved(tmp_path, files, portal("new", node="24"))
    (reason,) = found.rebuild
    assert (reason.kind, reason.package, reason.before) == ("native", "nat", False)
    assert reason.why == "native code of nat is for Node.js 22, new runs on Node.js 24"


@pytest.mark.parametrize(
    ("marks", "node"),
    [
        (("node_register_module_v127",), "22 || 24"),
        (("node_register_module_v127", "napi_register_module_v1"), "24"),
        (("nothing",), "24"),
        (("node_register_module_v127",), ""),
    ],
)
def test_native_code_that_loads_is_no_reason(
    marks: tuple[str, ...], node: str, tmp_path: Path
) -> None:
    found = moved(tmp_path, backend(files=addon(*marks)), portal("new", node=node))
    assert found.verdict == "fits"


def test_one_addon_of_several_is_enough(tmp_path: Path) -> None:
    files = backend(
        files={
            "node_modules/nat/prebuilds/a.node": b"node_register_module_v127\0",
            "node_modules/nat/prebuilds/b.node": b"node_register_module_v137\0",
        }
    )
    assert moved(tmp_path, files, portal("new", node="24")).verdict == "fits"


def test_a_scalprum_plugin_shows_nothing_in_the_new_frontend_system(tmp_path: Path) -> None:
    found = moved(tmp_path, frontend(files=SCALPRUM_ONLY), portal("new", systems=NEW))
    assert (found.verdict, found.exit_code) == ("shows-nothing", 14)
    assert found.hidden is not None
    assert found.hidden.why == (
        "new loads frontends by new-frontend-system (new: there is no dist/mf-manifest.json)"
    )
    assert not found.hidden.before
    assert "module-federation" in found.hidden.hint


def test_a_plugin_that_showed_nothing_before_is_said_to(tmp_path: Path) -> None:
    no_scalprum: dict[str, str | bytes | None] = {"dist-scalprum/plugin-manifest.json": None}
    found = moved(tmp_path, frontend(files=no_scalprum), portal("new", systems=SCALPRUM))
    assert found.hidden is not None
    assert found.hidden.before


def test_a_plugin_for_both_systems_shows_in_either(tmp_path: Path) -> None:
    assert moved(tmp_path, frontend(), portal("new", systems=NEW)).verdict == "fits"
    assert moved(tmp_path, frontend(), OLD, old=portal("new", systems=NEW)).verdict == "fits"


def test_module_federation_of_the_old_system_wants_a_bundle_that_exposes(tmp_path: Path) -> None:
    new = portal("new", systems=("module-federation",))
    assert moved(tmp_path, frontend(), new).verdict == "fits"
    bare = frontend(files={"dist/mf-manifest.json": json.dumps({**FEDERATION, "exposes": []})})
    assert moved(tmp_path / "bare", bare, new).verdict == "shows-nothing"


def test_what_cannot_be_told_of_the_new_system_is_unknown(tmp_path: Path) -> None:
    shared = [{"name": "@backstage/frontend-plugin-api", "assets": {"js": {}}}]
    files = frontend(
        {"backstage": {"role": "frontend-plugin"}},
        {
            "dist/mf-manifest.json": json.dumps({**FEDERATION, "shared": shared}),
            "dist/static/2.js": "x={default:()=>y}",
        },
    )
    found = moved(tmp_path, files, portal("new", systems=NEW))
    assert found.verdict == "unknown"
    assert found.error is not None
    assert found.error.problem == "it cannot be told whether the plugin shows in new"
    assert moved(
        tmp_path, files, portal("new", systems=NEW), old=portal("old", systems=NEW)
    ).verdict == ("fits")


def test_a_portal_without_known_systems_says_what_to_type(tmp_path: Path) -> None:
    found = moved(tmp_path, frontend(), portal("new", systems=()))
    assert found.verdict == "unknown"
    assert found.error is not None
    assert "host import --frontend-systems" in (found.error.hint or "")


def test_a_singleton_of_the_page_is_held_against_the_new_portal(tmp_path: Path) -> None:
    name = "@backstage/frontend-plugin-api"
    shared = [{"name": name, "version": "0.13.1", "requiredVersion": "^0.13.0", "singleton": True}]
    files = frontend(files={"dist/mf-manifest.json": json.dumps({**FEDERATION, "shared": shared})})
    old = portal("old", packages={name: "0.13.2"}, systems=NEW, shares=(name,))
    new = portal("new", packages={name: "0.17.2"}, systems=NEW, shares=(name,))
    (reason,) = moved(tmp_path, files, new, old=old).rebuild
    assert (reason.package, reason.asked, reason.new) == (name, "^0.13.0", ("0.17.2",))
    alone = portal("new", packages={name: "0.17.2"}, systems=NEW)
    assert moved(tmp_path, files, alone, old=old).verdict == "fits"


MOUNTS: dict[str, Any] = {
    "dynamicPlugins": {"frontend": {"scope.todo": {"mountPoints": [], "dynamicRoutes": []}}}
}


def test_mount_points_have_no_effect_without_the_old_system(tmp_path: Path) -> None:
    found = moved(tmp_path, frontend(), portal("new", systems=NEW), config=MOUNTS)
    assert [(one.key, one.before) for one in found.keys] == [
        ("dynamicPlugins.frontend.scope.todo.mountPoints", False),
        ("dynamicPlugins.frontend.scope.todo.dynamicRoutes", False),
    ]
    assert (found.verdict, found.exit_code) == ("fits", 14)
    assert "app.extensions" in found.keys[0].why


def test_mount_points_go_on_where_the_old_system_stays(tmp_path: Path) -> None:
    both = portal("new", systems=(*SCALPRUM, *NEW))
    found = moved(tmp_path, frontend(), both, config=MOUNTS)
    assert (found.keys, found.exit_code) == ((), 0)


def test_extensions_have_no_effect_without_the_new_system(tmp_path: Path) -> None:
    config = {"app": {"extensions": ["page:todo"]}}
    found = moved(tmp_path, frontend(), portal("new"), config=config)
    assert [(one.key, one.before) for one in found.keys] == [("app.extensions", True)]
    assert found.exit_code == 0


def test_a_key_that_the_schema_does_not_describe_is_named_without_its_value(
    tmp_path: Path,
) -> None:
    schema = {"type": "object", "properties": {"todo": {"properties": {"size": {}}}}}
    files = backend(files={"dist/configSchema.json": json.dumps(schema)})
    config = {"todo": {"sizes": "s3cret", "other": "s3cret"}}
    found = moved(tmp_path, files, portal("new"), config=config)
    assert [(one.key, one.before) for one in found.keys] == [
        ("todo.sizes", True),
        ("todo.other", True),
    ]
    assert "s3cret" not in str(found.keys)
    assert found.exit_code == 0


def test_a_plugin_that_the_new_portal_has_itself_is_remarked(tmp_path: Path) -> None:
    new = portal("new", packages={"@scope/plugin-todo-backend": "1.3.0"})
    (remark,) = moved(tmp_path, backend(), new).remarks
    assert remark.startswith("new has @scope/plugin-todo-backend 1.3.0 among its own packages")


@pytest.mark.parametrize(
    ("package", "found"),
    [
        ({"backstage": {"role": "cli"}}, "backstage.role: cli"),
        ({"backstage": []}, "backstage.role: none"),
        ({"peerDependencies": []}, "a list in the package.json of ./plugin"),
        ({"dependencies": {"x": 3}}, "the number 3 in the package.json of ./plugin"),
    ],
)
def test_a_package_json_that_cannot_be_used_is_an_error_of_the_entry(
    package: dict[str, Any], found: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError) as caught:
        moved(tmp_path, backend(package), portal("new"))
    assert found in (caught.value.found or "")
    assert caught.value.place == Place(file=Path("dynamic-plugins.yaml"), line=2)


VERSIONS = st.builds("{}.{}.{}".format, *(st.integers(0, 3) for _ in range(3)))
RANGES = st.builds("{}{}".format, st.sampled_from(["^", "~", "", ">="]), VERSIONS)


@settings(max_examples=examples(80), deadline=None)
@given(asked=RANGES, there=VERSIONS, systems=st.sampled_from([SCALPRUM, NEW, ()]))
def test_a_portal_that_stays_needs_no_rebuild_of_what_fits_it(
    asked: str, there: str, systems: tuple[Any, ...]
) -> None:
    same = portal("same", packages={CATALOG: there}, systems=systems)
    with TemporaryDirectory() as folder:
        found = moved(Path(folder), backend({"peerDependencies": {CATALOG: asked}}), same, old=same)
    # What is said of a portal that stays, was so before: it is about plugins that do not fit it.
    assert all(one.before for one in found.rebuild)
    if found.verdict == "rebuild":
        (reason,) = found.rebuild
        assert reason.old == reason.new == (there,)
        assert asked.lstrip("^~>=") > there
