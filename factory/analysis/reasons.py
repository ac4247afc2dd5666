"""Why an argument is needed, as a value: the chain of packages that leads to it.

A chain may be thousands of packages long and there may be thousands of chains, so what a reason
keeps of a long one is its beginning and its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.graph import Hop, Package

ARROW = " → "
_HEAD = 4
_TAIL = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Trail:
    """A package, and how the analysis came to it; the plugin itself has no ``parent``."""

    package: Package
    parent: Trail | None
    depth: int
    head: tuple[str, ...]

    def to(self, package: Package) -> Trail:
        """Return this trail, one package longer."""
        head = self.head if len(self.head) == _HEAD else (*self.head, str(package))
        return Trail(package=package, parent=self, depth=self.depth + 1, head=head)

    def names(self) -> tuple[str, ...]:
        """Return the packages from the plugin on; the middle of a long trail is one entry."""
        head: tuple[str, ...] = ()
        count = self.depth
        if self.depth > _HEAD + _TAIL:
            head = (*self.head, _count_left_out(self.depth - _HEAD - _TAIL))
            count = _TAIL
        tail: list[str] = []
        trail: Trail | None = self
        while trail and len(tail) < count:
            tail.append(str(trail.package))
            trail = trail.parent
        return (*head, *reversed(tail))


def start_of(plugin: Package) -> Trail:
    """Return the trail that holds only the plugin."""
    return Trail(package=plugin, parent=None, depth=1, head=(str(plugin),))


def way_down(package: Package, hops: Mapping[Package, Hop]) -> tuple[str, ...]:
    """Return the packages after ``package`` on the shortest way to a target, the target last."""
    hop = hops.get(package)
    names: list[str] = []
    while hop:
        if len(names) == _TAIL and hop.distance > 1:
            names += [_count_left_out(hop.distance - 1), str(hop.target)]
            break
        names.append(str(hop.following))
        hop = hops.get(hop.following) if hop.distance > 1 else None
    return tuple(names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """The rule that an argument follows from, the chain from the plugin, and the fact at its end.

    ``rule`` is the number under which docs/build-arguments.md explains it, 0 for what the author
    wrote.
    """

    rule: int
    chain: tuple[str, ...]
    fact: str

    def __str__(self) -> str:
        """``plugin → @acme/x 1.2.0 → @backstage/y 0.3.0 (not in rhdh-1.10)``."""
        return f"{ARROW.join(('plugin', *self.chain[1:]))} ({self.fact})"


@dataclass(frozen=True, kw_only=True, slots=True)
class DerivedArgument:
    """One option with one value, and why; ``option`` with ``value`` is how it is written."""

    option: str
    value: str
    reason: Reason

    def __str__(self) -> str:
        """The argument as it stands in plugins-list.yaml."""
        return f"{self.option} {self.value}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisWarning:
    """Something that the author should know. ``kind`` is a short word to sort by, stable."""

    kind: str
    text: str
    package: str = ""
    found: str = ""
    expected: str = ""

    def __str__(self) -> str:
        """The text, which names both versions where two differ."""
        return self.text


def _count_left_out(count: int) -> str:
    return f"… {count} more …"
