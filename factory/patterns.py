"""Regular expressions that are compiled when they are first used.

A command loads hundreds of them and uses some: to compile all took longer than to load the modules
that they are in. Type checkers see ``re.compile``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["lazy_pattern"]

if TYPE_CHECKING:
    from re import compile as lazy_pattern
else:

    class lazy_pattern:  # noqa: N801 - what others call is a function for them
        """A regular expression with the methods of ``re.Pattern``."""

        def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
            self._given = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            """Compile the expression and return a method of it, or a fact about it."""
            found = getattr(re.compile(*self._given), name)
            setattr(self, name, found)  # not asked for here again
            return found

        def __reduce__(self) -> tuple[Any, ...]:
            """Copies are of the compiled one."""
            return re.compile, self._given
