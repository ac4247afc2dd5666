"""Why an export was refused, in the words and places of each release of rhdh-cli.

The npm registry of the tests need not have them. What stands in for rhdh-cli writes the same log
to the same place, and prints the same lines, as their sources do.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from factory.analysis.manifest import read_manifest
from factory.analysis.repair import repair
from factory.analysis.workspace_analysis import find_context
from factory.errors import ExportError
from factory.export.dynamic import ExportRequest, export_plugin
from factory.export.refusal import failure_message, refusal
from factory.toolchain.assembled import Toolchain
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.runner import LoggedRunner, Runner
from tests.analysis.tiny_workspace import PLUGIN, TinyWorkspace, host

BERRY = """\
➤ YN0000: · Yarn 4.12.0
➤ YN0000: ┌ Resolution step
➤ YN0035: │ @acme/client@npm:^1.0.0: Package not found
➤ YN0035: │   Response Code: 404 (Not Found)
Error: of a script that yarn has run, and no line of rhdh-cli's
➤ YN0000: └ Completed in 0s 214ms
➤ YN0000: · Failed with errors in 0s 230ms
"""
CLASSIC = """\
yarn install v1.22.22
info No lockfile found.
[1/4] Resolving packages...
info Visit https://yarnpkg.com/en/docs/cli/install for documentation about this command.
"""
CLASSIC_ERRORS = (
    'error Couldn\'t find any versions for "@acme/client" that matches "^1.0.0"',
    'error Couldn\'t find package "@acme/client@^1.0.0" required by "x" on the "npm" registry.',
    'error An unexpected error occurred: "https://registry.example.com/@acme%2fclient: Not found".',
)
FIRST = "Failed to execute command 'yarn install --no-immutable > {log}', Error: Command failed"


class Exporter:
    """A workspace whose plugin is exported by a script that stands in for rhdh-cli."""

    def __init__(self, folder: Path) -> None:
        self.workspace = TinyWorkspace(
            plugin={"dependencies": {"@acme/client": "workspace:^"}}, members={"@acme/client": {}}
        ).write(folder / "workspace", "protocols")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.command = folder / "rhdh-cli"
        self.log = folder / "export.log"
        self.rhdh_cli = RhdhCli(version="2.0.1", command=self.command)

    def child_environment(self, **_options: object) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "TMPDIR": str(self.temporary)}

    def refused(self, script: str) -> ExportError:
        self.command.write_text(f"#!/bin/sh\n{script}\nexit 1\n")
        self.command.chmod(0o755)
        request = ExportRequest(
            path=PLUGIN, folder=self.workspace / PLUGIN, arguments=(), compiled=True
        )
        runner = LoggedRunner(Runner(), log=self.log, on_line=lambda _: None)
        with pytest.raises(ExportError) as caught:
            export_plugin(request, toolchain=cast("Toolchain", self), runner=runner)
        return caught.value

    def mended(self, error: ExportError) -> str | None:
        plugin = read_manifest(self.workspace / PLUGIN / "package.json")
        around = find_context(self.workspace, host({"@acme/client": "1.0.0"}), [plugin])
        found = repair(f"{error.problem}\n{error.details or ''}", plugin, around, "")
        return found.arguments if found else None


def echo(text: str) -> str:
    return f"printf '%s\\n' {shlex.quote(text)}"


def up_to_1_10_0(log: str, errors: str = "") -> str:
    file = "dist-dynamic/yarn-install.log"
    message = f"Error: {FIRST.format(log='yarn-install.log')}: yarn install\n{errors}"
    return f"mkdir -p dist-dynamic\n{echo(log)} > {file}\n{echo(message)} >&2"


def from_1_10_1(log: str, errors: str = "") -> str:
    name = "rhdh-cli.yarn-install.log"
    message = f"Error: {FIRST.format(log=f'/tmp/{name}')}: yarn install\n{errors}"
    return "\n".join(
        (
            f'{echo(log)} > "$TMPDIR/{name}"',
            f'{echo("yarn install failed. Log output from")} >&2\ncat "$TMPDIR/{name}" >&2',
            f"{echo(message)} >&2",
        )
    )


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    return Exporter(tmp_path)


@pytest.mark.parametrize("release", [up_to_1_10_0, from_1_10_1])
@pytest.mark.parametrize(
    ("log", "errors"), [(BERRY, ""), *((CLASSIC, error) for error in CLASSIC_ERRORS)]
)
def test_the_reason_of_yarn_is_shown_and_mended(
    release: Callable[[str, str], str], log: str, errors: str, exporter: Exporter
) -> None:
    error = exporter.refused(release(log, errors))
    assert error.problem.startswith(
        f"rhdh-cli could not export {PLUGIN}: Failed to execute command 'yarn install"
    )
    assert "@acme/client" in (error.details or "") or "@acme%2fclient" in (error.details or "")
    assert exporter.mended(error) == "--embed-package @acme/client"
    assert log.splitlines()[0] in exporter.log.read_text()


@pytest.mark.parametrize("place", ["plugin", "temporary"])
def test_the_log_of_an_attempt_before_is_no_reason(place: str, exporter: Exporter) -> None:
    exported = exporter.workspace / PLUGIN / "dist-dynamic"
    exported.mkdir()
    file = {
        "plugin": exported / "yarn-install.log",
        "temporary": exporter.temporary / "rhdh-cli.yarn-install.log",
    }[place]
    file.write_text(BERRY)
    error = exporter.refused(f"{echo('Error: Target package must have a role')} >&2")
    assert error.problem.endswith("Target package must have a role")
    assert error.details is None
    assert exporter.mended(error) is None


def test_an_error_after_the_installation_is_not_hidden_by_its_log() -> None:
    said = "Validating plugin entry points\nError: Backend plugin is not valid\n    at x (a.js:1:2)"
    assert refusal(said, BERRY) == "Backend plugin is not valid"


def test_without_a_word_of_rhdh_cli_the_log_tells() -> None:
    assert "Package not found" in refusal("", BERRY)


def test_the_last_command_that_failed_counts_and_not_what_it_printed() -> None:
    said = (
        "Error: of the build's own\nError: Failed to execute command 'yarn build', Error: x\nwhy\n"
    )
    assert failure_message(said) == "Failed to execute command 'yarn build', Error: x\nwhy"
