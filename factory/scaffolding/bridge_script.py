"""The script that makes a plugin of the new frontend system of one of the old.

What others wrote gets into it as JSON, which is a part of TypeScript, as an identifier that was
looked at, or on a comment's one line.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from factory.frontend.extension_ids import KEEPS_ID, MAKES_APIS
from factory.outside_text import clean
from factory.patterns import lazy_pattern
from factory.scaffolding.old_mounts import MountedExport
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.scaffolding.old_mounts import (
        EntityCondition,
        EntityTest,
        LeftOver,
        MountedComponent,
        MountedPage,
        MountedTab,
        OldMounts,
    )

COMPAT_API = "@backstage/core-compat-api"
NEW_API = "@backstage/frontend-plugin-api"
CATALOG_REACT = "@backstage/plugin-catalog-react"
_SCRIPT = lazy_pattern(r"\.(?:tsx?|jsx?|mjs)$")
_WORDS = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_AFFIX = lazy_pattern(r"^Entity(?=[A-Z])|(?<=[a-z0-9])(?:Page|Card|Content)$")
_LONGEST_COMMENT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeScript:
    """The text of a script, the packages that it takes something from, and what it makes.

    ``extensions`` are pairs: where a mount stands, and the id of the extension that it becomes.
    """

    text: str
    packages: tuple[str, ...]
    extensions: tuple[tuple[str, str], ...]


def write_bridge_script(
    mounts: OldMounts, plugin: MountedExport, *, plugin_id: str, folder: str, has_titles: bool
) -> BridgeScript:
    """Return the script for what is mounted.

    Args:
        mounts: what the old system mounts.
        plugin: the export that is the plugin of the old system.
        plugin_id: its id, as the ids of extensions have it.
        folder: the folder that the script will be in, from the package's.
        has_titles: whether pages of the portal's system have titles and icons.
    """
    return _Writer(mounts, plugin, plugin_id, folder, has_titles).write()


class _Writer:
    def __init__(
        self,
        mounts: OldMounts,
        plugin: MountedExport,
        plugin_id: str,
        folder: str,
        has_titles: bool,
    ) -> None:
        self._mounts = mounts
        self._plugin_id = plugin_id
        self._folder = folder
        self._has_titles = has_titles
        self._taken: dict[MountedExport, str] = {}
        self._names: set[tuple[str, str]] = set()
        self._made: list[tuple[str, str]] = []
        self._plugin = self._local(plugin)

    def write(self) -> BridgeScript:
        mounts = self._mounts
        extensions = [
            *map(self._page, mounts.pages),
            *map(self._card, mounts.overview),
            *map(self._tab, mounts.tabs),
            *map(self._element, mounts.elements),
        ]
        if mounts.apis:
            self._made += [(way, f"api:{self._plugin_id}/…") for way in mounts.apis]
            given = ", ".join(self._local(export) for export in mounts.apis.values())
            extensions.append(f"...{MAKES_APIS}({self._plugin}, [{given}]),")
        inner = "".join(f"    {line}\n" for one in extensions for line in one.split("\n"))
        body = (
            f"export default convertLegacyPlugin({self._plugin}, {{\n"
            f"  extensions: [\n{inner}  ],\n}});\n"
        )
        below = body
        for name, helper in reversed(_HELPERS.items()):
            if re.search(rf"\b{name}\b", below):
                below = f"{helper}\n{below}"
        imports = "".join(self._imports(below))
        text = f"{''.join(_head(mounts.left))}{imports}\n{below}"
        packages = [one for one in (COMPAT_API, NEW_API, CATALOG_REACT) if _takes_from(text, one)]
        return BridgeScript(text=text, packages=tuple(packages), extensions=tuple(self._made))

    def _imports(self, below: str) -> Iterator[str]:
        for package, names in _IMPORTS.items():
            wanted = [
                name for name in names if re.search(rf"\b{name.removeprefix('type ')}\b", below)
            ]
            if wanted:
                yield f"import {{ {', '.join(wanted)} }} from '{package}';\n"
        own: dict[str, list[str]] = {}
        for export, local in self._taken.items():
            own.setdefault(export.path, []).append(f"{export.name} as {local}")
        for script, taken in own.items():
            path = _SCRIPT.sub("", posixpath.relpath(script, self._folder))
            source = path if path.startswith(".") else f"./{path}"
            yield f"import {{ {', '.join(taken)} }} from {json.dumps(source)};\n"

    def _local(self, export: MountedExport) -> str:
        """The name of an export in the script, which clashes with no other."""
        return self._taken.setdefault(export, f"legacy{len(self._taken)}")

    def _name(self, kind: str, way: str, export: MountedExport) -> str:
        """A name for an extension: that of the component in lower case, once for each kind."""
        bare = _AFFIX.sub("", _AFFIX.sub("", export.name)) if export.name != "default" else ""
        stem = "-".join(word.lower() for word in _WORDS.findall(bare)) or "main"
        stem = stem if stem[0].isalpha() else f"x-{stem}"
        name, number = stem, 2
        while (kind, name) in self._names:
            name, number = f"{stem}-{number}", number + 1
        self._names.add((kind, name))
        self._made.append((way, f"{kind}:{self._plugin_id}/{name}"))
        return name

    def _mount_text(self, component: MountedComponent) -> str:
        local, name = self._local(component.export), json.dumps(component.export.name)
        props = f", {json.dumps(component.props)}" if component.props else ""
        return f"bridgeMount({local}, {name}{props})"

    def _page(self, page: MountedPage) -> str:
        component = page.component
        name = self._name("page", component.way, component.export)
        options = f"{{ name: {json.dumps(name)}, path: {json.dumps(page.path)} }}"
        text = f"convertLegacyPageExtension({self._mount_text(component)}, {options})"
        if not page.title or not self._has_titles:
            return f"{text},"
        params = [f"title: {json.dumps(page.title)}"]
        if page.icon:
            params.append(f"icon: {self._icon(page.icon)}")
        return f"{KEEPS_ID}({text}, {{ {', '.join(params)} }}),"

    def _icon(self, icon: str | MountedExport) -> str:
        if isinstance(icon, MountedExport):
            return f"compatWrapper(createElement(bridgeMount({self._local(icon)}, 'Icon')))"
        return f"compatWrapper(createElement(BridgeIcon, {{ id: {json.dumps(icon)} }}))"

    def _card(self, card: MountedComponent) -> str:
        mounted = self._mount_text(card)
        options = [f"name: {json.dumps(self._name('entity-card', card.way, card.export))}"]
        if card.condition:
            options.append(f"filter: {self._condition(card.condition)}")
        return f"convertLegacyEntityCardExtension({mounted}, {{ {', '.join(options)} }}),"

    def _tab(self, tab: MountedTab) -> str:
        first = tab.cards[0]
        mounted = self._mount_text(first) if len(tab.cards) == 1 else self._cards(tab.cards)
        name = self._name("entity-content", tab.way, first.export)
        for card in tab.cards:
            if card.way != tab.way:
                self._made.append((card.way, f"entity-content:{self._plugin_id}/{name}"))
        path = tab.path or f"/{name}"
        conditions = [card.condition for card in tab.cards if card.condition]
        options = [f"{key}: {json.dumps(text)}" for key, text in
                   (("name", name), ("path", path), ("title", tab.title))]  # fmt: skip
        if len(conditions) == len(tab.cards):
            tests = [self._condition(one) for one in conditions]
            test = tests[0] if len(tests) == 1 else f"bridgeTests('anyOf', [{', '.join(tests)}])"
            options.append(f"filter: {test}")
        return f"convertLegacyEntityContentExtension({mounted}, {{ {', '.join(options)} }}),"

    def _cards(self, cards: tuple[MountedComponent, ...]) -> str:
        parts = []
        for card in cards:
            part = [f"card: {self._mount_text(card)}"]
            if card.layout:
                part.append(f"layout: {json.dumps(card.layout)}")
            if card.condition:
                part.append(f"test: {self._condition(card.condition)}")
            parts.append(f"  {{ {', '.join(part)} }},\n")
        return f"bridgeCards([\n{''.join(parts)}])"

    def _element(self, element: MountedComponent) -> str:
        name = self._name("app-root-element", element.way, element.export)
        mounted = f"compatWrapper(createElement({self._mount_text(element)}))"
        return (
            f"AppRootElementBlueprint.make({{ name: {json.dumps(name)}, "
            f"params: {{ element: {mounted} }} }}),"
        )

    def _condition(self, condition: EntityCondition) -> str:
        tests = ", ".join(map(self._test, condition.tests))
        return f"bridgeTests({json.dumps(condition.how_many)}, [{tests}])"

    def _test(self, test: EntityTest) -> str:
        if test.function:
            return f"{self._local(test.function)} as unknown as EntityTest"
        return f"bridgeTest({json.dumps(test.kind)}, {json.dumps(list(test.values))})"


def _head(left: tuple[LeftOver, ...]) -> Iterator[str]:
    yield "// Made by 'plugin-factory bridge' of what app-config.dynamic.yaml mounts.\n"
    if left:
        yield "// Not translated:\n"
    for one in left:
        yield f"// - {clean(f'{one.way}: {one.why}')[:_LONGEST_COMMENT]}: {one.page}\n"


def _takes_from(text: str, package: str) -> bool:
    return f"from '{package}';" in text or f"from '{package}/" in text


_IMPORTS = {
    "react": ("createElement", "type ComponentType"),
    COMPAT_API: ("compatWrapper", "convertLegacyPageExtension", "convertLegacyPlugin"),
    "@backstage/core-plugin-api": (
        "attachComponentData", "getComponentData", "useApp", "type AnyApiFactory",
    ),
    NEW_API: ("ApiBlueprint", "AppRootElementBlueprint"),
    CATALOG_REACT: ("useEntity",),
    f"{CATALOG_REACT}/alpha": (
        "convertLegacyEntityCardExtension", "convertLegacyEntityContentExtension",
    ),
}  # fmt: skip
# What the script may need, by name; each needs earlier ones at most.
_HELPERS = {
    "bridgeMount": """\
/** A component as it is mounted: with its props, a name, and the route and plugin that it has. */
function bridgeMount(component: unknown, name: string, props: object = {}): ComponentType<{}> {
  const element = createElement(component as ComponentType<any>, props);
  const Mounted = () => element;
  for (const key of ['core.mountPoint', 'core.plugin']) {
    const value = getComponentData<unknown>(element, key);
    if (value !== undefined) {
      attachComponentData(Mounted, key, value);
    }
  }
  attachComponentData(Mounted, 'core.extensionName', name);
  return Mounted;
}
""",
    "BridgeExtension": """\
type BridgeExtension = ReturnType<typeof convertLegacyPageExtension>;
""",
    KEEPS_ID: """\
/** The page with what the app's menu shows of it. */
function bridgeTitle(
  page: BridgeExtension,
  params: { title: string; icon?: unknown },
): BridgeExtension {
  return (
    page as unknown as { override(options: object): BridgeExtension }
  ).override({ params });
}
""",
    "BridgeIcon": """\
/** An icon of the app's by its name, nothing where the app has none. */
function BridgeIcon({ id }: { id: string }) {
  const Icon = useApp().getSystemIcon(id);
  return Icon ? createElement(Icon) : null;
}
""",
    "EntityTest": """\
type EntityTest = (entity: {
  kind: string;
  spec?: { type?: unknown };
  metadata: { annotations?: Record<string, string> };
}) => boolean;
""",
    "bridgeTest": """\
/** A condition of RHDH's on an entity; case does not matter for kinds and types. */
function bridgeTest(
  kind: 'isKind' | 'isType' | 'hasAnnotation',
  values: string[],
): EntityTest {
  const wanted = values.map(value => value.toLocaleLowerCase('en-US'));
  return entity => {
    if (kind === 'hasAnnotation') {
      return values.some(name => Boolean(entity.metadata.annotations?.[name]));
    }
    const found = kind === 'isKind' ? entity.kind : entity.spec?.type;
    return (
      typeof found === 'string' &&
      wanted.includes(found.toLocaleLowerCase('en-US'))
    );
  };
}
""",
    "bridgeTests": """\
function bridgeTests(
  howMany: 'allOf' | 'anyOf' | 'oneOf',
  tests: EntityTest[],
): EntityTest {
  return entity => {
    const held = tests.filter(test => test(entity)).length;
    return {
      allOf: held === tests.length,
      anyOf: held > 0,
      oneOf: held === 1,
    }[howMany];
  };
}
""",
    "bridgeCards": """\
/** Several cards on one tab, in the grid of twelve columns that the old system has. */
function bridgeCards(
  parts: { card: ComponentType<{}>; layout?: object; test?: EntityTest }[],
): ComponentType<{}> {
  function BridgeCards() {
    const { entity } = useEntity();
    return createElement(
      'div',
      { style: { display: 'grid', gridTemplateColumns: 'repeat(12, 1fr)', gap: 24 } },
      parts
        .filter(part => !part.test || part.test(entity))
        .map((part, key) =>
          createElement(
            'div',
            { key, style: { gridColumn: '1 / -1', ...part.layout } },
            createElement(part.card),
          ),
        ),
    );
  }
  for (const { card } of parts) {
    const route = getComponentData<unknown>(createElement(card), 'core.mountPoint');
    if (route !== undefined) {
      attachComponentData(BridgeCards, 'core.mountPoint', route);
      break;
    }
  }
  attachComponentData(BridgeCards, 'core.extensionName', 'Cards');
  return BridgeCards;
}
""",
    MAKES_APIS: """\
/** The APIs that the plugin does not bring along itself. */
function bridgeApis(
  plugin: { getApis(): Iterable<AnyApiFactory> },
  factories: unknown[],
): BridgeExtension[] {
  const own = new Set(Array.from(plugin.getApis(), one => one.api.id));
  return (factories as AnyApiFactory[])
    .filter(factory => !own.has(factory.api.id))
    .map(factory =>
      ApiBlueprint.make({
        name: factory.api.id,
        params: define => define(factory),
      }),
    );
}
""",
}
