"""Reads what ``dynamicPlugins.frontend`` mounts of a plugin.

The form is that of RHDH's documentation, "Front-end plugin wiring". Every entry ends up in one of
two lists: what an extension of the new frontend system can be made of, or what is left over, with
the reason.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.patterns import lazy_pattern
from factory.plugin_config.proof import MAIN_MODULE
from factory.scaffolding.old_mounts import (
    CONFIGURE_PAGE,
    DOCS,
    EXTENSION_PAGE,
    MIGRATION_PAGE,
    ROUTES_PAGE,
    EntityCondition,
    EntityTest,
    HowMany,
    LeftOver,
    MountedComponent,
    MountedExport,
    MountedPage,
    MountedTab,
    OldMounts,
    TestKind,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_DEFAULT = "default"
# ECMAScript's identifiers, of which TypeScript's are a part; all others can be written with quotes
# in an import, which tools of this field do not read.
_IDENTIFIER = lazy_pattern(r"[A-Za-z_$][A-Za-z0-9_$]*")
_CARDS = "/cards"
_OVERVIEW = "entity.page.overview"
_LONGEST = 60
# The tabs that RHDH brings along empty, for plugins to fill.
_TABS: Mapping[str, str] = {
    "entity.page.topology": "Topology",
    "entity.page.issues": "Issues",
    "entity.page.pull-requests": "Pull/Merge Requests",
    "entity.page.ci": "CI",
    "entity.page.cd": "CD",
    "entity.page.kubernetes": "Kubernetes",
    "entity.page.image-registry": "Image Registry",
    "entity.page.monitoring": "Monitoring",
    "entity.page.lighthouse": "Lighthouse",
}
_TRANSLATED = frozenset(
    {"dynamicRoutes", "mountPoints", "entityTabs", "apiFactories", "appIcons", "pluginModule"}
)
# What else a plugin can bring, and what takes its place.
_WITHOUT_COUNTERPART: Mapping[str, tuple[str, str]] = {
    "menuItems": (
        "the new system's sidebar belongs to the app, which orders and nests its items",
        f"{DOCS}/building-apps/migrating",
    ),
    "routeBindings": (
        "bind the routes with app.routes.bindings of the portal's configuration",
        f"{ROUTES_PAGE}#binding-external-route-references",
    ),
    "themes": ("make them with ThemeBlueprint", EXTENSION_PAGE),
    "signInPage": ("make it with SignInPageBlueprint, in a module of the app", EXTENSION_PAGE),
    "translationResources": ("make them with TranslationBlueprint", EXTENSION_PAGE),
    "scaffolderFieldExtensions": (
        "make them with FormFieldBlueprint of @backstage/plugin-scaffolder-react/alpha",
        "https://backstage.io/docs/features/software-templates/writing-custom-field-extensions",
    ),
    "techdocsAddons": (
        "make them with AddonBlueprint of @backstage/plugin-techdocs-react/alpha",
        "https://backstage.io/docs/features/techdocs/addons",
    ),
    "analyticsApiExtensions": ("make them with AnalyticsImplementationBlueprint", EXTENSION_PAGE),
    "providerSettings": ("the app's settings page has the providers", EXTENSION_PAGE),
}


def read_old_mounts(
    mounts: Mapping[str, Any], modules: Mapping[str, str], exports: Mapping[str, Collection[str]]
) -> OldMounts:
    """Return what a plugin's part of ``dynamicPlugins.frontend`` mounts.

    Args:
        mounts: the map below the plugin's name.
        modules: the script of each module that the bundle exposes.
        exports: the names that a script is known to export, by its path; one that is not there may
            export anything.
    """
    return _Reader(modules, exports).read(mounts)


class _Untranslatable(Exception):  # noqa: N818 - not an error
    def __init__(self, why: str, page: str = MIGRATION_PAGE) -> None:
        super().__init__(why)
        self.page = page


class _Reader:
    def __init__(self, modules: Mapping[str, str], exports: Mapping[str, Collection[str]]) -> None:
        self._modules = modules
        self._exports = exports
        self._left: list[LeftOver] = []

    def read(self, mounts: Mapping[str, Any]) -> OldMounts:
        icons = self._icons(mounts.get("appIcons"))
        pages = [
            page
            for way, one in self._entries(mounts, "dynamicRoutes")
            if (page := self._page(way, one, icons)) is not None
        ]
        used = {page.icon.name for page in pages if isinstance(page.icon, MountedExport)}
        for way, icon in icons.values():
            if icon.name not in used:
                self._leave(way, "make the icon with IconBundleBlueprint", EXTENSION_PAGE)
        apis = {}
        for way, one in self._entries(mounts, "apiFactories"):
            if (export := self._export_or_none(way, one)) is not None:
                self._leave_rest(way, one, {"importName", "module"})
                apis[way] = export
        overview, elements, cards = self._mount_points(mounts)
        tabs = self._tabs(mounts, cards)
        for name, value in mounts.items():
            self._without_counterpart(name, value)
        return OldMounts(
            pages=tuple(pages),
            overview=tuple(overview),
            tabs=tuple(tabs),
            elements=tuple(elements),
            apis=apis,
            left=tuple(self._left),
        )

    def _leave(self, way: str, why: str, page: str = MIGRATION_PAGE) -> None:
        self._left.append(LeftOver(way=way, why=why, page=page))

    def _leave_rest(self, way: str, one: Mapping[str, Any], taken: Collection[str]) -> None:
        for name in one:
            if name not in taken:
                self._leave(f"{way}.{name}", "it has no counterpart that is known", CONFIGURE_PAGE)

    def _entries(
        self, mounts: Mapping[str, Any], name: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        value = mounts.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            self._leave(name, "it is not a list")
            return
        for number, one in enumerate(value):
            way = f"{name}[{number}]"
            if isinstance(one, dict):
                yield way, one
            else:
                self._leave(way, "it is not a map")

    def _export(self, one: Mapping[str, Any]) -> MountedExport:
        module, name = one.get("module", MAIN_MODULE), one.get("importName", _DEFAULT)
        return self._find_export(module, name)

    def _find_export(self, module: object, name: object) -> MountedExport:
        path = self._modules.get(module) if isinstance(module, str) else None
        if path is None:
            known = ", ".join(sorted(self._modules)) or "none"
            raise _Untranslatable(f"module {_show(module)} is not exposed; those are: {known}")
        if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
            raise _Untranslatable(f"importName {_show(name)} is not the name of an export")
        if path in self._exports and name not in self._exports[path]:
            raise _Untranslatable(f"{path} exports no {name}")
        return MountedExport(path=path, name=name)

    def _export_or_none(self, way: str, one: Mapping[str, Any]) -> MountedExport | None:
        try:
            return self._export(one)
        except _Untranslatable as error:
            self._leave(way, str(error), error.page)
            return None

    def _icons(self, value: object) -> dict[str, tuple[str, MountedExport]]:
        """The plugin's own icons by name, with where they stand."""
        found: dict[str, tuple[str, MountedExport]] = {}
        for way, one in self._entries({"appIcons": value}, "appIcons"):
            export = self._export_or_none(way, one)
            if export is None:
                continue
            name = one.get("name")
            if isinstance(name, str) and name not in found:
                found[name] = (way, export)
            else:
                self._leave(way, "its name is not a text, or another icon's")
        return found

    def _page(
        self, way: str, one: dict[str, Any], icons: Mapping[str, tuple[str, MountedExport]]
    ) -> MountedPage | None:
        path = one.get("path")
        if not isinstance(path, str) or not path.startswith("/"):
            self._leave(way, f"path {_show(path)} is not a path such as /todo")
            return None
        menu = one.get("menuItem")
        # The props are those of an item of the sidebar, where the item is a component.
        has_own_item = isinstance(menu, dict) and "importName" in menu
        component = self._component(way, one, with_props=not has_own_item)
        if component is None:
            return None
        self._leave_rest(way, one, {"path", "importName", "module", "config", "menuItem"})
        title, icon = self._menu_item(f"{way}.menuItem", menu, icons)
        return MountedPage(component=component, path=path, title=title, icon=icon)

    def _menu_item(
        self, way: str, menu: object, icons: Mapping[str, tuple[str, MountedExport]]
    ) -> tuple[str, str | MountedExport]:
        if menu is None:
            return "", ""
        text = menu.get("text") if isinstance(menu, dict) else None
        if not isinstance(menu, dict) or not isinstance(text, str) or "importName" in menu:
            self._leave(
                way,
                "the new system's items are made of the title and icon of a page",
                CONFIGURE_PAGE,
            )
            return "", ""
        icon = menu.get("icon", "")
        self._leave_rest(way, menu, {"text", "icon"} if isinstance(icon, str) else {"text"})
        if not isinstance(icon, str):
            return text, ""
        return text, icons[icon][1] if icon in icons else icon

    def _component(
        self, way: str, one: Mapping[str, Any], *, with_props: bool = True
    ) -> MountedComponent | None:
        config = one.get("config")
        if config is None:
            config = {}
        if not isinstance(config, dict):
            self._leave(way, "config is not a map")
            return None
        try:
            export = self._export(one)
            condition = self._condition(config["if"]) if config.get("if") is not None else None
            props = config.get("props")
            if props is not None and with_props:
                _check_props(props)
        except _Untranslatable as error:
            self._leave(way, str(error), error.page)
            return None
        layout = config.get("layout")
        is_plain = isinstance(layout, dict) and all(
            isinstance(name, str) and _IDENTIFIER.fullmatch(name) and _is_plain(value)
            for name, value in layout.items()
        )
        if layout is not None and not is_plain:
            self._leave(f"{way}.config.layout", "it is not a map of plain values")
        if props is not None and not with_props:
            self._leave(f"{way}.config.props", "they are those of a component of the sidebar")
        self._leave_rest(f"{way}.config", config, {"if", "props", "layout"})
        return MountedComponent(
            way=way,
            export=export,
            props=props if props is not None and with_props else {},
            layout=layout if isinstance(layout, dict) and is_plain else {},
            condition=condition,
        )

    def _condition(self, value: object) -> EntityCondition | None:
        """The condition, of which RHDH looks at the first of three kinds that is there."""
        if not isinstance(value, dict):
            raise _Untranslatable("config.if is not a map")
        kinds: tuple[HowMany, ...] = ("allOf", "anyOf", "oneOf")
        there = [kind for kind in kinds if value.get(kind) is not None]
        if len(there) != 1 or len(value) != 1:
            raise _Untranslatable("config.if is not one of allOf, anyOf and oneOf alone")
        tests = value[there[0]]
        if not isinstance(tests, list):
            raise _Untranslatable(f"config.if.{there[0]} is not a list")
        return EntityCondition(how_many=there[0], tests=tuple(map(self._test, tests)))

    def _test(self, value: object) -> EntityTest:
        if isinstance(value, str):
            return EntityTest(kind="function", function=self._find_export(MAIN_MODULE, value))
        kinds: tuple[TestKind, ...] = ("isKind", "isType", "hasAnnotation")
        if isinstance(value, dict) and len(value) == 1:
            for kind in kinds:
                wanted = value.get(kind)
                given: list[Any] = wanted if isinstance(wanted, list) else [wanted]
                texts = tuple(one for one in given if isinstance(one, str))
                is_known = len(texts) == 1 or kind != "hasAnnotation"
                if texts and is_known and len(texts) == len(given):
                    return EntityTest(kind=kind, values=texts)
        raise _Untranslatable(
            f"the condition {_show(value)} is not isKind, isType or hasAnnotation with a text"
        )

    def _mount_points(
        self, mounts: Mapping[str, Any]
    ) -> tuple[list[MountedComponent], list[MountedComponent], dict[str, list[MountedComponent]]]:
        """Cards of the overview, elements beside all pages, and cards by the mount point."""
        overview: list[MountedComponent] = []
        elements: list[MountedComponent] = []
        cards: dict[str, list[MountedComponent]] = {}
        tabs = (
            {
                one["mountPoint"]
                for one in mounts.get("entityTabs") or ()
                if isinstance(one, dict) and isinstance(one.get("mountPoint"), str)
            }
            if isinstance(mounts.get("entityTabs"), list)
            else set()
        )
        for way, one in self._entries(mounts, "mountPoints"):
            point = one.get("mountPoint")
            place = point.removesuffix(_CARDS) if isinstance(point, str) else ""
            is_card = isinstance(point, str) and point.endswith(_CARDS)
            is_known = is_card and (place == _OVERVIEW or place in _TABS or place in tabs)
            if point != "application/listener" and not is_known:
                self._leave(way, f"mountPoint {_show(point)} has no counterpart", EXTENSION_PAGE)
                continue
            component = self._component(way, one)
            if component is None:
                continue
            self._leave_rest(way, one, {"mountPoint", "importName", "module", "config"})
            if not is_card or (place == _OVERVIEW and place not in tabs):
                self._leave_layout(component)
                if not is_card and component.condition:
                    self._leave(f"{way}.config.if", "what is beside all pages has no entity")
                (overview if is_card else elements).append(component)
            else:
                cards.setdefault(place, []).append(component)
        return overview, elements, cards

    def _leave_layout(self, component: MountedComponent) -> None:
        if component.layout:
            self._leave(
                f"{component.way}.config.layout",
                "the page lays out what is on it by itself",
                CONFIGURE_PAGE,
            )

    def _tabs(
        self, mounts: Mapping[str, Any], cards: dict[str, list[MountedComponent]]
    ) -> Iterator[MountedTab]:
        for way, one in self._entries(mounts, "entityTabs"):
            point, path, title = one.get("mountPoint"), one.get("path"), one.get("title")
            if not all(isinstance(text, str) for text in (point, path, title)):
                self._leave(way, "mountPoint, path and title are not all texts")
            elif not str(path).startswith("/"):
                self._leave(way, f"path {_show(path)} is not a path such as /todo")
            elif str(point) not in cards:
                self._leave(way, f"nothing is mounted on {point}/cards")
            else:
                self._leave_rest(way, one, {"mountPoint", "path", "title"})
                yield MountedTab(
                    way=way, title=str(title), path=str(path), cards=tuple(cards.pop(str(point)))
                )
        for point, found in cards.items():
            if point not in _TABS:
                for card in found:
                    self._leave(card.way, f"the tab of {point} is not translated")
                continue
            self._leave(
                f"{found[0].way}.mountPoint",
                f"the tab {_TABS[point]} is shared by plugins in the old system, and is the "
                "plugin's own here: set its title and path with app.extensions",
                CONFIGURE_PAGE,
            )
            yield MountedTab(way=found[0].way, title=_TABS[point], path="", cards=tuple(found))

    def _without_counterpart(self, name: str, value: object) -> None:
        if name in _TRANSLATED:
            return
        why, page = _WITHOUT_COUNTERPART.get(
            name, ("it has no counterpart that is known", MIGRATION_PAGE)
        )
        if isinstance(value, list):
            for number in range(len(value)):
                self._leave(f"{name}[{number}]", why, page)
        elif isinstance(value, dict) and name == "menuItems":
            for inner in value:
                self._leave(f"{name}.{inner}", why, page)
        elif value is not None:
            self._leave(name, why, page)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _check_props(props: object) -> None:
    if not isinstance(props, dict):
        raise _Untranslatable("config.props is not a map")
    try:
        text = json.dumps(props, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise _Untranslatable("config.props has a value that JSON does not have") from error
    if '"__proto__"' in text:
        raise _Untranslatable("config.props has the key __proto__")


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]
