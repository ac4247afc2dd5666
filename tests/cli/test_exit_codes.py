"""How a run ends: one exit code a class of failure, every error shown, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.cli import app
from factory.errors import FactoryError, Place, every_error_class


def test_every_class_of_failure_has_its_own_code() -> None:
    codes = [error.exit_code for error in every_error_class()]
    assert len(codes) == len(set(codes))
    assert all(0 < code < 256 for code in codes)


def test_the_codes_of_signals_are_those_of_shells() -> None:
    codes = {error.kind: error.exit_code for error in every_error_class()}
    assert (codes["interrupted"], codes["terminated"]) == (128 + 2, 128 + 15)


def test_every_class_of_failure_says_what_it_means() -> None:
    kinds = [error.kind for error in every_error_class()]
    assert len(kinds) == len(set(kinds))
    meanings = [error.meaning for error in every_error_class()]
    assert len(meanings) == len(set(meanings))
    assert all(meanings)


@pytest.mark.parametrize("kind", every_error_class(), ids=lambda kind: kind.kind)
def test_every_error_is_shown_whole_and_ends_with_its_code(
    kind: type[FactoryError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind(
            "what went wrong",
            place=Place(file=Path("/config/source.json"), line=3, column=7, field="repo"),
            found="this",
            expected="that",
            hint="do-this --now",
            details="line one\nline two",
            log=Path("/outputs/logs/stage.log"),
        )

    monkeypatch.setattr("factory.cli.run_build.plan_run", fail)
    code = app.run(["build", "--config-dir", str(tmp_path)], {"PATH": ""})
    shown = capsys.readouterr().err
    assert code == kind.exit_code
    for fact in (
        "what went wrong",
        "/config/source.json:3:7 (repo)",
        "this",
        "that",
        "do-this --now",
        "line one",
        "line two",
        "/outputs/logs/stage.log",
    ):
        assert fact in shown
    assert "Traceback" not in shown


def test_a_mistake_of_ours_is_said_as_such_with_a_log_to_send(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("hunter22 is not there")

    monkeypatch.setattr("factory.cli.run_build.plan_run", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    process = {"PATH": "", "NPM_TOKEN": "hunter22"}
    code = app.run(["build", "--config-dir", str(tmp_path)], process)
    shown = capsys.readouterr().err
    (log,) = tmp_path.glob("plugin-factory-*.log")
    assert code == 1
    assert ": LookupError: *** is not there" in shown
    assert "internal error in plugin-factory " in shown
    assert str(log) in shown
    assert "please report it" in shown
    assert "Traceback" not in shown
    assert log.read_text().startswith("Traceback")
    assert "hunter22" not in log.read_text()


def test_an_error_in_the_env_file_is_shown_as_any_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("these are words\n")
    assert app.run(["build", "--config-dir", str(tmp_path)], {"PATH": ""}) == 3
    assert f"{tmp_path}/.env:1" in capsys.readouterr().err


def test_a_secret_of_the_env_file_is_masked_in_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MY_TOKEN=hunter22\n")
    (tmp_path / "source.json").write_text('{"repo": "r", "workspace-path": "/hunter22"}')
    assert app.run(["build", "--config-dir", str(tmp_path)], {"PATH": ""}) == 3
    shown = capsys.readouterr().err
    assert "/***" in shown
    assert "hunter22" not in shown
