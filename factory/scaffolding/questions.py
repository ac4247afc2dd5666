"""The questions of ``plugin-factory init``: each has an option, and most have a default.

Where nobody can answer, the default is taken; where there is none, the error names the option.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from factory.config.ci_system import CiSystem
from factory.errors import UsageError
from factory.quantities import join_names, pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.scaffolding.init_options import (
        Ask,
        InitOptions,
    )
    from factory.scaffolding.survey import FoundWorkspace

DEFAULT_CONFIG_DIR = Path("config")
_MOST_TRIES = 5
_SHOWN = 20
_ALL = frozenset({"all", "*", "a"})


def ask_origin(init_options: InitOptions, ask: Ask | None) -> InitOptions:
    """Return the wishes with a configuration directory, and a repository or a folder.

    Raises:
        UsageError: neither is known, and nobody can be asked.
    """
    if init_options.repo is None and init_options.local is None and not init_options.packages:
        init_options = _ask_source(init_options, ask)
        if ask and init_options.repo and init_options.ref is None:
            said = _answer(ask, "Branch, tag or commit [the default branch]: ", "--source-ref REF")
            init_options = replace(init_options, ref=said or None)
    if init_options.config_dir is None:
        question = f"Directory for the configuration [{DEFAULT_CONFIG_DIR}]: "
        said = _answer(ask, question, "CONFIG_DIR") if ask else ""
        init_options = replace(
            init_options, config_dir=Path(said).expanduser() if said else DEFAULT_CONFIG_DIR
        )
    return init_options


def ask_workspaces(found: Sequence[FoundWorkspace], ask: Ask | None) -> tuple[FoundWorkspace, ...]:
    """Return which of several workspaces are wanted.

    Raises:
        UsageError: nobody can be asked, or no answer could be used.
    """
    paths = [each.path for each in found]
    lines = [
        f"  {number:>3}  {each.path}  ({pluralize(len(each.plugins), 'plugin')})"
        for number, each in enumerate(found, start=1)
    ]
    if ask is None:
        raise UsageError(
            f"the source has {len(paths)} workspaces with plugins",
            found=join_names(paths, _SHOWN),
            expected="--workspace-path PATH, which may be repeated, or --all-workspaces",
        )
    head = "\n".join([f"{len(paths)} workspaces with plugins:", *lines])
    question = f"{head}\nWhich ones? Numbers, names, patterns, or all: "
    chosen = _ask_choice(question, paths, ask, option="--workspace-path PATH", default="")
    return tuple(found[number] for number in chosen)


def ask_plugins(names: Sequence[str], ask: Ask) -> tuple[int, ...]:
    """Return the numbers, from 0, of the plugins that are wanted; no answer means all."""
    lines = [f"  {number:>3}  {name}" for number, name in enumerate(names, start=1)]
    head = "\n".join([f"{pluralize(len(names), 'plugin')}:", *lines])
    question = f"{head}\nWhich ones? Numbers, paths, patterns [all]: "
    return _ask_choice(question, names, ask, option="--only PATTERN", default="all")


def ask_ci(ask: Ask) -> CiSystem | None:
    """Return the CI system that a file is wanted for; no answer means none."""
    systems = [system.value for system in CiSystem]
    for _ in range(_MOST_TRIES):
        said = _answer(ask, f"A file for a CI: {', '.join(systems)} or none [none]: ", "--ci")
        word = said.lower()
        if word in {"", "none", "no", "n"}:
            return None
        if word in systems:
            return CiSystem(word)
    raise _no_answer("--ci")


def _ask_source(init_options: InitOptions, ask: Ask | None) -> InitOptions:
    if ask is None:
        raise UsageError(
            "the source of the plugins is missing",
            expected="--source-repo URL, or --local PATH for a workspace on this machine",
        )
    here = (init_options.here / "package.json").is_file()
    question = "Repository (a URL), or a folder on this machine" + (" [.]" if here else "") + ": "
    for _ in range(_MOST_TRIES):
        said = _answer(ask, question, "--source-repo URL") or ("." if here else "")
        if said:
            folder = init_options.here / Path(said).expanduser()
            is_folder = "://" not in said and folder.is_dir()
            return (
                replace(init_options, local=folder)
                if is_folder
                else replace(init_options, repo=said)
            )
    raise _no_answer("--source-repo URL")


def _ask_choice(
    question: str, names: Sequence[str], ask: Ask, *, option: str, default: str
) -> tuple[int, ...]:
    for _ in range(_MOST_TRIES):
        words = (_answer(ask, question, option) or default).replace(",", " ").split()
        picked = [_pick(word, names) for word in words]
        if words and all(picked):
            return tuple(sorted({number for numbers in picked for number in numbers}))
        wrong = [word for word, numbers in zip(words, picked, strict=True) if not numbers]
        if wrong:
            question = f"{', '.join(wrong)}: not found. Which ones? "
    raise _no_answer(option)


def _pick(word: str, names: Sequence[str]) -> tuple[int, ...]:
    """The names that an answer's word means: a number, two with a dash, a name or a pattern."""
    if word.lower() in _ALL:
        return tuple(range(len(names)))
    first, dash, last = word.partition("-")
    if first.isdecimal() and (not dash or last.isdecimal()):
        numbers = range(int(first), int(last if dash else first) + 1)
        return tuple(n - 1 for n in numbers if 1 <= n <= len(names))
    return tuple(
        number
        for number, name in enumerate(names)
        if fnmatchcase(name, word) or fnmatchcase(PurePosixPath(name).name, word)
    )


def _answer(ask: Ask, question: str, option: str) -> str:
    said = ask(question)
    if said is None:
        raise _no_answer(option)
    return said


def _no_answer(option: str) -> UsageError:
    return UsageError("a question was not answered", expected=option)
