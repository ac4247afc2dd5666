"""Keys of a configuration that a plugin's schema does not describe, where it describes others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory.notation.limits import Steps

_DEEPEST = 32
_MOST_PARTS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownKey:
    """A key: the way to it from the root, and the keys that are described in its place."""

    way: Steps
    known: tuple[str, ...]


def find_unknown_keys(
    config: Mapping[str, Any], schemas: Sequence[Mapping[str, Any]]
) -> Iterator[UnknownKey]:
    """Yield the keys that no schema describes, in maps whose keys are described.

    At the root all keys pass, since other plugins and the portal have theirs there. So do keys of a
    map that a schema leaves open (``additionalProperties``, ``patternProperties``); and what a
    schema forbids is left to the schema.
    """
    parts = [(schema, schema) for schema in schemas]
    yield from _unknown_in(config, parts, ())


def _unknown_in(
    config: Any, parts: list[tuple[Any, Mapping[str, Any]]], way: Steps
) -> Iterator[UnknownKey]:
    """``parts`` are the schemas that are about a value, each with the document that it is in."""
    if not isinstance(config, dict) or len(way) > _DEEPEST:
        return
    together = _with_branches(parts)
    described = [
        (part["properties"], root)
        for part, root in together
        if isinstance(part.get("properties"), dict)
    ]
    names = tuple(dict.fromkeys(str(name) for names, _ in described for name in names))
    is_open = any(
        "additionalProperties" in part or part.get("patternProperties") for part, _ in together
    )
    for key, inner in config.items():
        below = [(names[key], root) for names, root in described if key in names]
        if below:
            yield from _unknown_in(inner, below, (*way, str(key)))
        elif way and names and not is_open:
            yield UnknownKey(way=(*way, str(key)), known=names)


def _with_branches(
    parts: list[tuple[Any, Mapping[str, Any]]],
) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    """The schemas with those that they refer to or are made of."""
    found: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
    todo = list(parts)
    seen: set[int] = set()
    while todo and len(found) < _MOST_PARTS:
        part, root = todo.pop(0)
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        found.append((part, root))
        todo += [
            (one, root) for name in ("allOf", "anyOf", "oneOf") for one in _list(part.get(name))
        ]
        todo += [(one, root) for name in ("if", "then", "else") if (one := part.get(name))]
        if isinstance(reference := part.get("$ref"), str):
            todo.append((_find_referred(reference, root), root))
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _find_referred(reference: str, root: Mapping[str, Any]) -> Any:
    """What a reference within the document leads to; of one elsewhere, nothing is known."""
    if not reference.startswith("#"):
        return {"additionalProperties": True}
    here: Any = root
    for step in filter(None, reference[1:].split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        here = here.get(name) if isinstance(here, dict) else None
    return here
