"""A session of a command that typer has called: its context has the environment and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.cli.open_session import open_session
from factory.cli.option_variables import variable_of
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import typer

    from factory.cli.open_session import Session

# Options that protect something: left empty, they would protect nothing, without a word.
_PROTECTS = lazy_pattern(
    r"(?:^|_)(?:keys?|certs?|certificates?|ca|identity|issuer|password|token|auth|signed|provenance)"
    r"(?:_|$)"
)


def session(ctx: typer.Context, **settings: Any) -> AbstractContextManager[Session]:
    """Open a session with the settings of :func:`factory.cli.open_session.open_session`."""
    return open_session(ctx.obj, protecting=protecting_variables(ctx), **settings)


def protecting_variables(ctx: typer.Context) -> list[str]:
    """Return the variables of those of the command's options that protect something."""
    protecting = (param for param in ctx.command.params if _PROTECTS.search(param.name or ""))
    return [variable for param in protecting if (variable := variable_of(param))]
