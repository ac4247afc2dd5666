"""Limits on what a frontend may add to a page, from a file, and what is beyond them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.documents import read_yaml_map, validate
from factory.config.quantities_read import size_bytes
from factory.errors import ConfigurationError, UsageError
from factory.inspection.inspect_bundle import WHEN
from factory.quantities import size
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from factory.inspection.inspect_bundle import InspectedBundle

TOTAL = "total"
_FIELDS = {"entry": "entry", "at-once": "at once", "later": "later", TOTAL: TOTAL}


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeLimits:
    """The most bytes, as gzip sends them, by part of a bundle, and packages that are refused."""

    most: dict[str, int]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Excess:
    """What is beyond a limit: of which bundle, what was found and what was allowed."""

    system: str
    what: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.system} frontend system: {self.what}: {self.found}, allowed: {self.allowed}"


def read_size_limits(file: Path) -> SizeLimits:
    """Return the limits of a YAML or JSON file of the schema ``inspect-limits``.

    Raises:
        ConfigurationError: it is not there, or has another form.
    """
    document = validate(read_yaml_map(file), "inspect-limits")
    most = {}
    for field, value in document.value.items():
        if field not in _FIELDS:
            continue
        try:
            most[_FIELDS[field]] = value if isinstance(value, int) else size_bytes(value, field)
        except UsageError as error:
            raise ConfigurationError(
                "a limit is not a size",
                place=document.place(field),
                found=error.found,
                expected=error.expected,
                hint="write it as bytes, or as 300KB or 2MB",
            ) from error
    return SizeLimits(most=most, refused=tuple(document.value.get("refused-packages", ())))


def find_excesses(bundles: Sequence[InspectedBundle], limits: SizeLimits) -> Iterator[Excess]:
    """Yield what of the bundles is beyond the limits."""
    for bundle in bundles:
        sizes: dict[str, int] = {when: bundle.total(when)[1] for when in WHEN}
        sizes[TOTAL] = sum(sizes.values())
        for what, most in limits.most.items():
            if sizes[what] > most:
                yield Excess(
                    system=bundle.system, what=what, found=size(sizes[what]), allowed=size(most)
                )
        inside = {one.name: one.size for one in bundle.packages}
        for name in limits.refused:
            if name in inside:
                yield Excess(
                    system=bundle.system, what=name, found=size(inside[name]), allowed="none of it"
                )
