"""The module map of a package: in which file is what it exports (Backstage BEP-0002).

``[{"name": "Foo", "file": "@mui/foo/dist/foo"}]``: each export of the package's entry point, traced
through re-exports to the module that has it, so that single modules of a library can be shared.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from factory.errors import ArtifactError
from factory.frontend.default_features import ScriptReader
from factory.frontend.module_statements import DEFAULT, EVERYTHING, Imported, LocalName
from factory.frontend.script_tokens import UnreadableScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.frontend.source_tree import Scripts

_MOST_STEPS = 20_000
_DEEPEST = 32
_ENTRIES = ("module", "main")


def find_entry(package: Mapping[str, Any]) -> str:
    """Return the script that a bundler starts with: ``module``, else ``main``, else ``index``."""
    named = (package.get(name) for name in _ENTRIES)
    return next((one for one in named if isinstance(one, str) and one), "index")


def make_module_map(scripts: Scripts, package: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the module map of a package, by the names of its exports.

    Raises:
        ArtifactError: the entry point is not there, or a module of ECMAScript that can be read.
    """
    reader = ScriptReader(scripts)
    name = package.get("name")
    entry = reader.find(find_entry(package))
    if entry is None or not isinstance(name, str):
        raise ArtifactError(
            "the package has no entry point that can be read",
            found=find_entry(package),
            expected="the path of a script under 'module' or 'main' of package.json, and a name",
        )
    try:
        traced = dict(_Trace(reader).exports(entry))
    except UnreadableScriptError as error:
        raise ArtifactError(
            "the package's entry point cannot be read",
            found=f"{entry}, line {error.line}: {error}",
            expected="a module of ECMAScript, such as a build leaves",
        ) from error
    return [
        {"name": one, "file": f"{name}/{posixpath.splitext(traced[one])[0]}"}
        for one in sorted(traced)
    ]


class _Trace:
    def __init__(self, reader: ScriptReader) -> None:
        self._reader = reader
        self._steps = 0

    def exports(self, path: str, way: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        """Each name that a script exports, and the script that has it.

        Raises:
            UnreadableScriptError: the script cannot be read; of those behind it, they stand for it.
        """
        module = self._reader.module(path)
        for name, value in module.exports.items():
            yield name, self._home(path, value, ())
        for source in module.passed_on:
            target = self._target(path, source)
            if target is None or target in way or target == path or len(way) > _DEEPEST:
                continue
            try:
                for name, file in self.exports(target, (*way, path)):
                    if name != DEFAULT and name not in module.exports:
                        yield name, file
            except UnreadableScriptError:
                continue

    def _home(self, path: str, value: object, way: tuple[str, ...]) -> str:
        self._steps += 1
        if self._steps > _MOST_STEPS or path in way:
            return path
        try:
            module = self._reader.module(path)
            if isinstance(value, LocalName):
                declared = module.declared.get(value.name)
                return self._home(path, declared, way) if isinstance(declared, Imported) else path
            if not isinstance(value, Imported) or value.name == EVERYTHING:
                return path
            target = self._target(path, value.source)
            if target is None:
                return path
            inner = self._reader.module(target).exports.get(value.name)
        except UnreadableScriptError:
            return path
        return self._home(target, inner, (*way, path)) if inner else target

    def _target(self, path: str, source: str) -> str | None:
        if not source.startswith("."):
            return None
        return self._reader.find(posixpath.join(posixpath.dirname(path), source))
