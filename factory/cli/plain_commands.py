"""Commands that are called without typer where each word of the command line is plain.

Typer takes longer to load than such a command takes to do its work. So commands that editors and
hooks call often have what they take in a table here, and a function that takes it. A command line
that is not plain (help, a word that the table lacks or that has another form, a variable of ours)
is typer's, which knows all of it. The tests hold the table against what typer has.
"""

from __future__ import annotations

import importlib
import os
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from factory.config.own_variables import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class PlainCommand(NamedTuple):
    """A command that takes flags and options with a value, each of which leads to a parameter.

    ``name`` in ``module`` is the function that is called, with the environment before all else if
    it ``takes_process``. ``folder`` is the parameter for a word beside the options, if there may
    be one.
    """

    module: str
    name: str
    flags: Mapping[str, str]
    texts: Mapping[str, str]
    paths: Mapping[str, str]
    folder: str = ""
    takes_process: bool = False


PLAIN_COMMANDS: Mapping[str, PlainCommand] = MappingProxyType(
    {
        "analyze": PlainCommand(
            module="factory.cli.analyze_folder",
            name="analyze_folder",
            flags={
                "--check": "check",
                "--write": "write",
                "--verbose": "verbose",
                "--json": "as_json",
            },
            texts={"--host": "host"},
            paths={"--plugins-list": "plugins_list"},
            folder="workspace",
        ),
        "build": PlainCommand(
            module="factory.cli.run_build",
            name="build_folders",
            flags={"--verbose": "verbose"},
            texts={},
            paths={
                "--config-dir": "config_dir",
                "--repo-path": "repo_path",
                "--output-dir": "output_dir",
                "--cache-dir": "cache_dir",
            },
            takes_process=True,
        ),
    }
)


def find_plain_call(
    words: Sequence[str], process: Mapping[str, str]
) -> Callable[[], int | None] | None:
    """Return the call that a command line means, or None where typer has to read it.

    What is called returns an exit code, or None for success.

    Args:
        words: the command and what follows it.
        process: the environment, in which a variable may be an option's.
    """
    command = PLAIN_COMMANDS.get(words[0]) if words else None
    if command is None or any(name.lstrip("_").startswith(PREFIX) for name in process):
        return None
    values = _values(command, words[1:])
    if values is None:
        return None
    call: Callable[..., int | None]
    call = getattr(importlib.import_module(command.module), command.name)
    if command.takes_process:
        call = partial(call, MappingProxyType(dict(process)))
    return partial(call, **values)


def _values(command: PlainCommand, words: Sequence[str]) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name: str
        value: Any
        if word in command.flags:
            name, value = command.flags[word], True
        elif word in command.texts:
            name, value = command.texts[word], _text(next(rest, ""))
        elif word in command.paths:
            name, value = command.paths[word], _path(next(rest, ""))
        else:
            name, value = command.folder, _path(word)
        if not name or value is None or name in values:
            return None
        values[name] = value
    return values


def _text(word: str) -> str | None:
    return word if word and word.isascii() and not word.startswith("-") else None


def _path(word: str) -> Path | None:
    """A path, unless it is one that is there and may not be read, which typer refuses."""
    if _text(word) is None or (os.path.lexists(word) and not os.access(word, os.R_OK)):
        return None
    return Path(word)
