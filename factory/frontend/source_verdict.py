"""Whether a plugin will show, from its source: which entry points export which features.

Entry points are those that Backstage's bundler takes from package.json: each path under
``exports``, else ``main``, else ``src/index``. It exposes the main one always, and another one if
its default export is a feature.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from factory.frontend.default_features import (
    OLD_API,
    DefaultExport,
    ScriptReader,
    find_default_export,
)
from factory.frontend.exported_names import walk_scripts
from factory.frontend.module_statements import DEFAULT, Imported
from factory.frontend.script_tokens import UnreadableScriptError
from factory.frontend.verdict import (
    NEW_SYSTEM,
    NO_FEATURE_HINT,
    OLD_SYSTEM,
    FrontendVerdict,
    SystemVerdict,
    say_hidden,
    say_shown,
    say_undecided,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.frontend.source_tree import Scripts

MAIN = "."
_SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs")
_MOST_ENTRIES = 50
# Of an object under 'exports': what people's own conditions call the source.
_CONDITIONS = ("backstage", "source", "import", "default")


def find_entry_points(package: Mapping[str, Any]) -> dict[str, str]:
    """Return the source of each entry point by its mount: ``"."``, ``"./alpha"``."""
    exported = package.get("exports")
    if isinstance(exported, str):
        exported = {MAIN: exported}
    found: dict[str, str] = {}
    for mount, target in exported.items() if isinstance(exported, dict) else ():
        path = _find_source(target)
        if path and len(found) < _MOST_ENTRIES:
            found[mount] = path
    if not found:
        main = package.get("main")
        is_source = isinstance(main, str) and posixpath.normpath(main).startswith("src/")
        found[MAIN] = main if is_source and isinstance(main, str) else "src/index"
    return found


def _find_source(target: object) -> str:
    """The script that a mount leads to, "" if it leads to something else."""
    paths = [target.get(name) for name in _CONDITIONS] if isinstance(target, dict) else [target]
    path = next((one for one in paths if isinstance(one, str)), "")
    return path if posixpath.splitext(path)[1] in _SCRIPTS else ""


def judge_source(scripts: Scripts, package: Mapping[str, Any]) -> FrontendVerdict:
    """Return whether a frontend plugin will show, as far as its source says so.

    Args:
        scripts: the plugin's scripts.
        package: its package.json.
    """
    reader = ScriptReader(scripts)
    entries = {mount: reader.find(path) for mount, path in find_entry_points(package).items()}
    found = {
        mount: find_default_export(reader, path)
        if path
        else DefaultExport(kind="unknown", why=f"the source of {mount} was not found")
        for mount, path in entries.items()
    }
    return FrontendVerdict(
        old=_judge_old(reader, [path for path in entries.values() if path], found),
        new=judge_exports(found),
    )


def judge_exports(found: Mapping[str, DefaultExport]) -> SystemVerdict:
    """Return whether default exports, by their mounts, make a plugin of the new system."""
    features = [(mount, one) for mount, one in found.items() if one.is_feature]
    if features:
        said = ", ".join(f'"{mount}" is a {one.kind}' for mount, one in features)
        return say_shown(NEW_SYSTEM, f"the default export of {said}")
    unknown = [(mount, one) for mount, one in found.items() if one.is_feature is None]
    if unknown:
        mount, one = unknown[0]
        return say_undecided(NEW_SYSTEM, f'"{mount}": {one.why}', hint=NO_FEATURE_HINT)
    why = "; ".join(dict.fromkeys(f'"{mount}": {one.why}' for mount, one in found.items()))
    return say_hidden(
        NEW_SYSTEM,
        f"no default export is a frontend plugin or module ({why})",
        hint=NO_FEATURE_HINT,
    )


def _judge_old(
    reader: ScriptReader, entries: list[str], found: Mapping[str, DefaultExport]
) -> SystemVerdict:
    taken = Imported(source=OLD_API, name="createPlugin")
    for path in walk_scripts(reader, entries):
        if taken in reader.module(path).declared.values():
            return say_shown(
                OLD_SYSTEM,
                f"{path} takes createPlugin() from {OLD_API}; what dynamicPlugins.frontend mounts "
                "of its exports appears",
            )
    try:
        names = {name for path in entries for name in reader.module(path).exports}
        is_new_only = names <= {DEFAULT} and not any(
            reader.module(path).passed_on for path in entries
        )
    except UnreadableScriptError as error:
        return say_undecided(OLD_SYSTEM, f"the source is not understood: {error}")
    if is_new_only and all(one.is_feature for one in found.values()):
        return say_hidden(OLD_SYSTEM, "all that it exports are features of the new frontend system")
    return say_undecided(
        OLD_SYSTEM,
        f"no createPlugin() of {OLD_API} was found; what dynamicPlugins.frontend mounts by name "
        "may appear anyway",
    )
