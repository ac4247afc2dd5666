"""What becomes of each staged plugin, by what the backend has said."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from factory.cli.try_view import show
from factory.frontend.verdict import System
from factory.trial.host_report import (
    AskedRoute,
    HostReport,
    LoadedModule,
    LoadedPackage,
    OpenedApp,
    OpenedPage,
    ServedRemote,
    StartupFeature,
)
from factory.trial.portal_system import choose_system, find_systems
from factory.trial.verdicts import TriedPlugin, judge_trial
from factory.ui.printing import Printer

from ..frontend.bundles import federated, scalprum, write_bundle

TODO = StartupFeature(plugin="todo")
MODULE = StartupFeature(plugin="catalog", module="todo")


def report(**fields: Any) -> HostReport:
    nothing: dict[str, Any] = {
        "address": "http://127.0.0.1:7007",
        "backend": "Backstage 1",
        "packages": (),
        "started": frozenset(),
        "failures": {},
        "pending": frozenset(),
        "routes": (),
        "remotes": (),
        "error": "",
    }
    return HostReport(**nothing | fields)


def loaded(*features: StartupFeature, failure: str = "") -> LoadedPackage:
    return LoadedPackage(
        name="@acme/todo",
        version="1.0.0",
        role="backend-plugin",
        folder="/elsewhere/todo",
        failure=failure,
        features=features,
    )


def staged(folder: Path, role: str = "backend-plugin") -> Path:
    root = folder / "todo"
    root.mkdir(exist_ok=True)
    package = {"name": "@acme/todo", "version": "1.0.0", "backstage": {"role": role}}
    (root / "package.json").write_text(json.dumps(package), encoding="utf-8")
    return root


def judged(root: Path, said: HostReport) -> TriedPlugin:
    (plugin,) = judge_trial(said, [root], 1.0).plugins
    return plugin


@pytest.mark.parametrize(
    ("said", "state", "why"),
    [
        (report(packages=(loaded(TODO),), started={TODO}), "initialised", ""),
        (report(packages=(loaded(TODO),), failures={TODO: "no token"}), "failed", "no token"),
        (report(packages=(loaded(TODO, MODULE),), started={TODO}), "not tried", "catalog"),
        (report(packages=(loaded(TODO),), pending={"todo"}), "pending", "time was up"),
        (report(packages=(loaded(TODO),), pending={"slow"}), "not tried", "others had not"),
        (report(packages=(loaded(TODO),), error="two of a kind"), "failed", "two of a kind"),
        (report(packages=(loaded(failure="no main"),)), "failed", "no main"),
        (report(packages=(loaded(),)), "not tried", "does not say"),
        (report(packages=(loaded(),), error="two of a kind"), "failed", "two of a kind"),
        (report(), "failed", "passes it over"),
        (report(error="two of a kind"), "failed", "two of a kind"),
    ],
)
def test_a_backend(tmp_path: Path, said: HostReport, state: str, why: str) -> None:
    plugin = judged(staged(tmp_path), said)
    assert plugin.state == state
    assert why in plugin.why
    assert plugin.holds == (state not in ("failed", "pending"))


def remote(*missing: str) -> ServedRemote:
    return ServedRemote(
        package="@team/todo-dynamic", name="team__todo", modules=(".",), missing=missing
    )


@pytest.mark.parametrize(
    ("files", "said", "state", "why"),
    [
        (federated("."), report(remotes=(remote(),)), "served", ""),
        (federated("."), report(remotes=(remote("/a.js: 404"),)), "failed", "/a.js: 404"),
        (federated("."), report(), "failed", "does not list it"),
        (federated("."), report(error="two of a kind"), "failed", "two of a kind"),
        (scalprum(PluginRoot="1;"), report(), "not tried", "old frontend system alone"),
        ({}, report(), "failed", "mf-manifest.json"),
    ],
)
def test_a_frontend(
    tmp_path: Path, files: dict[str, str], said: HostReport, state: str, why: str
) -> None:
    write_bundle(tmp_path / "todo", files)
    plugin = judged(tmp_path / "todo", said)
    assert plugin.state == state
    assert why in plugin.why
    assert plugin.frontend


def opened(
    *pages: OpenedPage,
    plugin: str = "todo",
    problem: str = "",
    module: str = "",
    problems: tuple[tuple[str, str], ...] = (),
    left: tuple[tuple[str, str], ...] = (),
) -> OpenedApp:
    one = LoadedModule(
        package="@team/todo-dynamic", module=".", plugin="" if module else plugin, problem=module
    )
    return OpenedApp(
        modules=(one,),
        extensions=(("todo", "page:todo"),),
        problems=problems,
        left=left,
        pages=pages,
        problem=problem,
    )


def page(
    text: str = "To do",
    *,
    uncaught: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    problem: str = "",
    mounts: tuple[tuple[str, str], ...] = (),
) -> OpenedPage:
    return OpenedPage(
        path="/todo",
        plugins=frozenset({"todo"}),
        mounts=mounts,
        text=text,
        screenshot="/pictures/todo.png",
        problem=problem,
        uncaught=uncaught,
        errors=errors,
    )


NO_FEATURE = "its default export is no frontend plugin or module"


@pytest.mark.parametrize(
    ("app", "state", "why"),
    [
        (opened(page()), "shown", ""),
        (opened(page(errors=("a warning",))), "shown", ""),
        (opened(), "shown", ""),
        (opened(page(uncaught=("x is not defined",))), "failed", "/todo: x is not defined"),
        (opened(page("")), "failed", "/todo: there is nothing on it"),
        (opened(page("", problem="no time left")), "failed", "/todo: no time left"),
        (opened(module="it cannot be loaded: 404"), "failed", '".": it cannot be loaded: 404'),
        (opened(module=NO_FEATURE), "failed", f'".": {NO_FEATURE}'),
        (opened(problem="no display"), "failed", "the app was not opened: no display"),
    ],
)
def test_a_frontend_in_an_app(tmp_path: Path, app: OpenedApp, state: str, why: str) -> None:
    write_bundle(tmp_path / "todo", federated("."))
    plugin = judged(tmp_path / "todo", report(remotes=(remote(),), app=app))
    assert (plugin.state, plugin.why) == (state, why)


def test_one_of_the_old_system_is_not_blamed_for_it(tmp_path: Path) -> None:
    write_bundle(tmp_path / "todo", federated(".") | scalprum(PluginRoot="1;"))
    plugin = judged(tmp_path / "todo", report(remotes=(remote(),), app=opened(module=NO_FEATURE)))
    assert plugin.state == "not tried"
    assert plugin.holds


OLD = federated(".") | scalprum(PluginRoot="1;")


@pytest.mark.parametrize(
    ("files", "app", "state", "why"),
    [
        (OLD, opened(page()), "shown", ""),
        (OLD, None, "served", ""),
        (OLD, opened(problems=(("todo", "it exports no X"),)), "failed", "it exports no X"),
        (OLD, opened(problems=(("another", "it exports no X"),)), "shown", ""),
        (OLD, opened(module="nothing of it is mounted"), "failed", "nothing of it is mounted"),
        (federated("."), opened(page()), "not tried", "does not show in the old frontend system"),
        ({}, opened(page()), "failed", "plugin-manifest.json"),
    ],
)
def test_a_frontend_in_an_app_of_the_old_system(
    tmp_path: Path, files: dict[str, str], app: OpenedApp | None, state: str, why: str
) -> None:
    write_bundle(tmp_path / "todo", files)
    result = judge_trial(report(app=app), [tmp_path / "todo"], 1.0, system="old")
    (plugin,) = result.plugins
    assert plugin.state == state
    assert why in plugin.why


def test_people_read_what_is_mounted_and_what_is_left_out(tmp_path: Path) -> None:
    write_bundle(tmp_path / "todo", OLD)
    stream = io.StringIO()
    card = page(mounts=(("entity.page.overview/cards: TodoCard", "3 entries"),))
    said = report(app=opened(card, left=(("todo", "techdocsAddons: there is no place for it"),)))
    show(judge_trial(said, [tmp_path / "todo"], 1.0, system="old"), Printer(stream=stream))
    assert "entity.page.overview/cards: TodoCard: 3 entries" in stream.getvalue()
    assert "left out     techdocsAddons: there is no place for it" in stream.getvalue()


@pytest.mark.parametrize(
    ("bundles", "wanted", "system"),
    [
        ([federated(".", "alpha")], (), "new"),
        ([scalprum(PluginRoot="1;")], (), "old"),
        ([scalprum(PluginRoot="1;"), federated(".", "alpha")], (), "new"),
        ([federated(".", "alpha") | scalprum(PluginRoot="1;")], ("old", "new"), "old"),
        ([federated(".", "alpha")], ("old", "new"), "new"),
        ([federated(".", "alpha")], ("old",), "old"),
        ([], (), "new"),
    ],
)
def test_the_app_is_of_the_portals_system_or_of_the_plugins(
    tmp_path: Path, bundles: list[dict[str, str]], wanted: tuple[System, ...], system: System
) -> None:
    folders = [tmp_path / str(number) for number in range(len(bundles))]
    for folder, files in zip(folders, bundles, strict=True):
        write_bundle(folder, files)
    assert choose_system(folders, wanted) == system


@pytest.mark.parametrize(
    ("host", "systems"),
    [
        (None, ()),
        ("rhdh-1.10", ("old", "new")),
        ("veecode-1.3.8", ("old",)),
        ("backstage-1.52", ("new",)),
    ],
)
def test_a_portal_says_which_systems_it_has(host: str | None, systems: tuple[System, ...]) -> None:
    assert find_systems(host) == systems


def test_people_read_what_is_on_a_page_and_in_its_console(tmp_path: Path) -> None:
    write_bundle(tmp_path / "todo", federated("."))
    stream = io.StringIO()
    said = report(remotes=(remote(),), app=opened(page(errors=("a warning",))))
    show(judge_trial(said, [tmp_path / "todo"], 2.5), Printer(stream=stream))
    text = stream.getvalue()
    assert "extensions   page:todo" in text
    assert "page         /todo (/pictures/todo.png)" in text
    assert "console: a warning" in text


def route(status: int, *, wanted: bool) -> AskedRoute:
    return AskedRoute(path="/api/todo/todos", status=status, problem="", wanted=wanted)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        (route(200, wanted=True), True),
        (route(500, wanted=True), False),
        (route(302, wanted=True), False),
        (route(0, wanted=True), False),
        (route(500, wanted=False), True),
    ],
)
def test_routes_that_were_named_must_answer_with_success(asked: AskedRoute, *, holds: bool) -> None:
    assert judge_trial(report(routes=(asked,)), [], 1.0).holds == holds


def test_people_read_what_failed_and_why(tmp_path: Path) -> None:
    said = report(
        packages=(loaded(TODO, MODULE),),
        failures={TODO: "Error: no token\x1b[2J"},
        routes=(route(500, wanted=True),),
    )
    stream = io.StringIO()
    show(judge_trial(said, [staged(tmp_path)], 2.5), Printer(stream=stream))
    text = stream.getvalue()
    assert "@acme/todo 1.0.0 (backend-plugin)" in text
    assert "failed       todo: Error: no token" in text
    assert "\x1b" not in text
    assert "not tried    catalog/todo: the plugin catalog, which it extends, is not here" in text
    assert "500          GET /api/todo/todos" in text
    assert "1 plugin tried in 2.5 s with Backstage 1; 1 failed" in text
    assert "1 route without the answer that was wanted" in text


def test_people_read_of_a_frontend_where_it_shows(tmp_path: Path) -> None:
    write_bundle(tmp_path / "todo", federated(".", "alpha"))
    stream = io.StringIO()
    said = report(remotes=(remote(),))
    show(judge_trial(said, [tmp_path / "todo"], 2.5), Printer(stream=stream))
    assert "served" in stream.getvalue()
    assert "new frontend system: shows" in stream.getvalue()
    assert "old frontend system: does not show" in stream.getvalue()
