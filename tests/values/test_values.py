"""A dataclass of ours does what Python's own does: each is made both ways, and compared."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import field
from typing import Any

import pytest

from factory.values import dataclass

WAYS = [
    {"frozen": frozen, "kw_only": kw_only, "slots": slots, "eq": eq, "repr": shown}
    for frozen in (True, False)
    for kw_only in (True, False)
    for slots in (True, False)
    for eq in (True, False)
    for shown in (True, False)
]


def by_both(**options: Any) -> list[Any]:
    """A class with a field of each kind, as Python makes it and as we do."""

    def made(decorator: Any) -> Any:
        class Parcel:
            """What is sent."""

            name: str
            weight: int = 1
            labels: list[str] = field(default_factory=list)
            secret: str = field(default="", repr=False, compare=False)
            listed: tuple[str, ...] = field(default=(), hash=False)

            def double(self) -> int:
                return self.weight * 2

        Parcel.__qualname__ = "Parcel"
        return decorator(**options)(Parcel)

    return [made(dataclasses.dataclass), made(dataclass)]


def made_often(parcel: Any, values: int) -> Any:
    """The class when so many values of it have been made."""
    for number in range(values):
        parcel(name=str(number))
    return parcel


def said(make: Any) -> object:
    """What comes of a call: what it returns, or the error in its words."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - whatever it is, both have to raise it
        return type(error), str(error)


@pytest.mark.parametrize("values", [0, 200])
@pytest.mark.parametrize("options", WAYS, ids=str)
def test_a_value_is_made_compared_and_shown_as_pythons(
    options: dict[str, bool], values: int
) -> None:
    told = []
    for parcel in (made_often(each, values) for each in by_both(**options)):
        one, same = parcel(name="a"), parcel(name="a", secret="x")
        other = parcel(name="b", weight=2, labels=["c"], listed=("d",))
        told.append(
            {
                "equal": (one == same, one == other, one != other, one == "a"),
                "shown": (repr(one), repr(other)) if options["repr"] else "",
                "positional": said(lambda p=parcel: dataclasses.asdict(p("a", 3))),
                "nothing": said(lambda p=parcel: p()),
                "too many": said(lambda p=parcel: p("a", 1, [], "", (), 7)),
                "twice": said(lambda p=parcel: p("a", name="b")),
                "unknown": said(lambda p=parcel: p(name="a", size=1)),
                "fields": dataclasses.asdict(other),
                "changed": dataclasses.asdict(dataclasses.replace(one, weight=7)),
                "own lists": one.labels is not same.labels,
                "match": parcel.__match_args__,
                "method": (one.double(), other.double()),
                "slots": hasattr(one, "__dict__"),
                "set": said(lambda one=one: setattr(one, "weight", 5)),
                "delete": said(lambda one=one: delattr(one, "weight")),
                "copied": dataclasses.asdict(copy.copy(other)),
                "deep": dataclasses.asdict(copy.deepcopy(other)),
                "documented": parcel.__doc__,
            }
        )
    assert told[0] == told[1]


@pytest.mark.parametrize("slots", [True, False])
def test_a_frozen_value_takes_no_stray_attribute(slots: bool) -> None:
    for parcel in by_both(frozen=True, slots=slots):
        with pytest.raises((AttributeError, TypeError)):
            parcel(name="a").stray = 5


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_a_values_hash_is_that_of_its_fields_where_python_has_one(
    options: dict[str, bool],
) -> None:
    python, own = by_both(**options)
    hashed = [said(lambda p=p: hash(p(name="a", labels=()))) for p in (python, own)]
    if options["eq"]:
        assert hashed[0] == hashed[1]
    else:
        assert own(name="a") != own(name="a")
        assert len({own(name="a"), own(name="a")}) == 2
        assert isinstance(hashed[1], int)


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to."""

    street: str
    number: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter(Address):
    """Inherits, and is checked."""

    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        if self.text == "nothing":
            raise ValueError("a letter says something")


@dataclass(frozen=True, slots=True)
class Checked:
    """Settles a field, prints and compares itself in its own way."""

    text: str

    def __post_init__(self) -> None:
        """Have small letters only."""
        object.__setattr__(self, "text", self.text.lower())

    def __repr__(self) -> str:
        return f"<{self.text}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checked)

    def __hash__(self) -> int:
        return 7


@dataclass(slots=True)
class Counter:
    """May be changed."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Marker:
    """Has no field."""


@dataclass(frozen=True, order=True, slots=True)
class Ordered:
    """Has an order."""

    number: int


def test_a_value_that_inherits_has_all_fields() -> None:
    letter = Letter(street="a", text="b")
    assert letter == Letter(street="a", number=1, text="b")
    assert repr(letter) == "Letter(street='a', number=1, text='b')"
    with pytest.raises(dataclasses.FrozenInstanceError):
        letter.text = "c"  # type: ignore[misc]
    with pytest.raises(ValueError, match="says something"):
        Letter(street="a", text="nothing")


def test_what_a_class_says_itself_stays() -> None:
    assert Checked("ABC").text == "abc"
    assert repr(Checked("ABC")) == "<abc>"
    assert Checked("a") == Checked("b")
    assert hash(Checked("a")) == 7


def test_what_may_be_changed_has_no_hash() -> None:
    counter = Counter()
    counter.count += 1
    assert counter == Counter(count=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)


def test_values_without_fields_are_equal() -> None:
    assert Marker() == Marker()
    assert hash(Marker()) == hash(Marker())
    assert repr(Marker()) == "Marker()"


def test_an_order_is_that_of_the_fields() -> None:
    assert sorted([Ordered(2), Ordered(1)]) == [Ordered(1), Ordered(2)]


def test_a_value_survives_pickling() -> None:
    address = Address(street="a", number=2)
    assert pickle.loads(pickle.dumps(address)) == address


def test_the_parameters_are_the_fields_once_many_values_were_made() -> None:
    for number in range(200):
        Address(street="a", number=number)
    assert list(inspect.signature(Address).parameters) == ["street", "number"]


def test_a_value_that_holds_itself_can_be_shown() -> None:
    @dataclass(slots=True)
    class Ring:
        """Goes round."""

        following: object = None

    ring = Ring()
    ring.following = ring
    assert repr(ring).endswith("Ring(following=...)")
