"""What a build makes is verified, and is not left behind if it is broken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from factory.analysis.locked_workspace import read_locked_workspace
from factory.config.environment import Environment
from factory.errors import PackError
from factory.events import StageFinished
from factory.export.packing import Artifact
from factory.pipeline.finishing import (
    find_bundled_by_intent,
    verify_step,
)
from factory.pipeline.stages import Stages
from factory.reports.build_report import PluginReport
from factory.toolchain.runner import Runner
from tests.verification.locked_sources import ONCE, entry, locked_source
from tests.verification.plugins import HOST, backend, node, write_tgz

if TYPE_CHECKING:
    from pathlib import Path

    from factory.events import Event
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.toolchain.assembled import Toolchain

ERRORS = {
    "node_modules/@backstage/errors/package.json": (
        '{"name": "@backstage/errors", "version": "1.0.0"}'
    )
}


def verified(
    output_dir: Path,
    files: dict[str, bytes],
    *,
    arguments: str = "",
    events: list[Event] | None = None,
    **variables: str,
) -> PluginReport:
    """Run the step on a plugin that was just packed."""
    tgz = write_tgz(output_dir / "todo.tgz", files)
    names = (tgz.name, f"{tgz.name}.integrity")
    report = PluginReport(
        path="plugins/todo",
        outcome="done",
        name="@scope/plugin-todo-backend",
        version="1.2.3",
        role="backend-plugin",
        arguments=arguments,
        seconds={},
        files=tuple(Artifact(name=name, size=1) for name in names),
    )
    toolchain = SimpleNamespace(
        node=SimpleNamespace(bin_dir=node().parent), environment=Environment(variables=variables)
    )
    source = locked_source(
        output_dir / "source",
        ONCE,
        entry("@backstage/errors@npm:1.0.0", "1.0.0", "@backstage/errors@npm:1.0.0"),
    )
    step = verify_step(
        output_dir,
        host=HOST,
        locked=read_locked_workspace(source, HOST),
        toolchain=cast("Toolchain", toolchain),
        runner=Runner(),
        stages=Stages(output_dir, (events if events is not None else []).append),
    )
    return step(report, cast("ChosenPlugin", SimpleNamespace(path="plugins/todo")))


def test_a_whole_plugin_goes_on_as_it_is(tmp_path: Path) -> None:
    events: list[Event] = []

    report = verified(tmp_path, backend(), events=events)

    assert report.files[0].name == "todo.tgz"
    (end,) = (event for event in events if isinstance(event, StageFinished))
    assert (end.stage, end.plugin, end.outcome, end.note) == (
        "verify",
        "plugins/todo",
        "done",
        "8 checks",
    )


def test_a_broken_plugin_is_an_error_and_its_files_are_gone(tmp_path: Path) -> None:
    events: list[Event] = []

    with pytest.raises(PackError) as refused:
        verified(
            tmp_path,
            backend(
                {"dependencies": {"left-pad": "1"}}, {"dist/index.cjs.js": "require('./gone')"}
            ),
            events=events,
        )

    said = str(refused.value)
    assert "todo.tgz (entry point)" in said
    assert "./gone" in said
    assert "dependencies: " in said
    assert "left-pad" in said
    assert not list(tmp_path.glob("todo*"))
    assert [e.outcome for e in events if isinstance(e, StageFinished)] == ["failed"]


@pytest.mark.parametrize(
    "arguments",
    [
        "--shared-package !@backstage/errors",
        "--shared-package '!/@backstage/err.*/'",
        "--embed-package @backstage/errors",
    ],
)
def test_what_the_arguments_ask_for_may_be_bundled(arguments: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="bundles"):
        verified(tmp_path, backend(files=dict(ERRORS)))
    verified(tmp_path, backend(files=dict(ERRORS)), arguments=arguments)


def test_what_is_not_locked_is_an_error_that_names_both_versions(tmp_path: Path) -> None:
    newer = {"node_modules/once/package.json": '{"name": "once", "version": "1.4.9"}'}

    with pytest.raises(PackError) as refused:
        verified(tmp_path, backend(files=newer))

    said = str(refused.value)
    assert "(locked versions)" in said
    assert "once: 1.4.9 instead of 1.4.0 (for @scope/plugin-todo-backend 1.2.3)" in said
    assert not list(tmp_path.glob("todo*"))


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        # rhdh-cli: new RegExp(text.slice(1, -1)), searched for.
        ("/errors/", {"@backstage/errors"}),
        ("//errors/", {"@backstage/errors"}),
        ("//err.*s//", set()),
        ("/^errors/", set()),
    ],
)
def test_a_pattern_is_what_stands_between_its_slashes(pattern: str, matched: set[str]) -> None:
    assert find_bundled_by_intent(f"--shared-package '!{pattern}'", HOST) == matched


def test_a_pattern_that_only_javascript_understands_is_passed_over() -> None:
    assert find_bundled_by_intent("--shared-package '!/(?<n>a)[/'", HOST) == frozenset()


def test_the_largest_file_is_what_the_configuration_says(tmp_path: Path) -> None:
    with pytest.raises(PackError) as refused:
        verified(tmp_path, backend(), MAX_ENTRY_SIZE="100")
    assert "MAX_ENTRY_SIZE" in str(refused.value)
    verified(tmp_path, backend(), MAX_ENTRY_SIZE="100000")
