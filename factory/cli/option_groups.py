"""Option groups as Typer wants them: a command takes a group, the command line shows its options.

``factory/config/options.py`` states each option once, in frozen dataclasses. A command that has a
parameter of such a class gets the options of its fields, and is called with the group.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

from factory.config.options import BuildOptions, Option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return ``command`` with the options of its groups as parameters of its own.

    Its other parameters stay. The options stand in the order in which the command names the groups
    and the groups name their fields, which is the order that ``--help`` shows.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        annotation = hints[parameter.name]
        if _is_group(annotation):
            groups[parameter.name] = annotation
            parameters.extend(_parameters(annotation))
        else:
            parameters.append(parameter.replace(annotation=annotation))

    @functools.wraps(command)
    def run(*positional: Any, **values: Any) -> None:
        taken = {name: _take(group, values) for name, group in groups.items()}
        command(*positional, **taken, **values)

    shown: Any = run  # typer reads these two
    shown.__signature__ = inspect.Signature(parameters)
    shown.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def share_option(group: type, name: str) -> Any:
    """Return one option of a group, for a command that takes no more of it."""
    _, option = _kind_and_option(get_type_hints(group, include_extras=True)[name])
    return _typer_option(name, option)


def build_words(ctx: typer.Context, *, leave_out: frozenset[str]) -> Iterator[str]:
    """Yield the words of a build that has the options which a command was given.

    Whether on its command line or by variables; ``leave_out`` are names of fields.
    """
    given = {"COMMANDLINE", "DEFAULT_MAP"}
    known = {each.name for each in _parameters(BuildOptions)} - leave_out
    for parameter in ctx.command.params:
        name = parameter.name or ""
        source = ctx.get_parameter_source(name)
        if name not in known or source is None or source.name not in given:
            continue
        value, flag = ctx.params[name], parameter.opts[0]
        if isinstance(value, bool):
            yield flag if value else (parameter.secondary_opts or [f"{flag}=false"])[0]
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            yield from (flag, str(each))


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _parameters(group: Any) -> Iterator[inspect.Parameter]:
    """The options of a group as parameters of a function, those of groups in it in their place."""
    hints = get_type_hints(group, include_extras=True)
    for field in dataclasses.fields(group):
        if _is_group(hints[field.name]):
            yield from _parameters(hints[field.name])
            continue
        kind, option = _kind_and_option(hints[field.name])
        default = field.default
        if get_origin(kind) is tuple:  # Typer has lists, and None where none is given
            kind, default = list[str] | None, None
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[kind, _typer_option(field.name, option)],
        )


def _kind_and_option(hint: Any) -> tuple[Any, Option]:
    kind, *about = get_args(hint)
    (option,) = (each for each in about if isinstance(each, Option))
    return kind, option


def _typer_option(name: str, option: Option) -> Any:
    return typer.Option(
        option.flags or f"--{name.replace('_', '-')}",
        help=option.help,
        rich_help_panel=option.panel,
        metavar=option.metavar,
        min=option.least,
        show_default=option.shows_default,
    )


def _take(group: Any, values: dict[str, Any]) -> Any:
    """The group made of its fields' values, which are taken out of ``values``."""
    hints = get_type_hints(group, include_extras=True)
    taken: dict[str, Any] = {}
    for field in dataclasses.fields(group):
        if _is_group(hints[field.name]):
            taken[field.name] = _take(hints[field.name], values)
            continue
        value = values.pop(field.name)
        several = isinstance(field.default, tuple)
        taken[field.name] = tuple(value or ()) if several else value
    return group(**taken)
