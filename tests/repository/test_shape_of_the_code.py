"""What a reader may rely on in ``factory/``: names, numbers of arguments, where imports stand."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
MOST_ARGUMENTS = 8
MOST_LATE_IMPORTS = 30

# Past participles that do not end in "ed", as far as names of functions are made of them.
IRREGULAR = re.compile(
    "begun|bound|bought|brought|built|came|caught|chosen|come|done|drawn|fallen|forgotten|"
    "found|given|gone|grown|heard|held|hidden|kept|known|left|lent|lost|made|meant|met|"
    "paid|said|seen|sent|shown|spoken|stood|taken|taught|thought|thrown|told|took|torn|"
    "understood|worn|written"
)
VERBS = frozenset({"embed", "exceed", "feed", "need", "proceed", "run", "seed", "speed", "succeed"})


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8")))
        for file in sorted((ROOT / "factory").rglob("*.py"))
    )


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_places(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions of a module, and the methods of its classes that are called with brackets."""
    holders: list[ast.Module | ast.ClassDef] = [module]
    holders += [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    for holder in holders:
        for node in holder.body:
            if isinstance(node, ast.FunctionDef) and not is_property(node):
                yield node


def is_property(function: ast.FunctionDef) -> bool:
    names = {ast.unparse(each).rpartition(".")[2] for each in function.decorator_list}
    return bool(names & {"property", "cached_property", "setter"})


def is_bare_participle(name: str) -> bool:
    word = name.strip("_")
    if "_" in word or word in VERBS:
        return False
    return IRREGULAR.fullmatch(word) is not None or word.endswith("ed")


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    listed = function.args
    every = [*listed.posonlyargs, *listed.args, *listed.kwonlyargs]
    return sum(each.arg not in ("self", "cls") for each in every)


def is_command(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = next(iter(function.args.args), None)
    takes_context = first is not None and ast.unparse(first.annotation or first) == "typer.Context"
    return path.startswith("factory/cli/") and takes_context


def test_no_two_classes_have_one_name() -> None:
    count = Counter(
        node.name
        for _, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, number in count.items() if number > 1] == []


def test_no_function_is_named_by_a_bare_participle() -> None:
    bare = [
        f"{path}: {function.name}"
        for path, module in modules()
        for function in public_places(module)
        if is_bare_participle(function.name)
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["finished", "_said", "made", "unquoted", "came"])
def test_a_bare_participle_is_known(name: str) -> None:
    assert is_bare_participle(name)


@pytest.mark.parametrize("name", ["find_written", "feed", "_embed", "read", "run", "note_end"])
def test_other_names_are_no_bare_participles(name: str) -> None:
    assert not is_bare_participle(name)


def test_only_commands_take_many_arguments() -> None:
    many = [
        f"{path}: {function.name} takes {arguments(function)}"
        for path, module in modules()
        for function in functions(module)
        if arguments(function) > MOST_ARGUMENTS and not is_command(path, function)
    ]
    assert many == []


def test_few_imports_stand_elsewhere_than_at_the_top() -> None:
    late = [
        f"{path}:{number}"
        for path, _ in modules()
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa:.*\bPLC0415\b", line)
    ]
    assert len(late) <= MOST_LATE_IMPORTS, "\n".join(late)
