"""The export of a frontend plugin, with a program that stands in for rhdh-cli."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from factory.export.dynamic import ExportRequest, export_plugin
from factory.toolchain.assembled import Toolchain
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.runner import LoggedRunner, Runner

PLUGIN = "plugins/x"
# It writes down what it is asked for and what it finds, then what rhdh-cli writes.
SCRIPT = """#!/bin/sh
echo "$@" > asked
ls dist > found
ls "$TMPDIR" > temporary
mkdir -p dist-dynamic/dist dist-dynamic/dist-scalprum
echo '{}' > dist-dynamic/package.json
echo '{}' > dist-dynamic/dist/mf-manifest.json
echo '{}' > dist-dynamic/dist-scalprum/plugin-manifest.json
echo dist-dynamic/dist-scalprum > "$TMPDIR/reproducible-bundles.txt"
echo '{"entry": "src/alpha.tsx", "why": "its type is any"}' > "$TMPDIR/untyped-features.jsonl"
"""


class Exporter:
    """A plugin whose folder has a build of its own, and what exports it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workspace" / PLUGIN
        (self.folder / "dist").mkdir(parents=True)
        for name in ("remoteEntry.js", "mf-stats.json", "index.esm.js"):
            (self.folder / "dist" / name).touch()
        command = folder / "cache/2.0.1/node_modules/.bin/rhdh-cli"
        command.parent.mkdir(parents=True)
        command.write_text(SCRIPT)
        command.chmod(0o755)
        self.rhdh_cli = RhdhCli(version="2.0.1", command=command)
        self.temporary = folder / "a temporary folder"
        self.temporary.mkdir()

    def child_environment(self, **_options: object) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "TMPDIR": str(self.temporary)}

    def export(self, *arguments: str, systems: tuple[str, ...] = ()) -> None:
        request = ExportRequest(
            path=PLUGIN,
            folder=self.folder,
            arguments=arguments,
            compiled=False,
            bundled=True,
            frontend_systems=systems,
        )
        runner = LoggedRunner(Runner(), log=self.temporary.with_name("log"), on_line=lambda _: None)
        export_plugin(request, toolchain=cast("Toolchain", self), runner=runner)

    def told(self, name: str) -> list[str]:
        return (self.folder / name).read_text().split()


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    return Exporter(tmp_path)


def test_leftovers_of_the_packages_own_build_are_gone_before(exporter: Exporter) -> None:
    exporter.export()
    assert exporter.told("found") == ["index.esm.js"]


def test_what_is_not_reproducible_and_what_is_no_feature_is_said(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.export()
    bundle, feature = caplog.messages
    assert bundle.startswith(f"{PLUGIN}: rhdh-cli 2.0.1 makes the assets for module federation in")
    assert feature.startswith(f"{PLUGIN}: what src/alpha.tsx exports by default is not taken")


def test_every_attempt_begins_with_an_empty_folder(exporter: Exporter) -> None:
    exporter.export()
    first = exporter.told("temporary")
    exporter.export()
    assert exporter.told("temporary") == first
    assert all(name.endswith(".cjs") for name in first)


def test_arguments_are_those_of_the_version(exporter: Exporter) -> None:
    exporter.export("--no-generate-module-federation-assets")
    assert exporter.told("asked")[3:] == ["--no-generate-module-federation-assets"]
    exporter.rhdh_cli = RhdhCli(version="1.7.2", command=exporter.rhdh_cli.command)
    exporter.export("--no-generate-module-federation-assets")
    assert exporter.told("asked") == ["plugin", "export", "--clean"]


def test_what_the_portal_does_not_load_is_not_made_where_the_version_can_leave_it_out(
    exporter: Exporter,
) -> None:
    exporter.export("--embed-package", "a", systems=("module-federation",))
    assert exporter.told("asked")[3:] == ["--embed-package", "a", "--no-generate-scalprum-assets"]
    exporter.rhdh_cli = RhdhCli(version="1.7.2", command=exporter.rhdh_cli.command)
    exporter.export(systems=("module-federation",))
    assert exporter.told("asked") == ["plugin", "export", "--clean"]
