"""What ``dynamicPlugins.frontend`` may say, in the app of the old frontend system and a browser.

The plugin is written by hand in the form that Scalprum loads: it takes React and Backstage's API
from the page, so it shows only where both are shared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.schemas import find_violation

from ..acceptance.portal import kept_node
from ..command_line import run_factory
from ..made_once import made_once

SHELF = """
const scope = {};
const share = async name => (await Object.values(scope[name])[0].get())();
__load_plugin_entry__('acme.shelf', {
  init(given) { Object.assign(scope, given); },
  async get() {
    const [React, api] = [await share('react'), await share('@backstage/core-plugin-api')];
    const { createTheme, ThemeProvider } = await share('@material-ui/core/styles');
    // What Backstage's components want of a theme beside what MUI has.
    const page = { colors: ['#111'], shape: 'none', backgroundImage: 'none', fontColor: '#fff' };
    const navigation = { background: '#111', indicator: '#9bf', color: '#bbb' };
    const theme = createTheme({
      page, getPageTheme: () => page,
      palette: {
        navigation: { ...navigation, navItem: { hoverBackground: '#444' } },
        tabbar: { indicator: '#9bf' },
      },
    });
    const text = words => () => React.createElement('p', null, words);
    const shelfApiRef = api.createApiRef({ id: 'plugin.shelf.books' });
    const routes = { root: api.createRouteRef({ id: 'shelf' }) };
    const externalRoutes = { books: api.createExternalRouteRef({ id: 'books', optional: true }) };
    const shelfPlugin = api.createPlugin({ id: 'shelf', routes, externalRoutes });
    const Page = ({ label }) => React.createElement('p', null,
      `${label}; ${api.useApi(shelfApiRef).count()} books; listed at`,
      ` ${api.useRouteRef(externalRoutes.books)()}`);
    const ShelfPage = shelfPlugin.provide(api.createRoutableExtension({
      name: 'ShelfPage', component: async () => Page, mountPoint: routes.root,
    }));
    return () => ({
      shelfPlugin, ShelfPage,
      shelfApi: api.createApiFactory({
        api: shelfApiRef, deps: {}, factory: () => ({ count: () => 42 }),
      }),
      ShelfIcon: () => React.createElement('svg', { 'data-icon': 'shelf' }),
      NewPage: text('a new book'),
      Header: text('above every page'),
      Theme: ({ children }) => React.createElement(
        ThemeProvider, { theme }, React.createElement('p', null, 'in the theme of Acme'), children),
      isWebsite: entity => entity.spec?.type === 'website',
      ForComponents: text('for components'),
      ForApis: text('for APIs'),
      ForServices: text('for services'),
      ForWebsites: text('for websites'),
      ForExactlyOne: text('for exactly one'),
      ForNobody: text('for nobody'),
      OnTab: text('on a tab of its own'),
      Broken: () => { throw new Error('the shelf is broken'); },
    });
  },
});
"""
CONFIG = """
dynamicPlugins:
  frontend:
    acme.shelf:
      apiFactories: [{importName: shelfApi}]
      appIcons: [{name: shelf, importName: ShelfIcon}]
      themes: [{id: acme, title: Acme, variant: light, importName: Theme}]
      routeBindings:
        targets: [{importName: shelfPlugin}]
        bindings:
          - bindTarget: shelfPlugin.externalRoutes
            bindMap: {books: catalogPlugin.routes.catalogIndex}
      dynamicRoutes:
        - path: /shelf
          importName: ShelfPage
          menuItem: {text: The shelf, icon: shelf}
          config: {props: {label: the shelf as configured}}
        - path: /shelf/new
          importName: NewPage
          menuItem: {text: A new book}
        - path: /shelf/hidden
          importName: NewPage
          menuItem: {text: Not to be seen, enabled: false}
      menuItems:
        library: {title: The library, priority: 100}
        shelf: {parent: library}
        shelf.new: {parent: library, priority: 10}
      entityTabs: [{path: /shelf, title: Books, mountPoint: entity.page.shelf}]
      mountPoints:
        - {mountPoint: application/header, importName: Header}
        - mountPoint: entity.page.overview/cards
          importName: ForComponents
          config: {if: {allOf: [{isKind: component}]}}
        - mountPoint: entity.page.overview/cards
          importName: ForApis
          config: {if: {allOf: [{isKind: [api, location]}]}}
        - mountPoint: entity.page.overview/cards
          importName: ForServices
          config: {if: {anyOf: [{hasAnnotation: acme.example/none}, {isType: service}]}}
        - mountPoint: entity.page.overview/cards
          importName: ForWebsites
          config: {if: {allOf: [isWebsite]}}
        - mountPoint: entity.page.overview/cards
          importName: ForExactlyOne
          config: {if: {oneOf: [{isKind: component}, {isType: service}]}}
        - mountPoint: entity.page.overview/cards
          importName: ForNobody
          config: {if: {allOf: [{isKind: component}, {isKind: api}]}}
        - {mountPoint: entity.page.shelf/cards, importName: OnTab}
"""
BROKEN = """
dynamicPlugins:
  frontend:
    acme.shelf:
      dynamicRoutes:
        - {path: /broken, importName: Broken}
        - {path: /missing, importName: NoSuchPage}
      mountPoints:
        - mountPoint: entity.page.overview/cards
          importName: ForApis
          config: {if: {allOf: [noSuchFunction]}}
      techdocsAddons: [{importName: ForApis}]
"""
SERVICE = "/catalog/default/component/sample-service"
WEBSITE = "/catalog/default/component/sample-website"


def shelf_folder(folder: Path) -> Path:
    package = {
        "name": "@acme/shelf-dynamic",
        "version": "1.0.0",
        "main": "dist-scalprum/plugin-manifest.json",
        "backstage": {"role": "frontend-plugin"},
        "scalprum": {"name": "acme.shelf", "exposedModules": {"PluginRoot": "./src/index.ts"}},
    }
    manifest = {
        "name": "acme.shelf",
        "version": "1.0.0",
        "extensions": [],
        "registrationMethod": "callback",
        "baseURL": "auto",
        "loadScripts": ["acme.shelf.js"],
        "buildHash": "0",
    }
    (folder / "dist-scalprum").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "dist-scalprum/acme.shelf.js").write_text(SHELF, encoding="utf-8")
    (folder / "dist-scalprum/plugin-manifest.json").write_text(
        json.dumps(manifest), encoding="utf-8"
    )
    return folder


def tried_with(config: str, process: dict[str, str], folder: Path) -> dict[str, Any]:
    kept_node(process)
    (folder / "app-config.yaml").write_text(config, encoding="utf-8")
    words = ("--host", "rhdh-1.9", "--app-config", folder / "app-config.yaml", "--json")
    ended = run_factory(process, "try", shelf_folder(folder / "shelf"), *words)
    assert ended.stdout, ended.said
    document: dict[str, Any] = json.loads(ended.stdout)
    assert find_violation(document, "trial") is None
    (plugin,) = document["plugins"]
    return {**plugin, "code": ended.code}


@pytest.fixture(scope="module")
def shelf(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made_once(tmp_path_factory, "shelf", lambda folder: tried_with(CONFIG, process, folder))


@pytest.fixture(scope="module")
def texts(shelf: dict[str, Any]) -> dict[str, str]:
    return {page["path"]: page["text"] for page in shelf["pages"]}


def mounts(shelf: dict[str, Any], path: str) -> set[str]:
    (page,) = (page for page in shelf["pages"] if page["path"] == path)
    return {mount["text"] for mount in page["mounts"]}


def test_all_of_it_shows(shelf: dict[str, Any]) -> None:
    assert (shelf["state"], shelf["why"], shelf["code"]) == ("shown", "", 0)
    assert not any(page["problem"] or page["uncaught"] for page in shelf["pages"])


def test_a_page_has_its_props_its_api_and_its_bound_route(texts: dict[str, str]) -> None:
    assert "the shelf as configured; 42 books; listed at /catalog" in texts["/shelf"]
    assert "a new book" in texts["/shelf/new"]


def test_what_is_on_every_page_is_on_every_page(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert "above every page" in text
        assert "in the theme of Acme" in text


def test_items_of_the_menu_are_ordered_and_below_their_parents(texts: dict[str, str]) -> None:
    text = texts["/shelf"]
    places = [text.index(item) for item in ("The library", "A new book", "The shelf")]
    assert places == sorted(places)
    assert "Not to be seen" not in text


def test_cards_show_on_the_entities_that_their_conditions_hold_for(shelf: dict[str, Any]) -> None:
    assert {"for components", "for services"} <= mounts(shelf, SERVICE)
    assert {"for components", "for websites", "for exactly one"} <= mounts(shelf, WEBSITE)
    assert not {"for APIs", "for websites", "for exactly one", "for nobody"} & mounts(
        shelf, SERVICE
    )
    assert not {"for APIs", "for services", "for nobody"} & mounts(shelf, WEBSITE)
    assert any("for APIs" in mount["text"] for page in shelf["pages"] for mount in page["mounts"])
    assert [words for words in shelf["left"] if "ForNobody" in words]


def test_a_tab_of_the_entity_s_page_is_opened(shelf: dict[str, Any], texts: dict[str, str]) -> None:
    assert "on a tab of its own" in texts[f"{SERVICE}/shelf"]
    assert "BOOKS" in texts[SERVICE].upper()


def test_what_does_not_work_is_told_with_its_place(process: dict[str, str], tmp_path: Path) -> None:
    broken = tried_with(BROKEN, process, tmp_path)
    assert (broken["state"], broken["code"]) == ("failed", 14)
    for words in (
        "/broken: Broken: Error: the shelf is broken",
        'dynamicRoutes[1]: module "PluginRoot" exports no NoSuchPage',
        "mountPoints[0].config.if: the module exports no function noSuchFunction",
    ):
        assert words in broken["why"]
    assert any("techdocsAddons" in words for words in broken["left"])
