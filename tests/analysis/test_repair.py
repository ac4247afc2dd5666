"""What rhdh-cli says when it refuses an export, and the arguments that mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.manifest import Manifest, read_manifest
from factory.analysis.repair import Repair, advice, repair
from factory.analysis.workspace_analysis import find_context

from .tiny_workspace import PLUGIN, TinyWorkspace, host

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.context import AnalysisContext

SHARED_PRIVATE = """
Error: Following shared package(s) should not be part of the plugin private dependencies:\x1b[36m
- {shared}\x1b[39m

Either unshare them with the --shared-package !<package> option, or use the --embed-package to \
embed the following packages which use shared dependencies:\x1b[36m
- {users}\x1b[39m
"""
NATIVE_FOUND = (
    "Error: Dynamic plugins do not support native plugins. the following native modules have been "
    "transitively detected:\x1b[36m\n- {names}\x1b[39m"
)
NATIVE_REMOVED = """\
Validating plugin entry points
Error: Unable to validate plugin entry points: Error: The package "{name}" has been marked as
a native module and removed from this dynamic plugin package
"@backstage/plugin-scaffolder-backend-dynamic", as native modules are not currently supported by
dynamic plugins"""
NOT_FOUND = """\
Error: Unable to validate plugin entry points: Error: Cannot find module '{name}'
Require stack:
- dist/index.cjs.js"""
MAIN_CONFLICT = (
    "Error: The version of a dependency ('{name}') of an embedded module conflicts with main "
    "module dependencies: '{first}', '{second}': cannot proceed!"
)
EMBEDDED_CONFLICT = (
    "Error: Several incompatible versions ('{first}', '{second}') of the same transitive "
    "dependency ('{name}') for embedded module ('@acme/x')"
)


class Export:
    """A tiny workspace whose export was refused."""

    def __init__(self, folder: Path, packages: dict[str, str], **workspace: Any) -> None:
        TinyWorkspace(**workspace).write(folder, "protocols")
        self.plugin: Manifest = read_manifest(folder / PLUGIN / "package.json")
        self.around: AnalysisContext = find_context(folder, host(packages), [self.plugin])

    def repaired(self, error: str, current: str = "") -> Repair | None:
        return repair(error, self.plugin, self.around, current)

    def arguments(self, error: str, current: str = "") -> str | None:
        found = self.repaired(error, current)
        return found.arguments if found else None

    def advice(self, error: str) -> str:
        return advice(error, self.plugin, self.around)


ISOLATED_VM: dict[str, Any] = {
    "isolated-vm@6.0.2": {"dependencies": {"prebuild-install": "^7.1.3"}},
    "prebuild-install@7.1.3": {"dependencies": {"napi-build-utils": "^2.0.0"}},
    "napi-build-utils@2.0.0": {},
}


def scaffolder(folder: Path, packages: dict[str, str]) -> Export:
    plugin = {"name": "@backstage/plugin-scaffolder-backend"}
    dependencies = {"dependencies": {"isolated-vm": "^6.0.1"}}
    return Export(folder, packages, plugin={**plugin, **dependencies}, published=ISOLATED_VM)


SUPPRESSED = "--suppress-native-package isolated-vm --suppress-native-package napi-build-utils"


def test_a_suppressed_package_that_the_entry_point_needs_is_shared(tmp_path: Path) -> None:
    found = scaffolder(tmp_path, {"isolated-vm": "6.0.2"}).repaired(
        NATIVE_REMOVED.format(name="isolated-vm"), SUPPRESSED
    )
    assert found
    assert found.arguments == (
        "--shared-package isolated-vm --suppress-native-package napi-build-utils"
    )
    assert found.removed == ("--suppress-native-package isolated-vm",)
    assert str(found.added[0].reason) == (
        "plugin → isolated-vm (native, needed at the entry point; rhdh has 6.0.2)"
    )


@pytest.mark.parametrize("packages", [{}, {"isolated-vm": "5.0.0"}])
def test_where_the_host_cannot_provide_it_allowing_it_is_only_advised(
    packages: dict[str, str], tmp_path: Path
) -> None:
    export = scaffolder(tmp_path, packages)
    error = NATIVE_REMOVED.format(name="isolated-vm")
    assert export.repaired(error, SUPPRESSED) is None
    assert "--allow-native-package isolated-vm" in export.advice(error)


def test_who_uses_a_shared_package_privately_is_embedded(tmp_path: Path) -> None:
    export = Export(
        tmp_path,
        {"better-sqlite3": "12.6.2"},
        plugin={
            "dependencies": {
                "better-sqlite3": "^12.0.0",
                "@langchain/langgraph-checkpoint-sqlite": "^1.0.0",
            }
        },
        published={
            "better-sqlite3@12.2.0": {"dependencies": {"bindings": "^1.5.0"}},
            "@langchain/langgraph-checkpoint-sqlite@1.0.0": {
                "dependencies": {"better-sqlite3": "^12.0.0"}
            },
        },
    )
    error = SHARED_PRIVATE.format(
        shared="better-sqlite3", users="@langchain/langgraph-checkpoint-sqlite"
    )
    assert export.arguments(error, "--shared-package better-sqlite3") == (
        "--embed-package @langchain/langgraph-checkpoint-sqlite --shared-package better-sqlite3"
    )


def test_the_whole_way_to_a_shared_package_is_embedded_at_once(tmp_path: Path) -> None:
    export = Export(
        tmp_path,
        {"@backstage/config": "1.0.0"},
        plugin={"dependencies": {"top": "^1.0.0"}},
        published={
            "top@1.0.0": {"dependencies": {"middle": "^1.0.0"}},
            "middle@1.0.0": {"dependencies": {"@backstage/config": "^1.0.0"}},
            "@backstage/config@1.0.0": {},
        },
    )
    error = SHARED_PRIVATE.format(shared="@backstage/config", users="top")
    assert export.arguments(error) == "--embed-package middle --embed-package top"


def test_what_the_lockfile_does_not_show_is_taken_from_the_message(tmp_path: Path) -> None:
    export = Export(
        tmp_path, {}, plugin={"dependencies": {"a": "^1.0.0"}}, published={"a@1.0.0": {}}
    )
    error = SHARED_PRIVATE.format(shared="@backstage/config", users="a")
    assert export.arguments(error) == "--embed-package a"
    assert export.arguments(error, "--embed-package a") == (
        "--embed-package a --shared-package !@backstage/config"
    )


def test_native_packages_are_shared_or_suppressed(tmp_path: Path) -> None:
    export = Export(
        tmp_path,
        {"known": "1.1.0"},
        plugin={"dependencies": {"known": "^1.0.0", "unknown": "^1.0.0"}},
        published={"known@1.0.0": {}, "unknown@1.0.0": {}},
    )
    error = NATIVE_FOUND.format(names="known\n- unknown")
    assert export.arguments(error, "--no-x") == (
        "--shared-package known --suppress-native-package unknown --no-x"
    )


def test_an_embedded_package_that_is_native_itself_is_not_mended(tmp_path: Path) -> None:
    export = Export(
        tmp_path,
        {},
        plugin={"dependencies": {"@acme/native": "workspace:^"}},
        members={"@acme/native": {"gypfile": True}},
    )
    error = NATIVE_FOUND.format(names="@acme/native")
    assert export.repaired(error, "--embed-package @acme/native") is None
    assert "--allow-native-package @acme/native" in export.advice(error)


def test_a_module_that_is_not_found_is_embedded_with_the_way_to_it(tmp_path: Path) -> None:
    name = "@backstage/plugin-catalog-backend-module-github"
    export = Export(
        tmp_path,
        {},
        plugin={"dependencies": {"transformer": "^1.0.0"}},
        published={
            "transformer@1.0.0": {"dependencies": {name: "^0.7.0"}},
            f"{name}@0.7.0": {},
        },
    )
    wanted = f"--embed-package {name} --embed-package transformer --shared-package !{name}"
    assert export.arguments(NOT_FOUND.format(name=name)) == wanted
    assert export.arguments(NOT_FOUND.format(name=f"{name}/alpha")) == wanted
    assert export.arguments(NOT_FOUND.format(name=name), wanted) is None


@pytest.mark.parametrize("name", ["./dist/x", "/tmp/x", "node:fs", "undeclared"])
def test_a_module_that_no_dependency_brings_is_not_mended(name: str, tmp_path: Path) -> None:
    assert Export(tmp_path, {}, plugin={}).repaired(NOT_FOUND.format(name=name)) is None


@pytest.mark.parametrize("message", [MAIN_CONFLICT, EMBEDDED_CONFLICT])
@pytest.mark.parametrize(
    ("first", "second", "mended"),
    [
        ("^1.10.1", "^1.10.0", True),
        ("^1.4.0", "~1.3.0", False),
        ("^1.0.0", "^2.0.0", False),
        (">=1.2.0 <1.5.0", "^1.4.9", True),
        ("workspace:^", "^1.0.0", False),
    ],
)
def test_a_version_check_is_ignored_only_if_one_version_satisfies_both(
    message: str, first: str, second: str, mended: bool, tmp_path: Path
) -> None:
    export = Export(tmp_path, {"@backstage/config": "1.3.0"}, plugin={})
    error = message.format(name="@backstage/config", first=first, second=second)
    expected = "--ignore-version-check @backstage/config" if mended else None
    assert export.arguments(error) == expected
    assert bool(export.advice(error))


def test_a_workspace_package_that_is_not_published_is_embedded(tmp_path: Path) -> None:
    export = Export(
        tmp_path,
        {"@acme/client": "1.0.0"},
        plugin={"dependencies": {"@acme/client": "workspace:^"}},
        members={"@acme/client": {}},
    )
    error = "➤ YN0035: │ @acme/client@npm:^1.0.0: Package not found"
    assert export.arguments(error) == "--embed-package @acme/client"


@pytest.mark.parametrize(
    "error",
    ["", "TypeError: x is not a function", "Error: Target package must have 'backstage.role' set"],
)
def test_anything_else_is_passed_on(error: str, tmp_path: Path) -> None:
    export = Export(tmp_path, {}, plugin={})
    assert export.repaired(error) is None
    assert export.advice(error) == ""
