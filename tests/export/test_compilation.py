"""Errors of ``yarn tsc``: what lies in a plugin stops a build, what lies elsewhere is a warning.

The lines are what TypeScript 5.4 prints without a terminal.
"""

from __future__ import annotations

import logging
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from factory.analysis.discovery import workspace_packages
from factory.analysis.embedding import members_below
from factory.errors import CompileError
from factory.export.compilation import compile_types
from factory.toolchain.assembled import Toolchain
from factory.toolchain.runner import LoggedRunner, Runner
from factory.toolchain.streams import LINE_LIMIT

IN_APP = "packages/app/src/App.tsx(3,7): error TS2322: Type 'string' is not assignable to 'number'."
IN_PLUGIN = "plugins/a/src/index.ts(1,1): error TS2304: Cannot find name 'x'."
IN_ROOT = "scripts/x.ts(1,1): error TS2304: Cannot find name 'y'."
OF_OPTIONS = "error TS5023: Unknown compiler option 'z'."


class Yarn:
    """As much of a toolchain as compiling types takes: a yarn that says these lines."""

    def __init__(self, folder: Path, lines: tuple[str, ...], code: int) -> None:
        self.yarn_command = folder / "yarn"
        said = "".join(f"echo {shlex.quote(line)}\n" for line in lines)
        self.yarn_command.write_text(f"#!/bin/sh\n{said}exit {code}\n")
        self.yarn_command.chmod(self.yarn_command.stat().st_mode | stat.S_IXUSR)

    def child_environment(self, **_options: object) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., None]:
    (tmp_path / "packages/app/src").mkdir(parents=True)

    def run(*lines: str, code: int = 2) -> None:
        compile_types(
            tmp_path,
            not_needed=(tmp_path / "packages/app",),
            toolchain=cast("Toolchain", Yarn(tmp_path, lines, code)),
            runner=LoggedRunner(Runner(), log=tmp_path / "tsc.log", on_line=lambda _: None),
        )

    return run


def test_errors_in_what_is_not_needed_are_one_warning_with_the_count(
    compiled: Callable[..., None], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.WARNING):
        compiled(IN_APP, IN_APP)
    (record,) = caplog.records
    assert record.getMessage() == (
        "TypeScript reports 2 errors in packages that are not part of a plugin (packages/app): "
        f"{tmp_path / 'tsc.log'} has them"
    )


@pytest.mark.parametrize("error", [IN_PLUGIN, IN_ROOT])
def test_an_error_in_what_is_needed_stops_the_build_and_is_the_one_that_is_shown(
    error: str, compiled: Callable[..., None]
) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(IN_APP, error)
    assert caught.value.problem == "TypeScript reports an error"
    assert caught.value.place
    assert str(caught.value.place.file).endswith(error.partition("(")[0])


@pytest.mark.parametrize(("lines", "code"), [((IN_APP, OF_OPTIONS), 1), ((IN_APP,), 137), ((), 2)])
def test_whatever_else_tsc_ends_with_stops_the_build(
    lines: tuple[str, ...], code: int, compiled: Callable[..., None]
) -> None:
    with pytest.raises(CompileError):
        compiled(*lines, code=code)


def test_errors_that_may_be_cut_off_are_not_taken_for_harmless(
    compiled: Callable[..., None],
) -> None:
    """The beginning of so much output is not kept, and a plugin's error may be in it."""
    with pytest.raises(CompileError):
        compiled(IN_PLUGIN, "x" * (LINE_LIMIT + 1), IN_APP)


def test_what_a_plugin_leads_to_is_needed_and_its_development_is_not(tmp_path: Path) -> None:
    for path, text in {
        ".": '{"workspaces": ["*"]}',
        "a": '{"name": "a", "dependencies": {"lib": "*"}, "devDependencies": {"dev": "*"}}',
        "lib": '{"name": "lib", "peerDependencies": {"peer": "*"}}',
        "peer": '{"name": "peer"}',
        "dev": '{"name": "dev"}',
        "app": '{"name": "app", "dependencies": {"a": "*"}}',
    }.items():
        (tmp_path / path).mkdir(exist_ok=True)
        (tmp_path / path / "package.json").write_text(text)
    packages = workspace_packages(tmp_path)
    assert members_below([packages["a"].manifest], packages) == {"a", "lib", "peer"}
