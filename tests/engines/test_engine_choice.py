"""Which engine exports plugins of a role: ``--engine``, otherwise the portal's profile."""

from __future__ import annotations

import pytest

from factory.analysis.inventory import find_host
from factory.config.engine_option import read_engines
from factory.config.environment import Environment
from factory.config.options import ArgumentOptions
from factory.engines import Engine, RoleEngines
from factory.errors import UsageError
from factory.export.tool_choice import wanted_tools
from factory.toolchain.wanted_tools import WantedTools

RHDH = RoleEngines(frontend=Engine.RHDH, backend=Engine.RHDH)
FRONTENDS_BUNDLED = RoleEngines(frontend=Engine.BACKSTAGE, backend=Engine.RHDH)


def choose(*written: str, host: str | None = None, self_contained: bool = False) -> WantedTools:
    arguments = ArgumentOptions(
        host=(host,) if host else (), engine=written, self_contained=self_contained
    )
    return wanted_tools(arguments, Environment(variables={}), find_host(host))


@pytest.mark.parametrize(
    ("host", "engines"),
    [(None, RHDH), ("rhdh-1.9", RHDH), ("backstage-1.52", FRONTENDS_BUNDLED)],
)
def test_without_the_option_the_portal_decides(host: str | None, engines: RoleEngines) -> None:
    chosen = choose(host=host)
    assert chosen.engines == engines
    assert (host or "the default portal") in chosen.engine_why


def test_what_the_option_leaves_open_the_portal_decides() -> None:
    chosen = choose("backend=backstage", host="backstage-1.52")
    assert chosen.engines.possible == {Engine.BACKSTAGE}
    both = "--engine for backend plugins, backstage-1.52 for frontend plugins"
    assert chosen.engine_why.startswith(both.partition(",")[0])
    assert choose("rhdh", host="backstage-1.52").engines == RHDH


@pytest.mark.parametrize(
    "written",
    [
        ("frontend=backstage", "backend=rhdh"),
        ("frontend=backstage,backend=rhdh",),
        ("frontend=backstage",),
        ("rhdh", "frontend=backstage"),
        ("backend=rhdh, backstage",),
    ],
)
def test_what_is_said_of_a_role_wins_over_what_is_said_of_all(written: tuple[str, ...]) -> None:
    assert read_engines(written).over(RHDH) == FRONTENDS_BUNDLED


def test_modules_go_with_the_plugins_that_they_extend() -> None:
    assert FRONTENDS_BUNDLED.of_role("frontend-plugin-module") is Engine.BACKSTAGE
    assert FRONTENDS_BUNDLED.of_role("backend-plugin-module") is Engine.RHDH


@pytest.mark.parametrize(
    "written",
    [
        ("webpack",),
        ("frontend=",),
        ("=rhdh",),
        ("portal=rhdh",),
        ("rhdh", "backstage"),
        ("a=b=rhdh",),
    ],
)
def test_what_is_no_engine_is_refused_by_its_name(written: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        read_engines(written)
    assert written[-1] in str(caught.value.found)


def test_self_contained_needs_the_engine_that_it_is_for() -> None:
    with pytest.raises(UsageError, match="no effect"):
        choose("frontend=backstage", self_contained=True)
    assert choose("backstage", self_contained=True).self_contained
