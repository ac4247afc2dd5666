"""What the image says of itself, and its command line."""

from __future__ import annotations

import json

import pytest

from factory import __version__

from .engine import IMAGE, Engine


def configuration(engine: Engine) -> dict[str, object]:
    said = engine.podman("image", "inspect", IMAGE, "--format", "{{json .Config}}").stdout
    return dict(json.loads(said))


def test_its_user_is_not_root(engine: Engine) -> None:
    assert configuration(engine)["User"] == "1001:0"


def test_what_is_given_are_words_of_the_factory(engine: Engine) -> None:
    image = configuration(engine)
    assert image["Entrypoint"] == ["plugin-factory"]
    assert not image.get("Cmd")


def test_its_volumes_are_the_defaults_of_the_options(engine: Engine) -> None:
    assert set(configuration(engine)["Volumes"]) == {"/config", "/source", "/outputs"}  # type: ignore[call-overload]


def test_it_says_what_it_is(engine: Engine) -> None:
    labels = configuration(engine)["Labels"]
    assert isinstance(labels, dict)
    named = {name.removeprefix("org.opencontainers.image."): text for name, text in labels.items()}
    assert named["title"] == "plugin-factory"
    assert named["licenses"] == "Apache-2.0"
    assert named["version"] == __version__


def test_nothing_of_the_machine_that_built_it_is_in_its_settings(engine: Engine) -> None:
    variables = {str(each).partition("=")[0] for each in configuration(engine)["Env"]}  # type: ignore[attr-defined]
    assert variables <= {
        "PATH",
        "HOME",
        "XDG_CACHE_HOME",
        "YARN_GLOBAL_FOLDER",
        "npm_config_cache",
        "container",
    }


@pytest.mark.parametrize(("word", "said"), [("--version", __version__), ("--help", "build")])
def test_the_command_line_is_there(engine: Engine, word: str, said: str) -> None:
    ended = engine.run(IMAGE, word)
    assert ended.code == 0, ended.said
    assert said in ended.stdout


def test_the_tools_of_a_build_are_installed(engine: Engine) -> None:
    ended = engine.run(IMAGE, "tools", "install", "--json", network="none")
    assert ended.code == 0, ended.said
    assert set(json.loads(ended.stdout)) == {"cache", "node", "yarn", "rhdh-cli"}
    assert "installing" not in ended.stderr
    ended = engine.run("--entrypoint", "sh", IMAGE, "-c", "git --version && make -v && c++ -v")
    assert ended.code == 0, ended.said


def test_a_build_without_a_configuration_says_what_is_missing(engine: Engine) -> None:
    ended = engine.run(IMAGE)
    assert ended.code == 3, ended.said
    assert "the configuration directory is empty" in ended.stderr
