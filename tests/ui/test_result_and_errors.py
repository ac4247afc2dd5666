"""The result of a run and an error, as lines of text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory.errors import ConfigurationError, FactoryError, Interrupted, Place
from factory.events import PluginSummary, RunFinished
from factory.ui.errors import error_lines, message_of
from factory.ui.summary import summary
from factory.ui.text import plain

TODO = PluginSummary(
    plugin="plugins/todo",
    outcome="done",
    artifact="acme-plugin-todo-dynamic-1.2.0.tgz",
    size=123_456,
    seconds=12.3,
)
BACKEND = PluginSummary(
    plugin="plugins/todo-backend",
    outcome="failed",
    seconds=3.3,
    error="rhdh-cli: no entry point\n  try: add main to package.json",
    log="/outputs/logs/export.log",
)


def run(*summaries: PluginSummary) -> RunFinished:
    return RunFinished(
        summaries=summaries,
        output_dir="/outputs",
        report="/outputs/build-report.json",
        seconds=84.0,
    )


def text_of(result: RunFinished, width: int = 100) -> list[str]:
    return [plain(line) for line in summary(result, width=width)]


def test_the_table_names_artifacts_failures_and_where_everything_is() -> None:
    assert text_of(run(TODO, BACKEND)) == [
        "",
        "✓ plugins/todo          acme-plugin-todo-dynamic-1.2.0.tgz" + " " * 17 + "123.5 kB  12.3s",
        "✗ plugins/todo-backend  rhdh-cli: no entry point",
        "                          try: add main to package.json",
        "                        log  /outputs/logs/export.log",
        "",
        "1 of 2 plugins built in 1:24, 1 failed",
        "  artifacts  /outputs",
        "  report     /outputs/build-report.json",
    ]


def test_an_artifacts_name_is_never_cut() -> None:
    assert text_of(run(TODO), width=60) == [
        "",
        "✓ plugins/todo                               123.5 kB  12.3s",
        "    acme-plugin-todo-dynamic-1.2.0.tgz",
        "",
        "1 plugin built in 1:24",
        "  artifacts  /outputs",
        "  report     /outputs/build-report.json",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_fits_its_width(width: int) -> None:
    assert max(map(len, text_of(run(TODO, BACKEND), width=width))) <= width


def test_several_workspaces_are_told_apart() -> None:
    first = PluginSummary(plugin="plugins/a", outcome="done", workspace="one", artifact="a.tgz")
    second = PluginSummary(plugin="plugins/b", outcome="skipped", workspace="two", error="cached")
    lines = text_of(run(first, second))
    assert "one  1 of 1" in lines
    assert "two  1 of 1" in lines
    assert "- plugins/b  skipped: cached" in lines
    assert "1 of 2 plugins built in 1:24, 1 skipped" in lines


def test_a_failed_tools_flood_is_cut_and_its_log_named() -> None:
    flood = "\n".join(f"line {number}" for number in range(40))
    row = PluginSummary(plugin="p", outcome="failed", error=flood, log="/l.log")
    lines = text_of(run(row))
    assert "     … 27 more lines" in lines
    assert "     log  /l.log" in lines


def shown(error: FactoryError) -> list[str]:
    return [plain(line) for line in error_lines(message_of(error, str))]


def test_an_error_names_place_facts_details_and_the_next_step() -> None:
    error = ConfigurationError(
        "the ref 'v9' does not exist",
        place=Place(file=Path("/config/source.json"), line=3, field="repo-ref"),
        found="v9",
        expected="a branch,\na tag or a commit id",
        details="fatal: couldn't find remote ref v9\nfatal: \x1b[31mred\x1b[0m",
        hint="git ls-remote origin",
        log=Path("/outputs/source.log"),
    )
    assert shown(error) == [
        "error: the ref 'v9' does not exist",
        "  in        /config/source.json:3 (repo-ref)",
        "  found     v9",
        "  expected  a branch,",
        "            a tag or a commit id",
        "  log       /outputs/source.log",
        "",
        "  │ fatal: couldn't find remote ref v9",
        "  │ fatal: red",
        "",
        "  try  git ls-remote origin",
    ]


def test_an_error_without_facts_is_one_line() -> None:
    assert shown(FactoryError("nothing works")) == ["error: nothing works"]


def test_without_details_the_hint_stands_with_the_facts() -> None:
    assert shown(FactoryError("no", found="a", expected="b", hint="do this")) == [
        "error: no",
        "  found     a",
        "  expected  b",
        "  try       do this",
    ]


def test_ctrl_c_is_not_shouted_as_an_error() -> None:
    assert shown(Interrupted("ended by Ctrl-C")) == ["ended by Ctrl-C"]


def test_secrets_are_masked_in_every_part() -> None:
    error = FactoryError(
        "s3cret 1", found="s3cret 2", details="s3cret 3", hint="s3cret 4", expected="s3cret 5"
    )
    lines = error_lines(message_of(error, lambda text: text.replace("s3cret", "***")))
    assert "s3cret" not in "\n".join(map(plain, lines))


CACHED = replace(TODO, cached=True, seconds=0.0)


def test_what_came_from_the_cache_is_told_apart_from_what_was_built() -> None:
    lines = text_of(run(CACHED, replace(TODO, plugin="plugins/other")))
    assert lines[1].endswith("cached")
    assert lines[2].endswith("12.3s")
    assert lines[4] == "2 plugins built, 1 of them from the cache, in 1:24"
    assert "1 plugin from the cache in 1:24" in text_of(run(CACHED))


def test_a_workspace_that_failed_as_a_whole_has_a_row_and_is_no_plugin() -> None:
    lost = PluginSummary(
        plugin="", outcome="failed", workspace="lost", error="the repository has no ref 'x'"
    )
    waiting = PluginSummary(plugin="", outcome="skipped", workspace="waiting")
    lines = text_of(run(replace(TODO, workspace="todo"), lost, waiting))
    assert "todo  1 of 1" in lines
    assert "lost" in lines
    assert "✗ workspace     the repository has no ref 'x'" in lines
    assert any(line.startswith("- workspace") for line in lines)
    assert "1 plugin built in 1:24, 1 workspace failed" in lines


def test_several_portals_are_columns() -> None:
    cells = [
        replace(TODO, workspace="rhdh-1.9/todo", portal="rhdh-1.9"),
        replace(BACKEND, workspace="rhdh-1.9/todo", portal="rhdh-1.9"),
        replace(TODO, workspace="rhdh-1.10/todo", portal="rhdh-1.10", cached=True),
        PluginSummary(plugin="", outcome="skipped", workspace="rhdh-1.10", portal="rhdh-1.10"),
    ]
    said = text_of(run(*cells))
    at = next(n for n, line in enumerate(said) if line.split() == ["rhdh-1.9", "rhdh-1.10"])
    assert [line.rstrip() for line in said[at : at + 4]] == [
        "                           rhdh-1.9   rhdh-1.10",
        "todo/plugins/todo          ✓ built    ✓ cached",
        "todo/plugins/todo-backend  ✗ failed",
        "workspace                             - skipped",
    ]
    assert not any("rhdh-1.9   " in line for line in text_of(run(*cells[:2])))
