"""Values that are written as text and can only mean one thing: taken, with a word.

``"repo-flat": "true"`` stands in public catalogues; ``disabled: yes`` was a truth value in YAML 1.1
and is text in YAML 1.2.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from factory.config.documents import field_name
from factory.config.nested_places import place_of
from factory.schemas import SchemaName, schema

if TYPE_CHECKING:
    from factory.config.documents import Document
    from factory.notation.limits import Steps

log = logging.getLogger(__name__)

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_as_meant(document: Document, name: SchemaName) -> Document:
    """Return ``document`` with text where the schema wants a truth value, and the like, converted.

    Truth values may be written as text (true, false, yes, no, on, off), and a text that may be left
    out as a whole number (a branch that is called 2025). Each is said.
    """
    return replace(document, value=_as_meant(document, document.value, schema(name), ()))


def _as_meant(document: Document, value: Any, wanted: dict[str, Any], way: Steps) -> Any:
    if isinstance(value, dict):
        fields = wanted.get("properties", {})
        return {
            key: _as_meant(document, inner, fields.get(key, {}), (*way, key))
            for key, inner in value.items()
        }
    if isinstance(value, list) and "items" in wanted:
        return [
            _as_meant(document, inner, wanted["items"], (*way, str(number)))
            for number, inner in enumerate(value)
        ]
    meant = _convert(value, wanted.get("type", ()))
    if meant is not value:
        log.warning(
            "%s: %s is %s, and read as %s",
            place_of(document, *way),
            field_name(way[-1:]),
            f'the text "{value}"' if isinstance(value, str) else f"the number {value}",
            str(meant).lower() if isinstance(meant, bool) else f'the text "{meant}"',
        )
    return meant


def _convert(value: Any, wanted: str | list[str]) -> Any:
    types = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, str) and "boolean" in types and "string" not in types:
        return _TRUTH.get(value.strip().casefold(), value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and set(types) == {"string", "null"}:
        return str(value)
    return value
