"""HTML as values: what is no :class:`Markup` is text, and is escaped where it is put in.

https://html.spec.whatwg.org/multipage/syntax.html
"""

from __future__ import annotations

from html import escape
from typing import TypeAlias

_VOID = frozenset({"br", "input", "meta"})


class Markup(str):
    """Text that is HTML already; only :func:`element` and :func:`raw` make it."""

    __slots__ = ()


Child: TypeAlias = "str | Markup | tuple[Child, ...] | list[Child] | None"
Value: TypeAlias = str | int | float | bool | None


def element(tag: str, *children: Child, **attributes: Value) -> Markup:
    """Return an element with its children.

    Args:
        tag: its name.
        children: elements, texts, lists of these; None is nothing.
        attributes: by name, with ``_`` for ``-`` and a ``_`` at the end where Python has the word;
            True is an attribute without a value, False and None leave it out.
    """
    said = "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Return children one after the other."""
    return Markup("".join(_text(child) for child in children))


def raw(text: str) -> Markup:
    """Return a text of this program's own, such as a style sheet, as it is."""
    return Markup(text)


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str):
        return escape(child)
    return join(*child)


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
