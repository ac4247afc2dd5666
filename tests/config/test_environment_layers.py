"""The environment of a workspace: defaults, then the process, then `.env`, and never os.environ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import default_environment, layer_environment, read_env_file
from factory.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        file = tmp_path / ".env"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def refused(file: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(file)
    return caught.value


def test_a_default_holds_where_nobody_says_otherwise() -> None:
    assert layer_environment({}).get("REGISTRY_INSECURE") == "false"


def test_the_portal_decides_the_version_of_rhdh_cli_where_nobody_says_it() -> None:
    assert not layer_environment({}).get("RHDH_CLI_VERSION")


def test_the_process_wins_over_a_default() -> None:
    assert layer_environment({"REGISTRY_INSECURE": "true"}).get("REGISTRY_INSECURE") == "true"


def test_the_configuration_wins_over_the_process(env_file: Callable[[str], Path]) -> None:
    file = env_file("RHDH_CLI_VERSION=1.9.1\n")
    environment = layer_environment({"RHDH_CLI_VERSION": "1.8.0"}, (file,))
    assert environment.get("RHDH_CLI_VERSION") == "1.9.1"


def test_a_later_file_wins_over_an_earlier_one(tmp_path: Path) -> None:
    root, own = tmp_path / "root.env", tmp_path / "own.env"
    root.write_text("A=root\nB=root\n")
    own.write_text("B=own\n")
    environment = layer_environment({}, (root, own))
    assert (environment.get("A"), environment.get("B")) == ("root", "own")


def test_only_what_a_file_sets_counts_as_configured(env_file: Callable[[str], Path]) -> None:
    environment = layer_environment({"FROM_SHELL": "x"}, (env_file("FROM_FILE=y\n"),))
    assert environment.configured == {"FROM_FILE"}


def test_a_file_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    environment = layer_environment({"A": "b"}, (tmp_path / ".env",))
    assert dict(environment.variables) == default_environment() | {"A": "b"}


def test_os_environ_stays_as_it_is(env_file: Callable[[str], Path]) -> None:
    before = dict(os.environ)
    layer_environment(dict(os.environ), (env_file("PATH=/nowhere\nNEW_VARIABLE=1\n"),))
    assert dict(os.environ) == before


def test_the_environment_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        layer_environment({}).variables["A"] = "b"  # type: ignore[index]


@pytest.mark.parametrize("quote", ["'", '"'])
def test_literal_quotes_of_the_process_are_dropped_with_a_warning(
    quote: str, caplog: pytest.LogCaptureFixture
) -> None:
    environment = layer_environment({"REGISTRY_URL": f"{quote}quay.io{quote}"})
    assert environment.get("REGISTRY_URL") == "quay.io"
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert "REGISTRY_URL is wrapped in literal quotes" in warning.getMessage()


def test_the_warning_about_quotes_does_not_tell_the_value(caplog: pytest.LogCaptureFixture) -> None:
    layer_environment({"REGISTRY_PASSWORD": '"hunter22"'})
    assert "REGISTRY_PASSWORD" in caplog.text
    assert "hunter22" not in caplog.text


@pytest.mark.parametrize("value", ['"', "'quay.io\"", 'a"b"', ""])
def test_quotes_that_do_not_wrap_a_value_belong_to_it(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert layer_environment({"REGISTRY_URL": value}).variables["REGISTRY_URL"] == value
    assert not caplog.records


def test_quotes_in_a_variable_that_is_not_ours_belong_to_it() -> None:
    assert layer_environment({"PS1": '"$ "'}).variables["PS1"] == '"$ "'


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=exported", "exported"),
        ("A='single quoted'", "single quoted"),
        ('A="double quoted"', "double quoted"),
        ("A=value # a comment", "value"),
        ("A='a # in quotes'", "a # in quotes"),
        ("A=${HOME}/bin", "${HOME}/bin"),
        ('A="first\nsecond"', "first\nsecond"),
        ("A=", ""),
        ("A=first\nA=second", "second"),
        ("A=with\r", "with"),
        ("\ufeffA=after a byte order mark", "after a byte order mark"),
    ],
)
def test_an_assignment_is_read_as_a_shell_would(
    line: str, value: str, env_file: Callable[[str], Path]
) -> None:
    assert read_env_file(env_file(f"{line}\n")) == {"A": value}


def test_a_name_without_a_value_sets_nothing(env_file: Callable[[str], Path]) -> None:
    assert read_env_file(env_file("ONLY_A_NAME\n# a comment\n\nA=b\n")) == {"A": "b"}


@pytest.mark.parametrize("bad", ["these are words", "=value", "A='not closed", "A=a\0b"])
def test_a_line_that_is_no_assignment_is_named(bad: str, env_file: Callable[[str], Path]) -> None:
    file = env_file(f"A=b\n\n# comment\n{bad}\nC=d\n")
    error = refused(file)
    assert error.place
    assert (error.place.file, error.place.line) == (file, 4)
    assert error.expected == "NAME=value"


def test_the_text_of_a_bad_line_is_not_shown(env_file: Callable[[str], Path]) -> None:
    error = refused(env_file("PASSWORD hunter22 forgotten\n"))
    assert "hunter22" not in str(error)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"NAME=caf\xe9\n")
    error = refused(file)
    assert error.problem == ".env is not UTF-8 text"
    assert error.found == "byte 0xe9 at offset 8"
    assert error.hint == "save it as UTF-8"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that gives EIO")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.symlink_to("/proc/self/mem")  # a regular file that not even root can read from its start
    error = refused(file)
    assert error.problem == ".env cannot be read"
    assert error.found == "Input/output error"
