"""What a frontend is called in the cache knows which kinds of assets its portal has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory.analysis.inventory import HostInventory, find_host, host_names
from factory.analysis.manifest import Manifest
from factory.analysis.portal_profile import FrontendSystem
from factory.config.environment import layer_environment
from factory.config.options import ArgumentOptions
from factory.engines import Engine
from factory.export.tool_choice import wanted_tools
from factory.pipeline.chosen_plugins import ChosenPlugin
from factory.pipeline.preparation import engine_inputs, host_digest


def host(*systems: FrontendSystem, stated: bool = True) -> HostInventory:
    known = find_host()
    profile = replace(known.profile, frontend_systems=systems, states_systems=stated)
    return replace(known, profile=profile)


def inputs(role: str, portal: HostInventory, arguments: str = "") -> dict[str, str]:
    folder = Path("plugins/a")
    manifest = Manifest(file=folder / "package.json", name="a", role=role)
    plugin = ChosenPlugin(path="plugins/a", folder=folder, manifest=manifest, arguments=arguments)
    wanted = wanted_tools(ArgumentOptions(), layer_environment({}), portal)
    return dict(engine_inputs(plugin, wanted, portal))


BOTH = {"engine": Engine.RHDH}


@pytest.mark.parametrize(
    ("systems", "assets"),
    [
        (("scalprum",), "--no-generate-module-federation-assets"),
        (("module-federation",), "--no-generate-scalprum-assets"),
    ],
)
def test_a_kind_that_is_left_out_is_in_the_key(
    systems: tuple[FrontendSystem, ...], assets: str
) -> None:
    assert inputs("frontend-plugin", host(*systems)) == {**BOTH, "assets": assets}


def test_portals_that_load_both_kinds_have_one_artifact() -> None:
    assert inputs("frontend-plugin", host()) == BOTH
    assert inputs("frontend-plugin", host("scalprum", "new-frontend-system")) == BOTH


def test_what_a_portals_packages_tell_may_not_be_all_that_it_loads() -> None:
    assert inputs("frontend-plugin", host("scalprum", stated=False)) == BOTH


@pytest.mark.parametrize("name", host_names())
def test_of_each_portal_that_is_known_it_is_known_what_it_loads(name: str) -> None:
    profile = find_host(name).profile
    assert profile.stated_systems == profile.frontend_systems != ()


def test_what_the_author_says_makes_it_the_same_for_all_portals() -> None:
    arguments = "--generate-scalprum-assets"
    assert inputs("frontend-plugin", host("module-federation"), arguments) == BOTH


def test_backends_are_the_same_however_frontends_are_loaded() -> None:
    assert inputs("backend-plugin", host("scalprum")) == BOTH


def test_a_commit_that_was_built_for_other_frontend_systems_is_looked_at_again() -> None:
    assert host_digest(host("scalprum")) != host_digest(host("module-federation"))
