"""The ids of the extensions that a plugin of the new frontend system makes, as its source has them.

An id is ``kind:namespace/name``, of which the namespace is the plugin's id, and kind or name may be
missing (https://backstage.io/docs/frontend-system/architecture/naming-patterns). Nothing is run:
where a name is not written as a text, or an extension comes from elsewhere, there may be more than
is listed, and that is said.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from factory.frontend.default_features import (
    COMPAT_API,
    NEW_API,
    OLD_API,
    find_default_export,
)
from factory.frontend.module_statements import (
    DEFAULT,
    EVERYTHING,
    Called,
    Expression,
    Imported,
    LocalName,
)
from factory.frontend.script_tokens import UnreadableScriptError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from factory.frontend.default_features import ScriptReader
    from factory.frontend.script_tokens import ScriptToken

KEEPS_ID = "bridgeTitle"
"""The function of a bridge's script that returns the extension that it is given, with its id."""
MAKES_APIS = "bridgeApis"
"""The function of a bridge's script that returns an extension for each API."""

# By the names that Backstage's own packages export them under; some have moved between packages.
_KINDS: Mapping[str, str] = {
    "AddonBlueprint": "addon",
    "AnalyticsImplementationBlueprint": "analytics",
    "ApiBlueprint": "api",
    "AppRootElementBlueprint": "app-root-element",
    "AppRootWrapperBlueprint": "app-root-wrapper",
    "CatalogFilterBlueprint": "catalog-filter",
    "EntityCardBlueprint": "entity-card",
    "EntityContentBlueprint": "entity-content",
    "EntityContentLayoutBlueprint": "entity-content-layout",
    "EntityContextMenuItemBlueprint": "entity-context-menu-item",
    "EntityHeaderBlueprint": "entity-header",
    "EntityHeaderLayoutBlueprint": "entity-header-layout",
    "EntityIconLinkBlueprint": "entity-icon-link",
    "FormDecoratorBlueprint": "scaffolder-form-decorator",
    "FormFieldBlueprint": "scaffolder-form-field",
    "IconBundleBlueprint": "icon-bundle",
    "NavContentBlueprint": "nav-content",
    "NavItemBlueprint": "nav-item",
    "PageBlueprint": "page",
    "PluginHeaderActionBlueprint": "plugin-header-action",
    "PluginWrapperBlueprint": "plugin-wrapper",
    "RouterBlueprint": "app-router-component",
    "ScaffolderTemplateFilterBlueprint": "scaffolder-template-filter",
    "SearchFilterBlueprint": "search-filter",
    "SearchFilterResultTypeBlueprint": "search-filter-result-type",
    "SearchResultListItemBlueprint": "search-result-list-item",
    "SignInPageBlueprint": "sign-in-page",
    "SubPageBlueprint": "sub-page",
    "SwappableComponentBlueprint": "component",
    "ThemeBlueprint": "theme",
    "TranslationBlueprint": "translation",
}
_CONVERTERS: Mapping[str, str] = {
    "convertLegacyEntityCardExtension": "entity-card",
    "convertLegacyEntityContentExtension": "entity-content",
    "convertLegacyPageExtension": "page",
}
_MAKERS = ("make", "makeWithOverrides")
_OVERRIDES = "withOverrides"
_SPREAD = "..."
_SCOPE = "@backstage/"
_API = "api"
_MOST_STEPS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionIds:
    """What is known of the extensions of a namespace.

    ``open_kinds`` are the kinds of which there may be more than ``ids`` has; without ``is_all``
    there may be more of any.
    """

    namespace: str
    ids: frozenset[str]
    open_kinds: frozenset[str] = frozenset()
    is_all: bool = True

    def has_all(self, kind: str) -> bool:
        """Whether there is no extension of this kind but those that are known."""
        return self.is_all and kind not in self.open_kinds


def find_extension_ids(
    reader: ScriptReader, entries: Iterable[str], *, others: Collection[str] = ()
) -> tuple[ExtensionIds, ...] | None:
    """Return what is known of the extensions, for each feature that a plugin exports.

    Args:
        reader: reads the plugin's scripts.
        entries: the scripts of its entry points, as :meth:`ScriptReader.find` has them.
        others: the scripts that there are, where some may be missing: of a bundle, those that only
            pass on what others export.

    Returns:
        None where a default export may be a feature of which nothing is known.
    """
    found = []
    for path in dict.fromkeys(entries):
        is_feature = find_default_export(reader, path).is_feature
        if is_feature is False:
            continue
        # With scripts missing, what leads through them is not seen to be a feature.
        if is_feature is None and not others:
            return None
        ids = _ExtensionSearch(reader, others).read_feature(path)
        if ids is None:
            return None
        found.append(ids)
    return tuple(found)


class _NotKnownError(Exception):
    """The source does not say it outright."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """A call in the script ``path`` of the function ``name`` that ``source`` exports.

    ``method`` is what is called of it, "" if that is itself.
    """

    path: str
    source: str
    name: str
    method: str
    arguments: tuple[ScriptToken, ...]


class _ExtensionSearch:
    def __init__(self, reader: ScriptReader, others: Collection[str]) -> None:
        self._reader = reader
        self._others = others
        self._steps = 0
        self._ids: set[tuple[str, str, str]] = set()
        self._open: set[str] = set()
        self._is_all = True

    def read_feature(self, path: str) -> ExtensionIds | None:
        try:
            return self._read_feature(self._find_export(path, DEFAULT))
        except (_NotKnownError, UnreadableScriptError):
            return None

    def _read_feature(self, call: _Call) -> ExtensionIds:
        made = (call.source, call.name)
        first, *others = _split(call.arguments) or [()]
        if made == (COMPAT_API, "convertLegacyPlugin"):
            namespace = self._read_old_id(call.path, first)
            self._open.add(_API)  # those that the plugin brings along
            fields = _read_fields(others[0] if others else ())
        elif made in ((NEW_API, "createFrontendPlugin"), (NEW_API, "createFrontendModule")):
            fields = _read_fields(first)
            namespace = _read_text(fields.get("pluginId") or fields.get("id"))
            # A module extends a plugin, which has extensions of its own.
            self._is_all = call.name == "createFrontendPlugin"
        else:
            raise _NotKnownError
        if _SPREAD in fields:
            self._is_all = False
        self._read_list(call.path, fields.get("extensions", ()))
        return ExtensionIds(
            namespace=namespace,
            ids=frozenset(_join_id(kind, own or namespace, name) for kind, own, name in self._ids),
            open_kinds=frozenset(self._open),
            is_all=self._is_all,
        )

    def _read_old_id(self, path: str, plugin: Sequence[ScriptToken]) -> str:
        call = self._find_call(path, plugin)
        if (call.source, call.name) != (OLD_API, "createPlugin"):
            raise _NotKnownError
        return _read_text(_read_fields(call.arguments).get("id"))

    def _read_list(self, path: str, value: Sequence[ScriptToken]) -> None:
        if not value:
            return
        if value[0].text != "[" or value[-1].text != "]" or value[-1].depth != value[0].depth:
            self._is_all = False
            return
        for item in _split(value[1:-1]):
            self._read_item(path, item)

    def _read_item(self, path: str, item: Sequence[ScriptToken]) -> None:
        words = [token.text for token in item[:3]]
        if words[:1] == ["..."]:
            if words[1:] == [MAKES_APIS, "("]:
                self._open.add(_API)
            else:
                self._is_all = False
            return
        if words[:2] == [KEEPS_ID, "("]:
            self._read_item(path, (_split(item[2:-1]) or [()])[0])
            return
        try:
            self._read_extension(self._find_call(path, item))
        except (_NotKnownError, UnreadableScriptError):
            self._is_all = False

    def _read_extension(self, call: _Call) -> None:
        arguments = _split(call.arguments)
        if call.method in _MAKERS:
            kind = self._find_kind(call)
            self._add(kind, _read_fields(arguments[0] if arguments else ()))
        elif call.method:
            raise _NotKnownError
        elif call.name in _CONVERTERS and call.source.startswith(_SCOPE):
            fields = _read_fields(arguments[1] if len(arguments) > 1 else ())
            # Without a name it has one of the component's.
            kind = _CONVERTERS[call.name]
            if "name" in fields:
                self._add(kind, fields)
            else:
                self._open.add(kind)
        elif (call.source, call.name) == (NEW_API, "createExtension"):
            fields = _read_fields(arguments[0] if arguments else ())
            self._add(_read_text(fields["kind"]) if "kind" in fields else "", fields)
        else:
            raise _NotKnownError

    def _add(self, kind: str, fields: Mapping[str, Sequence[ScriptToken]]) -> None:
        try:
            name = _read_text(fields["name"]) if "name" in fields else ""
            own = _read_text(fields["namespace"]) if "namespace" in fields else ""
        except _NotKnownError:
            self._open.add(kind)
            return
        if _SPREAD in fields:
            self._open.add(kind)
        else:
            self._ids.add((kind, own, name))

    def _find_kind(self, call: _Call) -> str:
        if call.source.startswith(_SCOPE):
            if call.name in _KINDS:
                return _KINDS[call.name]
            raise _NotKnownError
        if call.source:  # of a package that is not Backstage's
            raise _NotKnownError
        made = self._find_name(call.path, call.name)
        if (made.source, made.name) != (NEW_API, "createExtensionBlueprint"):
            raise _NotKnownError
        return _read_text(_read_fields(made.arguments).get("kind"))

    def _find_export(self, path: str, name: str) -> _Call:
        """The call whose result a script exports under a name."""
        module = self._reader.module(path)
        if name not in module.exports:
            raise _NotKnownError
        return self._follow(path, module.exports[name])

    def _find_name(self, path: str, name: str) -> _Call:
        declared = self._reader.module(path).declared
        if name not in declared:
            raise _NotKnownError
        return self._follow(path, declared[name])

    def _follow(self, path: str, value: Expression) -> _Call:
        self._steps += 1
        if self._steps > _MOST_STEPS or _OVERRIDES in self._reader.text(path):
            raise _NotKnownError
        if isinstance(value, LocalName):
            return self._find_name(path, value.name)
        if isinstance(value, Called):
            return self._read_call(path, value)
        if isinstance(value, Imported) and value.name != EVERYTHING:
            return self._find_export(self._find_script(path, value), value.name)
        raise _NotKnownError

    def _find_script(self, path: str, value: Imported) -> str:
        """The script that something is imported from; of a missing one, that which exports it."""
        if not value.source.startswith("."):
            raise _NotKnownError
        found = self._reader.find(posixpath.join(posixpath.dirname(path), value.source))
        if found is None and value.name != DEFAULT:
            there = [one for one in self._others if value.name in self._reader.module(one).exports]
            found = there[0] if len(there) == 1 else None
        if found is None:
            raise _NotKnownError
        return found

    def _find_call(self, path: str, tokens: Sequence[ScriptToken]) -> _Call:
        """The call that an expression is, or that the name that it is stands for."""
        words = [token.text for token in tokens]
        if len(tokens) == 1 and tokens[0].kind == "name":
            return self._find_name(path, words[0])
        head = words.index("(") if "(" in words else 0
        # The bracket that opens first must be the one that closes last.
        inner = tokens[head + 1 : -1]
        is_call = bool(head) and words[-1] == ")" and tokens[-1].depth == tokens[head].depth
        if not is_call or any(token.depth <= tokens[head].depth for token in inner):
            raise _NotKnownError
        match words[:head]:
            case [function]:
                called = Called(function=function, arguments=tuple(inner))
            case [of, ".", function]:
                called = Called(function=function, of=of, arguments=tuple(inner))
            case _:
                raise _NotKnownError
        return self._read_call(path, called)

    def _read_call(self, path: str, called: Called) -> _Call:
        declared = self._reader.module(path).declared.get(called.of or called.function)
        if isinstance(declared, Imported) and not declared.source.startswith("."):
            is_namespace = declared.name == EVERYTHING
            return _Call(
                path=path,
                source=declared.source,
                name=called.function if is_namespace else declared.name,
                method="" if is_namespace or not called.of else called.function,
                arguments=called.arguments,
            )
        if declared is None or not called.of:  # what a function of its own does is not looked at
            raise _NotKnownError
        return _Call(
            path=path,
            source="",
            name=called.of,
            method=called.function,
            arguments=called.arguments,
        )


def _join_id(kind: str, namespace: str, name: str) -> str:
    own = "/".join(filter(None, (namespace, name)))
    return f"{kind}:{own}" if kind else own


def _split(tokens: Sequence[ScriptToken]) -> list[Sequence[ScriptToken]]:
    """The parts between commas, without an empty one at the end."""
    if not tokens:
        return []
    depth = tokens[0].depth
    parts: list[Sequence[ScriptToken]] = []
    start = 0
    for at, token in enumerate(tokens):
        if token.kind == "mark" and token.text == "," and token.depth == depth:
            parts.append(tokens[start:at])
            start = at + 1
    return [*parts, tokens[start:]] if start < len(tokens) else parts


def _read_fields(tokens: Sequence[ScriptToken]) -> dict[str, Sequence[ScriptToken]]:
    """The fields of an object that is written out, with their values; ``...`` if there are others.

    Raises:
        _NotKnownError: it is not written out.
    """
    if not tokens or tokens[0].text != "{" or tokens[-1].text != "}":
        raise _NotKnownError
    fields: dict[str, Sequence[ScriptToken]] = {}
    for part in _split(tokens[1:-1]):
        head = part[0]
        is_field = len(part) > 1 and part[1].text == ":" and part[1].kind == "mark"
        if is_field and head.kind in ("name", "text"):
            fields[head.text] = part[2:]
        elif head.kind == "name" and (len(part) == 1 or part[1].text == "("):
            fields[head.text] = part[:1]  # {extensions} or {factory() {…}}
        elif head.text == "async" and len(part) > 1:
            fields[part[1].text] = part[1:2]
        else:
            fields[_SPREAD] = part
    return fields


def _read_text(tokens: Sequence[ScriptToken] | None) -> str:
    """The text that a value is.

    Raises:
        _NotKnownError: it is something else.
    """
    if not tokens or len(tokens) != 1 or tokens[0].kind != "text" or "\\" in tokens[0].text:
        raise _NotKnownError
    return tokens[0].text
