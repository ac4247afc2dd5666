"""Mount points of a configuration, held against those of its portal: a table of each rule."""

from __future__ import annotations

from typing import Any

import pytest

from factory.analysis.inventory import find_host
from factory.plugin_config.mount_points import PortalMounts, check_mount_points, portal_mounts

POINTS = ("entity.page.overview", "entity.page.ci", "entity.page.issues", "admin.page.rbac",
          "application/header", "search.page.types")  # fmt: skip
PORTAL = portal_mounts("acme", POINTS, ())


def mounting(*points: str, tabs: tuple[str, ...] = ()) -> dict[str, Any]:
    own = {
        "mountPoints": [{"mountPoint": point, "importName": "X"} for point in points],
        "entityTabs": [{"mountPoint": tab, "path": "/x", "title": "X"} for tab in tabs],
    }
    return {"dynamicPlugins": {"frontend": {"team.todo": own}}}


# What is written, what was meant (None: it is as it should be), or that nobody can tell.
WRITTEN: dict[str, str | None] = {
    "entity.page.overview/cards": None,
    "entity.page.ci/context": None,
    "application/header": None,
    "search.page.types": None,
    "admin.page.rbac/cards": None,
    "entity.page.overveiw/cards": "entity.page.overview/cards",
    "entity.page.issue/context": "entity.page.issues/context",
    "entity.page.overview/card": "entity.page.overview/cards",
    "entity.page.overview.cards": "entity.page.overview/cards",
    "entity.page.overview": "entity.page.overview/cards",
    "entity.page.CI/cards": "entity.page.ci/cards",
    "applications/header": "application/header",
    "search.page.type": "search.page.types",
    "entity.page.deployments/cards": "another plugin's",
    "entity.page.cd/cards": "another plugin's",
    "global.header/help": "another plugin's",
    "entity.page.overveiw/crads": "another plugin's",
    "": "another plugin's",
}


@pytest.mark.parametrize("written", WRITTEN)
def test_what_is_nearly_a_mount_point_of_the_portals_is_a_mistake(written: str) -> None:
    problems, untold = check_mount_points(mounting(written), PORTAL)
    meant = WRITTEN[written]
    if meant is None:
        assert (problems, untold) == ((), ())
    elif meant == "another plugin's":
        assert problems == ()
        assert untold == (f"acme has no mount point {written}: another plugin must have it",)
    else:
        (problem,) = problems
        assert problem.expected == f"a mount point of acme, such as {meant}"
        assert problem.way[-3:] == ("mountPoints", "0", "mountPoint")


def test_tabs_have_mount_points_whoever_adds_them() -> None:
    own = mounting("entity.page.todo/cards", tabs=("entity.page.todo",))
    assert check_mount_points(own, PORTAL) == ((), ())
    portal = portal_mounts("acme", POINTS, [mounting(tabs=("entity.page.issue",))])
    assert check_mount_points(mounting("entity.page.issue/cards"), portal) == ((), ())


def test_where_the_mount_points_are_not_known_that_is_said() -> None:
    config = mounting("entity.page.overveiw/cards")
    for mounts, words in (
        (None, "the mount points are not known"),
        (PortalMounts(portal="plain"), "the mount points of plain are not known"),
    ):
        problems, (said,) = check_mount_points(config, mounts)
        assert problems == ()
        assert said.startswith(words)
    assert check_mount_points({"todo": {}}, None) == ((), ())


@pytest.mark.parametrize(
    "config",
    [
        {"dynamicPlugins": []},
        {"dynamicPlugins": {"frontend": {"x": {"mountPoints": {"mountPoint": "y"}}}}},
        {"dynamicPlugins": {"frontend": {"x": {"mountPoints": [{"mountPoint": 5}, "y", None]}}}},
        {"dynamicPlugins": {"frontend": {"x": {"entityTabs": [{"mountPoint": []}]}}}},
    ],
)
def test_another_shape_mounts_nothing(config: dict[str, Any]) -> None:
    assert check_mount_points(config, PORTAL) == ((), ())


@pytest.mark.parametrize("release", ["1.7", "1.8", "1.9", "1.10", "2.0"])
def test_the_portals_that_ship_have_the_tabs_of_their_documentation(release: str) -> None:
    host = find_host(f"rhdh-{release}")
    mounts = portal_mounts(host.name, host.profile.mount_points, ())
    assert {
        "entity.page.overview/cards",
        "entity.page.image-registry/cards",
        "entity.page.diagram/context",
        "entity.context.menu",
        "application/listener",
        "search.page.results",
    } <= mounts.points
