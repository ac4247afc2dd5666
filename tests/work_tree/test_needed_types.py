"""Types of what is built alone: what is left out, and when the whole workspace is compiled."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest

from factory.analysis.discovery import workspace_packages
from factory.errors import CompileError
from factory.sources.replacement import JOURNAL
from factory.toolchain.assembled import Toolchain
from factory.toolchain.runner import LoggedRunner, Runner
from factory.work_tree.needed_types import NEEDED_SETTINGS, compile_needed_types

SETTINGS = """{
  // As Backstage's templates have it.
  "extends": "@backstage/cli/config/tsconfig.json",
  "include": ["packages/*/src", "plugins/*/src"], /* and no more */
  "exclude": ["node_modules", "a // b",],
  "compilerOptions": {"outDir": "dist-types", "rootDir": "."},
}
"""
IN_PLUGIN = "plugins/a/src/index.ts(1,1): error TS2304: Cannot find name 'x'."
# It writes down its words and its settings; a compiler that knows what is in the app alone fails.
YARN = f"""#!/bin/sh
echo "$*" >> said
if [ "$3" = {NEEDED_SETTINGS} ]; then
  cat {NEEDED_SETTINGS} > settings
  if [ -e needs-all ]; then echo "{IN_PLUGIN}"; exit 2; fi
fi
if [ -e broken ]; then echo "{IN_PLUGIN}"; exit 2; fi
exit 0
"""


class Tools:
    """As much of a toolchain as compiling types takes."""

    def __init__(self, folder: Path) -> None:
        self.yarn_command = folder / "yarn"
        self.yarn_command.write_text(YARN)
        self.yarn_command.chmod(0o755)

    def child_environment(self, **_options: object) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    for path, more in {
        ".": {"workspaces": ["packages/*", "plugins/*", "plugins/a/*"], "scripts": {"tsc": "tsc"}},
        "plugins/a": {"name": "a", "dependencies": {"lib": "workspace:^"}},
        "plugins/b": {"name": "b"},
        "packages/lib": {"name": "lib"},
        "packages/app": {"name": "app", "dependencies": {"a": "workspace:^"}},
    }.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "package.json").write_text(json.dumps(more))
    (folder / "tsconfig.json").write_text(SETTINGS)
    return folder


@pytest.fixture
def compiled(workspace: Path, tmp_path: Path) -> Callable[..., str]:
    def run(*plugins: str) -> str:
        packages = workspace_packages(workspace)
        return compile_needed_types(
            workspace,
            plugins=[packages[name] for name in plugins or ("a",)],
            packages=packages,
            toolchain=cast("Toolchain", Tools(tmp_path)),
            runner=LoggedRunner(Runner(), log=tmp_path / "tsc.log", on_line=lambda _: None),
        )

    return run


def said(workspace: Path) -> Sequence[str]:
    return (workspace / "said").read_text().splitlines()


ROOTED = '"compilerOptions": {"rootDir": "."}'
NARROW, WHOLE = f"tsc --project {NEEDED_SETTINGS}", "tsc"


def test_members_that_no_plugin_is_made_of_are_left_out(
    compiled: Callable[..., str], workspace: Path
) -> None:
    assert compiled() == "without 2 packages that no plugin needs"
    assert said(workspace) == [NARROW]
    assert json.loads((workspace / "settings").read_text()) == {
        "extends": "./tsconfig.json",
        "exclude": ["node_modules", "a // b", "packages/app", "plugins/b"],
    }


def test_nothing_of_it_stays(compiled: Callable[..., str], workspace: Path) -> None:
    compiled()
    assert not (workspace / NEEDED_SETTINGS).exists()
    assert not (workspace / JOURNAL).exists()


def test_where_all_is_needed_all_is_compiled_without_a_word(
    compiled: Callable[..., str], workspace: Path
) -> None:
    assert compiled("app", "b") == ""
    assert said(workspace) == [WHOLE]


def test_a_folder_around_a_needed_one_is_not_left_out(
    compiled: Callable[..., str], workspace: Path
) -> None:
    inner = workspace / "plugins/a/inner"
    inner.mkdir()
    (inner / "package.json").write_text('{"name": "inner"}')
    compiled("inner")
    excluded = json.loads((workspace / "settings").read_text())["exclude"]
    assert excluded[2:] == ["packages/app", "packages/lib", "plugins/b"]


@pytest.mark.parametrize("script", ["tsc --skipLibCheck true", "tsc --pretty", " tsc "])
def test_a_script_that_has_its_settings_from_the_file_takes_another_file(
    script: str, compiled: Callable[..., str], workspace: Path
) -> None:
    set_script(workspace, script)
    compiled()
    assert said(workspace) == [NARROW]


def test_without_a_script_yarn_runs_the_compiler_itself(
    compiled: Callable[..., str], workspace: Path
) -> None:
    set_script(workspace, None)
    compiled()
    assert said(workspace) == [NARROW]


@pytest.mark.parametrize(
    "script",
    ["tsc -b", "tsc -p tsconfig.json", "tsc && node x.js", "backstage-cli tsc", "tsc x.ts"],
)
def test_any_other_script_compiles_the_whole(
    script: str, compiled: Callable[..., str], workspace: Path
) -> None:
    set_script(workspace, script)
    assert compiled() == ("the whole workspace: the script tsc of package.json is more than 'tsc'")
    assert said(workspace) == [WHOLE]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "tsconfig.json cannot be read"),
        ("{", "tsconfig.json cannot be read"),
        ('{"exclude": /* [] }', "tsconfig.json cannot be read"),
        ("[]", "tsconfig.json cannot be read"),
        ('{"exclude": []}', "tsconfig.json has no 'rootDir'"),
        ('{"exclude": [], "compilerOptions": "x"}', "tsconfig.json has no 'rootDir'"),
        ('{"exclude": [], "compilerOptions": {"rootDir": 1}}', "tsconfig.json has no 'rootDir'"),
        (f"{{{ROOTED}}}", "tsconfig.json has no list 'exclude'"),
        (f'{{{ROOTED}, "exclude": "x"}}', "tsconfig.json has no list 'exclude'"),
        (f'{{{ROOTED}, "exclude": [1]}}', "tsconfig.json has no list 'exclude'"),
        (
            '{"exclude": [], "files": [], "references": [{"path": "plugins/a"}]}',
            "tsconfig.json has references to other projects",
        ),
        (" " * (1 << 20) + '{"exclude": []}', "tsconfig.json cannot be read"),
    ],
)
def test_settings_that_cannot_be_narrowed_compile_the_whole(
    text: str | None, why: str, compiled: Callable[..., str], workspace: Path
) -> None:
    (workspace / "tsconfig.json").unlink()
    if text is not None:
        (workspace / "tsconfig.json").write_text(text)
    assert compiled() == f"the whole workspace: {why}"
    assert said(workspace) == [WHOLE]


def test_settings_behind_a_link_are_not_read(
    compiled: Callable[..., str], workspace: Path, tmp_path: Path
) -> None:
    (workspace / "tsconfig.json").rename(tmp_path / "elsewhere.json")
    (workspace / "tsconfig.json").symlink_to(tmp_path / "elsewhere.json")
    assert compiled() == "the whole workspace: tsconfig.json cannot be read"


def test_what_does_not_compile_by_itself_is_compiled_with_the_rest(
    compiled: Callable[..., str], workspace: Path
) -> None:
    (workspace / "needs-all").touch()
    assert compiled() == "the whole workspace: what is needed does not compile without the rest"
    assert said(workspace) == [NARROW, WHOLE]


def test_an_error_in_a_plugin_stops_the_build(
    compiled: Callable[..., str], workspace: Path
) -> None:
    (workspace / "broken").touch()
    with pytest.raises(CompileError, match="TypeScript reports an error"):
        compiled()
    assert not (workspace / NEEDED_SETTINGS).exists()


def set_script(workspace: Path, script: str | None) -> None:
    file = workspace / "package.json"
    manifest = json.loads(file.read_text())
    manifest["scripts"] = {} if script is None else {"tsc": script}
    file.write_text(json.dumps(manifest))
