"""Values that are what they look like: texts, paths, whole numbers, choices, taken as they stand.

Typer converts values with pydantic, which takes longer to load than many a command to run, and it
does so for each option, given or not. So what is plainly right is converted here, to the same; all
else goes on to typer, which converts it or says what is wrong with it.
"""

from __future__ import annotations

import os
from enum import Enum
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import ParameterInfo

from factory.patterns import lazy_pattern

UNKNOWN: Any = object()
"""What a value is that has to be converted by typer."""
_TYPERS_FLAGS = frozenset({"help", "install_completion", "show_completion"})
_WRITTEN_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# What else an option can ask of its values: those that do are typer's.
_DEMANDS = (
    *("exists", "file_okay", "dir_okay", "writable", "readable", "resolve_path", "allow_dash"),
    *("path_type", "parser", "click_type", "clamp", "callback", "formats", "mode"),
)
_USUAL = typer.Option()
_DIGITS = lazy_pattern(r"[0-9]{1,15}")


def take_plain_values(command: Any) -> None:
    """Let the options and arguments of a command, and of all below it, take plain values."""
    for below in getattr(command, "commands", {}).values():
        take_plain_values(below)
    command.get_params = partial(_params, command.get_params)
    if command.callback is None:
        return
    declared = getattr(command.callback, "__wrapped__", command.callback)  # in typer's own function
    hints = get_type_hints(declared, include_extras=True)
    for parameter in command.params:
        kind, about = _kind_and_declaration(hints.get(parameter.name))
        if kind is not None and not _demands(about):
            parameter.process_value = partial(
                _process, parameter, partial(plain_value, kind, about), parameter.process_value
            )


def plain_value(kind: Any, about: Any, value: Any) -> Any:
    """Return a value as one of its kind, or :data:`UNKNOWN` if it is not plainly one.

    Args:
        kind: ``str``, ``bool``, ``int``, ``float``, ``Path`` or an enumeration.
        about: typer's declaration of the option or argument, which has limits of numbers.
        value: what was typed, or a default, which is of its kind already.
    """
    if kind is bool:
        return _WRITTEN_FLAGS.get(value, UNKNOWN) if isinstance(value, str) else UNKNOWN
    if kind in (int, float):
        return _number(kind, about, value)
    if not isinstance(value, kind | str) or not _is_text(str(value)):
        return UNKNOWN
    if kind is str:
        return str(value)
    if kind is Path:
        # One that is there but may not be read is refused by typer.
        return Path(value) if not os.path.lexists(value) or os.access(value, os.R_OK) else UNKNOWN
    return value if isinstance(value, kind) else _choice(kind, value)


def switch_flags_off(parameters: list[Any]) -> list[Any]:
    """Return parameters, of which the flags that typer adds are off and not without a value."""
    for parameter in parameters:
        if parameter.name in _TYPERS_FLAGS and parameter.default is None:
            parameter.default = False
    return parameters


def _params(get_params: Any, ctx: Any) -> list[Any]:
    return switch_flags_off(get_params(ctx))


def _kind_and_declaration(hint: Any) -> tuple[Any, Any]:
    """The kind of a parameter's values, None if not one of ours, and typer's declaration of it."""
    about = _USUAL
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        about = next((each for each in notes if isinstance(each, ParameterInfo)), about)
    rest = [each for each in get_args(hint) if each is not NoneType]
    if len(rest) == 1 and (NoneType in get_args(hint) or get_origin(hint) is list):
        hint = rest[0]
        if get_origin(hint) is list:
            (hint,) = get_args(hint)
    is_ours = hint in (str, bool, int, float, Path) or (
        isinstance(hint, type) and issubclass(hint, Enum)
    )
    return (hint if is_ours else None), about


def _demands(about: Any) -> bool:
    return any(getattr(about, name, None) != getattr(_USUAL, name, None) for name in _DEMANDS)


def _process(parameter: Any, plain: Any, process: Any, ctx: Any, value: Any) -> Any:
    """Process a parameter's value as click asks for it: ``process`` does what is not plain."""
    several = parameter.multiple or parameter.nargs == -1
    if value is None or (several and not value):
        taken: Any = UNKNOWN if parameter.required else () if several else None
    elif several:
        each = [plain(one) for one in value] if isinstance(value, list | tuple) else [UNKNOWN]
        taken = UNKNOWN if any(one is UNKNOWN for one in each) else each
    else:
        taken = plain(value)
    return process(ctx, value) if taken is UNKNOWN else taken


def _number(kind: type, about: Any, value: Any) -> Any:
    if kind is int and isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not kind:
        return UNKNOWN
    least, most = about.min, about.max
    is_within = (least is None or value >= least) and (most is None or value <= most)
    return value if is_within else UNKNOWN


def _choice(kind: type[Enum], value: str) -> Any:
    return next((each for each in kind if str(each.value) == value), UNKNOWN)


def _is_text(value: str) -> bool:
    """Whether a word of the command line could be read in its encoding (PEP 383)."""
    return value.isascii() or value.encode(errors="replace").decode() == value
