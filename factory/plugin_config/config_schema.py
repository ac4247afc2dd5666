"""Whether a piece of configuration fits a plugin's schema, as Backstage's config-loader has it.

JSON Schema draft 7 (https://json-schema.org/draft-07), with the coercion of scalars that the
config-loader asks of ajv (https://ajv.js.org/coercion.html): ``"true"`` does for a truth value. A
text with ``${NAME}`` does for any scalar, and a map of ``$env``, ``$file`` or ``$include`` for
anything, since what they stand for is known to the portal alone.

A plugin's schema comes from elsewhere: nothing of it is run. So ``pattern`` and ``format`` are not
looked at, and a schema that is nested or branches without end is given up and said to be so.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeGuard

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from factory.notation.limits import Steps

_DEEPEST = 64
_MOST_STEPS = 50_000
_REPLACED = frozenset({"$env", "$file", "$include"})
_NUMBER = lazy_pattern(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaProblem:
    """What of a configuration does not fit: ``way`` leads to it from the root."""

    way: Steps
    found: str
    expected: str


class _TooIntricateError(Exception):
    """The schema needs more steps than any plugin's own does."""


def find_config_problems(
    config: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[SchemaProblem, ...]:
    """Return what of a configuration does not fit a plugin's schema.

    The configuration is a part of a portal's, so that what the schema requires of the root may be
    elsewhere: there, only what is given is looked at.
    """
    try:
        return tuple(dict.fromkeys(_Check(schema).problems(config, schema, (), is_root=True)))
    except _TooIntricateError:
        problem = SchemaProblem(
            way=(), found="a schema that is nested too deeply", expected="a schema that ends"
        )
        return (problem,)


class _Check:
    """One schema at work; counts its steps."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._steps = 0
        self._depth = 0

    def problems(
        self, value: Any, schema: Any, way: Steps, *, is_root: bool = False
    ) -> Iterator[SchemaProblem]:
        self._steps += 1
        if self._steps > _MOST_STEPS or self._depth > _DEEPEST:
            raise _TooIntricateError
        self._depth += 1
        yield from self._problems(value, schema, way, is_root=is_root)
        self._depth -= 1

    def _problems(
        self, value: Any, schema: Any, way: Steps, *, is_root: bool
    ) -> Iterator[SchemaProblem]:
        if schema is False:
            yield SchemaProblem(way=way, found=_show(value), expected="nothing")
        if not isinstance(schema, dict) or _is_replaced(value):
            return
        if "$ref" in schema:  # draft 7: what stands beside it does not count
            yield from self.problems(
                value, self._find_referred(schema["$ref"]), way, is_root=is_root
            )
            return
        yield from self._branches(value, schema, way, is_root=is_root)
        types = _types(schema)
        if types and not any(_fits(value, one) for one in types):
            yield SchemaProblem(way=way, found=_show(value), expected=" or ".join(types))
            return
        if isinstance(value, dict):
            yield from self._of_map(value, schema, way, is_root=is_root)
        elif isinstance(value, list):
            yield from self._of_list(value, schema, way)
        elif not _is_open(value):
            yield from _of_scalar(value, schema, way)

    def _of_map(
        self, value: dict[str, Any], schema: dict[str, Any], way: Steps, *, is_root: bool
    ) -> Iterator[SchemaProblem]:
        properties = _map(schema.get("properties"))
        required = schema.get("required")
        missing = [
            one
            for one in (required if isinstance(required, list) else [])
            if isinstance(one, str) and one not in value
        ]
        if missing and not is_root:
            names = ", ".join(f'"{one}"' for one in missing)
            yield SchemaProblem(way=way, found=f"no {names}", expected=f"the fields {names}")
        others = schema.get("additionalProperties", True)
        open_keys = bool(schema.get("patternProperties"))
        for key, inner in value.items():
            if key in properties:
                yield from self.problems(inner, properties[key], (*way, key))
            elif not open_keys and not (is_root and others is False):
                if others is False:
                    known = ", ".join(map(str, properties)) or "no fields"
                    yield SchemaProblem(way=(*way, key), found="an unknown field", expected=known)
                else:
                    yield from self.problems(inner, others, (*way, key))

    def _of_list(
        self, value: list[Any], schema: dict[str, Any], way: Steps
    ) -> Iterator[SchemaProblem]:
        items = schema.get("items", True)
        for number, inner in enumerate(value):
            if isinstance(items, list):
                more = schema.get("additionalItems", True)
                own = items[number] if number < len(items) else more
            else:
                own = items
            yield from self.problems(inner, own, (*way, str(number)))
        yield from _of_size(len(value), schema, ("minItems", "maxItems"), way)

    def _branches(
        self, value: Any, schema: dict[str, Any], way: Steps, *, is_root: bool
    ) -> Iterator[SchemaProblem]:
        for each in _list(schema.get("allOf")):
            yield from self.problems(value, each, way, is_root=is_root)
        for name in ("anyOf", "oneOf"):
            branches = _list(schema.get(name))
            tried = []
            for each in branches:
                found = list(self.problems(value, each, way, is_root=is_root))
                if not found:
                    break
                tried.append(found)
            if branches and len(tried) == len(branches):
                # What goes wrong deepest is the branch that was meant.
                yield max(tried, key=lambda found: max(len(one.way) for one in found))[0]

    def _find_referred(self, reference: object) -> Any:
        """What a reference within the schema leads to; one elsewhere allows everything."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return True
        here: Any = self._root
        for step in filter(None, reference[1:].split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            here = here.get(name, True) if isinstance(here, dict) else True
        return here


def _of_scalar(value: Any, schema: dict[str, Any], way: Steps) -> Iterator[SchemaProblem]:
    allowed = _list(schema.get("enum")) if "enum" in schema else None
    if "const" in schema:
        allowed = [schema["const"]]
    if allowed is not None and not any(_is_equal(value, one) for one in allowed):
        listed = ", ".join(_show(one) for one in allowed)
        yield SchemaProblem(way=way, found=_show(value), expected=listed)
    if isinstance(value, str):
        yield from _of_size(len(value), schema, ("minLength", "maxLength"), way)
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _of_size(value, schema, ("minimum", "maximum"), way)
        for name, holds in _EXCLUSIVE.items():
            limit = schema.get(name)
            if _is_number(limit) and not holds(value, limit):
                yield SchemaProblem(way=way, found=_show(value), expected=f"{name} {limit}")


_EXCLUSIVE: dict[str, Callable[[float, Any], bool]] = {
    "exclusiveMinimum": lambda value, limit: bool(value > limit),
    "exclusiveMaximum": lambda value, limit: bool(value < limit),
}


def _of_size(
    size: float, schema: dict[str, Any], names: tuple[str, str], way: Steps
) -> Iterator[SchemaProblem]:
    least, most = (schema.get(name) for name in names)
    if _is_number(least) and size < least:
        yield SchemaProblem(way=way, found=str(size), expected=f"{names[0]} {least}")
    if _is_number(most) and size > most:
        yield SchemaProblem(way=way, found=str(size), expected=f"{names[1]} {most}")


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type")
    listed = types if isinstance(types, list) else [types]
    return [one for one in listed if isinstance(one, str)]


def _fits(value: Any, wanted: str) -> bool:
    """Whether a value is of a type, or is one that ajv makes a value of that type."""
    if wanted in {"object", "array"}:
        return isinstance(value, dict if wanted == "object" else list)
    if isinstance(value, dict | list):
        return False
    if _is_open(value) or wanted == "string":
        return True
    if wanted == "boolean":
        return isinstance(value, bool) or value in (None, 0, 1, "true", "false")
    if wanted == "null":
        return value in (None, 0, "")
    return _fits_number(value, whole=wanted == "integer")


def _fits_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return False
        value = float(value)
    if value is None or isinstance(value, bool):
        return True
    return not whole or (math.isfinite(value) and float(value).is_integer())


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _is_replaced(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and bool(_REPLACED & value.keys())


def _is_equal(value: Any, other: Any) -> bool:
    """As JSON has it, 1 being 1.0 and no truth value; a scalar's text does for it, too."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other or _show(value).strip('"') == _show(other).strip('"')
    return bool(value == other) or (
        not isinstance(other, dict | list) and _show(value).strip('"') == _show(other).strip('"')
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _show(value: object) -> str:
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    return json.dumps(value, ensure_ascii=False, default=str)
