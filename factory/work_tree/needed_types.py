"""The types of what is built: the workspace's own settings, less the packages that nobody needs.

TypeScript compiles what ``include`` of the workspace's tsconfig.json names, and what that imports.
A second file beside it has the same settings and more in ``exclude``: the folders of packages that
no plugin is made of, such as a demo app. Declarations go where they would go otherwise, since
``outDir`` and ``rootDir`` stay what they are.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING

from factory.analysis.embedding import members_below
from factory.analysis.manifest import MANIFEST_FILE
from factory.errors import CompileError
from factory.export.compilation import compile_types
from factory.files import read_end
from factory.notation.json_text import parse_commented_object, parse_object
from factory.patterns import lazy_pattern
from factory.quantities import pluralize
from factory.work_tree.export_tree import change_tree

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from factory.analysis.discovery import WorkspacePackage
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

log = logging.getLogger(__name__)

SETTINGS = "tsconfig.json"
NEEDED_SETTINGS = "tsconfig.plugin-factory.json"
# The script where all of its settings are in tsconfig.json, so that another file can have them.
_PLAIN_TSC = lazy_pattern(
    r"tsc(?:\s+--(?:incremental|pretty|skipLibCheck)(?:\s+(?:true|false))?)*\s*"
)
# These mean something in a pattern of tsconfig.json.
_WILD = lazy_pattern(r"[*?]")
_LONGEST = 1 << 20


class NoNeededSettings(Exception):  # noqa: N818 - a reason for the whole, not an error for the user
    """The workspace's settings are such that less than all cannot be compiled."""


def compile_needed_types(
    workspace: Path,
    *,
    plugins: Collection[WorkspacePackage],
    packages: Mapping[str, WorkspacePackage],
    toolchain: Toolchain,
    runner: LoggedRunner,
) -> str:
    """Compile the types of a workspace without those of packages that nobody needs.

    Where that is not possible, or fails, the whole workspace is compiled: a package that is needed
    may be typed by declarations in one that is not.

    Args:
        workspace: its folder.
        plugins: those to build.
        packages: the members of the workspace, by name.
        toolchain: has yarn.
        runner: starts it; its log takes the output.

    Returns:
        What there is to say of it; "" where everything is needed.

    Raises:
        CompileError: TypeScript reports errors in what is needed.
        SourceError: a killed run has left changes in the workspace that cannot be taken back.
        StorageError: the settings cannot be written.
    """
    needed = members_below((plugin.manifest for plugin in plugins), packages)
    not_needed = [
        package.folder
        for name, package in packages.items()
        if name not in needed and package.path != "."
    ]
    compiled = [
        *(plugin.folder for plugin in plugins),
        *(packages[name].folder for name in needed if name in packages),
    ]
    apart = _find_patterns(workspace, not_needed, compiled)
    compile_with = partial(
        compile_types, workspace, not_needed=not_needed, toolchain=toolchain, runner=runner
    )
    if not apart:
        compile_with()
        return ""
    try:
        text = needed_settings(workspace, apart)
    except NoNeededSettings as reason:
        compile_with()
        return f"the whole workspace: {reason}"
    try:
        with change_tree(workspace, {workspace / NEEDED_SETTINGS: text}):
            compile_with(settings=NEEDED_SETTINGS)
    except CompileError as error:
        log.info("the types of the plugins do not compile by themselves: %s", error)
        compile_with()
        return "the whole workspace: what is needed does not compile without the rest"
    return f"without {pluralize(len(apart), 'package')} that no plugin needs"


def needed_settings(workspace: Path, not_needed: Sequence[str]) -> str:
    """Return the settings that compile a workspace without some folders, as the text of a file.

    Args:
        workspace: its folder.
        not_needed: folders in it, with a slash between names.

    Raises:
        NoNeededSettings: there are none, and why.
    """
    script = _read_script(workspace)
    if not _PLAIN_TSC.fullmatch(script):
        raise NoNeededSettings("the script tsc of package.json is more than 'tsc'")
    try:
        settings = parse_commented_object(_read(workspace / SETTINGS))
    except (OSError, ValueError) as error:
        raise NoNeededSettings(f"{SETTINGS} cannot be read") from error
    if settings.get("references"):
        raise NoNeededSettings(f"{SETTINGS} has references to other projects")
    options = settings.get("compilerOptions")
    # Else it is what all files have in common: with fewer files, declarations would go elsewhere.
    if not isinstance(options, dict) or not isinstance(options.get("rootDir"), str):
        raise NoNeededSettings(f"{SETTINGS} has no 'rootDir'")
    excluded = settings.get("exclude")
    # Where it has none, a file that it extends may have one; else the default knows outDir.
    if not isinstance(excluded, list) or not all(isinstance(each, str) for each in excluded):
        raise NoNeededSettings(f"{SETTINGS} has no list 'exclude'")
    return json.dumps({"extends": f"./{SETTINGS}", "exclude": [*excluded, *not_needed]}, indent=2)


def _read_script(workspace: Path) -> str:
    """The workspace's script ``tsc``; without one, ``yarn tsc`` is the compiler itself."""
    try:
        scripts = parse_object(_read(workspace / MANIFEST_FILE)).get("scripts")
    except (OSError, ValueError) as error:
        raise NoNeededSettings(f"{MANIFEST_FILE} cannot be read") from error
    return str(scripts.get("tsc", "tsc") if isinstance(scripts, dict) else "tsc").strip()


def _read(file: Path) -> bytes:
    """A file of a source, which is somebody else's.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too long.
    """
    end = read_end(file, _LONGEST)
    if not end.is_whole:
        raise ValueError("it is too long")
    return end.content


def _find_patterns(
    workspace: Path, not_needed: Collection[Path], compiled: Collection[Path]
) -> list[str]:
    """The folders to leave out, as patterns that mean each of them and nothing that is compiled."""
    apart = (
        folder.relative_to(workspace).as_posix()
        for folder in not_needed
        if folder.is_relative_to(workspace)
        and not any(each.is_relative_to(folder) for each in compiled)
    )
    return sorted(each for each in apart if not _WILD.search(each))
