"""A run on GitHub Actions, as its runner reads it."""

from __future__ import annotations

import io
import logging
from pathlib import Path

from factory.errors import ConfigurationError, Place
from factory.events import PluginSummary, RunFinished, StageFinished, StageOutput, StageStarted
from factory.ui.errors import message_of
from factory.ui.github import GitHub, annotation, escape, escape_property
from factory.ui.notices import Notice
from factory.ui.sink import Sink
from factory.ui.text import harmless


class Job:
    """The log of a job."""

    def __init__(self, *, level: int = logging.INFO, verbose: bool = False) -> None:
        self.out = io.StringIO()
        self.err = io.StringIO()
        self.display = GitHub(
            out=Sink(self.out),
            log=Sink(self.err),
            level=level,
            verbose=verbose,
            checkout=Path("/work/repo"),
        )

    @property
    def lines(self) -> list[str]:
        return self.err.getvalue().splitlines()

    def line(self, plugin: str, text: str) -> None:
        self.display.show(StageOutput(stage="export", plugin=plugin, line=text))

    def end(self, plugin: str, *, failed: bool = False) -> None:
        self.display.show(
            StageFinished(
                stage="export", plugin=plugin, seconds=2, outcome="failed" if failed else "done"
            )
        )


def test_a_group_is_printed_whole_when_its_stage_ends() -> None:
    job = Job()
    job.line("a", "one")
    job.line("b", "two")
    job.line("a", "three")
    job.end("a")
    job.end("b", failed=True)
    assert job.lines == [
        "::group::✓ a  export  done in 2.0s",
        "one",
        "three",
        "::endgroup::",
        "::group::✗ b  export  failed after 2.0s",
        "two",
        "::endgroup::",
    ]


def test_a_stage_that_printed_nothing_is_a_line_and_not_an_empty_fold() -> None:
    job = Job()
    job.end("a")
    assert job.lines == ["✓ a  export  done in 2.0s"]


def test_the_long_stages_of_a_workspace_say_that_they_began() -> None:
    job = Job()
    job.display.show(StageStarted(stage="install", workspace="todo"))
    job.display.show(StageStarted(stage="export", plugin="a", workspace="todo"))
    assert job.lines == ["todo  install  started"]


def test_above_info_only_failed_stages_have_a_group() -> None:
    job = Job(level=logging.WARNING)
    for plugin in ("a", "b"):
        job.line(plugin, "text")
    job.end("a")
    job.end("b", failed=True)
    assert job.lines[0].startswith("::group::✗ b")
    assert len(job.lines) == 3


def test_what_a_cancelled_stage_said_is_not_lost() -> None:
    job = Job()
    job.line("a", "half way")
    job.display.close()
    assert job.lines == ["::group::■ a  export  not finished", "half way", "::endgroup::"]


def test_a_child_cannot_give_the_runner_commands() -> None:
    assert harmless("::error::forged") == ": :error::forged"
    assert harmless("  ::endgroup::") == "  : :endgroup::"
    assert harmless("text ##[add-mask]x") == "text # #[add-mask]x"
    assert harmless("std::vector") == "std::vector"


def test_messages_and_properties_are_escaped_as_the_runner_unescapes_them() -> None:
    assert escape("100%\r\nnext: a,b") == "100%25%0D%0Anext: a,b"
    assert escape_property("C:\\x, 100%") == "C%3A\\x%2C 100%25"


def test_an_error_annotates_the_line_it_is_about() -> None:
    job = Job()
    error = ConfigurationError(
        "wrong, very wrong",
        place=Place(file=Path("/work/repo/config/source.json"), line=3, column=7),
        found="100%",
        hint="fix it",
    )
    job.display.error(message_of(error, str))
    assert job.lines[0] == "error: wrong, very wrong"
    assert job.lines[-1] == (
        "::error file=config/source.json,line=3,col=7,title=plugin-factory"
        "::wrong, very wrong%0Afound: 100%25%0Atry: fix it"
    )


def test_a_file_outside_the_checkout_keeps_its_whole_path() -> None:
    place = Place(file=Path("/config/a,b.json"))
    line = annotation("error", "no", title="t", place=place, base=Path("/work/repo"))
    assert line == "::error file=/config/a%2Cb.json,title=t::no\n"


def test_a_warning_is_an_annotation_and_an_information_is_not() -> None:
    job = Job()
    place = Place(file=Path("/work/repo/.env"), line=2)
    job.display.notice(Notice(level=logging.WARNING, message="quoted", place=place))
    job.display.notice(Notice(level=logging.ERROR, message="bad"))
    job.display.notice(Notice(level=logging.INFO, message="::notice::fine"))
    assert job.lines == [
        "::warning file=.env,line=2,title=plugin-factory::quoted",
        "::error title=plugin-factory::bad",
        ": :notice::fine",
    ]


def test_each_failed_plugin_is_annotated_with_its_reason() -> None:
    job = Job()
    row = PluginSummary(
        plugin="plugins/a", workspace="todo", outcome="failed", error="no main", log="/l.log"
    )
    job.display.show(RunFinished(summaries=(row,), output_dir="/o", report="r", seconds=1))
    assert job.lines == [
        "::error title=todo/plugins/a was not built::no main%0Alog: /l.log",
    ]
    assert "✗ plugins/a  no main" in job.out.getvalue()
