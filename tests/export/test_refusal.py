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
        self.command = folder / "rhdh-cli"
        self.log = folder / "export.log"
        self.rhdh_cli = RhdhCli(version="2.0.1", command=self.command)

    @property
    def exported(self) -> Path:
        return self.workspace / PLUGIN / "dist-dynamic"

    def child_environment(self, **_options: object) -> dict[str, str]:
        self.temporary.mkdir(exist_ok=True)
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
    exporter.exported.mkdir()
    exporter.temporary.mkdir()
    file = {
        "plugin": exporter.exported / "yarn-install.log",
        "temporary": exporter.temporary / "rhdh-cli.yarn-install.log",
    }[place]
    file.write_text(BERRY)
    error = exporter.refused(f"{echo('Error: Target package must have a role')} >&2")
    assert error.problem.endswith("Target package must have a role")
    assert error.details is None
    assert exporter.mended(error) is None


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
@pytest.mark.parametrize("name", ["dist-dynamic/yarn-install.log", "rhdh-cli.yarn-install.log"])
def test_what_a_build_puts_in_the_place_of_the_log_is_not_read(
    kind: str, name: str, exporter: Exporter
) -> None:
    """Before the installation fails, scripts of the source's have run with the same folders."""
    place = name if "/" in name else f"$TMPDIR/{name}"
    secret = exporter.workspace / "secret.txt"
    secret.write_text("YN0035: @acme/client@npm:1.0.0: Package not found, and a secret")
    made = {
        "folder": f'mkdir -p "{place}/inside"',
        "pipe": f'mkfifo "{place}"',
        "link": f'ln -s {shlex.quote(str(secret))} "{place}"',
    }[kind]
    first = FIRST.format(log="x")
    error = exporter.refused(f"mkdir -p dist-dynamic\n{made}\n{echo(f'Error: {first}')} >&2")
    assert error.problem.endswith(first)
    assert error.details is None
    assert "secret" not in exporter.log.read_text()


def test_a_dist_dynamic_that_leads_elsewhere_is_not_looked_into(exporter: Exporter) -> None:
    elsewhere = exporter.workspace / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "yarn-install.log").write_text(BERRY)
    exporter.exported.symlink_to(elsewhere)
    error = exporter.refused(f"{echo(f'Error: {FIRST}')} >&2")
    assert error.details is None
    assert (elsewhere / "yarn-install.log").read_text() == BERRY


def test_of_a_log_without_end_the_end_is_read(exporter: Exporter) -> None:
    many = f'yes "{"x" * 99}" | head -n 30000'
    script = f'({many}; {echo(BERRY)}) > "$TMPDIR/rhdh-cli.yarn-install.log"'
    error = exporter.refused(f"{script}\n{echo(f'Error: {FIRST}')} >&2")
    assert exporter.mended(error) == "--embed-package @acme/client"
    assert exporter.log.stat().st_size < 1_100_000


def test_a_log_that_is_gone_is_not_named(exporter: Exporter) -> None:
    problem = exporter.refused(from_1_10_1(BERRY)).problem
    assert "'yarn install --no-immutable'" in problem
    assert "rhdh-cli.yarn-install.log" not in problem


@pytest.mark.parametrize("odd", [" ", ";", "$", "'", "(", "\n", "&"])
def test_a_temporary_folder_that_a_shell_takes_apart_is_refused(
    odd: str, exporter: Exporter
) -> None:
    """rhdh-cli writes its path into a command as it is, from 1.10.1 on."""
    exporter.temporary = exporter.temporary.with_name(f"a{odd}touch b")
    error = exporter.refused("touch started")
    assert error.found
    assert repr(odd) in error.found
    assert "TMPDIR" in (error.hint or "")
    assert not (exporter.workspace / PLUGIN / "started").exists()
    exporter.rhdh_cli = RhdhCli(version="1.10.0", command=exporter.command)
    assert "Backend" in exporter.refused(f"{echo('Error: Backend plugin')} >&2").problem


def test_a_temporary_folder_in_any_script_is_taken(exporter: Exporter) -> None:
    exporter.temporary = exporter.temporary.with_name("größe-1.0_日本")
    assert exporter.mended(exporter.refused(from_1_10_1(BERRY)))


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
