"""What is converted without typer becomes what typer makes of it; the rest is left to typer."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from factory.cli.application import application
from factory.cli.plain_values import UNKNOWN, plain_value, take_plain_values


class Colour(StrEnum):
    RED = "red"
    BLUE = "Blue"


def command_of(seen: dict[str, Any]) -> Any:
    def paint(
        name: Annotated[str | None, typer.Argument()] = None,
        *,
        folder: Annotated[Path, typer.Option()] = Path("here"),
        colour: Annotated[Colour, typer.Option(case_sensitive=False)] = Colour.RED,
        jobs: Annotated[int | None, typer.Option(min=1, max=9)] = None,
        seconds: Annotated[float, typer.Option(min=1)] = 10.0,
        only: Annotated[list[str] | None, typer.Option()] = None,
        also: Annotated[list[Path] | None, typer.Option()] = None,
        quick: Annotated[bool, typer.Option("--quick")] = False,
        push: Annotated[bool | None, typer.Option("--push/--no-push")] = None,
        there: Annotated[Path | None, typer.Option(exists=True)] = None,
    ) -> None:
        seen.update(locals())

    app = typer.Typer(add_completion=False)
    app.command()(paint)
    return get_command(app)


def outcome(words: list[str], defaults: dict[str, Any], *, plain: bool) -> Any:
    seen: dict[str, Any] = {}
    command = command_of(seen)
    if plain:
        take_plain_values(command)
    try:
        command.main(args=words, prog_name="paint", default_map=defaults, standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except Exception as error:  # noqa: BLE001 - whatever typer says is what has to be said
        return type(error).__name__, str(getattr(error, "message", error))
    return seen.pop("seen", None), {name: (type(value), value) for name, value in seen.items()}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a name"],
        ["\udcff"],
        ["--folder", ""],
        ["--folder", "a/../b//c"],
        ["--folder", "\udcff"],
        ["--folder", "/etc"],
        ["--colour", "Blue"],
        ["--colour", "BLUE"],
        ["--colour", "green"],
        ["--jobs", "4"],
        ["--jobs", "0"],
        ["--jobs", "10"],
        ["--jobs", "+4"],
        ["--jobs", "٣"],
        ["--jobs", "9" * 5000],
        ["--jobs", "many"],
        ["--seconds", "2.5"],
        ["--seconds", "0"],
        ["--only", "a", "--only", "\udcff"],
        ["--only", "a", "--only", "b"],
        ["--also", "a", "--also", "."],
        ["--quick"],
        ["--push"],
        ["--no-push"],
        ["--there", "nowhere"],
        ["--there", "/"],
    ],
    ids=ascii,
)
def test_values_are_those_that_typer_makes(words: list[str]) -> None:
    assert outcome(words, {}, plain=True) == outcome(words, {}, plain=False)


@pytest.mark.parametrize(
    "defaults",
    [
        {"quick": value}
        for value in ("true", "True", "1", "0", "false", " true ", "yes", "perhaps", "")
    ]
    + [{"push": "true"}, {"push": "off"}, {"jobs": "3"}, {"jobs": " 3 "}, {"only": ["a", "b"]}]
    + [{"only": "ab"}, {"colour": "red"}, {"folder": "x"}, {"seconds": "3"}],
    ids=str,
)
def test_values_of_variables_are_those_that_typer_makes(defaults: dict[str, Any]) -> None:
    assert outcome([], defaults, plain=True) == outcome([], defaults, plain=False)


def test_what_may_not_be_read_is_left_to_typer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # as for one who is not root
    assert plain_value(Path, typer.Option(), str(closed)) is UNKNOWN
    assert plain_value(Path, typer.Option(), str(tmp_path / "none")) == tmp_path / "none"


def test_every_option_of_every_command_has_a_kind_that_is_known() -> None:
    """One that is not would have typer load its library of validation for each run."""
    pending = list(get_command(application()).commands.items())  # type: ignore[attr-defined]
    left = []
    while pending:
        name, command = pending.pop()
        pending += [
            (f"{name} {each}", one) for each, one in getattr(command, "commands", {}).items()
        ]
        left += [
            f"{name}: {parameter.name}"
            for parameter in command.params
            if "process_value" not in vars(parameter)
            and parameter.name not in ("install_completion", "show_completion")
        ]
    assert left == []


@pytest.mark.parametrize(
    "words",
    [
        ["analyze", "nowhere"],
        ["build", "--config-dir", "nowhere", "--jobs", "2", "--log-level", "ERROR"],
        ["cache", "list", "--cache-dir", "nowhere"],
        ["host", "list"],
    ],
    ids=" ".join,
)
def test_no_command_loads_the_library_of_validation(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from factory.cli.app import run; run(sys.argv[1:], {'PATH': ''});"
        "sys.exit('pydantic' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
