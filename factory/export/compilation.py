"""TypeScript: the workspace's types once, then each package once, however many plugins share it."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING

from factory.errors import CompileError, Place
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.toolchain.last_words import last_words
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

notices = logging.getLogger(__name__)

_TSC_ERROR = lazy_pattern(
    r"^(?P<file>[^\s(][^(]*)\((?P<line>\d+),(?P<column>\d+)\)"
    r": error (?P<code>TS\d+): (?P<what>.*)$",
    re.MULTILINE,
)
# Of the compiler's options or configuration, in no file of the source.
_TSC_GENERAL_ERROR = lazy_pattern(r"^error TS\d+: ", re.MULTILINE)
# What tsc ends with when it has found errors, with or without having written its output
# (ExitStatus of https://github.com/microsoft/TypeScript/blob/main/src/compiler/types.ts).
_TSC_FOUND_ERRORS = frozenset({1, 2})
_OWN_BUILD = lazy_pattern(r"\s*backstage-cli\s+package\s+build(?:\s+[\w=./-]+)*\s*")
# yarn 1 runs these, too.
_AROUND_BUILD = frozenset({"prebuild", "postbuild"})
_SHOWN_ERRORS = 10
_SHOWN_LINES = 20


def compile_types(
    workspace: Path,
    *,
    not_needed: Collection[Path] = (),
    settings: str = "",
    toolchain: Toolchain,
    runner: LoggedRunner,
) -> None:
    """Run ``yarn tsc`` in the workspace.

    Args:
        workspace: its folder.
        not_needed: the folders of packages that no plugin of the run is made of. Where all errors
            are in them, they are a warning.
        settings: the name of a file in the workspace to use in place of its ``tsconfig.json``.
        toolchain: has yarn.
        runner: starts it; its log takes the output.

    Raises:
        CompileError: TypeScript reports errors; the first that matters is the error's place.
    """
    try:
        runner.run(
            (toolchain.yarn_command, "tsc", *(("--project", settings) if settings else ())),
            cwd=workspace,
            env=toolchain.child_environment(installs=False),
        )
    except ProcessFailed as failure:
        output = failure.completed.output
        found = list(_TSC_ERROR.finditer(output))
        folders = tuple(os.path.realpath(folder) for folder in not_needed)
        matter = [each for each in found if _folder_around(each, workspace, folders) is None]
        is_whole = failure.completed.printed is not None  # else errors that matter may be cut off
        only_elsewhere = is_whole and bool(found) and not matter
        only_elsewhere = only_elsewhere and not _TSC_GENERAL_ERROR.search(output)
        if only_elsewhere and failure.completed.returncode in _TSC_FOUND_ERRORS:
            _warn_of_errors_elsewhere(found, workspace, folders, runner.log)
            return
        raise _types_error(matter or found, workspace, failure, runner.log) from failure


def _folder_around(found: re.Match[str], workspace: Path, folders: Sequence[str]) -> str | None:
    """The innermost of some folders in which the file of an error is."""
    file = os.path.realpath(workspace / found["file"])
    around = [folder for folder in folders if file.startswith(folder + os.sep)]
    return max(around, key=len, default=None)


def _warn_of_errors_elsewhere(
    found: Sequence[re.Match[str]], workspace: Path, folders: Sequence[str], log: Path
) -> None:
    root = os.path.realpath(workspace)
    where = sorted(
        {
            os.path.relpath(folder, root)
            for each in found
            if (folder := _folder_around(each, workspace, folders))
        }
    )
    notices.warning(
        "TypeScript reports %s in packages that are not part of a plugin (%s): %s has them",
        "an error" if len(found) == 1 else f"{len(found)} errors",
        ", ".join(where),
        log,
    )


def _types_error(
    found: Sequence[re.Match[str]], workspace: Path, failure: ProcessFailed, log: Path
) -> CompileError:
    if not found:
        return CompileError(
            "yarn tsc failed",
            found=failure.reason,
            details=_tail(failure),
            hint="'yarn tsc' in the workspace repeats it",
            log=log,
        )
    first = found[0]
    count = "an error" if len(found) == 1 else f"{len(found)} errors"
    return CompileError(
        f"TypeScript reports {count}",
        place=Place(
            file=workspace / first["file"],
            line=int(first["line"]),
            column=int(first["column"]),
        ),
        found=f"{first['code']}: {first['what']}",
        details="\n".join(match[0] for match in found[:_SHOWN_ERRORS]),
        hint="fix the source with a patch or an overlay; 'yarn tsc' in the workspace repeats it",
        log=log,
    )


def has_types_to_compile(workspace: Path, scripts: frozenset[str]) -> bool:
    """Return whether ``yarn tsc`` means anything here: a script of that name, or a tsconfig."""
    return "tsc" in scripts or (workspace / "tsconfig.json").is_file()


def compile_package(
    folder: Path,
    name: str,
    *,
    toolchain: Toolchain,
    runner: LoggedRunner,
) -> None:
    """Run ``yarn build`` of one workspace package, which fills its ``dist/``.

    Raises:
        CompileError: the build failed.
    """
    try:
        runner.run(
            (toolchain.yarn_command, "build"),
            cwd=folder,
            env=toolchain.child_environment(installs=False, task=f"compile-{name}"),
        )
    except ProcessFailed as failure:
        raise CompileError(
            f"yarn build of {name} failed",
            place=Place(file=folder / "package.json", field="scripts.build"),
            found=failure.reason,
            details=_tail(failure),
            hint=f"'yarn workspace {name} build' in the workspace repeats it",
            log=runner.log,
        ) from failure


def is_built_alone(folder: Path) -> bool:
    """Whether ``yarn build`` of a package reads nothing that another package's has made.

    So does Backstage's own tool: of other packages of the workspace it reads the sources.
    """
    try:
        scripts = parse_object((folder / "package.json").read_bytes()).get("scripts")
    except (OSError, ValueError):
        return False  # yarn says so itself
    if not isinstance(scripts, dict) or not scripts.keys().isdisjoint(_AROUND_BUILD):
        return False
    return isinstance(build := scripts.get("build"), str) and bool(_OWN_BUILD.fullmatch(build))


def _tail(failure: ProcessFailed) -> str | None:
    return last_words(failure.completed.tail, most=_SHOWN_LINES)
