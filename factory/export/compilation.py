"""TypeScript: the workspace's types once, then each package once, however many plugins share it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from factory.errors import CompileError, Place
from factory.toolchain.last_words import last_words
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import Runner

_TSC_ERROR = re.compile(
    r"^(?P<file>[^\s(][^(]*)\((?P<line>\d+),(?P<column>\d+)\)"
    r": error (?P<code>TS\d+): (?P<what>.*)$",
    re.MULTILINE,
)
_SHOWN_ERRORS = 10
_SHOWN_LINES = 20


def compile_types(
    workspace: Path,
    *,
    toolchain: Toolchain,
    runner: Runner,
    log: Path,
    on_line: Callable[[str], None],
) -> None:
    """Run ``yarn tsc`` in the workspace.

    Raises:
        CompileError: TypeScript reports errors; the first is the error's place.
    """
    try:
        runner.run(
            (toolchain.yarn_command, "tsc"),
            cwd=workspace,
            env=toolchain.child_environment(installs=False),
            log=log,
            on_line=on_line,
        )
    except ProcessFailed as failure:
        found = list(_TSC_ERROR.finditer(failure.completed.stdout))
        if not found:
            raise CompileError(
                "yarn tsc failed",
                found=failure.reason,
                details=_tail(failure),
                hint="'yarn tsc' in the workspace repeats it",
                log=log,
            ) from failure
        first = found[0]
        count = "an error" if len(found) == 1 else f"{len(found)} errors"
        raise CompileError(
            f"TypeScript reports {count}",
            place=Place(
                file=workspace / first["file"],
                line=int(first["line"]),
                column=int(first["column"]),
            ),
            found=f"{first['code']}: {first['what']}",
            details="\n".join(match[0] for match in found[:_SHOWN_ERRORS]),
            hint="mend the source by a patch or an overlay; 'yarn tsc' in the workspace repeats it",
            log=log,
        ) from failure


def has_types_to_compile(workspace: Path, scripts: frozenset[str]) -> bool:
    """Return whether ``yarn tsc`` means anything here: a script of that name, or a tsconfig."""
    return "tsc" in scripts or (workspace / "tsconfig.json").is_file()


def compile_package(
    folder: Path,
    name: str,
    *,
    toolchain: Toolchain,
    runner: Runner,
    log: Path,
    on_line: Callable[[str], None],
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
            log=log,
            on_line=on_line,
        )
    except ProcessFailed as failure:
        raise CompileError(
            f"yarn build of {name} failed",
            place=Place(file=folder / "package.json", field="scripts.build"),
            found=failure.reason,
            details=_tail(failure),
            hint=f"'yarn workspace {name} build' in the workspace repeats it",
            log=log,
        ) from failure


def _tail(failure: ProcessFailed) -> str | None:
    return last_words(failure.completed.tail, most=_SHOWN_LINES)
