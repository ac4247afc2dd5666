"""What the entry points of a frontend plugin's source have as their default export.

A portal of the new frontend system takes a module's default export if its ``$$type`` is
``@backstage/FrontendPlugin`` or ``@backstage/FrontendModule``, and nothing else of it
(@backstage/frontend-dynamic-feature-loader, ``isLoadable``). The functions that make these are
those of @backstage/frontend-plugin-api and @backstage/core-compat-api. Nothing is run: what the
source does not say outright is unknown.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.frontend.module_statements import (
    DEFAULT,
    EVERYTHING,
    Called,
    Expression,
    Imported,
    LocalName,
    ModuleStatements,
    PlainValue,
    read_module,
)
from factory.frontend.script_tokens import UnreadableScriptError
from factory.frontend.source_tree import Scripts, has_elements, resolve_script
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["plugin", "module", "old plugin", "other", "none", "unknown"]

PLUGIN_TYPE = "@backstage/FrontendPlugin"
MODULE_TYPE = "@backstage/FrontendModule"
NEW_API = "@backstage/frontend-plugin-api"
COMPAT_API = "@backstage/core-compat-api"
OLD_API = "@backstage/core-plugin-api"

MAKERS: Mapping[tuple[str, str], Kind] = {
    (NEW_API, "createFrontendPlugin"): "plugin",
    (NEW_API, "createFrontendModule"): "module",
    (COMPAT_API, "convertLegacyPlugin"): "plugin",
    (COMPAT_API, "convertLegacyAppOptions"): "module",
    (OLD_API, "createPlugin"): "old plugin",
    # Loaders skip what is neither a plugin nor a module.
    (NEW_API, "createFrontendFeatureLoader"): "other",
    (NEW_API, "createExtensionOverrides"): "other",
    (NEW_API, "createExtension"): "other",
    (COMPAT_API, "convertLegacyAppRoot"): "other",
}
"""What the functions of Backstage's packages make, by package and name."""

_MOST_STEPS = 100
_SAYS_DEFAULT = lazy_pattern(r"\bexport\s+default\b|\bexport\s*\{[^}]{0,2000}\bdefault\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultExport:
    """A module's default export: its kind, and in a clause what was found."""

    kind: Kind
    why: str

    @property
    def is_feature(self) -> bool | None:
        """Whether a portal of the new frontend system takes it; None if that is unknown."""
        return None if self.kind == "unknown" else self.kind in ("plugin", "module")


class ScriptReader:
    """Reads each module of a package at most once."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._read: dict[str, ModuleStatements | UnreadableScriptError] = {}

    def find(self, path: str) -> str | None:
        """Return the path of the script that ``path`` means, or None."""
        return resolve_script(self._scripts, path)

    def text(self, path: str) -> str:
        """Return the script as written."""
        return self._scripts.read(path) or ""

    def module(self, path: str) -> ModuleStatements:
        """Return a script's statements.

        Raises:
            UnreadableScriptError: it cannot be read to its end.
        """
        if path not in self._read:
            try:
                text = self.text(path)
                self._read[path] = read_module(text, elements=has_elements(path))
            except UnreadableScriptError as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, UnreadableScriptError):
            raise found
        return found


def find_default_export(reader: ScriptReader, path: str) -> DefaultExport:
    """Return what a script's default export is; ``path`` is as :meth:`ScriptReader.find` has it."""
    return _Search(reader).export(path, DEFAULT)


def find_old_plugins(reader: ScriptReader, path: str) -> tuple[str, ...]:
    """Return the names under which a script exports plugins of the old system."""
    return tuple(
        name
        for name in reader.module(path).exports
        if _Search(reader).export(path, name).kind == "old plugin"
    )


class _Search:
    def __init__(self, reader: ScriptReader) -> None:
        self._reader = reader
        self._steps = 0

    def export(self, path: str, name: str) -> DefaultExport:
        """What a script exports under a name."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return _unknown(f"{path} is reached by too many steps, or in a circle")
        try:
            module = self._reader.module(path)
        except UnreadableScriptError as error:
            return _unknown(f"{path}, line {error.line}: {error}")
        if name in module.exports:
            return self._value(path, module, module.exports[name])
        if name != DEFAULT and module.passed_on:
            return _unknown(f"{name} comes from one of several modules that {path} passes on")
        # A module that says 'default' where nothing was read was not understood.
        if module.is_common_js or _SAYS_DEFAULT.search(self._reader.text(path)):
            return _unknown(f"{path} does not say outright what it exports")
        return DefaultExport(kind="none", why=f"{path} has no {name} export")

    def _value(self, path: str, module: ModuleStatements, value: Expression) -> DefaultExport:
        if isinstance(value, PlainValue):
            if value.what:
                return DefaultExport(kind="other", why=f"{path} exports a {value.what}")
            return _unknown(f"{path} does not say outright what it exports")
        if isinstance(value, Imported):
            return self._find_imported(path, value)
        if isinstance(value, LocalName):
            return self._local(path, module, value.name)
        return self._find_called(path, module, value)

    def _local(self, path: str, module: ModuleStatements, name: str) -> DefaultExport:
        self._steps += 1
        if name not in module.declared or self._steps > _MOST_STEPS:
            return _unknown(f"{path} exports {name}, and does not say outright what it is")
        return self._value(path, module, module.declared[name])

    def _find_imported(self, path: str, value: Imported) -> DefaultExport:
        if not value.source.startswith("."):
            return _unknown(f"{path} exports what {value.source} has as {value.name}")
        if value.name == EVERYTHING:
            return DefaultExport(kind="other", why=f"{path} exports a namespace")
        target = self._reader.find(posixpath.join(posixpath.dirname(path), value.source))
        if target is None:
            return _unknown(f"{path} takes it from {value.source}, which is not there")
        return self.export(target, value.name)

    def _find_called(self, path: str, module: ModuleStatements, value: Called) -> DefaultExport:
        function = module.declared.get(value.of or value.function)
        shown = f"{value.of}.{value.function}" if value.of else value.function
        if not isinstance(function, Imported):
            return _unknown(f"{path} exports what {shown}() returns")
        name = value.function if value.of else function.name
        if value.of and function.name != EVERYTHING:
            return _unknown(f"{path} exports what {shown}() returns")
        kind = MAKERS.get((function.source, name))
        if kind is None:
            return _unknown(f"{path} exports what {name}() of {function.source} returns")
        return DefaultExport(kind=kind, why=f"{path} exports what {name}() makes")


def _unknown(why: str) -> DefaultExport:
    return DefaultExport(kind="unknown", why=why)
