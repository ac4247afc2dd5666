"""Values: dataclasses whose methods are not compiled before they are needed.

Python writes and compiles six functions for each frozen dataclass, in half a millisecond. A command
loads hundreds of them, makes many values of a few, and compares or prints hardly any. So methods
are the same functions for all classes, and only a class of many values gets an ``__init__`` of
its own, as Python's. All else is Python's (``fields``, ``replace``, ``asdict``, patterns), and type
checkers see its decorator.
"""

from __future__ import annotations

import dataclasses
import reprlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

# Of so many values the slow way takes as long as to compile a fast one.
_FEW = 50
_NONE: Any = object()

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(
        *,
        frozen=False,
        kw_only=False,
        slots=False,
        eq=True,
        repr=True,  # noqa: A002 - Python's own word for it
        order=False,
    ) -> Callable[[type], type]:
        """Return a decorator that does what :func:`dataclasses.dataclass` does."""

        def decorate(cls: type) -> type:
            if order or any(map(dataclasses.is_dataclass, cls.__bases__)):
                whole = {"frozen": frozen, "eq": eq, "repr": repr, "order": order}
                return dataclasses.dataclass(cls, kw_only=kw_only, slots=slots, **whole)
            cls.__doc__ = cls.__doc__ or cls.__name__  # else Python makes one of the signature
            has_hash = _has_hash(cls)
            made = dataclasses.dataclass(
                cls, init=False, repr=False, eq=False, kw_only=kw_only, slots=slots
            )
            made.__dataclass_params__.frozen = frozen  # what inherits from it has to be so, too
            own = vars(made)
            if "__init__" not in own:
                made.__init__ = _first_init(made, frozen=frozen)
            if repr and "__repr__" not in own:
                made.__repr__ = _repr
            if eq:
                _add_comparison(made, frozen=frozen, has_hash=has_hash)
            if frozen:
                _freeze(made)
            return made

        return decorate


def _has_hash(cls: type) -> bool:
    """Whether a class has its own hash, not the None that Python puts beside ``__eq__``."""
    own = vars(cls)
    return "__hash__" in own and not (own["__hash__"] is None and "__eq__" in own)


def _first_init(cls: Any, *, frozen: bool) -> Callable[..., None]:
    """The ``__init__`` of the first values, until one of their own is worth its making."""
    made = 0

    def __init__(self: Any, *args: Any, **given: Any) -> None:  # noqa: N807 - shown in tracebacks
        nonlocal made
        made += 1
        if made > _FEW or not _fill(self, cls, args, given):
            cls.__init__ = _write_init(cls, frozen=frozen)
            cls.__init__(self, *args, **given)
        elif hasattr(cls, "__post_init__"):
            self.__post_init__()

    return __init__


def _fill(self: Any, cls: Any, args: tuple[Any, ...], given: dict[str, Any]) -> bool:
    """Set the fields of a value, and say whether the arguments were such as it takes."""
    left, used = iter(args), 0
    for field in dataclasses.fields(cls):
        value = _NONE if field.kw_only else next(left, _NONE)
        if value is not _NONE:
            pass
        elif field.name in given:
            value = given[field.name]
            used += 1
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            return False
        object.__setattr__(self, field.name, value)
    return used == len(given) and next(left, _NONE) is _NONE


def _write_init(cls: Any, *, frozen: bool) -> Callable[..., None]:
    """The ``__init__`` of a dataclass, with a parameter for each field."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_unset": object()}
    by_place: list[str] = ["self"]
    by_name: list[str] = []
    body: list[str] = []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        parameter = name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_unset"
            value = f"_make_{name}() if {name} is _unset else {name}"
        (by_name if field.kw_only else by_place).append(parameter)
        if frozen and "__slots__" in vars(cls):
            names[f"_set_{name}"] = getattr(cls, name).__set__  # faster than by its name
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*by_place, *(["*", *by_name] if by_name else [])])
    lines = "\n  ".join(body or ["pass"])
    exec(f"def __init__({parameters}):\n  {lines}", names)  # noqa: S102 - the names of fields
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


@reprlib.recursive_repr()
def _repr(self: Any) -> str:
    fields = (field for field in dataclasses.fields(self) if field.repr)
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields)
    return f"{type(self).__qualname__}({shown})"


def _add_comparison(cls: Any, *, frozen: bool, has_hash: bool) -> None:
    fields = dataclasses.fields(cls)
    compared = _getter([field.name for field in fields if field.compare])

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807 - shown in tracebacks
        if other.__class__ is self.__class__:
            return compared(self) == compared(other)
        return NotImplemented

    if "__eq__" not in vars(cls):
        cls.__eq__ = __eq__
    if not frozen and not has_hash:
        cls.__hash__ = None
    elif not has_hash:
        hashed = _getter(
            [each.name for each in fields if (each.compare if each.hash is None else each.hash)]
        )
        cls.__hash__ = lambda self: hash(hashed(self))


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """What takes the values of some fields out of a value, as a tuple also of one or of none."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


def _freeze(cls: Any) -> None:
    cls.__setattr__ = _refuse_to_set
    cls.__delattr__ = _refuse_to_delete
    # Copies are made by setting what has slots, unless the class does it itself.
    if "__slots__" in vars(cls) and "__getstate__" not in vars(cls):
        cls.__getstate__ = _state
        cls.__setstate__ = _set_state


def _refuse_to_set(self: Any, name: str, value: object) -> None:  # noqa: ARG001 - Python's order
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:  # noqa: ARG001 - Python's order
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
