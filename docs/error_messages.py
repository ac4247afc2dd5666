"""The messages of the errors that the program raises, read from its source without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.errors import every_error_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILLED_IN = "…"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Message:
    """What an error says; ``…`` stands for what is known only then.

    ``error`` is the name of its class; ``expected`` and ``hint`` are empty where the source has no
    text for them.
    """

    error: str
    problem: str
    expected: str = ""
    hint: str = ""


def messages(package: Path) -> list[Message]:
    """Return the messages of a package's modules, each once, in the order of their words."""
    names = {error.__name__ for error in every_error_class()}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(package.rglob("*.py"))]
    modules = _with_constants(trees)
    found = {each for calls, known in modules for each in _raised(calls, names, known)}
    # Of one that is raised in several places, the one that advises.
    advised = {(each.error, each.problem) for each in found if each.hint}
    return sorted(
        (each for each in found if each.hint or (each.error, each.problem) not in advised),
        key=lambda each: (each.problem.lstrip(FILLED_IN + " ").lower(), each),
    )


def _with_constants(trees: list[ast.Module]) -> Iterator[tuple[list[ast.Call], dict[str, str]]]:
    """Each module's calls, and the texts that its names stand for: its own, and imported ones."""
    own = [dict(_constants(tree)) for tree in trees]
    for tree, mine in zip(trees, own, strict=True):
        calls = []
        imported = {}
        for node in ast.walk(tree):  # once: it takes most of the time
            if isinstance(node, ast.Call):
                calls.append(node)
            elif isinstance(node, ast.ImportFrom):
                imported.update({name.name: name.asname or name.name for name in node.names})
        texts: dict[str, set[str]] = {}
        for constants in own:
            for name in imported.keys() & constants.keys():
                texts.setdefault(imported[name], set()).add(constants[name])
        # Two modules may have a name in common: then it is not known which is imported.
        yield calls, {name: text for name, (text, *more) in texts.items() if not more} | mine


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names of a module that are another word for one text, such as a file's name."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=ast.Constant(value=str(text))):
                yield from ((each.id, text) for each in targets if isinstance(each, ast.Name))
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for each, value in zip(targets, values, strict=False):
                    if isinstance(each, ast.Name) and isinstance(value, ast.Constant):
                        yield each.id, str(value.value)
            case _:
                pass


def _raised(
    calls: list[ast.Call], names: set[str], constants: Mapping[str, str]
) -> Iterator[Message]:
    for node in calls:
        if not (isinstance(node.func, ast.Name) and node.func.id in names and node.args):
            continue
        problem = _text(node.args[0], constants)
        if _tells(problem):
            more = {each.arg: _text(each.value, constants) for each in node.keywords}
            expected, hint = (more.get(name, "") for name in ("expected", "hint"))
            yield Message(
                error=node.func.id,
                problem=problem,
                expected=expected if _tells(expected) else "",
                hint=hint if _tells(hint) else "",
            )


def _tells(text: str) -> bool:
    return bool(text.strip(f"{FILLED_IN} :,'"))


def _text(node: ast.expr, constants: Mapping[str, str]) -> str:
    """A text as far as the source has it."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name.isupper() and name in constants:
            return constants[name]
        case ast.FormattedValue(value=value):
            return _text(value, constants)
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, constants) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, constants) + _text(right, constants)
        case _:
            return FILLED_IN
